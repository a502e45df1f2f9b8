"""What serves the watchers' triggers: it polls for flow runs that have ended, and notes which have been announced."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.inputs import as_time
from airflow_provider_payments.aep.runs.flow_run import LIST_MARGIN_SECONDS, FlowRun, Status, runs_of
from airflow_provider_payments.hooks.polling import RENEWAL_INTERVAL_SECONDS, PolledConnection
from airflow_provider_payments.triggers.daemon_threads import DaemonThreads
from airflow_provider_payments.versions import stream_producer_base

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence
    from datetime import datetime

    from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer
else:
    SharedStreamProducer = stream_producer_base()

log = logging.getLogger(__name__)

#: An active run is passed over once this number of later ones is there: the service has forgotten it.
MAX_LATER_RUNS = 1000
#: Runs that are announced at a time; Airflow takes a second or two to store them, and bounds the queue.
BATCH_SIZE = 50
#: Seconds between two polls while the service refuses, if the poll interval is not longer.
REFUSED_INTERVAL_SECONDS = 600.0
#: Seconds that Airflow may take to read or write the state: the first answer after a triggerer's start takes up to 13.
STORE_TIMEOUT_SECONDS = 60.0
#: The same once events have been stored; a triggerer that shuts down waits for it, and never gets an answer.
ACKNOWLEDGEMENT_TIMEOUT_SECONDS = 10.0
#: Seconds until the state is asked for again that Airflow did not give; doubled with each failure.
STORE_RETRY_SECONDS = 5.0
#: Seconds after which a run is announced that was held back, once the others are stored.
HELD_BACK_SECONDS = 10.0


class StateStoreError(Exception):
    """Airflow did not read or write the asset's state."""


@dataclass(eq=False)
class Announcement:
    """
    A run on its way to Airflow.

    :param taken: whether Airflow has taken its event.
    """

    run: FlowRun
    taken: bool = False


class Watched(Protocol):
    """
    Whose runs are announced, and to whom.

    :param flow_id: the dataflow.
    :param asset: the asset's name.
    :param aep_conn_id: the Airflow connection's id.
    :param poll_interval: seconds.
    :param since: ISO 8601 text; runs made earlier do not count. ``None``: from the first poll on.
    :param statuses: the states of the runs that are announced.
    """

    flow_id: str
    asset: str
    aep_conn_id: str
    poll_interval: float
    since: str | None
    statuses: list[str]


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
        self._seen_at = math.inf

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
        """Epoch seconds; runs made earlier need not be asked for."""
        return max(self.start, self._cursor - LIST_MARGIN_SECONDS)

    def see(self, runs: list[FlowRun], now: float = math.inf) -> list[FlowRun]:
        """
        Take note of all runs made since :attr:`created_since`; return those to announce, the earliest first.

        :param now: epoch seconds of the platform; the cursor never passes it, whatever time a run claims.
        """
        self._announced, self._seen_at = self._still_of_use(), now
        self._runs = sorted(runs, key=lambda run: (run.created_at, run.id))
        for run in self._runs[:-MAX_LATER_RUNS]:
            if run.status is Status.ACTIVE:
                log.error("%s, though %d later ones are there: it is not waited for any longer", run, MAX_LATER_RUNS)
        self._move()
        return [run for run in self._runs if run.status is not Status.ACTIVE and not self._is_done(run)]

    def announced(self, runs: Iterable[FlowRun]) -> None:
        """Take note that Airflow has stored the runs' events."""
        self._announced |= {run.id: int(run.created_at) for run in runs}
        self._move()

    def _is_done(self, run: FlowRun) -> bool:
        if run.status is Status.ACTIVE:
            return False
        return run.status not in self._statuses or run.id in self._announced

    def _move(self) -> None:
        forgotten = {run.id for run in self._runs[:-MAX_LATER_RUNS] if run.status is Status.ACTIVE}
        open_runs = [run for run in self._runs if not self._is_done(run) and run.id not in forgotten]
        if reached := open_runs[:1] or self._runs[-1:]:
            self._cursor = min(reached[0].created_at, self._seen_at)

    def _still_of_use(self) -> dict[str, int]:
        # A run that shows late moves the cursor back by a margin; what was announced a margin before it is known then.
        kept = self._cursor - 2 * LIST_MARGIN_SECONDS
        return {run: made for run, made in self._announced.items() if made >= kept - 1}


