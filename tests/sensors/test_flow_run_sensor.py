"""``FlowRunSensor``: which run it selects, and whether it accepts the run."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, conf

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.exceptions import FlowRunFailedError
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.chain import make_dataflow
from tests.sensors.conftest import context, sensor, wait
from tests.sensors.flows import History, advance_to_run, answer, run_item, runs, started

ANY = {"accept_partial": True}


def iso(millis: float) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).isoformat()


def test_no_run_before_the_start_time_is_not_an_error(history: History) -> None:
    assert not sensor(flow_id=history.waiting).poke(context())


@pytest.mark.parametrize("after", [0.1, 0.5, 1.0], ids=["scheduled", "copying", "promoting"])
def test_an_active_run_is_waited_for(connected: Emulator, after: float) -> None:
    flow = make_dataflow(partial_ingestion_percent=5)["id"]
    advance_to_run(connected, after)
    assert len(runs(connected, flow)) == 1
    assert not sensor(flow_id=flow).poke(context())
    connected.advance(2)
    assert sensor(flow_id=flow, **ANY).poke(context())


def test_the_output_is_the_runs_summary(history: History) -> None:
    run, _ = history.runs(history.partial)
    (batch,) = [b for b in history.emulator.objects("batches") if b["tags"]["flowRunId"] == [run["id"]]]
    arrived, times = batch["metrics"]["outputRecordCount"], run["metrics"]["durationSummary"]
    assert arrived >= 1195
    assert wait(flow_id=history.partial, **ANY) == {
        "run_id": run["id"],
        "flow_id": history.partial,
        "flow_name": "partial",
        "status": "partial",
        "input_records": arrived + 5,
        "output_records": arrived,
        "failed_records": 5,
        "batch_ids": [batch["id"]],
        "started_at": iso(times["startedAtUTC"]),
        "completed_at": iso(times["completedAtUTC"]),
    }


@pytest.mark.parametrize(
    ("hour", "second"),
    [(timedelta(hours=1), timedelta(seconds=1)), ("PT1H", "PT1S"), ("3600", "1"), (3600, 1.0)],
    ids=["timedelta", "ISO 8601", "digits", "seconds"],
)
def test_timeout_and_interval_accept_any_form_of_duration(hour: Any, second: Any) -> None:
    with DAG(dag_id="limits", schedule=None, default_args={"timeout": hour, "poke_interval": second}):
        by_default = sensor(flow_id="flow")
    for one in (by_default, sensor(flow_id="flow", timeout=hour, poke_interval=second)):
        assert (one.timeout, one.poke_interval) == (3600, 1)


def test_without_limits_a_sensor_has_airflows_defaults() -> None:
    one = sensor(flow_id="flow")
    assert (one.timeout, one.poke_interval) == (conf.getfloat("sensors", "default_timeout"), 60)


@pytest.mark.parametrize("limits", [{"timeout": "P1M"}, {"poke_interval": -1}, {"timeout": "soon"}], ids=repr)
def test_an_invalid_duration_is_refused_when_the_dag_is_parsed(limits: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(limits))):
        sensor(flow_id="flow", **limits)


@pytest.mark.parametrize("since", ["20400101", 20400101, "2026112010", 2026112010123456 // 100], ids=repr)
def test_a_date_in_digits_is_refused_before_any_request(connected: Emulator, since: object) -> None:
    with pytest.raises(AirflowFailException, match=r"since=.*timezone"):
        wait(flow_id="flow", since=since)
    assert connected.requests() == []


def test_a_run_without_bad_records_succeeded(history: History) -> None:
    outcome = wait(flow_id=history.good)
    assert (outcome["status"], outcome["failed_records"]) == ("succeeded", 0)
    assert outcome["input_records"] == outcome["output_records"]


@pytest.mark.parametrize(("pick", "expected"), [("first", 0), ("latest", 1), (None, 0)], ids=str)
def test_pick_selects_the_first_or_the_latest_run(history: History, pick: str | None, expected: int) -> None:
    chosen = {"pick": pick} if pick else {}
    run = history.runs(history.partial)[expected]
    assert wait(flow_id=history.partial, **chosen, **ANY)["run_id"] == run["id"]


def test_a_later_succeeded_run_replaces_a_failed_one(history: History) -> None:
    with pytest.raises(FlowRunFailedError):
        wait(flow_id=history.failed)
    assert wait(flow_id=history.failed, pick="latest")["run_id"] == history.runs(history.failed)[1]["id"]


FORMS: dict[str, Any] = {
    "datetime": lambda moment: datetime.fromtimestamp(moment, UTC),
    "another timezone": lambda moment: pendulum.from_timestamp(moment, "America/Lima"),
    "ISO text": lambda moment: datetime.fromtimestamp(moment, UTC).isoformat(),
    "Z text": lambda moment: datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "epoch": float,
    "epoch text": lambda moment: str(int(moment)),
}


@pytest.mark.parametrize("form", FORMS)
def test_only_runs_that_began_at_or_after_since_match(history: History, form: str) -> None:
    flow, write = history.partial, FORMS[form]
    first, second = history.runs(flow)
    assert wait(flow_id=flow, since=write(started(first) + 5), **ANY)["run_id"] == second["id"]
    assert not sensor(flow_id=flow, since=write(started(second) + 5)).poke(context())


def test_a_run_that_began_exactly_at_since_matches(history: History) -> None:
    _, second = history.runs(history.partial)
    assert wait(flow_id=history.partial, since=started(second), **ANY)["run_id"] == second["id"]


def test_by_default_runs_since_the_dag_runs_start_match(history: History) -> None:
    first, second = history.runs(history.partial)
    # The DAG run's start is a time of Airflow's clock, the flow run's start a time of the platform's.
    ahead = float(history.emulator.control("GET", "clock")["now"]) - time.time()
    between = datetime.fromtimestamp(started(first) - ahead, UTC) + timedelta(minutes=1)
    waiting = sensor(flow_id=history.partial, timeout=0, **ANY)
    assert waiting.execute(context(start_date=between))["run_id"] == second["id"]
    assert not waiting.poke(context(start_date=between + timedelta(hours=1)))
    assert waiting.execute(context())["run_id"] == first["id"]


@pytest.mark.parametrize("run_id", [None, "", "None"], ids=repr)
def test_an_empty_rendered_run_id_counts_as_not_given(history: History, run_id: str | None) -> None:
    outcome = wait(flow_id=history.partial, run_id=run_id, since="None", **ANY)
    assert outcome["run_id"] == history.runs(history.partial)[0]["id"]


def test_a_run_can_be_selected_by_its_id(history: History) -> None:
    ids = [run["id"] for run in history.runs(history.partial)]
    later = datetime.now(UTC) + timedelta(days=9)
    assert [wait(run_id=run_id, since=later, **ANY)["run_id"] for run_id in ids] == ids


def test_an_unknown_run_id_fails_without_a_retry(history: History) -> None:
    with pytest.raises(AirflowFailException, match=r"404 - FLOW-1439-404.*absent"):
        wait(run_id="absent")


@pytest.mark.parametrize(
    "tolerance",
    [
        {"accept_partial": True},
        {"accept_partial": "True"},
        {"max_failed_ratio": 0.05},
        {"max_failed_ratio": "0.05"},
        {"max_failed_ratio": 1},
        {"max_failed_ratio": 0.05, "accept_partial": False},
        {"max_failed_ratio": "None", "accept_partial": "true"},
    ],
    ids=str,
)
def test_a_partial_run_is_accepted_within_the_tolerance(history: History, tolerance: dict[str, Any]) -> None:
    assert wait(flow_id=history.partial, **tolerance)["status"] == "partial"


@pytest.mark.parametrize(
    ("tolerance", "limit"),
    [
        ({}, "accept_partial is off"),
        ({"accept_partial": "false"}, "accept_partial is off"),
        ({"max_failed_ratio": 0}, "max_failed_ratio is 0"),
        ({"max_failed_ratio": "0.001"}, "max_failed_ratio is 0.001"),
        ({"max_failed_ratio": 0.001, "accept_partial": True}, "max_failed_ratio is 0.001"),
    ],
    ids=["default", "text", "zero", "ratio", "both"],
)
def test_a_partial_run_beyond_the_tolerance_fails_with_its_share(
    history: History, tolerance: dict[str, Any], limit: str
) -> None:
    with pytest.raises(FlowRunFailedError, match=rf"5 failed, a share of 0\.004\d, but {limit}") as failure:
        wait(flow_id=history.partial, **tolerance)
    assert "DCVS-1111-400: The message cannot be validated: [#: required key [_id] not found]" in str(failure.value)


DIAGNOSED = (
    "CONNECTOR-2001-500: Errors occurred while the data was promoted.",
    "DCVS-1111-400: The message cannot be validated: [#: required key [_id] not found]",
    (
        "MAPPER-3700-400: Mapper transform error at destination path _emulator.product.createTime. The value cannot be "
        "converted: the expected data type was: DATETIME, the actual data type was: STRING. "
        "sourceField: Create_Time destinationField: _emulator.product.createTime"
    ),
)
UNDIAGNOSED = (
    "CONNECTOR-2001-500: Errors occurred while the data was promoted.",
    "INGEST-1211-400: There were errors, and error diagnostics were not enabled.",
)


@pytest.mark.parametrize(("flow", "errors"), [("failed", DIAGNOSED), ("undiagnosed", UNDIAGNOSED)])
def test_a_failed_run_fails_the_task_with_codes_and_messages(
    history: History, flow: str, errors: tuple[str, ...]
) -> None:
    flow_id = getattr(history, flow)
    run, _ = history.runs(flow_id)
    with pytest.raises(FlowRunFailedError, match=f"flow run {run['id']} is failed: .* 0 out") as failure:
        wait(flow_id=flow_id, accept_partial=True)
    assert isinstance(failure.value, AirflowFailException)
    assert [error for error in errors if error not in str(failure.value)] == []


BAD: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no dataflow": ({"flow_id": None}, ("flow_id=None", "run_id")),
    "empty dataflow": ({"flow_id": ""}, ("flow_id", "run_id")),
    "dataflow that rendered to nothing": ({"flow_id": "None"}, ("flow_id", "run_id")),
    "pick": ({"pick": "last"}, ("pick='last'", "first or latest")),
    "naive since": ({"since": "2026-01-01T00:00:00"}, ("since='2026-01-01T00:00:00'", "timezone")),
    "unreadable since": ({"since": "yesterday"}, ("since='yesterday'", "ISO 8601")),
    "ratio above 1": ({"max_failed_ratio": 5}, ("max_failed_ratio=5", "0 to 1")),
    "ratio in words": ({"max_failed_ratio": "few"}, ("max_failed_ratio='few'", "number")),
    "unknown_counts": ({"unknown_counts": "ignore"}, ("unknown_counts='ignore'", "fail or accept")),
    "accept_partial": ({"accept_partial": "maybe"}, ("accept_partial='maybe'", "true or false")),
}


@pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferrable"])
@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_before_any_request(connected: Emulator, what: str, deferrable: bool) -> None:
    arguments, parts = BAD[what]
    with pytest.raises(AirflowFailException) as refusal:
        wait(**{"flow_id": "flow", "deferrable": deferrable} | arguments)
    assert [part for part in parts if part not in str(refusal.value)] == []
    assert connected.requests() == []


NULL = {"inputRecordCount": "7", "outputRecordCount": 7, "failedRecordCount": None}


@pytest.mark.parametrize("mode", [{"deferrable": True}, {}], ids=["deferrable", "on the worker"])
@pytest.mark.parametrize("tolerance", [{}, {"max_failed_ratio": 1, "unknown_counts": "accept"}], ids=str)
def test_a_run_with_unknown_counts_fails_and_shows_the_values(
    history: History, proxy_of_history: FaultProxy, mode: dict[str, Any], tolerance: dict[str, Any]
) -> None:
    item = run_item(history.good, "success", completed=True, **NULL)
    proxy_of_history.fault("GET", "/runs", status=200, body=answer(item), times=9)
    said = r"7 records in, 7 out, unknown failed, .* \(failedRecordCount=null\)"
    with pytest.raises(FlowRunFailedError, match=said) as failure:
        wait(flow_id=history.good, **mode, **tolerance)
    assert isinstance(failure.value, AirflowFailException)


def test_accepted_unknown_counts_are_omitted_from_the_output(history: History, proxy_of_history: FaultProxy) -> None:
    proxy_of_history.fault("GET", "/runs", status=200, body=answer(run_item(history.good, "success", True, **NULL)))
    returned = wait(flow_id=history.good, unknown_counts="accept")
    assert (returned["status"], returned["input_records"], "failed_records" in returned) == ("succeeded", 7, False)


def test_the_link_leads_to_the_dataflow(history: History) -> None:
    given = context()
    sensor(flow_id=history.good).execute(given)
    assert given["ti"].pushed == {"experience_platform_link": f"{history.emulator.url}/"}
