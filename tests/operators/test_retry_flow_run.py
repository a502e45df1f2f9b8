"""``RetryFlowRunOperator``: a failed run is repeated once."""

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


def repetitions(stage: Stage) -> list[tuple[str, int]]:
    """Return the requests for repetitions, with their answers."""
    requests = stage.emulator.requests(method="POST", path=RUNS)
    return [(r["path"].split("/")[-2], r["status"]) for r in requests if r["path"].endswith("/action")]


@pytest.mark.parametrize("by", ["run_id", "flow_id"])
def test_a_failed_run_is_repeated(stage: Stage, by: str) -> None:
    returned = retry(stage, **({"flow_id": stage.flow_id} if by == "flow_id" else {}))
    failed, repeated = stage.runs()
    assert returned["run_id"] == repeated["id"] == stage.task.pushed["run_id"]
    assert returned["output_records"] == stage.rows() > 0
    assert repetitions(stage) == [(failed["id"], 200)]
    reads = ["GET runs"] * (2 if by == "run_id" else 1)  # read the run, and list later runs over its window
    assert stage.requests() == [*reads, "GET runs", "POST runs", "GET runs", "GET runs"]


def test_a_repeated_run_reads_the_failed_runs_window(stage: Stage) -> None:
    returned = retry(stage)
    (failed, repeated) = stage.runs()
    assert repeated["params"] == failed["params"]
    assert [datetime.fromisoformat(returned[name]).timestamp() for name in ("window_start", "window_end")] == [
        failed["params"]["windowStartTime"],
        failed["params"]["windowEndTime"],
    ]


def test_a_repeated_run_is_not_repeated_by_later_executions(stage: Stage, said: Callable[[str], int]) -> None:
    first = retry(stage)
    stage.forget_requests()
    assert retry(stage) == retry(stage, flow_id=stage.flow_id) == retry(stage, run_id=first["run_id"]) == first
    assert (repetitions(stage), len(stage.runs())) == ([], 2)
    assert said("there is nothing to repeat") == 3


def test_the_task_waits_for_an_active_run(stage: Stage) -> None:
    with pytest.raises(FlowRunTimeoutError):
        retry(stage, timeout=0)
    assert retry(stage)["run_id"] == stage.runs()[1]["id"]  # another DAG run
    assert len(repetitions(stage)) == 1


def test_the_newest_failed_run_without_a_successful_repetition_is_chosen(stage: Stage) -> None:
    oldest = stage.runs()[0]["id"]
    newest = start_run(stage, days_ago=1, outcome="fail_copy")
    good = start_run(stage, days_ago=3)
    assert retry(stage, flow_id=stage.flow_id)["run_id"] not in (oldest, newest, good)
    retry(stage, flow_id=stage.flow_id)
    assert [run for run, _ in repetitions(stage)] == [newest, oldest]
    last = retry(stage, flow_id=stage.flow_id)["run_id"]
    assert (last, len(repetitions(stage))) == (stage.runs()[-1]["id"], 2)


def test_a_failed_repetition_is_repeated(stage: Stage) -> None:
    stage.emulator.order("fail_copy")
    with pytest.raises(FlowRunFailedError, match="CONNECTOR-1001-500"):
        retry(stage)
    assert retry(stage)["output_records"] == stage.rows() > 0
    assert [run for run, _ in repetitions(stage)] == [run["id"] for run in stage.runs()[:2]]


LOST = {
    "lost": ("apply_then_drop", {}),
    "500": ("apply_then_status", {"status": 500}),
    "503": ("apply_then_status", {"status": 503, "headers": {"Retry-After": "5"}}),
    "late": ("late_apply", {"seconds": 40}),
    "never arrived": ("drop_before", {}),
}


@pytest.mark.parametrize("what", LOST)
def test_a_lost_answer_leads_to_no_second_repetition(stage: Stage, what: str, said: Callable[[str], int]) -> None:
    action, details = LOST[what]
    stage.emulator.fail(action, method="POST", path="*/runs/*", **details)
    assert retry(stage)["output_records"] == stage.rows() > 0
    assert len(stage.runs()) == 2
    assert len(repetitions(stage)) == (2 if what == "never arrived" else 1)
    assert (stage.naps[0], said("searching for the flow run before the request is sent again")) == (51, 1)


