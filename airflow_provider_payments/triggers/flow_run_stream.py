"""The stream of ended flow runs behind a watcher's trigger; it polls, and records which runs have been announced."""

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

#: Number of later runs after which an active run is no longer waited for: the service will not complete it.
MAX_LATER_RUNS = 1000
#: Number of runs that are announced at a time; Airflow stores them in a second or two, and bounds its queue.
BATCH_SIZE = 50
#: Seconds between two polls while the service refuses requests, if the poll interval is not longer.
REFUSED_INTERVAL_SECONDS = 600.0
#: Time that Airflow has to read or write the state; its first answer after a triggerer's start takes up to 13 s.
STORE_TIMEOUT_SECONDS = 60.0
#: Time that Airflow has to write the state after it has stored events; a triggerer that shuts down never answers, and
#: is delayed by this time.
ACKNOWLEDGEMENT_TIMEOUT_SECONDS = 10.0
#: Seconds until the first retry after the state could not be read or written; doubled with each failure.
STORE_RETRY_SECONDS = 5.0
#: Seconds after which a run that was held back is announced, once the others are stored.
HELD_BACK_SECONDS = 10.0


class StateStoreError(Exception):
    """Airflow did not read or write the asset's state."""


@dataclass(eq=False)
class Announcement:
    """
    The announcement of a run to Airflow.

    :param run: the run.
    :param was_received: whether Airflow has received the run's event.
    """

    run: FlowRun
    was_received: bool = False


class Watched(Protocol):
    """
    The arguments of a watcher's trigger.

    :param flow_id: id of the dataflow.
    :param asset: name of the asset.
    :param aep_conn_id: id of the Airflow connection.
    :param poll_interval: seconds between two polls.
    :param since: ISO 8601 text; runs created earlier are not announced. ``None``: the time of the first poll.
    :param statuses: the statuses of the runs that are announced.
    """

    flow_id: str
    asset: str
    aep_conn_id: str
    poll_interval: float
    since: str | None
    statuses: list[str]


class Progress:
    """
    The record of a dataflow's announced runs.

    All runs created before the cursor are done; of later runs, the announced ones are recorded by id. The cursor never
    passes an active run, because runs may end in any order.

    :param statuses: the statuses of the runs that are announced.
    :param start: epoch seconds; runs created earlier are not announced.
    """

    def __init__(self, statuses: Sequence[str], start: float) -> None:
        self._statuses = statuses
        self.start = self._cursor = start
        self._announced: dict[str, int] = {}
        self._runs: list[FlowRun] = []
        self._polled_at = math.inf

    @classmethod
    def from_json(cls, statuses: Sequence[str], stored: Any) -> Progress:
        """Return the progress that :meth:`to_json` wrote."""
        progress = cls(statuses, float(stored["start"]))
        progress._cursor = float(stored["cursor"])
        progress._announced = {str(run): int(created_at) for run, created_at in stored["announced"].items()}
        return progress

    def to_json(self) -> dict[str, Any]:
        """Return the state that must survive a restart: usually a few hundred bytes, at most some 60 kB."""
        return {"start": self.start, "cursor": self._cursor, "announced": self._recent_announcements()}

    @property
    def created_since(self) -> float:
        """Epoch seconds; runs that were created earlier need not be listed."""
        return max(self.start, self._cursor - LIST_MARGIN_SECONDS)

    def update(self, runs: list[FlowRun], now: float = math.inf) -> list[FlowRun]:
        """
        Record the runs of a poll, and return those to announce, the earliest first.

        :param runs: all runs created since :attr:`created_since`.
        :param now: epoch seconds of the platform; the cursor never passes this time, even if a run was created later.
        """
        self._announced, self._polled_at = self._recent_announcements(), now
        self._runs = sorted(runs, key=lambda run: (run.created_at, run.id))
        for run in self._runs[:-MAX_LATER_RUNS]:
            if run.status is Status.ACTIVE:
                log.error("%s although %d later runs exist; no longer waiting for it", run, MAX_LATER_RUNS)
        self._move_cursor()
        return [run for run in self._runs if run.status is not Status.ACTIVE and not self._is_done(run)]

    def record_announced(self, runs: Iterable[FlowRun]) -> None:
        """Record that Airflow has stored the runs' events."""
        self._announced |= {run.id: int(run.created_at) for run in runs}
        self._move_cursor()

    def _is_done(self, run: FlowRun) -> bool:
        if run.status is Status.ACTIVE:
            return False
        return run.status not in self._statuses or run.id in self._announced

    def _move_cursor(self) -> None:
        given_up = {run.id for run in self._runs[:-MAX_LATER_RUNS] if run.status is Status.ACTIVE}
        open_runs = [run for run in self._runs if not self._is_done(run) and run.id not in given_up]
        if reached := open_runs[:1] or self._runs[-1:]:
            self._cursor = min(reached[0].created_at, self._polled_at)

    def _recent_announcements(self) -> dict[str, int]:
        # A run that is listed late moves the cursor back by up to one margin, and runs are listed from one margin
        # before the cursor: the announced ones among them must still be known.
        oldest = self._cursor - 2 * LIST_MARGIN_SECONDS
        return {run: created_at for run, created_at in self._announced.items() if created_at >= oldest - 1}


