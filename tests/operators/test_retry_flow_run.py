"""``RetryFlowRunOperator``: a failed run's work is done again, once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.exceptions import (
    ExperiencePlatformFailedError,
    ExperiencePlatformUnavailableError,
    FlowRunFailedError,
    FlowRunTimeoutError,
)
from airflow_provider_payments.operators.flow_runs import RetryFlowRunOperator, RunDataflowOperator
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.on_demand import DAY, DELTA, LISTS, RUNS, STORES, Stage, Task
from tests.operators.on_demand import with_store as with_store
from tests.sensors.conftest import said as said


@pytest.fixture
def stage(connected: Emulator, make_client: Callable[..., Client], with_store: bool) -> Stage:
    """A dataflow whose first run on demand has failed."""
    stage = Stage(connected, make_client, with_store)
    stage.make_dataflow()
    start_run(stage, outcome="fail_promotion")
    stage.forget_requests()
    return stage


def start_run(stage: Stage, days_ago: int = 2, outcome: str | None = None) -> str:
    """Run the dataflow over a day, and let the run end; return its id."""
    if outcome:
        stage.emulator.order(outcome)
    start = stage.today - days_ago * DAY
    window = {"window_start": start, "window_end": start + DAY, "delta_column": DELTA}
    task = stage.operator(RunDataflowOperator, flow_id=stage.flow_id, wait_for_completion=False, **window)
    run_id = str(task.execute(stage.context())["run_id"])
    stage.emulator.advance(3)
    stage.naps.clear()
    return run_id


def retry(stage: Stage, try_number: int = 1, max_tries: int = 2, **arguments: Any) -> dict[str, Any]:
    given = {} if "flow_id" in arguments else {"run_id": stage.runs()[0]["id"]}
    operator = stage.operator(RetryFlowRunOperator, **given | {"accept_partial": True} | arguments)
    return dict(operator.execute(stage.context(try_number, max_tries)))


def actions(stage: Stage) -> list[tuple[str, int]]:
    """What was asked to be done again, and the answers."""
    asked = stage.emulator.requests(method="POST", path=RUNS)
    return [(r["path"].split("/")[-2], r["status"]) for r in asked if r["path"].endswith("/action")]


@pytest.mark.parametrize("by", ["run_id", "flow_id"])
def test_a_failed_runs_work_is_done_again(stage: Stage, by: str) -> None:
    returned = retry(stage, **({"flow_id": stage.flow_id} if by == "flow_id" else {}))
    failed, made = stage.runs()
    assert returned["run_id"] == made["id"] == stage.task.pushed["run_id"]
    assert returned["output_records"] == stage.rows() > 0
    assert actions(stage) == [(failed["id"], 200)]
    look = ["GET runs"] * (2 if by == "run_id" else 1)  # the run, and whether another has taken its place
    assert stage.asked() == [*look, "GET runs", "POST runs", "GET runs", "GET runs"]


def test_the_window_is_that_of_the_failed_run(stage: Stage) -> None:
    returned = retry(stage)
    (failed, made) = stage.runs()
    assert made["params"] == failed["params"]
    assert [datetime.fromisoformat(returned[name]).timestamp() for name in ("window_start", "window_end")] == [
        failed["params"]["windowStartTime"],
        failed["params"]["windowEndTime"],
    ]


def test_it_may_be_run_again_and_again(stage: Stage, said: Callable[[str], int]) -> None:
    first = retry(stage)
    stage.forget_requests()
    assert retry(stage) == retry(stage, flow_id=stage.flow_id) == retry(stage, run_id=first["run_id"]) == first
    assert (actions(stage), len(stage.runs())) == ([], 2)
    assert said("there is nothing to repeat") == 3


def test_a_run_that_is_under_way_is_waited_for(stage: Stage) -> None:
    with pytest.raises(FlowRunTimeoutError):
        retry(stage, timeout=0)
    assert retry(stage)["run_id"] == stage.runs()[1]["id"]  # another DAG run
    assert len(actions(stage)) == 1


def test_the_newest_failed_run_that_was_not_made_good_is_chosen(stage: Stage) -> None:
    oldest = stage.runs()[0]["id"]
    newest = start_run(stage, days_ago=1, outcome="fail_copy")
    good = start_run(stage, days_ago=3)
    assert retry(stage, flow_id=stage.flow_id)["run_id"] not in (oldest, newest, good)
    retry(stage, flow_id=stage.flow_id)
    assert [run for run, _ in actions(stage)] == [newest, oldest]
    last = retry(stage, flow_id=stage.flow_id)["run_id"]
    assert (last, len(actions(stage))) == (stage.runs()[-1]["id"], 2)


def test_a_retry_that_failed_is_followed_by_another(stage: Stage) -> None:
    stage.emulator.order("fail_copy")
    with pytest.raises(FlowRunFailedError, match="CONNECTOR-1001-500"):
        retry(stage)
    assert retry(stage)["output_records"] == stage.rows() > 0
    assert [run for run, _ in actions(stage)] == [run["id"] for run in stage.runs()[:2]]


LOST = {
    "lost": ("apply_then_drop", {}),
    "500": ("apply_then_status", {"status": 500}),
    "503": ("apply_then_status", {"status": 503, "headers": {"Retry-After": "5"}}),
    "late": ("late_apply", {"seconds": 40}),
    "never arrived": ("drop_before", {}),
}


@pytest.mark.parametrize("what", LOST)
def test_a_lost_answer_makes_no_second_retry(stage: Stage, what: str, said: Callable[[str], int]) -> None:
    action, details = LOST[what]
    stage.emulator.fail(action, method="POST", path="*/runs/*", **details)
    assert retry(stage)["output_records"] == stage.rows() > 0
    assert len(stage.runs()) == 2
    assert len(actions(stage)) == (2 if what == "never arrived" else 1)
    assert (stage.naps[0], said("searching for the flow run before the request is sent again")) == (51, 1)


class DyingTask(Task):
    """Its worker is killed when the new run's id is known."""

    def xcom_push(self, key: str, value: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("with_store", [False])
def test_a_try_that_was_killed_leaves_one_retry(stage: Stage) -> None:
    task = stage.operator(RetryFlowRunOperator, run_id=stage.runs()[0]["id"])
    child = os.fork()
    if not child:
        task.execute(stage.context() | {"ti": DyingTask()})
        os._exit(0)  # it should not have come so far
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert retry(stage, try_number=2)["run_id"] == stage.runs()[1]["id"]
    assert len(actions(stage)) == 1


@STORES
def test_the_next_try_waits_for_the_same_retry(stage: Stage) -> None:
    with pytest.raises(FlowRunTimeoutError, match=r"is scheduled.*the run continues"):
        retry(stage, timeout=0)
    assert retry(stage, try_number=2)["run_id"] == stage.runs()[1]["id"]
    assert len(actions(stage)) == 1


@STORES
def test_a_retry_that_failed_fails_the_task_for_good_until_somebody_clears_it(stage: Stage) -> None:
    stage.emulator.order("fail_copy")
    with pytest.raises(FlowRunFailedError):
        retry(stage)
    with pytest.raises(FlowRunFailedError):
        retry(stage, try_number=2)
    assert len(actions(stage)) == 1
    assert retry(stage, try_number=2, max_tries=3)["output_records"] == stage.rows()
    assert len(actions(stage)) == 2


@STORES
def test_a_lost_answer_and_a_long_retry_after_are_left_to_the_next_try(stage: Stage) -> None:
    stage.emulator.fail("apply_then_status", method="POST", path="*/runs/*", status=503, headers={"Retry-After": "600"})
    with pytest.raises(ExperiencePlatformUnavailableError, match="asks to wait 600 s"):
        retry(stage)
    assert retry(stage, try_number=2)["run_id"] == stage.runs()[1]["id"]
    assert len(actions(stage)) == 1


def test_a_disabled_dataflow_is_refused(stage: Stage) -> None:
    stage.connect().request("POST", f"/data/foundation/flowservice/flows/{stage.flow_id}/action?op=disable")
    with pytest.raises(ExperiencePlatformFailedError, match="FLOW-1388-400"):
        retry(stage)
    assert (len(stage.runs()), stage.naps) == (1, [])


def test_what_the_service_will_not_do_again_is_refused(stage: Stage, proxy: FaultProxy) -> None:
    """Windows that do not show tell nothing of a run that has made it good."""
    retry(stage)
    failed = dict(stage.runs()[0])
    proxy.fault("GET", LISTS, status=200, body=b'{"items": []}', times=2)
    with pytest.raises(ExperiencePlatformFailedError, match="FLOW-1387-400"):
        retry(stage, url=proxy.url, run_id=failed["id"])
    assert len(stage.runs()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"run_id": None}, "run_id=None is not allowed: a run's id, or flow_id"),
        ({"run_id": "a b"}, "run_id='a b'"),
        ({"flow_id": "x,y"}, "flow_id='x,y'"),
        ({"max_failed_ratio": "much"}, "max_failed_ratio='much'"),
    ],
)
def test_a_wrong_argument_is_refused_before_any_request(stage: Stage, arguments: Any, message: str) -> None:
    run_id = stage.runs()[0]["id"]
    stage.forget_requests()
    with pytest.raises(ExperiencePlatformFailedError, match=message):
        retry(stage, **arguments if "flow_id" in arguments else {"run_id": run_id} | arguments)
    assert stage.emulator.requests() == []


