"""The trigger of an asset's watcher: each flow run of a dataflow that has ended becomes an event of the asset."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import threading
from collections.abc import AsyncIterator, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.flow_runs import FlowRun, State, runs_of
from airflow_provider_payments.aep.inputs import as_id, as_list, as_number, as_text, as_time
from airflow_provider_payments.aep.waits import MARGIN
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.versions import event_stream_bases, require_event_streams

if TYPE_CHECKING:
    from airflow.triggers.base import BaseEventTrigger
    from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

    from airflow_provider_payments.aep.client import Client
else:
    BaseEventTrigger, SharedStreamProducer = event_stream_bases()

log = logging.getLogger(__name__)

#: What a run may end as.
ENDED = (State.SUCCEEDED, State.PARTIAL, State.FAILED)
#: An active run is passed over once so many later ones are there: it has been forgotten by the service.
MOST_LATER = 1000
#: Runs that are announced at a time; Airflow takes a second or two to store them, and bounds the queue.
BATCH = 50
#: Seconds between two looks while the service refuses, if the poll interval is not longer.
SLOW = 600.0
#: A service that asks to be left alone for longer than so many seconds is not believed.
LONGEST_WAIT = 86400.0
#: Seconds that Airflow may take to store the state; while it shuts down it never answers.
STORE_TIMEOUT = 10.0


class FlowRunEventTrigger(BaseEventTrigger):
    """
    Announces each flow run of a dataflow, once it has ended, as an event of the asset that it watches.

    Each run is announced at least once: what has been announced is noted in the asset's state store, and only after
    Airflow has stored the event. After a restart some may be announced again; ``run_id`` tells. The event's payload is
    what ``FlowRunSensor`` returns, with ``flow_id``: plain JSON, in ``event.extra["payload"]`` of the asset event.

    Each asks by itself, once in each ``poll_interval``. It never ends and never fails: what goes wrong stands in the
    triggerer's log. Another ``flow_id``, ``asset``, ``statuses`` or ``since`` makes it begin anew; without ``since`` it
    goes on where it was.

    :param flow_id: the dataflow.
    :param asset: the name of the asset that it watches, whose state store holds what has been announced.
    :param aep_conn_id: the Airflow connection.
    :param poll_interval: seconds between two looks.
    :param since: only runs made at or after it count; by default the moment at which the trigger first looks. A
        timezone-aware time, ISO 8601 text or epoch seconds.
    :param statuses: which runs are announced: any of ``succeeded``, ``partial`` and ``failed``.
    :raises InvalidInputError: naming the argument that is wrong.
    :raises RuntimeError: on an Airflow before 3.3.
    """

    def __init__(
        self,
        *,
        flow_id: str,
        asset: str,
        aep_conn_id: str = ExperiencePlatformHook.default_conn_name,
        poll_interval: float = 60.0,
        since: datetime | float | str | None = None,
        statuses: Sequence[str] = (State.SUCCEEDED, State.PARTIAL),
    ) -> None:
        require_event_streams(type(self).__name__)
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.flow_id = as_id("flow_id", flow_id)
        self.asset = as_text("asset", asset)
        self.aep_conn_id = as_text("aep_conn_id", aep_conn_id)
        self.poll_interval = as_number("poll_interval", poll_interval) or 0.0
        if not self.poll_interval > 0:
            raise InvalidInputError("poll_interval", poll_interval, "it must be more than 0 seconds")
        moment = as_time("since", since)
        self.since = moment.isoformat() if moment else None
        wanted = as_list("statuses", statuses) or []
        if not wanted or any(status not in ENDED for status in wanted):
            raise InvalidInputError("statuses", statuses, f"a list of any of {', '.join(ENDED)}")
        self.statuses = [state.value for state in ENDED if state in wanted]

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, all plain JSON."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {
            "flow_id": self.flow_id,
            "asset": self.asset,
            "aep_conn_id": self.aep_conn_id,
            "poll_interval": self.poll_interval,
            "since": self.since,
            "statuses": self.statuses,
        }

    def shared_stream_key(self) -> Hashable:
        """Return what is equal for equal triggers only: one that joined another's stream late would miss runs."""
        return json.dumps(self.serialize(), sort_keys=True)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> FlowRunStream:
        """Return what looks for the runs; that Airflow asks for it makes it acknowledge them."""
        return FlowRunStream(cls(**kwargs))

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Announcement]) -> AsyncIterator[TriggerEvent]:
        """Make an event of each run."""
        async for announcement in shared_stream:
            yield TriggerEvent({**announcement.run.summary(), "flow_id": announcement.run.flow_id})
            # Airflow comes back for more once it has the event. Cancelled before that, it acknowledges all the same.
            announcement.taken = True

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Refuse to run without a shared stream: nothing would be acknowledged, so runs would be lost."""
        raise RuntimeError(f"{type(self).__name__} runs as the trigger of an asset's watcher only")
        yield


@dataclass(eq=False)
class Announcement:
    """
    A run on its way to Airflow.

    :param taken: whether Airflow has taken its event.
    """

    run: FlowRun
    taken: bool = False


class Progress:
    """
    What has been announced of a dataflow.

    All runs made before the cursor are done with; of those made since, the announced ones are known by id. It never
    passes a run that is active, for runs may end in any order.

    :param statuses: the states of the runs that are announced.
    :param start: epoch seconds; runs made earlier do not count.
    """

    def __init__(self, statuses: Sequence[str], start: float) -> None:
        self._statuses = statuses
        self.start = self._cursor = start
        self._announced: dict[str, int] = {}
        self._runs: list[FlowRun] = []

    @classmethod
    def from_json(cls, statuses: Sequence[str], stored: Any) -> Progress:
        """Read :meth:`to_json`'s form."""
        progress = cls(statuses, float(stored["start"]))
        progress._cursor = float(stored["cursor"])
        progress._announced = {str(run): int(made) for run, made in stored["announced"].items()}
        return progress

    def to_json(self) -> dict[str, Any]:
        """Return what must survive a restart: a few hundred bytes, and at the very most some 60 kB."""
        return {"start": self.start, "cursor": self._cursor, "announced": self._still_of_use()}

    @property
    def created_since(self) -> float:
        """Epoch seconds; runs made earlier need not be looked at."""
        return max(self.start, self._cursor - MARGIN)

    def see(self, runs: list[FlowRun]) -> list[FlowRun]:
        """Take note of all runs made since :attr:`created_since`; return those to announce, the earliest first."""
        self._announced = self._still_of_use()
        self._runs = sorted(runs, key=lambda run: (run.created_at, run.id))
        for run in self._runs[:-MOST_LATER]:
            if run.state is State.ACTIVE:
                log.error("%s, though %d later ones are there: it is not waited for any longer", run, MOST_LATER)
        self._move()
        return [run for run in self._runs if run.state is not State.ACTIVE and not self._is_done(run)]

    def announced(self, runs: Iterable[FlowRun]) -> None:
        """Take note that Airflow has stored the runs' events."""
        self._announced |= {run.id: int(run.created_at) for run in runs}
        self._move()

    def _is_done(self, run: FlowRun) -> bool:
        if run.state is State.ACTIVE:
            return False
        return run.state not in self._statuses or run.id in self._announced

    def _move(self) -> None:
        forgotten = {run.id for run in self._runs[:-MOST_LATER] if run.state is State.ACTIVE}
        open_runs = [run for run in self._runs if not self._is_done(run) and run.id not in forgotten]
        if reached := open_runs[:1] or self._runs[-1:]:
            self._cursor = reached[0].created_at

    def _still_of_use(self) -> dict[str, int]:
        # A run that shows late moves the cursor back by a margin; what was announced a margin before it is known then.
        kept = self._cursor - 2 * MARGIN
        return {run: made for run, made in self._announced.items() if made >= kept - 1}


