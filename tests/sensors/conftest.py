from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.operators.airflow_masks import forgotten_masks as forgotten_masks
from tests.operators.chain import TaskInstance
from tests.sensors.flows import History
from tests.sensors.flows import written_history as written_history


class SensorTask(TaskInstance):
    """A task instance with the attributes and methods by which a rescheduled sensor finds its first reschedule."""

    dag_id, task_id, run_id, map_index, max_tries = "dag", "wait", "run", -1, 0

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        return None


@dataclass
class DagRun:
    """A DAG run with its start."""

    start_date: datetime | None = None


def context(start_date: datetime | None = None) -> Any:
    return {"ti": SensorTask(), "dag_run": DagRun(start_date)}


def sensor(**arguments: Any) -> FlowRunSensor:
    return FlowRunSensor(task_id="wait", **arguments)


def wait(**arguments: Any) -> Any:
    """Run a sensor as a task does; if the run has not ended, the sensor times out after its first poll."""
    return sensor(**{"timeout": 0} | arguments).execute(context())


@pytest.fixture
def history(written_history: History, connect: Callable[..., None]) -> History:
    """Dataflows that have run, in an emulator that the default Airflow connection points to."""
    connect(written_history.emulator.url)
    return written_history


@pytest.fixture
def proxy_of_history(history: History, connect: Callable[..., None]) -> Iterator[FaultProxy]:
    """A proxy in front of these dataflows, whose faults a test sets."""
    with fault_proxy(history.emulator.url) as running:
        connect(running.url)
        yield running


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Callable[[str], int]:
    """Return a function that counts a text in the log; Airflow 3 prints some lines without Python's logging."""
    caplog.set_level(logging.INFO)
    printed: list[str] = []

    def count(text: str) -> int:
        printed.append(capsys.readouterr().out)
        return max("".join(printed).count(text), caplog.text.count(text))

    return count
