"""What a run's end leaves behind in a task's log and in Airflow's metrics."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_provider_payments.aep.flow_runs import FlowRun
from airflow_provider_payments.outcomes import FlowRunFailedError, Tolerance
from tests.sensors.conftest import history as history
from tests.sensors.flows import History
from tests.sensors.flows import written_history as written_history

RUN = FlowRun(
    id="run-1",
    flow_id="flow-1",
    status="success",
    created_at=1000.0,
    started_at=1001.0,
    completed_at=1063.5,
    input_records=1200,
    output_records=1195,
    failed_records=5,
    batch_ids=("batch-1", "batch-2"),
)
#: Waits as a worker does; Airflow 3 makes the metrics ready when a task's process starts, 2.11 with the first one.
WORKER = """
import sys
from airflow_provider_payments.sensors.flow_run import FlowRunSensor

try:
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
    from airflow.sdk.observability.stats import initialize
except ImportError:
    pass
else:
    initialize(factory=get_stats_factory(), export_legacy_names=True)
FlowRunSensor(task_id="wait", flow_id=sys.argv[1], accept_partial=True).execute({})
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Where a StatsD server would listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.setblocking(False)
        yield bound


def told(listener: socket.socket, home: Path, flow_id: str, returncode: int = 0, **settings: str) -> list[str]:
    """What StatsD is told while a worker of an Airflow with these settings waits for a dataflow's run."""
    pytest.importorskip("statsd", reason="apache-airflow[statsd] is not installed")
    host, port = listener.getsockname()
    own = {"STATSD_ON": "True", "STATSD_HOST": host, "STATSD_PORT": str(port)} | settings
    environment = os.environ | {f"AIRFLOW__METRICS__{name}": value for name, value in own.items()}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WORKER, flow_id],
        env=environment | {"AIRFLOW_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == returncode, done.stdout
    packets = []
    with suppress(BlockingIOError):  # all has arrived: nothing is lost on the loopback
        while True:
            packets.append(listener.recv(65536).decode())
    return [packet for packet in packets if ".payments." in packet]


def test_statsd_is_told_what_arrived(history: History, listener: socket.socket, tmp_path: Path) -> None:
    run = history.runs(history.partial)[0]["metrics"]
    times, records = run["durationSummary"], run["recordSummary"]
    assert told(listener, tmp_path, history.partial) == [
        "airflow.payments.flow_run.poll.requests:1|c",
        f"airflow.payments.flow_run.duration:{times['completedAtUTC'] - times['startedAtUTC']:.6f}|ms",
        f"airflow.payments.flow_run.records_in:{records['inputRecordCount']}|c",
        f"airflow.payments.flow_run.records_out:{records['outputRecordCount']}|c",
        f"airflow.payments.flow_run.records_failed:{records['failedRecordCount']}|c",
    ]


def test_a_run_that_fails_the_task_is_counted_too_and_tagged_with_dataflow_and_state(
    history: History, listener: socket.socket, tmp_path: Path
) -> None:
    records = history.runs(history.failed)[0]["metrics"]["recordSummary"]
    counts = told(listener, tmp_path, history.failed, returncode=1, STATSD_INFLUXDB_ENABLED="True")[2:]
    assert counts == [
        f"airflow.payments.flow_run.{name},flow_id={history.failed},state=failed:{max(0, records[key])}|c"
        for name, key in (
            ("records_in", "inputRecordCount"),
            ("records_out", "outputRecordCount"),
            ("records_failed", "failedRecordCount"),
        )
    ]


def test_a_partial_run_that_counts_no_failed_records_is_within_no_ratio() -> None:
    uncounted = replace(RUN, status="partialSuccess", failed_records=0)
    assert Tolerance(1.0).judge(uncounted, logging.getLogger("task"))["status"] == "partial"
    with pytest.raises(FlowRunFailedError, match=r"max_failed_ratio is 0\.99"):
        Tolerance(0.99).judge(uncounted, logging.getLogger("task"))


def test_the_last_line_sums_the_run_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    Tolerance(1.0).judge(RUN, logging.getLogger("task"))
    assert caplog.messages == [
        "flow run run-1 is success: 1200 records in, 1195 out, 5 failed in 62.5 s; batches: batch-1, batch-2"
    ]