class DyingTask(Task):
    """A task instance whose worker is killed when the new run's id is known."""

    def xcom_push(self, key: str, value: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("with_store", [False])
def test_a_killed_try_leaves_one_repetition(stage: Stage) -> None:
    task = stage.operator(RetryFlowRunOperator, run_id=stage.runs()[0]["id"])
    child = os.fork()
    if not child:
        task.execute(stage.context() | {"ti": DyingTask()})
        os._exit(0)  # not reached if the process was killed as expected
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert retry(stage, try_number=2)["run_id"] == stage.runs()[1]["id"]
    assert len(repetitions(stage)) == 1


@STORES
def test_the_next_try_waits_for_the_same_repetition(stage: Stage) -> None:
    with pytest.raises(FlowRunTimeoutError, match=r"is scheduled.*the run continues"):
        retry(stage, timeout=0)
    assert retry(stage, try_number=2)["run_id"] == stage.runs()[1]["id"]
    assert len(repetitions(stage)) == 1


@STORES
def test_a_failed_repetition_fails_the_task_until_it_is_cleared(stage: Stage) -> None:
    stage.emulator.order("fail_copy")
    with pytest.raises(FlowRunFailedError):
        retry(stage)
    with pytest.raises(FlowRunFailedError):
        retry(stage, try_number=2)
    assert len(repetitions(stage)) == 1
    assert retry(stage, try_number=2, max_tries=3)["output_records"] == stage.rows()
    assert len(repetitions(stage)) == 2


@STORES
def test_a_lost_answer_and_a_long_retry_after_end_the_try(stage: Stage) -> None:
    stage.emulator.fail("apply_then_status", method="POST", path="*/runs/*", status=503, headers={"Retry-After": "600"})
    with pytest.raises(ExperiencePlatformUnavailableError, match="asks to wait 600 s"):
        retry(stage)
    assert retry(stage, try_number=2)["run_id"] == stage.runs()[1]["id"]
    assert len(repetitions(stage)) == 1


def test_a_disabled_dataflow_is_refused(stage: Stage) -> None:
    stage.connect().request("POST", f"/data/foundation/flowservice/flows/{stage.flow_id}/action?op=disable")
    with pytest.raises(ExperiencePlatformFailedError, match="FLOW-1388-400"):
        retry(stage)
    assert (len(stage.runs()), stage.naps) == (1, [])


def test_a_repetition_that_the_service_refuses_fails_the_task(stage: Stage, proxy: FaultProxy) -> None:
    """Without reported windows, no run is known to have repeated the failed one."""
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


def test_unknown_runs_and_dataflows_are_named(stage: Stage) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match="FLOW-1439-404"):
        retry(stage, run_id="none")
    with pytest.raises(ExperiencePlatformFailedError, match="it must be a dataflow that has run"):
        retry(stage, flow_id="3abea21c-7e36-4be1-bec1-d3bad0e3e0de")


def test_a_deferred_wait_ends_like_one_on_the_worker(stage: Stage) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        retry(stage, deferrable=True)
    repeated = stage.runs()[1]["id"]
    assert deferred.value.trigger.serialize()[1]["selection"]["run_id"] == repeated
    run = {"id": repeated, "flow_id": stage.flow_id, "raw_status": "success", "created_at": 2e9}
    run |= {"input_records": 7, "output_records": 7, "failed_records": 0}
    window = {"window_start": 1793491200.0, "window_end": 1793577600.0}
    task = stage.operator(RetryFlowRunOperator, run_id="failed", deferrable=True)
    event = {"status": "ended", "run": run | window}
    returned = task.resume_execution(deferred.value.method_name, {"event": event}, stage.context())
    assert (returned["run_id"], returned["output_records"]) == (repeated, 7)
    assert (returned["window_start"], returned["window_end"]) == (
        "2026-11-01T00:00:00+00:00",
        "2026-11-02T00:00:00+00:00",
    )
