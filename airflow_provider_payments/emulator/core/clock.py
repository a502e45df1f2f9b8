"""The emulator's clock: three modes, and a queue of scheduled actions."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from typing import Literal

TimeMode = Literal["fast", "real", "manual"]
TIME_MODES: tuple[TimeMode, ...] = ("fast", "real", "manual")


class Clock:
    """The current time, and actions that run when they are due.

    Nothing runs in the background: :meth:`run_due` is called at the start of each request, so state changes on the
    event loop only. Within a request the time does not change. While an action runs, :meth:`now` is the action's due
    time, so the time stamps that the action sets do not depend on when it was run.

    :param mode: ``fast`` and ``real`` follow the machine's clock, ``manual`` changes only by :meth:`advance`.
    :param start: the first time of a manual clock, in epoch seconds; the machine's time unless given.
    """

    def __init__(self, mode: TimeMode, start: float | None = None) -> None:
        self.mode: TimeMode = mode
        self._now = float(int(time.time())) if start is None else start
        self._sequence = itertools.count()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []

    def now(self) -> float:
        """Return the current time, in epoch seconds."""
        return self._now

    def millis(self) -> int:
        """Return the current time in epoch milliseconds, the unit of the services' time stamps."""
        return int(self._now * 1000)

    def call_at(self, due: float, action: Callable[[], None]) -> None:
        """Schedule an action.

        :param due: epoch seconds; a time in the past runs at the next :meth:`run_due`.
        :param action: called once, without arguments.
        """
        heapq.heappush(self._queue, (due, next(self._sequence), action))

    def run_due(self) -> None:
        """Update the time and run all due actions in order, including due actions that these schedule."""
        if self.mode != "manual":
            # The time never goes back, even when the machine's clock is set back.
            self._now = max(self._now, time.time())
        present = self._now
        try:
            while self._queue and self._queue[0][0] <= present:
                self._now, _, action = heapq.heappop(self._queue)
                action()
        finally:
            self._now = present

    def advance(self, seconds: float) -> None:
        """Move a manual clock forward and run the actions that became due.

        :param seconds: not negative.
        """
        self._now += seconds
        self.run_due()
