"""Virtual time, shared by the emulator's clock, the clients' clocks and the turns of writers. Nothing really sleeps."""

from __future__ import annotations

import heapq
import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from tests.conftest import Emulator

Result = TypeVar("Result")
#: Real seconds that a thread waits for its turn; after that, another thread must be stuck outside virtual time.
STUCK_SECONDS = 120
#: Real seconds without a request after which the server may have closed a connection.
IDLE_SECONDS = 2.0


class Platform(Emulator):
    """The emulator with a manual clock. Requests to its control API are frequent, so they share one connection."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._used = time.monotonic()

    def control(self, method: str, path: str, **options: Any) -> Any:
        query = f"?{urlencode(options['params'])}" if "params" in options else ""
        body = json.dumps(options["json"]) if "json" in options else None
        if time.monotonic() - self._used > IDLE_SECONDS:
            self._connection.close()  # the next request opens another one
        self._connection.request(method, f"/__emulator__/{path}{query}", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        document = json.loads(answer.read())
        self._used = time.monotonic()
        if answer.status != 200:
            raise ValueError(document["error"])
        return document


class Timeline:
    """
    A simulation of discrete events: the seconds since the beginning, and the threads that wait for their turn.

    One thread runs at a time. A thread that sleeps gives way to the thread that is due first, and the emulator's clock
    advances to that time. So the order of all requests depends on the seed alone.
    """

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.now = 0.0
        self.jumps = 0
        self._waiting: list[tuple[float, int, threading.Event]] = []
        self._order = itertools.count()

    def sleep(self, seconds: float) -> None:
        """Let other threads run until the virtual seconds have passed."""
        turn = self._enlist(seconds)
        self._give_way()
        if not turn.wait(STUCK_SECONDS):
            raise RuntimeError("another writer is stuck in real time")

    def jump(self, seconds: float) -> None:
        """Move the platform's clock without moving the clocks of the running processes."""
        self.platform.advance(seconds)
        self.jumps += 1

    def run(self, programs: Sequence[Callable[[], Result]], starts: Sequence[float]) -> list[Result]:
        """Run programs concurrently, each from its start in seconds from now, and return their results."""
        turns = [self._enlist(start) for start in starts]

        def taking_turns(program: Callable[[], Result], turn: threading.Event) -> Result:
            turn.wait()
            try:
                return program()
            finally:
                if self._waiting:
                    self._give_way()

        with ThreadPoolExecutor(len(programs)) as pool:
            running = [pool.submit(taking_turns, *pair) for pair in zip(programs, turns, strict=True)]
            self._give_way()
            return [future.result() for future in running]

    def _enlist(self, seconds: float) -> threading.Event:
        turn = threading.Event()
        heapq.heappush(self._waiting, (self.now + seconds, next(self._order), turn))
        return turn

    def _give_way(self) -> None:
        due, _, turn = heapq.heappop(self._waiting)
        self.platform.advance(due - self.now)
        self.now = due
        turn.set()
