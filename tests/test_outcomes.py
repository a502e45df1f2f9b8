"""The outcome of an ended flow run: whether a task accepts it, its log lines and its metrics."""

from __future__ import annotations

import logging
import math
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.runs.flow_parts import Names
from airflow_provider_payments.aep.runs.flow_run import FlowRun
from airflow_provider_payments.exceptions import ExperiencePlatformUnavailableError, FlowRunFailedError
from airflow_provider_payments.outcomes import Tolerance, deadline, ended_run, log_outcome
from tests.any_json import ANY_JSON, QUIETLY
from tests.fault_proxy import FaultProxy
from tests.sensors.conftest import history as history
from tests.sensors.conftest import proxy_of_history as proxy_of_history
from tests.sensors.flows import History, answer, run_item
from tests.sensors.flows import written_history as written_history

RUN = FlowRun(
    id="run-1",
    flow_id="flow-1",
    raw_status="success",
    created_at=1000.0,
    started_at=1001.0,
    completed_at=1063.5,
    input_records=1200,
    output_records=1195,
    failed_records=5,
    batch_ids=("batch-1", "batch-2"),
)
#: The beginning of a program that runs a task. It initializes the metrics, as Airflow does with the first metric, from
#: 3.2 on when a task's process starts.
WORKER = """
import sys
from airflow_provider_payments.operators.health import CheckDataflowHealthOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor

try:
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
except ImportError:
    pass
else:
    if hasattr(stats, "initialize"):
        stats.initialize(factory=get_stats_factory(), export_legacy_names=True)
    else:  # 3.2
        stats.Stats.initialize(factory=get_stats_factory(stats.Stats))
"""
WAIT = 'FlowRunSensor(task_id="wait", flow_id=sys.argv[1], accept_partial=True).execute({})'
CHECK = 'CheckDataflowHealthOperator(task_id="check", names=sys.argv[1]).execute({})'


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that receives the metrics in place of a StatsD server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.setblocking(False)
        yield bound


def received(
    listener: socket.socket, home: Path, flow_id: str, returncode: int = 0, task: str = WAIT, **settings: str
) -> list[str]:
    """Return the metrics that StatsD receives while a worker with these settings runs a task for a dataflow."""
    pytest.importorskip("statsd", reason="apache-airflow[statsd] is not installed")
    host, port = listener.getsockname()
    own = {"STATSD_ON": "True", "STATSD_HOST": host, "STATSD_PORT": str(port)} | settings
    environment = os.environ | {f"AIRFLOW__METRICS__{name}": value for name, value in own.items()}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WORKER + task, flow_id],
        env=environment | {"AIRFLOW_HOME": str(home)},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == returncode, done.stdout
    packets = []
    with suppress(BlockingIOError):  # all metrics have arrived, because the loopback loses none
        while True:
            packets.append(listener.recv(65536).decode())
    return [packet for packet in packets if ".payments." in packet]


def test_statsd_receives_counts_duration_and_freshness(
    history: History, listener: socket.socket, tmp_path: Path
) -> None:
    run = history.runs(history.partial)[0]["metrics"]
    times, records = run["durationSummary"], run["recordSummary"]
    *counts, freshness = received(listener, tmp_path, history.partial)
    assert counts == [
        "airflow.payments.flow_run.poll.requests:2|c",
        f"airflow.payments.flow_run.duration:{times['completedAtUTC'] - times['startedAtUTC']:.6f}|ms",
        f"airflow.payments.flow_run.records_in:{records['inputRecordCount']}|c",
        f"airflow.payments.flow_run.records_out:{records['outputRecordCount']}|c",
        f"airflow.payments.flow_run.records_failed:{records['failedRecordCount']}|c",
    ]
    # The emulator's clock is ahead of this machine's.
    assert freshness == "airflow.payments.dataset.freshness_seconds:0.0|g"