class FlowRunStream(SharedStreamProducer):
    """
    Polls for flow runs that have ended, for ever, and notes which have been announced.

    :param watched: whose runs.
    """

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._connection = PolledConnection(watched.aep_conn_id)
        # Not the loop's own pool: a poll that the service holds up would keep other triggers out of it.
        self._pool = DaemonThreads(1, "flow-run-events")
        #: Seconds; a connection that was read longer ago is read again, once the service has refused something.
        self._max_age = float("inf")
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
                news = await self._poll()
                self._max_age = float("inf")
                failures, pause = 0, self._watched.poll_interval * random.uniform(0.9, 1.0)
            except Exception as error:
                failures += 1
                pause = self._bear(error, failures)
            # Of events that come between two passes of Airflow's scheduler, a DAG run gets the first and the next DAG
            # run the others: the latest of several runs waits for a while, and brings them along.
            if len(news) > 1:
                del news[-1]
                pause = min(pause, HELD_BACK_SECONDS)
            for first in range(0, len(news), BATCH_SIZE):
                some = [Announcement(run) for run in news[first : first + BATCH_SIZE]]
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
            log.info("Announced for asset %s: %s", self._watched.asset, run)
        try:
            await self._store(ACKNOWLEDGEMENT_TIMEOUT_SECONDS)
        except StateStoreError as error:
            log.warning("Could not note what was announced for asset %s: %s", self._watched.asset, error)
        self._on_the_way -= len(batch)
        if not self._on_the_way:
            self._arrived.set()

    async def aclose(self) -> None:
        """Stop polling; a pending request is cut off, its outcome dropped."""
        self._connection.close()
        self._pool.shutdown()

    def _bear(self, error: Exception, failures: int) -> float:
        """Log why a poll failed; return the seconds until the next."""
        interval = self._watched.poll_interval
        slow, asked = max(REFUSED_INTERVAL_SECONDS, interval), float(getattr(error, "retry_after", None) or 0.0)
        final = not getattr(error, "retryable", True)
        # The service may be overloaded, which is no reason to wait for Airflow.
        first = min(interval, STORE_RETRY_SECONDS) if isinstance(error, StateStoreError) else interval * 2.0
        pause = max(asked, slow if final else min(first * 2.0 ** min(failures - 1, 10), slow))
        text = "Could not poll for runs of dataflow %s, which asset %s waits for; again in %.0f s: %s: %s"
        level = logging.ERROR if final else logging.WARNING
        log.log(level, text, self._watched.flow_id, self._watched.asset, pause, type(error).__name__, error)
        # An edited connection needs no restart of the triggerer.
        self._max_age = RENEWAL_INTERVAL_SECONDS
        return pause

    # ---- polling ---------------------------------------------------------------------------------------------------

    async def _poll(self) -> list[FlowRun]:
        if self._progress is None:
            self._progress = await self._resume()
        # One HTTP stack for all: the blocking client runs in a thread, never on the triggerer's loop.
        loop = asyncio.get_running_loop()
        runs, now = await loop.run_in_executor(self._pool, self._runs, self._progress.created_since)
        news = self._progress.see(runs, now)
        await self._store()
        return news

    def _runs(self, since: float) -> tuple[list[FlowRun], float]:
        client = self._connection.client(self._max_age)
        runs = runs_of(client, self._watched.flow_id, since, skip="all")
        return list({run.id: run for run in runs}.values()), client.transport.now()

    def _begin(self, since: datetime | None) -> Progress:
        """Begin where the runs begin to count. A missing dataflow is an error: waiting for it would never end."""
        client = self._connection.client(self._max_age)
        flow_service.item(client, "flows", self._watched.flow_id)
        start = since.timestamp() if since else client.transport.now()
        return Progress(self._watched.statuses, start)

    # ---- the asset's state store -----------------------------------------------------------------------------------

    async def _resume(self) -> Progress:
        """Go on where the last triggerer was, or begin."""
        since = as_time("since", self._watched.since)
        async with self._state_store(STORE_TIMEOUT_SECONDS) as store:
            stored = await store.aget(self._key)
        if stored is None or (since and since.timestamp() != stored["start"]):
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._begin, since)
        self._stored = stored
        return Progress.from_json(self._watched.statuses, stored)

    async def _store(self, timeout: float = STORE_TIMEOUT_SECONDS) -> None:
        state = self._progress.to_json() if self._progress else None
        if state == self._stored:
            return
        async with self._state_store(timeout) as store:
            await store.aset(self._key, state)
        self._stored = state

    @asynccontextmanager
    async def _state_store(self, timeout: float) -> AsyncIterator[Any]:
        from airflow.sdk.execution_time.context import AssetStateStoreAccessor

        try:
            async with asyncio.timeout(timeout):
                # The asset's own accessor, which Airflow gives to a trigger, does not reach what serves a stream.
                yield AssetStateStoreAccessor(name=self._watched.asset)
        except TimeoutError as error:
            raise StateStoreError(f"Airflow's state store has not answered for {timeout:g} s") from error
        except Exception as error:
            raise StateStoreError(f"Airflow's state store: {type(error).__name__}: {error}") from error

    @property
    def _key(self) -> str:
        return ".".join(["flow_runs", self._watched.flow_id, *self._watched.statuses])
