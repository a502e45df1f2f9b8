"""
One poller for all waits on a connection, in a triggerer's event loop.

It starts with the first wait and ends with the last. Requests run in a few threads of its own, never on the loop. Each
wait has its own pause; a look that is due takes along whoever is due soon, so waits fall into step, and a hundred of
them cost a request. A 429 holds everybody back. It only reads.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import NamedTuple

from airflow.providers.common.compat.sdk import Stats

from airflow_provider_payments.aep.flow_runs import FlowRun
from airflow_provider_payments.aep.pace import is_refusal
from airflow_provider_payments.aep.run_queries import RunQueries
from airflow_provider_payments.aep.waits import Wait
from airflow_provider_payments.hooks.polling import polling_client

log = logging.getLogger(__name__)

#: Requests at the same time. More would make the loop wait for the interpreter while answers are read.
SIDE_BY_SIDE = 2
#: Seconds before a wait's first look, for the worker has just looked, and triggers start many at a time; and before the
#: next, then doubled up to its poll interval, so that short runs are seen soon.
FIRST_PAUSES = (0.05, 1.0)
#: Where so many wait already, such early looks are too dear: a question holds so many.
CROWD = 100
#: Who is due within this share of his pause is taken along.
SOON = 0.5
#: A look may come earlier by up to this share of the pause, so that many triggerers do not ask in step.
JITTER = 0.15
#: Seconds before its deadline at which a wait is looked at once more.
LAST_LOOK = 1.0
#: Waits that hear of a look at a time, before the loop serves others.
SLICE = 50


class Look(NamedTuple):
    """What a wait is told: its run as it stands, or why that could not be seen."""

    run: FlowRun | None
    error: Exception | None


class Waiter:
    """
    One wait in the watch.

    :param wait: which run is meant, and what is known of it.
    :param poll_interval: seconds between two looks at most, but for a 429.
    :param crowd: how many wait already.
    :param last_look: when to look at the latest, by the loop's clock; infinite: no matter.
    """

    def __init__(self, wait: Wait, poll_interval: float, crowd: int = 0, last_look: float = math.inf) -> None:
        self.wait = wait
        self.poll_interval = poll_interval
        self.last_look = last_look
        now = asyncio.get_running_loop().time()
        pauses = FIRST_PAUSES if crowd < CROWD else (poll_interval, poll_interval)
        first, self.pause = (min(pause, poll_interval) for pause in pauses)
        self.due = max(now, min(now + first, last_look))
        self._looks: asyncio.Queue[Look] = asyncio.Queue()

    async def look(self) -> Look:
        """Wait for the next look and return what it showed."""
        return await self._looks.get()

    def tell(self, look: Look) -> None:
        """Hand a look over."""
        self._looks.put_nowait(look)

    def plan(self, began: float, haste: float) -> None:
        """
        Set when the next look is due.

        :param began: when the last one did.
        :param haste: share of the pause that is left out.
        """
        self.due = began + self.pause * (1 - haste)
        if began < self.last_look:
            self.due = min(self.due, self.last_look)
        self.pause = min(2 * self.pause, self.poll_interval)


class Watch:
    """
    The poller of one connection.

    :param conn_id: the Airflow connection; it is read with the first look, and again when it is refused.
    """

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id
        self.waiters: set[Waiter] = set()
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(1 + SIDE_BY_SIDE, thread_name_prefix="flow-run-watch")
        self._queries: RunQueries | None = None
        #: Requests since they were last counted.
        self._sent = 0
        self._joined = asyncio.Event()
        #: When the next look is planned, and before when the service wants none, by the loop's clock.
        self._planned = self._not_before = 0.0
        # An empty context: else all that it logs would land in the log of the first waiter's task.
        self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    def join(self, waiter: Waiter) -> None:
        """Take a waiter in."""
        self.waiters.add(waiter)
        if max(waiter.due, self._not_before) < self._planned:
            self._joined.set()

    def end(self) -> None:
        """Stop looking; a request that is under way ends by itself, and nobody hears of it."""
        self._ended.set()
        self._task.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._planned = max(self._not_before, min((w.due for w in self.waiters), default=math.inf))
            self._joined.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._planned):
                    await self._joined.wait()
                    continue
            await self._look(loop)

    async def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        began, haste = loop.time(), random.uniform(0, JITTER)
        due = [w for w in self.waiters if w.due - SOON * w.pause <= began]
        failure: Exception | None = None
        try:
            pause = await loop.run_in_executor(self._pool, self._ask, [w.wait for w in due])
            if pause:
                self._not_before = loop.time() + pause * random.uniform(1, 1 + JITTER)
                log.warning("The service is left alone for %.0f s: it answers that it is asked too much", pause)
        except Exception as error:
            failure = error  # whatever it is, nobody may be left waiting for ever
        Stats.incr("payments.flow_run.poll.requests", self._sent)
        self._sent = 0
        for number, waiter in enumerate(due, 1):
            waiter.plan(began, haste)
            if is_refusal(waiter.wait.error):
                waiter.due = self._not_before
            waiter.tell(Look(waiter.wait.run, failure or waiter.wait.error))
            if number % SLICE == 0:
                await asyncio.sleep(0)

    def _ask(self, waits: list[Wait]) -> float:
        """Look once, in the pool; return for how many seconds the service wants to be left alone."""
        fresh = self._queries is None
        queries = self._queries = self._queries or RunQueries(polling_client(self.conn_id, self._ended))
        transport = queries.client.transport
        before = transport.sent
        try:
            pause = queries.look(waits, self._pool.map)
        finally:
            self._sent += transport.sent - before
        refused = [wait for wait in waits if getattr(wait.error, "status", None) in (401, 403)]
        if refused and not fresh:
            self._queries = None  # the connection may have been mended since it was read
            return self._ask(refused)
        return pause


_watches: dict[tuple[asyncio.AbstractEventLoop, str], Watch] = {}


@contextmanager
def watched(conn_id: str, wait: Wait, poll_interval: float, seconds_left: float | None = None) -> Iterator[Waiter]:
    """
    Let the connection's watch in this event loop look for a run as long as the block lasts.

    :param conn_id: the Airflow connection.
    :param wait: which run is meant.
    :param poll_interval: seconds between two looks at most.
    :param seconds_left: after so many it is looked at once more; ``None``: no matter.
    """
    loop = asyncio.get_running_loop()
    key = loop, conn_id
    watch = _watches.get(key) or _watches.setdefault(key, Watch(conn_id))
    last_look = math.inf if seconds_left is None else loop.time() + seconds_left - LAST_LOOK
    waiter = Waiter(wait, poll_interval, len(watch.waiters), last_look)
    watch.join(waiter)
    try:
        yield waiter
    finally:
        watch.waiters.discard(waiter)
        if not watch.waiters:
            _watches.pop(key, None)
            watch.end()