def test_a_run_that_fails_the_task_is_counted_and_tagged(
    history: History, listener: socket.socket, tmp_path: Path
) -> None:
    records = history.runs(history.failed)[0]["metrics"]["recordSummary"]
    counts = received(listener, tmp_path, history.failed, returncode=1, STATSD_INFLUXDB_ENABLED="True")[2:]
    dataset = history.emulator.objects("dataSets")[0]["id"]
    names = f"flow_id={history.failed},flow_name=failed,dataset_id={dataset},dataset_name=products"
    assert counts == [
        f"airflow.payments.flow_run.{name},{names},status=failed:{max(0, records[key])}|c"
        for name, key in (
            ("records_in", "inputRecordCount"),
            ("records_out", "outputRecordCount"),
            ("records_failed", "failedRecordCount"),
        )
    ]


def test_a_name_that_statsd_refuses_is_replaced_in_tags(
    history: History, proxy_of_history: FaultProxy, listener: socket.socket, tmp_path: Path
) -> None:
    shown = next(flow for flow in history.emulator.objects("flows") if flow["id"] == history.partial)
    named = shown | {"name": "Zürich, EU: 5|c=1 and what is longer than a tag may be"}
    proxy_of_history.fault("GET", "/flows[?]", status=200, body=answer(named))
    lines = received(listener, tmp_path, history.partial, STATSD_INFLUXDB_ENABLED="True")[1:]
    name = "Z_rich_EU_5_c_1_and_what_is_longer_than_"
    assert {line.partition(",")[2].partition(":")[0].removesuffix(",status=partial") for line in lines} == {
        f"flow_id={history.partial},flow_name={name}"
    }


def test_a_check_emits_the_age_of_the_newest_successful_run(
    history: History, listener: socket.socket, tmp_path: Path
) -> None:
    ended = history.runs(history.failed)[1]["metrics"]["durationSummary"]["completedAtUTC"] / 1000
    age = history.emulator.control("GET", "clock")["now"] - ended
    (line,) = received(listener, tmp_path, history.failed, task=CHECK, STATSD_INFLUXDB_ENABLED="True")
    name, _, value = line.removesuffix("|g").partition(":")
    assert name == f"airflow.payments.dataset.freshness_seconds,flow_id={history.failed},flow_name=failed"
    assert float(value) == pytest.approx(age, abs=2)


def test_an_unknown_count_is_not_emitted(
    history: History, proxy_of_history: FaultProxy, listener: socket.socket, tmp_path: Path
) -> None:
    run = run_item(history.good, "success", True, outputRecordCount=7, failedRecordCount=None)
    proxy_of_history.fault("GET", "/runs", status=200, body=answer(run))
    counts = received(listener, tmp_path, history.good, returncode=1)[2:-1]
    assert counts == ["airflow.payments.flow_run.records_out:7|c"]


def judge(run: FlowRun, **arguments: Any) -> None:
    given = {"accept_partial": False, "max_failed_ratio": None, "unknown_counts": "fail"} | arguments
    if rejection := Tolerance.read(**given).rejection(run):
        raise rejection.error(None)


def test_a_partial_run_without_counted_failures_exceeds_any_ratio() -> None:
    uncounted = replace(RUN, raw_status="partialSuccess", failed_records=0)
    judge(uncounted, accept_partial=True)
    with pytest.raises(FlowRunFailedError, match=r"max_failed_ratio is 0\.99"):
        judge(uncounted, max_failed_ratio=0.99)


@pytest.mark.parametrize(
    ("names", "end"),
    [
        ({}, "dataflow flow-1"),
        ({"flow_name": "shop"}, "dataflow 'shop' (flow-1)"),
        ({"flow_name": "shop", "dataset_id": "ds-1"}, "dataflow 'shop' (flow-1); dataset ds-1"),
        ({"dataset_id": "ds-1", "dataset_name": "rows"}, "dataflow flow-1; dataset 'rows' (ds-1)"),
    ],
    ids=str,
)
def test_the_last_log_line_summarizes_the_run(
    caplog: pytest.LogCaptureFixture, names: dict[str, str], end: str
) -> None:
    caplog.set_level(logging.INFO)
    log_outcome(RUN, Names("flow-1", **names), logging.getLogger("task"))
    assert caplog.messages == [
        f"flow run run-1 is success: 1200 records in, 1195 out, 5 failed in 62.5 s; batches: batch-1, batch-2; {end}"
    ]