def test_runs_that_are_not_there_are_named(stage: Stage) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match="FLOW-1439-404"):
        retry(stage, run_id="none")
    with pytest.raises(ExperiencePlatformFailedError, match="it must be a dataflow that has run"):
        retry(stage, flow_id="3abea21c-7e36-4be1-bec1-d3bad0e3e0de")


def test_a_deferred_wait_ends_as_one_on_the_worker(stage: Stage) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        retry(stage, deferrable=True)
    made = stage.runs()[1]["id"]
    assert deferred.value.trigger.serialize()[1]["selection"]["run_id"] == made
    run = {"id": made, "flow_id": stage.flow_id, "raw_status": "success", "created_at": 2e9}
    run |= {"input_records": 7, "output_records": 7, "failed_records": 0}
    window = {"window_start": 1793491200.0, "window_end": 1793577600.0}
    task = stage.operator(RetryFlowRunOperator, run_id="failed", deferrable=True)
    event = {"status": "ended", "run": run | window}
    returned = task.resume_execution(deferred.value.method_name, {"event": event}, stage.context())
    assert (returned["run_id"], returned["output_records"]) == (made, 7)
    assert (returned["window_start"], returned["window_end"]) == (
        "2026-11-01T00:00:00+00:00",
        "2026-11-02T00:00:00+00:00",
    )