class FlowRunStream(SharedStreamProducer):
    """
    The endless stream of a dataflow's ended flow runs, which records the announced runs.

    :param watched: the trigger's arguments.
    """

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._connection = PolledConnection(watched.aep_conn_id)
        # Not the loop's own pool: a slow poll would block the threads of other triggers.
        self._pool = DaemonThreads(1, "flow-run-events")
        #: Maximum age of the connection in seconds; an older one is read again. Infinite unless a poll has failed.
        self._max_age = math.inf
        self._progress: Progress | None = None
        self._stored: dict[str, Any] | None = None
        self._unacknowledged = 0
        self._acknowledged = asyncio.Event()

    async def open_stream(self) -> AsyncIterator[tuple[Announcement, Announcement]]:
        """Yield each ended run that is not recorded as announced; a run is yielded again until it is."""
        failures = 0
        while True:
            ended: list[FlowRun] = []
            try:
                ended = await self._poll()
                self._max_age = math.inf
                failures, pause = 0, self._watched.poll_interval * random.uniform(0.9, 1.0)
            except Exception as error:  # the trigger never fails: the error is logged, and polling continues
                failures += 1
                pause = self._pause_after_failure(error, failures)
            # If several events arrive between two passes of Airflow's scheduler, the first starts a DAG run and the
            # others wait for the next event. So the latest of several runs is held back: its event starts the DAG run
            # that gets the others.
            if len(ended) > 1:
                del ended[-1]
                pause = min(pause, HELD_BACK_SECONDS)
            for first in range(0, len(ended), BATCH_SIZE):
                announcements = [Announcement(run) for run in ended[first : first + BATCH_SIZE]]
                self._unacknowledged = len(announcements)
                self._acknowledged.clear()
                for announcement in announcements:
                    yield announcement, announcement
                await self._acknowledged.wait()
            await asyncio.sleep(pause)

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Record the runs of a batch whose events Airflow has stored; the others are announced again."""
        assert self._progress
        stored = [item.run for item, outcome in batch if outcome.is_clean and item.was_received]
        self._progress.record_announced(stored)
        for run in stored:
            log.info("Announced for asset %s: %s", self._watched.asset, run)
        try:
            await self._store(ACKNOWLEDGEMENT_TIMEOUT_SECONDS)
        except StateStoreError as error:
            log.warning("Could not store which runs were announced for asset %s: %s", self._watched.asset, error)
        self._unacknowledged -= len(batch)
        if not self._unacknowledged:
            self._acknowledged.set()

    async def aclose(self) -> None:
        """Stop polling; a pending request is aborted and its outcome dropped."""
        self._connection.close()
        self._pool.shutdown()

    def _pause_after_failure(self, error: Exception, failures: int) -> float:
        """Log why a poll failed, and return the seconds until the next poll."""
        interval = self._watched.poll_interval
        slow, requested = max(REFUSED_INTERVAL_SECONDS, interval), float(getattr(error, "retry_after", None) or 0.0)
        final = not getattr(error, "retryable", True)
        # The platform may be overloaded, so its polls slow down; Airflow's state store is retried soon.
        first = min(interval, STORE_RETRY_SECONDS) if isinstance(error, StateStoreError) else interval * 2.0
        pause = max(requested, slow if final else min(first * 2.0 ** min(failures - 1, 10), slow))
        text = "Could not poll for runs of dataflow %s for asset %s; next poll in %.0f s: %s: %s"
        level = logging.ERROR if final else logging.WARNING
        log.log(level, text, self._watched.flow_id, self._watched.asset, pause, type(error).__name__, error)
        # An edited connection needs no restart of the triggerer.
        self._max_age = RENEWAL_INTERVAL_SECONDS
        return pause

    # ---- polling ---------------------------------------------------------------------------------------------------

    async def _poll(self) -> list[FlowRun]:
        if self._progress is None:
            self._progress = await self._resume()
        # The client blocks, so it runs in a thread and not on the triggerer's loop.
        loop = asyncio.get_running_loop()
        runs, now = await loop.run_in_executor(self._pool, self._list_runs, self._progress.created_since)
        ended = self._progress.update(runs, now)
        await self._store()
        return ended

    def _list_runs(self, since: float) -> tuple[list[FlowRun], float]:
        client = self._connection.client(self._max_age)
        runs = runs_of(client, self._watched.flow_id, since, skip="all")
        return list({run.id: run for run in runs}.values()), client.transport.now()

    def _begin(self, since: datetime | None) -> Progress:
        """Return the progress of a new watcher; a missing dataflow is an error, because it will never have runs."""
        client = self._connection.client(self._max_age)
        flow_service.item(client, "flows", self._watched.flow_id)
        start = since.timestamp() if since else client.transport.now()
        return Progress(self._watched.statuses, start)

    # ---- the asset's state store -----------------------------------------------------------------------------------

    async def _resume(self) -> Progress:
        """Return the stored progress, or a new one if there is none or ``since`` has changed."""
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
                # Airflow gives the asset's accessor to the trigger, but not to the producer of its stream.
                yield AssetStateStoreAccessor(name=self._watched.asset)
        except TimeoutError as error:
            raise StateStoreError(f"Airflow's state store has not answered for {timeout:g} s") from error
        except Exception as error:  # each version of Airflow raises its own errors here
            raise StateStoreError(f"Airflow's state store: {type(error).__name__}: {error}") from error

    @property
    def _key(self) -> str:
        return ".".join(["flow_runs", self._watched.flow_id, *self._watched.statuses])