class FlowRunStream(SharedStreamProducer):
    """
    Looks for flow runs that have ended, for ever, and notes which have been announced.

    :param trigger: whose runs.
    """

    def __init__(self, trigger: FlowRunEventTrigger) -> None:
        self._trigger = trigger
        self._client: Client | None = None
        self._ended = threading.Event()
        # Not the loop's own pool: a look that the service holds up would keep other triggers out of it.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="flow-run-events")
        self._progress: Progress | None = None
        self._stored: dict[str, Any] | None = None
        self._on_the_way = 0
        self._arrived = asyncio.Event()

    async def open_stream(self) -> AsyncIterator[tuple[Announcement, Announcement]]:
        """Yield each run that has ended and is not known to be announced, again and again until it is."""
        failures = 0
        while True:
            news: list[FlowRun] = []
            try:
                news = await self._look()
                failures, pause = 0, self._trigger.poll_interval * random.uniform(0.9, 1.0)
            except Exception as error:
                failures += 1
                pause = self._bear(error, failures)
            # Of events that come between two passes of Airflow's scheduler, a DAG run gets the first and the next DAG
            # run the others: the latest of several runs waits for the next look, and brings them along.
            if len(news) > 1:
                del news[-1]
            for first in range(0, len(news), BATCH):
                some = [Announcement(run) for run in news[first : first + BATCH]]
                self._on_the_way = len(some)
                self._arrived.clear()
                for announcement in some:
                    yield announcement, announcement
                await self._arrived.wait()
            await asyncio.sleep(pause)

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Note that Airflow has stored these runs' events; those that it has not come again."""
        assert self._progress
        stored = [item.run for item, outcome in batch if outcome.is_clean and item.taken]
        self._progress.announced(stored)
        for run in stored:
            log.info("Announced for asset %s: %s", self._trigger.asset, run)
        try:
            await self._store()
        except Exception as error:
            log.warning("Could not note what was announced for asset %s: %s", self._trigger.asset, error)
        self._on_the_way -= len(batch)
        if not self._on_the_way:
            self._arrived.set()

    async def aclose(self) -> None:
        """Stop looking; a request that is under way ends by itself, and nobody hears of it."""
        self._ended.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _bear(self, error: Exception, failures: int) -> float:
        """Log why a look failed; return the seconds until the next."""
        interval = self._trigger.poll_interval
        slow, asked = max(SLOW, interval), min(getattr(error, "retry_after", None) or 0.0, LONGEST_WAIT)
        final = not getattr(error, "retryable", True)
        pause = max(asked, slow if final else min(interval * 2.0 ** min(failures, 10), slow))
        text = "Could not look for runs of dataflow %s, which asset %s waits for; again in %.0f s: %s: %s"
        level = logging.ERROR if final else logging.WARNING
        log.log(level, text, self._trigger.flow_id, self._trigger.asset, pause, type(error).__name__, error)
        # Whoever mends the connection need not restart the triggerer.
        self._client = None
        return pause

    # ---- looking ---------------------------------------------------------------------------------------------------

    async def _look(self) -> list[FlowRun]:
        if self._progress is None:
            self._progress = await self._resume()
        # One HTTP stack for all: the blocking client runs in a thread, never on the triggerer's loop.
        loop = asyncio.get_running_loop()
        runs = await loop.run_in_executor(self._pool, self._runs, self._progress.created_since)
        news = self._progress.see(runs)
        await self._store()
        return news

    def _connect(self) -> Client:
        from airflow_provider_payments.hooks.polling import polling_client

        self._client = self._client or polling_client(self._trigger.aep_conn_id, self._ended)
        return self._client

    def _runs(self, since: float) -> list[FlowRun]:
        runs = runs_of(self._connect(), self._trigger.flow_id, since, skip_unreadable=True)
        return list({run.id: run for run in runs}.values())

    def _begin(self, since: datetime | None) -> Progress:
        """Begin where the runs begin to count. A dataflow that is not there would be waited for without a word."""
        client = self._connect()
        client.item("flows", self._trigger.flow_id)
        start = since.timestamp() if since else client.transport.now()
        return Progress(self._trigger.statuses, start)

    # ---- the asset's state store -----------------------------------------------------------------------------------

    async def _resume(self) -> Progress:
        """Go on where the last triggerer was, or begin."""
        since = as_time("since", self._trigger.since)
        async with asyncio.timeout(STORE_TIMEOUT):
            stored = await self._state_store.aget(self._key)
        if stored is None or (since and since.timestamp() != stored["start"]):
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._begin, since)
        self._stored = stored
        return Progress.from_json(self._trigger.statuses, stored)

    async def _store(self) -> None:
        state = self._progress.to_json() if self._progress else None
        if state == self._stored:
            return
        async with asyncio.timeout(STORE_TIMEOUT):
            await self._state_store.aset(self._key, state)
        self._stored = state

    @property
    def _state_store(self) -> Any:
        from airflow.sdk.execution_time.context import AssetStateStoreAccessor

        # The asset's own accessor, which Airflow gives to a trigger, does not reach what serves a stream.
        return AssetStateStoreAccessor(name=self._trigger.asset)

    @property
    def _key(self) -> str:
        return ".".join(["flow_runs", self._trigger.flow_id, *self._trigger.statuses])
