"""
The poller of a connection: polls for all waits on the connection, in a triggerer's event loop.

It starts with the first wait and ends with the last. Requests run in a few threads of the poller, never on the loop.
Each wait has its own interval; polls that are due within half an interval are coalesced, so up to a hundred waits share
a request. A hanging request delays only its own waits while another thread is free. A 429 throttles all waits. The
poller only reads.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
import random
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from airflow.providers.common.compat.sdk import Stats

from airflow_provider_payments.aep.errors import Failure, PlatformError, RequestError
from airflow_provider_payments.aep.http.auth import TOKEN_PATH
from airflow_provider_payments.aep.http.retries import MAX_WAIT_SECONDS
from airflow_provider_payments.aep.http.throttle import MAX_PAUSE_SECONDS, is_throttled
from airflow_provider_payments.aep.runs.batch_polling import QUERY_SECONDS, RunQueries
from airflow_provider_payments.aep.runs.wait import IDS_PER_REQUEST, Wait
from airflow_provider_payments.hooks.polling import RENEWAL_INTERVAL_SECONDS, PolledConnection
from airflow_provider_payments.triggers.daemon_threads import DaemonThreads
from airflow_provider_payments.versions import run_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_payments.aep.runs.flow_run import FlowRun

log = logging.getLogger(__name__)

#: Maximum number of parallel requests. With more threads that parse answers, the loop would wait for the interpreter.
MAX_PARALLEL_REQUESTS = 3
#: Seconds before a wait's first poll, because the worker has just polled and many triggers start at once, and before
#: its second poll; later intervals double up to the poll interval, so that short runs are noticed soon.
FIRST_INTERVALS_SECONDS = (1.0, 2.0)
#: With this many waits, a new wait gets no early polls: one request serves this many waits, so the early polls of more
#: waits would cost too many requests.
EAGER_POLL_LIMIT = 100
#: Polls that are due within this share of their interval are coalesced.
COALESCE_FRACTION = 0.5
#: A poll comes earlier by up to this share of the interval, so that many triggerers do not poll in step.
JITTER_FRACTION = 0.15
#: Seconds before its deadline at which a wait is polled for the last time.
LAST_POLL_LEAD_SECONDS = 1.0
#: Number of waits that are notified at a time, before the event loop runs other tasks.
NOTIFY_BATCH_SIZE = 50
#: Number of failures in a row after which the only request of a round is split.
MAX_FAILURES_UNSPLIT = 3
#: Seconds that the poller pauses after an unexpected failure.
RECOVERY_SECONDS = 1.0
#: HTTP statuses whose cause may be the Airflow connection, so that an edited connection may resolve them.
CONNECTION_STATUSES = (401, 403, 404)


class Poll(NamedTuple):
    """The outcome of a poll for one wait: the last known state of the run, and the error if the poll failed."""

    run: FlowRun | None
    error: Exception | None


class Waiter:
    """
    A trigger's part of the poller: when its wait is polled next, and the outcomes of its polls.

    :param wait: the run to wait for, and the results of earlier polls.
    :param poll_interval: maximum number of seconds between two polls, except after a 429.
    :param others: number of waiters that the poller has already.
    :param last_poll: time of the last poll, by the loop's clock. Defaults to infinity: there is no deadline.
    """

    def __init__(self, wait: Wait, poll_interval: float, others: int = 0, last_poll: float = math.inf) -> None:
        self.wait = wait
        self.poll_interval = poll_interval
        self.last_poll = last_poll
        self.is_new = True
        self.is_being_polled = False
        now = asyncio.get_running_loop().time()
        intervals = FIRST_INTERVALS_SECONDS if others < EAGER_POLL_LIMIT else (poll_interval, poll_interval)
        first, self.interval = (min(interval, poll_interval) for interval in intervals)
        self.due = max(now, min(now + first, last_poll))
        self._polls: asyncio.Queue[Poll] = asyncio.Queue()

    async def poll(self) -> Poll:
        """Wait for the next poll, and return its outcome."""
        return await self._polls.get()

    def notify(self, poll: Poll) -> None:
        """Deliver the outcome of a poll."""
        self._polls.put_nowait(poll)

    def schedule_next(self, began: float, early: float) -> None:
        """
        Set when the next poll is due.

        :param began: when the last poll began, by the loop's clock.
        :param early: share of the interval by which the next poll comes earlier.
        """
        self.due = began + self.interval * (1 - early)
        if began < self.last_poll:
            self.due = min(self.due, self.last_poll)
        self.interval = min(2 * self.interval, self.poll_interval)


@dataclass
class Round:
    """
    A round of requests that are sent at the same time.

    :param began: when the round began, by the loop's clock.
    :param requests: number of requests that have no outcome yet.
    """

    began: float
    requests: int
    had_several: bool = field(init=False)
    is_answered: bool = False
    #: The waits of failed requests, each with the number of waits in its request.
    failed: list[tuple[Wait, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Record whether the round began with several requests."""
        self.had_several = self.requests > 1

    def end(self, waits: Sequence[Wait]) -> None:
        """
        Record the end of a request; at the end of the round, split the failed requests.

        If other requests of the round were answered, a failed request is split into requests for a tenth of its waits,
        because a dataflow on which the service fails must not end the other waits. If no request was answered, the
        whole service fails, and nothing is split. The only request of a round is split after several failures.

        :param waits: the request's waits; empty if the request was not sent.
        """
        for wait in waits:
            # A refusal is an answer too: the service rejects one of the ids in the request.
            if not wait.error or getattr(wait.error, "status", None) in (400, 414):
                self.is_answered = True
            if not wait.error:
                wait.failures, wait.group_size = 0, IDS_PER_REQUEST
            elif not is_throttled(wait.error):
                wait.failures += 1
                self.failed.append((wait, len(waits)))
        self.requests -= 1
        if self.requests == 0:
            for wait, size in self.failed:
                if size > 1 and (self.is_answered or (not self.had_several and wait.failures >= MAX_FAILURES_UNSPLIT)):
                    wait.group_size = max(1, size // 10)


class Poller:
    """
    The poller of one connection.

    :param conn_id: id of the Airflow connection; the connection is read for the first poll, and may be read again for
        waits that start later and after a refusal.
    """

    def __init__(self, conn_id: str) -> None:
        self.waiters: set[Waiter] = set()
        self._pool = DaemonThreads(MAX_PARALLEL_REQUESTS, "flow-run-poller")
        self._connection = PolledConnection(conn_id)
        self._queries: RunQueries | None = None
        self._reschedule = asyncio.Event()
        #: When the next poll is planned, and the earliest time that the rate limit allows, by the loop's clock.
        self._wakes_at = self._not_before = 0.0
        self._throttled = 0
        self._requests = set[asyncio.Task[None]]()
        # An empty context, because otherwise the poller's log lines would go to the log of the first waiter's task.
        self._context = contextvars.Context()
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run(), context=self._context)

    def join(self, waiter: Waiter) -> None:
        """Add a waiter."""
        self.waiters.add(waiter)
        if max(waiter.due, self._not_before) < self._wakes_at:
            self._reschedule.set()

    def end(self) -> None:
        """Stop polling: abort pending requests and drop their outcomes."""
        self._connection.close()
        self._pool.shutdown()
        for task in (self._task, *self._requests):
            task.cancel()

    async def _run(self) -> None:
        while True:
            try:
                await self._wait_until_due()
                self._send_due()
            except Exception as error:  # after any error the waiters must be notified, and polling must continue
                log.exception("Unexpected error in the poller; polling continues")
                for waiter in self.waiters:
                    waiter.notify(Poll(waiter.wait.run, error))
                await asyncio.sleep(RECOVERY_SECONDS)

    async def _wait_until_due(self) -> None:
        while True:
            self._wakes_at = max(self._not_before, self._next_due())
            self._reschedule.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._wakes_at):
                    await self._reschedule.wait()
                continue
            return

    def _next_due(self) -> float:
        """
        Return when the next poll is due, by the loop's clock.

        While no thread is free, the time is infinite, so that waits which become due meanwhile share requests instead
        of queueing a request for each small group.
        """
        if len(self._requests) >= MAX_PARALLEL_REQUESTS:
            return math.inf
        return min((w.due for w in self.waiters if not w.is_being_polled), default=math.inf)

    def _send_due(self) -> None:
        now = self._loop.time()
        due = [w for w in self.waiters if not w.is_being_polled and w.due - COALESCE_FRACTION * w.interval <= now]
        requests = _requests(due)
        this_round = Round(now, len(requests))
        for waiters in requests:
            for waiter in waiters:
                waiter.is_being_polled = True
            task = self._loop.create_task(self._send(waiters, this_round), context=self._context)
            self._requests.add(task)
            task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._reschedule.set()  # a thread is free, and the request's waiters are due again

    async def _send(self, waiters: list[Waiter], this_round: Round) -> None:
        """Send one request, and notify its waiters of the outcome, whether the request fails or not."""
        waits, failure = [waiter.wait for waiter in waiters], None
        max_age = RENEWAL_INTERVAL_SECONDS if any(waiter.is_new for waiter in waiters) else math.inf
        try:
            await run_in_thread(self._pool, self._poll, waits, max_age)
        except Exception as error:  # each waiter must be notified of any error
            failure = error
            if not isinstance(error, PlatformError):
                log.exception("Unexpected error in a poll")
        this_round.end([] if failure else waits)
        self._pause_if_throttled(waits)
        self._emit_request_count()
        early = random.uniform(0, JITTER_FRACTION)
        for number, waiter in enumerate(waiters, 1):
            waiter.is_being_polled = False
            if failure is None:
                waiter.is_new = False
            elif waiter.is_new:  # its request also reads the connection, so the wait is polled alone next time
                waiter.wait.group_size = 1
            waiter.schedule_next(this_round.began, early)
            if is_throttled(waiter.wait.error):
                waiter.due = self._not_before
            waiter.notify(Poll(waiter.wait.run, failure or waiter.wait.error))
            if number % NOTIFY_BATCH_SIZE == 0:
                await asyncio.sleep(0)

    def _emit_request_count(self) -> None:
        transport = self._queries.client.transport if self._queries else None
        if transport is None:
            return
        sent, transport.requests_sent = transport.requests_sent, 0
        try:
            Stats.incr("payments.flow_run.poll.requests", sent)
        except Exception:  # an error of the metrics backend must not end waits
            log.exception("Could not emit the metric of %d requests", sent)

    def _pause_if_throttled(self, waits: Sequence[Wait]) -> None:
        """After a 429, pause all polls for the requested time, or for a doubling time if the service names none."""
        throttled = [wait.error for wait in waits if isinstance(wait.error, RequestError) and is_throttled(wait.error)]
        if not throttled:
            self._throttled = 0
            return
        requested = [error.retry_after for error in throttled if error.retry_after is not None]
        pause = max(requested) if requested else min(2.0**self._throttled, MAX_WAIT_SECONDS)
        self._throttled = min(self._throttled + 1, 10)
        pause = min(pause, MAX_PAUSE_SECONDS) * random.uniform(1, 1 + JITTER_FRACTION)
        self._not_before = max(self._not_before, self._loop.time() + pause)
        log.warning("Rate limited (HTTP 429); polling paused for %.0f s", pause)

    # ---- in the pool -----------------------------------------------------------------------------------------------

    def _poll(self, waits: list[Wait], max_age: float) -> None:
        """Send one request; after a refusal, read the connection again and repeat the request if it was edited."""
        for wait in waits:
            wait.error = None
        began = time.monotonic()
        queries = self._queries_of(max_age)
        queries.poll(waits)
        refused = [wait for wait in waits if _may_be_fault_of_connection(wait.error)]
        if not refused:
            return
        try:
            edited = self._queries_of(RENEWAL_INTERVAL_SECONDS)
        except Exception as error:  # a secrets backend may raise any error
            log.warning("Could not read the connection again, so its last values stay in use: %s", error)
            edited = queries
        if edited.client is not queries.client:
            edited.poll(refused)
        elif self._connection.read_at < began:  # the connection has not been read since the refusal
            for wait in refused:
                wait.error = _not_final_yet(wait.error)

    def _queries_of(self, max_age: float) -> RunQueries:
        client, queries = self._connection.client(max_age), self._queries
        if queries is None or queries.client is not client:  # harmless if another thread does the same meanwhile
            queries = self._queries = RunQueries(client, QUERY_SECONDS)
        return queries


