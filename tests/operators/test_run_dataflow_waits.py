"""Waits of ``RunDataflowOperator``: on a worker, deferred, and until a timeout."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, TaskDeferred

from airflow_provider_payments.exceptions import FlowRunFailedError, FlowRunTimeoutError
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.flow_runs import RunDataflowOperator
from tests.operators.on_demand import DELTA, OF_A_START, Stage
from tests.operators.on_demand import with_store as with_store
from tests.operators.run_dataflow import deferral, operator, resume, run
from tests.operators.run_dataflow import stage as stage
from tests.sensors.conftest import said as said


def test_a_deferred_wait_returns_the_same_as_one_on_the_worker(stage: Stage) -> None:
    deferred = deferral(stage, timeout=600, execution_timeout=timedelta(seconds=90))
    assert stage.requests() == OF_A_START
    (only,) = stage.runs()
    assert stage.task.pushed["run_id"] == only["id"]
    assert (deferred.method_name, deferred.timeout) == ("execute_complete", None)
    path, arguments = deferred.trigger.serialize()
    assert json.loads(json.dumps(arguments)) == arguments
    assert arguments["selection"]["run_id"] == only["id"]
    assert 0 < arguments["deadline"] - datetime.now(UTC).timestamp() <= 90
    stage.emulator.advance(2)
    module, name = path.rsplit(".", 1)

    async def first_event() -> Any:
        trigger = getattr(import_module(module), name)(**arguments)
        return (await anext(trigger.run())).payload

    returned = resume(stage, deferred, json.loads(json.dumps(asyncio.run(first_event()))))
    assert (returned["run_id"], returned["output_records"]) == (only["id"], stage.rows())
    assert returned["window_start"] == datetime.fromtimestamp(only["params"]["windowStartTime"], UTC).isoformat()


def test_a_deferred_wait_that_times_out_names_the_continuing_run(stage: Stage) -> None:
    deferred = deferral(stage)
    with pytest.raises(FlowRunTimeoutError, match="flow run 7 has not ended in time; the run continues") as error:
        resume(stage, deferred, {"status": "timeout", "message": "flow run 7 has not ended in time"})
    assert not isinstance(error.value, AirflowFailException)


@pytest.mark.parametrize("event", [None, {}, {"status": "ended"}, {"status": "error", "message": "FLOW-1439"}])
def test_an_event_without_an_ended_run_fails_the_task(stage: Stage, event: Any) -> None:
    with pytest.raises(FlowRunFailedError):
        resume(stage, deferral(stage), event)


def test_without_waiting_the_run_is_returned_in_its_current_state(stage: Stage) -> None:
    returned = run(stage, wait_for_completion=False)
    assert (returned["run_id"], returned["status"]) == (stage.runs()[0]["id"], "active")
    assert stage.requests() == OF_A_START


def test_a_wait_on_the_worker_ends_with_the_smaller_limit(stage: Stage) -> None:
    stage.emulator.order("stuck")
    with pytest.raises(FlowRunTimeoutError, match="is inProgress"):
        run(stage, timeout="60", execution_timeout=timedelta(seconds=12), poll_interval="5")
    assert [round(nap) for nap in stage.naps] == [5, 5, 2]


@pytest.mark.parametrize(
    ("two_minutes", "five_seconds"),
    [(timedelta(minutes=2), timedelta(seconds=5)), ("PT2M", "PT5S"), ("120", "5"), (120, 5.0)],
    ids=["timedelta", "ISO 8601", "digits", "seconds"],
)
@pytest.mark.parametrize("from_default_args", [True, False], ids=["default_args", "argument"])
def test_limits_accept_every_form_of_a_duration(
    stage: Stage, two_minutes: Any, five_seconds: Any, from_default_args: bool
) -> None:
    limits = {"timeout": two_minutes, "poll_interval": five_seconds}
    with DAG(dag_id="limits", schedule=None, default_args=limits if from_default_args else {}):
        task = RunDataflowOperator(
            task_id="run",
            flow_id=stage.flow_id,
            window_start=0,
            window_end=stage.now,
            delta_column=DELTA,
            deferrable=True,
            **({} if from_default_args else limits),
        )
    task.hook = ExperiencePlatformHook()
    task.hook.client = stage.connect()
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(stage.context())
    _, arguments = deferred.value.trigger.serialize()
    assert arguments["poll_interval"] == 5
    assert 110 < arguments["deadline"] - datetime.now(UTC).timestamp() <= 120


def test_airflows_own_timeouts_end_no_wait(stage: Stage) -> None:
    with DAG(dag_id="limits", schedule=None, default_args={"execution_timeout": timedelta(seconds=20)}):
        assert operator(stage).execution_timeout is None


@pytest.mark.parametrize(("ratio", "good"), [(0.5, False), (1, True)])
def test_failed_records_are_accepted_up_to_the_ratio(stage: Stage, ratio: float, good: bool) -> None:
    stage.emulator.order("partial", failed=4)
    if good:
        assert run(stage, max_failed_ratio=ratio)["status"] == "partial"
        return
    with pytest.raises(FlowRunFailedError, match=r"max_failed_ratio is 0\.5"):
        run(stage, max_failed_ratio=ratio)


def test_a_killed_task_logs_that_its_run_continues(stage: Stage, said: Callable[[str], int]) -> None:
    task = operator(stage, wait_for_completion=False)
    task.on_kill()
    assert said("Killed before a flow run was known. If one was requested, the run continues") == 1
    run_id = task.execute(stage.context())["run_id"]
    task.on_kill()
    assert said(f"Killed while flow run {run_id} is not known to have ended: the run continues") == 1


def test_by_default_one_instance_of_the_task_runs_at_a_time() -> None:
    assert RunDataflowOperator(task_id="run", flow_id="flow").max_active_tis_per_dag == 1
    assert (
        RunDataflowOperator(task_id="run", flow_id="flow", max_active_tis_per_dag=None).max_active_tis_per_dag is None
    )
    with DAG(dag_id="windows", schedule=None, default_args={"max_active_tis_per_dag": 3}):
        assert RunDataflowOperator(task_id="run", flow_id="flow").max_active_tis_per_dag == 3