# ---- unknown counts ------------------------------------------------------------------------------------------------

NULL = replace(RUN, failed_records=None, unknown_counts="failedRecordCount=null")


@pytest.mark.parametrize("status", ["success", "partialSuccess"])
@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({}, "unknown_counts is 'fail'"),
        ({"accept_partial": True}, "unknown_counts is 'fail'"),
        ({"max_failed_ratio": 1}, "unknown_counts is 'fail'"),
        ({"max_failed_ratio": 1, "unknown_counts": "accept"}, "max_failed_ratio is 1"),
    ],
    ids=str,
)
def test_unknown_counts_fail_with_the_received_values(status: str, arguments: dict[str, Any], rule: str) -> None:
    message = rf"1195 out, unknown failed, its counts cannot be read \(failedRecordCount=null\), and {rule}"
    with pytest.raises(FlowRunFailedError, match=message):
        judge(replace(NULL, raw_status=status), **arguments)


def test_unknown_counts_that_are_accepted_are_logged_as_unknown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    unknown = replace(NULL, input_records=None)
    judge(unknown, unknown_counts="accept")
    log_outcome(unknown, Names("flow-1"), logging.getLogger("task"))
    assert "flow run run-1 is success: unknown records in, 1195 out, unknown failed in 62.5 s" in caplog.text


def test_a_partial_run_with_unknown_counts_requires_both_arguments() -> None:
    partial = replace(NULL, raw_status="partialSuccess")
    judge(partial, accept_partial=True, unknown_counts="accept")
    with pytest.raises(FlowRunFailedError, match="an unknown share, but accept_partial is off"):
        judge(partial, unknown_counts="accept")


def test_a_failed_run_fails_with_its_errors_regardless_of_counts() -> None:
    failed = replace(NULL, raw_status="failed", errors=("CONNECTOR-1001-500: Copy.",))
    with pytest.raises(FlowRunFailedError, match=r"is failed: .* unknown failed\. CONNECTOR-1001-500: Copy\.$"):
        judge(failed, unknown_counts="accept")


def test_only_the_first_twenty_of_many_errors_are_named() -> None:
    errors = [{"code": f"CONNECTOR-{n}", "message": "Copy."} for n in range(3000)]
    metrics = {"statusSummary": {"status": "failed", "errors": errors}}
    failed = FlowRun.from_item({"id": "run-1", "flowId": "flow-1", "createdAt": 1772366400000, "metrics": metrics})
    with pytest.raises(FlowRunFailedError, match=r"CONNECTOR-19: Copy\.; and 2980 more$"):
        judge(failed)


def test_unknown_counts_accepts_two_values() -> None:
    with pytest.raises(InvalidInputError, match="unknown_counts='ignore' is not allowed: fail or accept"):
        judge(RUN, unknown_counts="ignore")


# ---- events --------------------------------------------------------------------------------------------------------

ENDS = (FlowRunFailedError, ExperiencePlatformUnavailableError, TimeoutError)
PARTS = {"status": st.sampled_from(["ended", "error", "timeout"]), "retryable": st.just(True)}
EVENTS = st.fixed_dictionaries({}, optional={name: part | ANY_JSON for name, part in PARTS.items()})


@QUIETLY
@given(event=ANY_JSON | EVENTS, run=ANY_JSON | st.just(RUN.to_json()), message=ANY_JSON)
def test_any_event_is_an_ended_run_or_one_of_three_errors(event: Any, run: Any, message: Any) -> None:
    if isinstance(event, dict):
        event |= {"run": run, "message": message}
    with suppress(*ENDS):
        assert ended_run(event, TimeoutError).completed_at is not None


@QUIETLY
@given(st.lists(st.none() | st.floats() | st.timedeltas()))
@example([math.inf])
@example([math.nan, 5.0])
def test_a_deadline_is_a_finite_time_or_none(limits: list[Any]) -> None:
    end = deadline(*limits)
    assert end is None or math.isfinite(end)
    assert (end is None) == (not any(isinstance(v, timedelta) or (v is not None and math.isfinite(v)) for v in limits))
