"""Time in the emulator: three ways to tell it, and an agenda of what is due."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from typing import Literal

TimeMode = Literal["fast", "real", "manual"]
TIME_MODES: tuple[TimeMode, ...] = ("fast", "real", "manual")


class Clock:
    """Tells the time and runs what is due.

    Nothing happens in the background: :meth:`run_due` begins each request, so state only ever changes on the event
    loop. Until the next one the time stands still, so all that a request makes is of one moment, and nothing is ever
    older than what was made before it. While an event runs, :meth:`now` is the event's own due time; the marks it
    leaves are therefore the same however late it was noticed.

    :param mode: ``fast`` and ``real`` follow the machine's clock, ``manual`` stands still until :meth:`advance`.
    :param start: where a manual clock begins, in epoch seconds; the machine's time unless given.
    """

    def __init__(self, mode: TimeMode, start: float | None = None) -> None:
        self.mode: TimeMode = mode
        self._now = float(int(time.time())) if start is None else start
        self._sequence = itertools.count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []

    def now(self) -> float:
        """Epoch seconds."""
        return self._now

    def millis(self) -> int:
        """Epoch milliseconds, as the services stamp their resources."""
        return int(self._now * 1000)

    def at(self, due: float, action: Callable[[], None]) -> None:
        """Put an action on the agenda.

        :param due: epoch seconds; what lies in the past runs at the next :meth:`run_due`.
        :param action: called once, without arguments.
        """
        heapq.heappush(self._agenda, (due, next(self._sequence), action))

    def run_due(self) -> None:
        """Notice the time and run everything that is due by now, in order; what it puts on the agenda counts too."""
        if self.mode != "manual":
            # Whoever sets the machine's clock back does not make what follows older than what was.
            self._now = max(self._now, time.time())
        present = self._now
        try:
            while self._agenda and self._agenda[0][0] <= present:
                self._now, _, action = heapq.heappop(self._agenda)
                action()
        finally:
            self._now = present

    def advance(self, seconds: float) -> None:
        """Move a manual clock forward and run what became due.

        :param seconds: not negative.
        """
        self._now += seconds
        self.run_due()
