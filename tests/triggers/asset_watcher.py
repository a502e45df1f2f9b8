"""A watcher's trigger in Airflow's own trigger runner, with a supervisor that a test controls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from airflow_provider_payments.triggers.flow_run_event import FlowRunEventTrigger

Payload = dict[str, Any]
SECONDS = 30


class Supervisor:
    """The runner's counterpart: stores the state of assets, as JSON, and the events."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, str], str] = {}
        self.events: list[Payload] = []
        #: If set, raised instead of storing a state.
        self.error: Exception | None = None
        self.reads = self.writes = 0
        #: While cleared, reads are not answered.
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
        """The only stored state; ``None`` if there is none."""
        (state,) = self.states.values() or ["null"]
        return json.loads(state)

    def run_ids(self) -> list[str]:
        """Return the ids of the runs whose events were stored, in order."""
        return [event["run_id"] for event in self.events]


class Watcher:
    """
    A triggerer that runs one trigger, from its start to its end.

    :param supervisor: the supervisor, which outlives the triggerer.
    """

    def __init__(self, trigger: FlowRunEventTrigger, supervisor: Supervisor) -> None:
        from airflow.jobs.triggerer_job_runner import TriggerRunner

        self.supervisor = supervisor
        self.runner = TriggerRunner()
        self.runner.triggers[1] = {"task": None, "is_watcher": True, "name": "watcher", "events": 0}
        self.task = asyncio.create_task(self.runner.run_trigger(1, trigger))

    def store(self, confirm: bool = True) -> None:
        """Store the events that the trigger has fired; unless ``confirm`` is false, confirm them to the runner."""
        while self.runner.events:
            entry = self.runner.events.popleft()
            self.supervisor.events.append(json.loads(json.dumps(entry.event.payload)))
            if confirm:
                self.runner._shared_streams.confirm_persisted([entry.persist_seq])

    async def until(self, condition: Callable[[], object], store: bool = True) -> None:
        """Let the trigger run, and store its events, until a condition holds."""
        async with asyncio.timeout(SECONDS):
            while not condition():
                assert not self.task.done(), self.task.exception()
                if store:
                    self.store()
                await asyncio.sleep(0.005)

    def advance(self, seconds: float) -> None:
        """Advance the event loop's clock."""
        loop = asyncio.get_running_loop()
        now = loop.time
        loop.time = lambda: now() + seconds  # type: ignore[method-assign]

    async def end(self) -> None:
        """End the triggerer; events that it has not sent to the supervisor are lost."""
        self.task.cancel()
        await asyncio.wait({self.task})


def live(
    trigger: FlowRunEventTrigger, supervisor: Supervisor, *steps: Callable[[Watcher], Coroutine[Any, Any, None]]
) -> None:
    """Run a trigger in a new triggerer for each step."""

    async def lives() -> None:
        for step in steps:
            watcher = Watcher(trigger, supervisor)
            try:
                await step(watcher)
            finally:
                await watcher.end()

    asyncio.run(lives())


def until(condition: Callable[[], object]) -> Callable[[Watcher], Coroutine[Any, Any, None]]:
    """Return a step that stores and confirms events until a condition holds."""

    async def life(watcher: Watcher) -> None:
        await watcher.until(condition)

    return life
