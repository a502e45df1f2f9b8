"""Executes ``RunDataflowOperator`` as a task of a :class:`.Stage`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.operators.flow_runs import RunDataflowOperator
from tests.conftest import Emulator
from tests.operators.on_demand import DAY, DELTA, Stage
from tests.operators.on_demand import with_store as with_store
from tests.sensors.conftest import said as said


@pytest.fixture
def stage(connected: Emulator, make_client: Callable[..., Client], with_store: bool) -> Stage:
    """A dataflow that runs once, tomorrow, and Airflow with or without a task store."""
    stage = Stage(connected, make_client, with_store)
    stage.make_dataflow()
    stage.forget_requests()
    return stage


def operator(stage: Stage, days_ago: int = 2, **arguments: Any) -> Any:
    """Return the operator for the window of one day."""
    start = stage.today - days_ago * DAY
    window = {"window_start": start, "window_end": start + DAY}
    given = {"flow_id": stage.flow_id, "delta_column": DELTA, "accept_partial": True}
    return stage.operator(RunDataflowOperator, **given | window | arguments)


def run(stage: Stage, try_number: int = 1, max_tries: int = 2, **arguments: Any) -> dict[str, Any]:
    return dict(operator(stage, **arguments).execute(stage.context(try_number, max_tries)))


def posts(stage: Stage) -> list[Any]:
    return stage.emulator.posted("/runs")


def deferral(stage: Stage, **arguments: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        run(stage, deferrable=True, **arguments)
    return deferred.value


def resume(stage: Stage, deferred: TaskDeferred, event: Any, **arguments: Any) -> Any:
    """Resume the task as Airflow does after the trigger has fired."""
    task = operator(stage, deferrable=True, **arguments)
    return task.resume_execution(deferred.method_name, {"event": event}, stage.context())
