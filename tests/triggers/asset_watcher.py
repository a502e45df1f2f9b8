"""A watcher's trigger in Airflow's own trigger runner; what lies beyond it, the supervisor, does as a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from airflow_provider_payments.triggers.flow_run_event import FlowRunEventTrigger

Payload = dict[str, Any]
SECONDS = 30


class Supervisor:
    """What a runner talks to: it keeps the state of assets, as JSON, and the events that were stored."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, str], str] = {}
        self.events: list[Payload] = []
        #: Raised instead of storing a state.
        self.error: Exception | None = None
        self.reads = self.writes = 0
        #: Cleared: reads are not answered until it is set.
        self.answers = asyncio.Event()
        self.answers.set()

    async def asend(self, message: Any) -> Any:
        from airflow.sdk.exceptions import ErrorType
        from airflow.sdk.execution_time.comms import AssetStateStoreResult, ErrorResponse

        place = message.name, message.key
        if message.type == "GetAssetStateStoreByName":
            self.reads += 1
            await self.answers.wait()
            if place in self.states:
                return AssetStateStoreResult(value=json.loads(self.states[place]))
            return ErrorResponse(error=ErrorType.ASSET_STORE_NOT_FOUND, detail={"key": message.key})
        assert message.type == "SetAssetStateStoreByName"
        if self.error:
            raise self.error
        self.states[place] = json.dumps(message.value)
        self.writes += 1
        return None

    @property
    def state(self) -> Any:
        """The only state that is stored, ``None`` where there is none."""
        (state,) = self.states.values() or ["null"]
        return json.loads(state)

    def run_ids(self) -> list[str]:
        """Whose events were stored, in order."""
        return [event["run_id"] for event in self.events]


class Watcher:
    """
    One life of a triggerer that runs one trigger.

    :param supervisor: what outlives it.
    """

    def __init__(self, trigger: FlowRunEventTrigger, supervisor: Supervisor) -> None:
        from airflow.jobs.triggerer_job_runner import TriggerRunner

        self.supervisor = supervisor
        self.runner = TriggerRunner()
        self.runner.triggers[1] = {"task": None, "is_watcher": True, "name": "watcher", "events": 0}
        self.task = asyncio.create_task(self.runner.run_trigger(1, trigger))

    def store(self, confirm: bool = True) -> None:
        """Store the events that the trigger has fired; without a confirmation the runner does not learn of it."""
        while self.runner.events:
            entry = self.runner.events.popleft()
            self.supervisor.events.append(json.loads(json.dumps(entry.event.payload)))
            if confirm:
                self.runner._shared_streams.confirm_persisted([entry.persist_seq])

    async def until(self, condition: Callable[[], object], store: bool = True) -> None:
        """Let it run, and its events be stored, until something holds."""
        async with asyncio.timeout(SECONDS):
            while not condition():
                assert not self.task.done(), self.task.exception()
                if store:
                    self.store()
                await asyncio.sleep(0.005)

    def leap(self, seconds: float) -> None:
        """Let so much time go by for what waits on the event loop."""
        loop = asyncio.get_running_loop()
        now = loop.time
        loop.time = lambda: now() + seconds  # type: ignore[method-assign]

    async def end(self) -> None:
        """End the triggerer. What it has not sent to the supervisor is lost."""
        self.task.cancel()
        await asyncio.wait({self.task})


def live(
    trigger: FlowRunEventTrigger, supervisor: Supervisor, *steps: Callable[[Watcher], Coroutine[Any, Any, None]]
) -> None:
    """Run a trigger in a triggerer of its own, one life for each step."""

    async def lives() -> None:
        for step in steps:
            watcher = Watcher(trigger, supervisor)
            try:
                await step(watcher)
            finally:
                await watcher.end()

    asyncio.run(lives())


def until(condition: Callable[[], object]) -> Callable[[Watcher], Coroutine[Any, Any, None]]:
    """A life that ends when something holds, all acknowledged."""

    async def life(watcher: Watcher) -> None:
        await watcher.until(condition)

    return life
