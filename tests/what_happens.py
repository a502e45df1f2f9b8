"""The manual's page "What happens when", and a stage that produces its events."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.http.transport import Clock
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.base import CreateOperator
from airflow_provider_payments.operators.connections import CreateSourceConnectionOperator
from airflow_provider_payments.triggers.flow_run import FlowRunTrigger
from tests.conftest import CONNECTION_ID, Emulator
from tests.operators.airflow_masks import forgotten_masks as forgotten_masks
from tests.operators.chain import ARGUMENTS, TaskInstance

TABLE = (Path(__file__).parent.parent / "airflow_provider_payments" / "docs" / "what-happens-when.md").read_text()
ROWS = {row[0].strip(): row[2] for row in re.findall(r"^\|(.*?)\|(.*?)\|(.*?)\|$", TABLE, re.MULTILINE)[2:]}
SOURCES = "*/sourceConnections"
TESTED: set[str] = set()


def event(row: str) -> Callable[[Any], Any]:
    """Mark a test with the event of its row."""
    TESTED.add(row)
    return pytest.mark.parametrize("row", [row])


class Stage:
    """Runs operators as tasks do, in the emulator's time: a wait advances the emulator's clock instead of sleeping."""

    def __init__(self, emulator: Emulator, make_client: Callable[..., Client], read: Callable[[], str]) -> None:
        self.emulator = emulator
        self.naps: list[float] = []
        self.clock = Clock(lambda: sum(self.naps), self._sleep)
        self._make_client = make_client
        self._read = read
        self._seen_by_user = ""
        self.client = self.connect()

    def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.emulator.advance(seconds)

    def connect(self, url: str | None = None, **options: Any) -> Client:
        windows = {"settle_seconds": 10.0, "dataflow_settle_seconds": 50.0}
        self.client = self._make_client(url, clock=self.clock, **windows | options)
        return self.client

    def run(
        self, operator: type[BaseOperator], run_id: str = "one", try_number: int = 1, given: Any = None, **changes: Any
    ) -> Any:
        """Execute a task once, with ``given`` in its context; record its result or the text of its error."""
        task = operator(task_id="step", **ARGUMENTS.get(operator, {}) | changes)
        task.hook = ExperiencePlatformHook()
        task.hook.client = self.client
        try:
            result = task.execute({"ti": TaskInstance(try_number), "run_id": run_id, **(given or {})})
        except Exception as error:
            self._seen_by_user += str(error)
            raise
        self.record(result)
        return result

    def record(self, value: Any) -> None:
        """Record a value that a user sees, such as an XCom."""
        self._seen_by_user += json.dumps(value)

    def source(self, **how: Any) -> Any:
        return self.run(CreateSourceConnectionOperator, **how)

    def assert_shown(self, row: str) -> None:
        """Assert that all texts that the row quotes were recorded, logged or printed."""
        seen = self._seen_by_user + self._read()
        assert [quoted for quoted in re.findall(r"`([^`]+)`", ROWS[row]) if quoted not in seen] == []


@pytest.fixture
def stage(
    emulator: Emulator,
    make_client: Callable[..., Client],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> Stage:
    caplog.set_level("INFO")
    return Stage(emulator, make_client, lambda: caplog.text + capsys.readouterr().out)


def value_of(operator: type[CreateOperator], **changes: Any) -> Resource:
    """The value that an operator would create, for another writer to create it."""
    return operator(task_id="step", **ARGUMENTS[operator] | changes).resource()


def wait(stage: Stage, flow_ids: list[str], seconds: float | None = None, **options: Any) -> list[Any]:
    """Wait for runs of dataflows as a triggerer does; record the events of the triggers."""
    until = None if seconds is None else time.time() + seconds
    options |= {"aep_conn_id": CONNECTION_ID, "poll_interval": 0.001, "deadline": until}

    async def one(flow_id: str) -> Any:
        waiting = FlowRunTrigger(selection={"flow_id": flow_id, "since": 0.0}, **options)
        (only,) = [event.payload async for event in waiting.run()]
        return only

    async def together() -> list[Any]:
        async with asyncio.timeout(30):
            return await asyncio.gather(*map(one, flow_ids))

    events = asyncio.run(together())
    stage.record(events)
    return events


def seeded(stage: Stage, connect: Callable[..., None], runs: int) -> list[str]:
    connect(stage.emulator.url)
    order = {"sandbox": "dev", "dataflows": 3, "runs_per_dataflow": runs, "enabled": True}
    stage.emulator.control("POST", "seed", json=order)
    return [flow["id"] for flow in stage.emulator.objects("flows")]


LOSSES = {
    "lost": ("apply_then_drop", {}),
    "cut": ("truncate", {}),
    "500": ("apply_then_status", {"status": 500}),
    "503": ("apply_then_status", {"status": 503, "headers": {"Retry-After": "5"}}),
    "late": ("late_apply", {"seconds": 8}),
}