def _requests(waiters: list[Waiter]) -> list[list[Waiter]]:
    """Group waiters into requests: waits with the same kind of query and group size share requests of that size."""
    requests: list[list[Waiter]] = []
    ordered = sorted(waiters, key=lambda w: (w.wait.may_match_unknown_run, w.wait.group_size))
    for waiter in ordered:
        wait, last = waiter.wait, requests[-1][0].wait if requests else None
        if (
            last is None
            or (last.may_match_unknown_run, last.group_size) != (wait.may_match_unknown_run, wait.group_size)
            or len(requests[-1]) >= wait.group_size
        ):
            requests.append([])
        requests[-1].append(waiter)
    return requests


def _may_be_fault_of_connection(error: PlatformError | None) -> bool:
    if not isinstance(error, RequestError):
        return False
    return error.status in CONNECTION_STATUSES or (not error.retryable and error.path.endswith(TOKEN_PATH))


def _not_final_yet(error: PlatformError | None) -> PlatformError | None:
    """Return a refusal as a retryable error: it is final only once the connection has been read again after it."""
    if not isinstance(error, RequestError) or error.retryable:
        return error
    reason = f"{error}; the connection will be read again before this is final"
    return RequestError(Failure.AMBIGUOUS, error.method, error.path, reason=reason, status=error.status)


_pollers: dict[tuple[asyncio.AbstractEventLoop, str], Poller] = {}


@contextmanager
def polled(conn_id: str, wait: Wait, poll_interval: float, seconds_left: float | None = None) -> Iterator[Waiter]:
    """
    Let the connection's poller in this event loop poll for a run while the block lasts; yield the waiter.

    :param conn_id: id of the Airflow connection.
    :param wait: the run to poll for, and the results of earlier polls.
    :param poll_interval: maximum number of seconds between two polls.
    :param seconds_left: seconds until the deadline, shortly before which the last poll is due. Defaults to ``None``: no
        deadline.
    """
    loop = asyncio.get_running_loop()
    key = loop, conn_id
    poller = _pollers.get(key) or _pollers.setdefault(key, Poller(conn_id))
    last_poll = math.inf if seconds_left is None else loop.time() + seconds_left - LAST_POLL_LEAD_SECONDS
    waiter = Waiter(wait, poll_interval, len(poller.waiters), last_poll)
    poller.join(waiter)
    try:
        yield waiter
    finally:
        poller.waiters.discard(waiter)
        if not poller.waiters:
            _pollers.pop(key, None)
            poller.end()
