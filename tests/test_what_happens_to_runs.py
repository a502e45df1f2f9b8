"""The rows of the manual's page "What happens when" about flow runs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, TaskDeferred

from airflow_provider_payments.exceptions import (
    ExperiencePlatformFailedError,
    ExperiencePlatformUnavailableError,
    FlowRunFailedError,
    FlowRunTimeoutError,
)
from airflow_provider_payments.operators.flow_runs import RetryFlowRunOperator, RunDataflowOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from tests.fault_proxy import FaultProxy
from tests.operators.airflow_masks import forgotten_masks as forgotten_masks
from tests.operators.chain import make_dataflow
from tests.operators.on_demand import Store
from tests.what_happens import LOSSES, Stage, event, seeded, wait
from tests.what_happens import stage as stage

# ---- flow runs on demand -------------------------------------------------------------------------------------------

YESTERDAY = {"window_start": "2026-11-20T00:00:00Z", "window_end": "2026-11-21T00:00:00Z"}


def once_dataflow(stage: Stage, connect: Callable[..., None], **schedule: Any) -> dict[str, Any]:
    """Create a dataflow that runs once, tomorrow; return the arguments that request a run of it."""
    connect(stage.emulator.url)
    once = {"frequency": "once", "interval": None, "delta_column": None, "start_delay": 86400}
    made = make_dataflow(**once | schedule)
    return {"flow_id": made["id"], "delta_column": "Create_Time", "accept_partial": True} | YESTERDAY


@event("The answer to the request of a flow run is lost")
@pytest.mark.parametrize(("action", "details"), LOSSES.values(), ids=LOSSES)
def test_lost_run(row: str, action: str, details: dict[str, Any], stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect)
    stage.emulator.fail(action, method="POST", path="*/runs", **details)
    returned = stage.run(RunDataflowOperator, **asked)
    (only,) = stage.emulator.objects("runs")
    assert (returned["run_id"], len(stage.emulator.posted("/runs"))) == (only["id"], 1)
    stage.assert_shown(row)


@event(
    "A task that waits for its flow run is killed, or takes longer than `timeout` or `execution_timeout`, and is tried "
    "again"
)
@pytest.mark.parametrize(
    "limit", [{"timeout": 0}, {"execution_timeout": timedelta(0)}], ids=["timeout", "execution_timeout"]
)
def test_run_of_an_earlier_try(row: str, limit: dict[str, Any], stage: Stage, connect: Callable[..., None]) -> None:
    asked, store = once_dataflow(stage, connect), {"task_state_store": Store()}
    with pytest.raises(FlowRunTimeoutError):
        stage.run(RunDataflowOperator, given=store, **limit, **asked)
    returned = stage.run(RunDataflowOperator, given=store, try_number=2, **asked)
    (only,) = stage.emulator.objects("runs")
    assert (returned["run_id"], len(stage.emulator.posted("/runs"))) == (only["id"], 1)
    stage.assert_shown(row)


@event("A flow run that a task started fails")
def test_failed_run(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect)
    stage.emulator.order("fail_copy")
    with pytest.raises(FlowRunFailedError):
        stage.run(RunDataflowOperator, **asked)
    assert len(stage.emulator.objects("runs")) == 1
    stage.assert_shown(row)


@event("A data window is requested that a run has read already: by a cleared task, a backfill or a manual DAG run")
def test_covered_window(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect)
    first = stage.run(RunDataflowOperator, **asked)
    assert stage.run(RunDataflowOperator, run_id="by hand", **asked) == first | {"reused": True}
    assert len(stage.emulator.posted("/runs")) == 1
    stage.assert_shown(row)
    assert stage.run(RunDataflowOperator, if_covered="again", **asked)["run_id"] != first["run_id"]


@event("A data window is requested that overlaps the windows of earlier runs")
def test_overlapping_window(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect)
    stage.run(RunDataflowOperator, **asked)
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(RunDataflowOperator, **asked | {"window_end": "2026-11-20T12:00:00Z"})
    assert len(stage.emulator.posted("/runs")) == 1
    stage.assert_shown(row)


@event("A data window is requested that has not ended, or whose rows may still arrive (`window_lag`)")
@pytest.mark.parametrize("deferrable", [True, False])
def test_window_whose_rows_may_still_arrive(
    row: str, deferrable: bool, stage: Stage, connect: Callable[..., None]
) -> None:
    asked = once_dataflow(stage, connect)
    end = int(stage.emulator.advance(0)) - 60
    window = {"window_start": end - 3600, "window_end": end, "deferrable": deferrable}
    with pytest.raises(TaskDeferred if deferrable else AirflowRescheduleException):
        stage.run(RunDataflowOperator, **asked | window, window_lag=600)
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(RunDataflowOperator, **asked | window | {"window_end": end + 100_000})
    assert (stage.emulator.posted("/runs"), stage.naps) == ([], [])
    stage.assert_shown(row)


@event("A flow run succeeds, but a count is missing, null or not a number")
@pytest.mark.parametrize("count", [None, -1, 2.5, "many"], ids=str)
def test_unknown_counts(row: str, count: Any, stage: Stage, connect: Callable[..., None], proxy: FaultProxy) -> None:
    asked = once_dataflow(stage, connect)
    stage.connect(proxy.url)
    counts = {"inputRecordCount": 7, "outputRecordCount": 7, "failedRecordCount": count}

    def reply(path: str) -> tuple[int, bytes]:
        stage.emulator.advance(5)
        (item,) = [run for run in stage.emulator.objects("runs") if run["id"] in path]
        return 200, json.dumps({"items": [{**item, "metrics": {**item["metrics"], "recordSummary": counts}}]}).encode()

    proxy.fault("GET", "/runs/", reply=reply, times=9)
    with pytest.raises(FlowRunFailedError, match=f"failedRecordCount={re.escape(json.dumps(count))}"):
        stage.run(RunDataflowOperator, **asked)
    accepted = {**asked, "window_start": "2026-11-19T00:00:00Z", "window_end": "2026-11-20T00:00:00Z"}
    assert "failed_records" not in stage.run(RunDataflowOperator, unknown_counts="accept", **accepted)
    stage.assert_shown(row)


@event("A list of flow runs contains a run that cannot be read")
def test_unreadable_run(row: str, stage: Stage, connect: Callable[..., None], proxy: FaultProxy) -> None:
    asked = once_dataflow(stage, connect)
    stage.connect(proxy.url)
    body = json.dumps({"items": [{"id": "odd", "flowId": asked["flow_id"]}]}).encode()
    proxy.fault("GET", "/runs[?]", status=200, body=body, times=3)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.run(RunDataflowOperator, **asked)
    assert stage.emulator.posted("/runs") == []
    *_, flow = seeded(stage, connect, runs=1)
    connect(proxy.url)
    (run,) = [run for run in stage.emulator.objects("runs") if run["flowId"] == flow]
    body = json.dumps({"items": [{"id": "odd", "flowId": flow}, run]}).encode()
    proxy.fault("GET", "/runs[?]", status=200, body=body)
    (ended,) = wait(stage, [flow])
    assert ended["run"]["id"] == run["id"]
    stage.assert_shown(row)


@event("`RetryFlowRunOperator` names a run whose window a later run has read")
def test_window_of_a_later_run(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect)
    stage.emulator.order("fail_copy")
    with pytest.raises(FlowRunFailedError):
        stage.run(RunDataflowOperator, **asked)
    again = {"flow_id": asked["flow_id"], "accept_partial": True}
    assert stage.run(RetryFlowRunOperator, **again) == stage.run(RetryFlowRunOperator, **again)
    assert len(stage.emulator.objects("runs")) == 2
    stage.assert_shown(row)


@event("A data window is requested without a data interval, or with an empty one")
def test_no_window(row: str, stage: Stage) -> None:
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(RunDataflowOperator, flow_id="flow")
    moment = YESTERDAY["window_start"]
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(RunDataflowOperator, flow_id="flow", window_start=moment, window_end=moment)
    assert stage.emulator.requests() == []
    stage.assert_shown(row)


@event("A data window is requested of a dataflow that runs on a schedule")
def test_scheduled_dataflow(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    asked = once_dataflow(stage, connect, frequency="hour", interval=1, delta_column="Create_Time")
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(RunDataflowOperator, **asked)
    assert stage.emulator.posted("/runs") == []
    stage.assert_shown(row)


# ---- waiting -------------------------------------------------------------------------------------------------------


def disable(stage: Stage, flow_id: str) -> None:
    path = f"/data/foundation/flowservice/flows/{flow_id}/action"
    stage.client.request("POST", path, params={"op": "disable"})


@event("Polls for a flow run fail")
def test_failing_polls(row: str, stage: Stage, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    flows = seeded(stage, connect, runs=1)
    stage.emulator.fail("status", method="GET", path="*/flows", status=503, times=9)
    assert [event["status"] for event in wait(stage, flows[:1])] == ["ended"]
    monkeypatch.setattr("airflow_provider_payments.triggers.flow_run.MAX_UNANSWERED_SECONDS", 0.2)
    stage.emulator.fail("status", method="GET", path="*/flows", status=503, times=None)
    began = time.monotonic()
    assert [event["status"] for event in wait(stage, flows[:1])] == ["error"]
    assert time.monotonic() - began >= 0.2
    stage.assert_shown(row)


@event("Queries for one of many dataflows make the service fail")
def test_dataflow_that_fails_queries(row: str, stage: Stage, connect: Callable[..., None], proxy: FaultProxy) -> None:
    flows = seeded(stage, connect, runs=1)
    connect(proxy.url)
    proxy.fault("GET", flows[0], status=503, times=10**6)
    assert [event["status"] for event in wait(stage, flows, seconds=2)] == ["timeout", "ended", "ended"]
    stage.assert_shown(row)


@event("A dataflow is deleted during a wait for its run")
def test_deleted_dataflow(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    gone, *others = seeded(stage, connect, runs=0)
    stage.client.request("DELETE", f"/data/foundation/flowservice/flows/{gone}")
    events = wait(stage, [gone, *others], seconds=2)
    assert [event["status"] for event in events] == ["error", "timeout", "timeout"]
    stage.assert_shown(row)


@event("A dataflow is disabled during a wait for its run")
def test_disabled_dataflow(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    off, *others = seeded(stage, connect, runs=0)
    disable(stage, off)
    events = wait(stage, [off, *others], seconds=1)
    assert [event["status"] for event in events] == ["error", "timeout", "timeout"]
    assert [event["status"] for event in wait(stage, [off], seconds=1, fail_if_disabled=False)] == ["timeout"]
    with pytest.raises(ExperiencePlatformFailedError, match=r"is disabled \(last changed at"):
        stage.run(FlowRunSensor, flow_id=off, timeout=0)
    with pytest.raises(AirflowSensorTimeout):
        stage.run(FlowRunSensor, flow_id=off, timeout=0, fail_if_disabled="False")
    stage.assert_shown(row)


@event("A dataflow is disabled during a wait for its run")
def test_disabled_dataflow_whose_run_has_begun(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    connect(stage.emulator.url)
    stage.emulator.order("stuck")
    flow = make_dataflow(frequency="once", interval=None, delta_column=None, start_delay=600)["id"]
    stage.emulator.advance(3600)
    disable(stage, flow)
    assert [event["status"] for event in wait(stage, [flow], seconds=1)] == ["timeout"]
    stage.emulator.control("POST", "outcomes/release")
    stage.emulator.advance(10)
    assert [event["status"] for event in wait(stage, [flow])] == ["ended"]


@event("A 429 with a long `Retry-After` during many waits")
def test_long_throttling(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    flows = seeded(stage, connect, runs=0)
    headers = {"Retry-After": "3600"}
    stage.emulator.fail("status", method="GET", path="*/flows", status=429, headers=headers, times=99)
    assert {event["status"] for event in wait(stage, flows, seconds=0.5)} == {"timeout"}
    assert [request["status"] for request in stage.emulator.requests(path="/data/")] == [429]
    stage.assert_shown(row)


@event("The Airflow connection is edited while tasks wait")
def test_edited_connection(
    row: str, stage: Stage, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, proxy: FaultProxy
) -> None:
    flows = seeded(stage, connect, runs=1)
    connect(proxy.url)
    monkeypatch.setattr("airflow_provider_payments.triggers.poller.RENEWAL_INTERVAL_SECONDS", 0.0)

    proxy.fault("GET", "/flows", status=500, times=3)
    proxy.fault("GET", "/flows", status=403, first=lambda: connect(stage.emulator.url), times=10**6)
    assert {event["status"] for event in wait(stage, flows, seconds=10)} == {"ended"}
    stage.assert_shown(row)
