"""``FlowRunSensor`` in its three modes: on the worker, rescheduled, and deferred to the triggerer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import airflow
import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_payments.exceptions import ExperiencePlatformUnavailableError, FlowRunFailedError
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.airflow_database import migrate
from tests.operators.chain import make_dataflow
from tests.sensors.conftest import context, sensor, wait
from tests.sensors.flows import History, advance_to_run, answer, run_item

PLATFORM = "/flowservice/"
RUNS = "/flowservice/runs"
MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
IN_EVERY_MODE = pytest.mark.parametrize("mode", MODES)
SKIPPING = pytest.mark.parametrize("skipping", ["soft_fail", "never_fail"])


@pytest.fixture(autouse=True)
def _database() -> None:
    """On Airflow 2.11 create the database in which a rescheduled sensor finds its start."""
    if airflow.__version__ < "3":
        migrate()


def deferral(**arguments: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        sensor(deferrable=True, **arguments).execute(context())
    return deferred.value


def resume(event: Any, **arguments: Any) -> Any:
    """Resume the task with an event, as Airflow does when the trigger has fired."""
    return sensor(deferrable=True, **arguments).resume_execution("execute_complete", {"event": event}, context())


def fired(trigger: tuple[str, dict[str, Any]]) -> Any:
    """Return the event of a trigger that is recreated from its stored arguments, as the triggerer does."""
    path, arguments = json.loads(json.dumps(trigger))
    module, name = path.rsplit(".", 1)

    async def event() -> Any:
        return (await anext(getattr(import_module(module), name)(**arguments).run())).payload

    return json.loads(json.dumps(asyncio.run(event())))


@IN_EVERY_MODE
def test_a_run_that_has_ended_is_returned_at_once(history: History, mode: str) -> None:
    outcome = wait(flow_id=history.partial, accept_partial=True, **MODES[mode])
    assert outcome["run_id"] == history.runs(history.partial)[0]["id"]


@IN_EVERY_MODE
def test_a_run_that_has_failed_fails_the_task_at_once(history: History, mode: str) -> None:
    with pytest.raises(FlowRunFailedError, match="is failed"):
        wait(flow_id=history.failed, **MODES[mode])


@IN_EVERY_MODE
@SKIPPING
def test_a_failed_run_skips_the_task_with_soft_fail(history: History, skipping: str, mode: str) -> None:
    with pytest.raises(AirflowSkipException, match="is failed"):
        wait(flow_id=history.failed, **MODES[mode], **{skipping: True})


@IN_EVERY_MODE
def test_an_unavailable_service_is_retryable(proxy: FaultProxy, connect: Callable[..., None], mode: str) -> None:
    connect(proxy.url)
    proxy.fault("GET", PLATFORM, status=503, headers={"Retry-After": "3600"})
    with pytest.raises(ExperiencePlatformUnavailableError) as failure:
        wait(flow_id="flow", **MODES[mode])
    assert not isinstance(failure.value, AirflowFailException)
    # The worker does not sleep for an hour and does not send the request again: the error names the delay to Airflow.
    assert failure.value.retry_after == 3600
    assert proxy.count("GET", PLATFORM) == 1


@IN_EVERY_MODE
def test_an_unavailable_service_skips_the_task_with_never_fail(
    proxy: FaultProxy, connect: Callable[..., None], mode: str
) -> None:
    connect(proxy.url)
    proxy.fault("GET", PLATFORM, status=503, headers={"Retry-After": "3600"})
    with pytest.raises(AirflowSkipException, match="the service asks to wait 3600 s"):
        wait(flow_id="flow", never_fail=True, **MODES[mode])


def test_an_unavailable_service_defers_the_task_with_silent_fail(
    history: History, proxy_of_history: FaultProxy
) -> None:
    proxy_of_history.fault("GET", PLATFORM, status=503, headers={"Retry-After": "3600"})
    assert deferral(flow_id=history.good, silent_fail=True).method_name == "execute_complete"


def test_a_wait_deferred_without_an_answer_is_converted_later(history: History, proxy_of_history: FaultProxy) -> None:
    # The emulator's clock is ahead of this machine's, so its run seems to be later than the DAG run.
    proxy_of_history.fault("GET", PLATFORM, status=503, headers={"Retry-After": "3600"})
    runs = [run["metrics"]["durationSummary"] for run in history.runs(history.good)]
    began = max(run["startedAtUTC"] for run in runs) / 1000
    assert float(history.emulator.control("GET", "clock")["now"]) - time.time() > 120
    started = datetime.fromtimestamp(began - 60, UTC)
    with pytest.raises(TaskDeferred) as deferred:
        sensor(deferrable=True, silent_fail=True, flow_id=history.good, timeout=3).execute(context(started))
    assert fired(deferred.value.trigger.serialize())["status"] == "timeout"


def test_poke_mode_waits_until_the_run_has_ended(
    history: History, proxy_of_history: FaultProxy, said: Callable[[str], int]
) -> None:
    run_id = history.runs(history.good)[0]["id"]
    paused = run_item(history.good, "paused", run_id=run_id)
    proxy_of_history.fault("GET", RUNS, status=200, body=answer(paused), times=2)
    assert wait(run_id=run_id, timeout=60, poke_interval=0)["status"] == "succeeded"
    assert proxy_of_history.count("GET", RUNS) == 3
    assert said("undocumented raw status 'paused'") == 1  # although two polls found it


@pytest.mark.parametrize(
    ("skipping", "error"),
    [({}, AirflowSensorTimeout), ({"soft_fail": True}, AirflowSkipException)],
    ids=["hard", "soft"],
)
def test_poke_mode_ends_with_the_timeout(
    history: History, skipping: dict[str, bool], error: type[AirflowException]
) -> None:
    with pytest.raises(error):
        wait(flow_id=history.waiting, **skipping)


@pytest.mark.parametrize(("timeout", "seconds"), [(600, 90), (60, 60)], ids=["the interval", "the rest of the time"])
def test_a_reschedule_is_due_after_the_interval_or_at_the_timeout(
    history: History, timeout: float, seconds: float
) -> None:
    before = datetime.now(UTC)
    with pytest.raises(AirflowRescheduleException) as again:
        wait(flow_id=history.waiting, mode="reschedule", timeout=timeout, poke_interval=90)
    assert before <= again.value.reschedule_date - timedelta(seconds=seconds) <= datetime.now(UTC)


def test_a_deferral_contains_plain_json_and_no_secret(history: History) -> None:
    deferred = deferral(flow_id=history.waiting, since="2026-01-01T00:00:00Z", pick="latest", poke_interval=7)
    path, arguments = deferred.trigger.serialize()
    assert json.loads(json.dumps(arguments)) == arguments
    assert "emulator-" not in json.dumps(arguments)
    assert (deferred.method_name, deferred.timeout) == ("execute_complete", None)
    assert path == "airflow_provider_payments.triggers.flow_run.FlowRunTrigger"
    deadline = arguments.pop("deadline")
    assert time.time() < deadline <= time.time() + 7 * 86400
    # The worker has found no run until now.
    now = history.emulator.control("GET", "clock")["now"]
    assert arguments.pop("quiet_since") == pytest.approx(now, abs=5)
    assert arguments.pop("flow").items() > {"id": history.waiting, "name": "waiting", "mapping_version": 0}.items()
    assert arguments == {
        "aep_conn_id": "aep_default",
        "selection": {"flow_id": history.waiting, "run_id": None, "since": 1767225600, "pick": "latest"},
        "poll_interval": 7,
        "max_errors": 5,
        "created_since": 1767225600 - 86400,
        "known_run_id": None,
        "fail_if_disabled": True,
        "by_own_clock": False,
    }


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({"timeout": 100}, 100),
        ({"timeout": timedelta(minutes=3)}, 180),
        ({"timeout": 100, "execution_timeout": timedelta(seconds=30)}, 30),
        ({"timeout": 10, "execution_timeout": timedelta(seconds=30)}, 10),
    ],
    ids=["timeout", "timedelta", "execution_timeout is smaller", "timeout is smaller"],
)
def test_the_deadline_is_the_smaller_of_both_limits(history: History, limits: dict[str, Any], seconds: float) -> None:
    before = time.time()
    _, arguments = deferral(flow_id=history.waiting, **limits).trigger.serialize()
    assert before + seconds <= arguments["deadline"] <= time.time() + seconds


@IN_EVERY_MODE
def test_airflow_gets_no_limit_to_apply_itself(mode: str) -> None:
    given: dict[str, Any] = {"execution_timeout": timedelta(seconds=30), "timeout": 100, **MODES[mode]}
    with DAG(dag_id="limits", schedule=None, default_args={"execution_timeout": timedelta(seconds=20)}):
        mapped = FlowRunSensor.partial(task_id="mapped", **given).expand(flow_id=["a"])
        inherits = FlowRunSensor(task_id="inherits", **MODES[mode])
    assert (inherits.timeout, inherits.execution_timeout) == (20, None)
    for task in (sensor(**given), mapped.unmap({"flow_id": "a"})):
        assert (task.timeout, task.execution_timeout) == (30, None)


def test_a_deferred_wait_ends_like_a_wait_on_the_worker(connected: Emulator) -> None:
    flow = make_dataflow(partial_ingestion_percent=5)["id"]
    trigger = deferral(flow_id=flow).trigger.serialize()
    advance_to_run(connected)
    event = fired(trigger)
    expected = wait(flow_id=flow, accept_partial=True)
    assert resume(event, flow_id=flow, accept_partial=True) == expected
    with pytest.raises(FlowRunFailedError, match="accept_partial is off"):
        resume(event, flow_id=flow)


ENDED: dict[str, Any] = {
    "id": "run-1",
    "flow_id": "flow",
    "raw_status": "failed",
    "created_at": 2e9,
    "errors": ["CONNECTOR-1001-500: The source refused the credential."],
}


def test_an_event_of_a_failed_run_fails_with_its_codes_and_messages(connected: Emulator) -> None:
    with pytest.raises(FlowRunFailedError, match=r"flow run run-1 is failed.*CONNECTOR-1001-500: The source refused"):
        resume({"status": "ended", "run": ENDED}, flow_id="flow")
    assert connected.requests(path="/data/foundation/flowservice/runs") == []


MALFORMED: dict[str, Any] = {
    "nothing": None,
    "empty": {},
    "text": "ended",
    "unknown status": {"status": "success", "run": ENDED},
    "no run": {"status": "ended"},
    "the run's id alone": {"status": "ended", "run": "run-1"},
    "empty run": {"status": "ended", "run": {}},
    "run without a status": {"status": "ended", "run": ENDED | {"status": None}},
    "no reason": {"status": "error"},
    "run that is still active": {"status": "ended", "run": ENDED | {"status": "inProgress"}},
}


@pytest.mark.parametrize("what", MALFORMED)
def test_an_event_without_an_ended_run_fails_the_task(what: str) -> None:
    with pytest.raises(FlowRunFailedError):
        resume(MALFORMED[what], flow_id="flow")


@pytest.mark.parametrize(
    ("retryable", "error"),
    [(False, FlowRunFailedError), (True, ExperiencePlatformUnavailableError)],
    ids=["refused", "down"],
)
def test_an_error_event_names_the_cause_and_whether_to_retry(retryable: bool, error: type[AirflowException]) -> None:
    with pytest.raises(error, match="ConnectionError: gone") as failure:
        resume({"status": "error", "message": "ConnectionError: gone", "retryable": retryable}, flow_id="flow")
    assert isinstance(failure.value, AirflowFailException) is not retryable


def test_a_timed_out_deferred_wait_raises_the_sensor_timeout() -> None:
    with pytest.raises(AirflowSensorTimeout, match="has not ended in time"):
        resume({"status": "timeout", "message": "flow run run-1 has not ended in time"}, flow_id="flow")


def lost(**arguments: Any) -> Any:
    """Resume a task whose trigger the triggerer could not run."""
    return sensor(deferrable=True, **arguments).resume_execution("__fail__", {"error": "Trigger failure"}, context())


def test_a_trigger_failure_is_retryable_and_skipped_with_never_fail() -> None:
    for flags in ({}, {"soft_fail": True}, {"silent_fail": True}):
        with pytest.raises(AirflowException, match="Trigger failure") as failure:
            lost(flow_id="flow", **flags)
        assert not isinstance(failure.value, (AirflowFailException, AirflowSkipException))
    with pytest.raises(AirflowSkipException):
        lost(flow_id="flow", never_fail=True)


@SKIPPING
def test_a_failure_after_the_deferral_is_skipped_with_soft_fail(skipping: str) -> None:
    with pytest.raises(AirflowSkipException):
        resume({"status": "ended", "run": ENDED}, flow_id="flow", **{skipping: True})


@SKIPPING
def test_a_timeout_after_the_deferral_is_skipped_with_soft_fail(skipping: str) -> None:
    with pytest.raises(AirflowSkipException):
        resume({"status": "timeout", "message": "too long"}, flow_id="flow", **{skipping: True})


def wait_to_the_end(mode: str, **arguments: Any) -> Any:
    """Execute the sensor again and again, as Airflow does, until the run has ended."""
    given = {"timeout": 60, "poke_interval": 0.01} | MODES[mode] | arguments
    while True:
        try:
            return sensor(**given).execute(context())
        except AirflowRescheduleException:
            continue
        except TaskDeferred as deferred:
            return resume(fired(deferred.trigger.serialize()), **arguments)


@IN_EVERY_MODE
def test_the_log_has_a_line_per_change_and_a_summary(
    history: History, proxy_of_history: FaultProxy, said: Callable[[str], int], mode: str
) -> None:
    flow = history.waiting
    for items in ([], *([run_item(flow, status)] for status in ("queued", "inProgress", "inProgress"))):
        proxy_of_history.fault("GET", RUNS, status=200, body=answer(*items))
    records = {"inputRecordCount": 12, "outputRecordCount": 10, "failedRecordCount": 2}
    proxy_of_history.fault("GET", RUNS, status=200, body=answer(run_item(flow, "success", completed=True, **records)))
    assert wait_to_the_end(mode, flow_id=flow, accept_partial=True)["output_records"] == 10
    ended = "flow run run-1 is success: 12 records in, 10 out, 2 failed"
    # Each rescheduled poll is a new process, which does not know the status of the last poll.
    changes = 2 if mode == "reschedule" else 1
    assert [said("run-1 is queued"), said("run-1 is inProgress"), said(ended)] == [1, changes, 2]
    assert said(f"{ended} in 1.0 s; batches: none") == 1
