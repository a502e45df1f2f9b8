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

    Nothing happens in the background: :meth:`run_due` is called before each request, so state only ever changes on the
    event loop. While an event runs, :meth:`now` is the event's own due time; the marks it leaves are therefore the same
    however late it was noticed.

    :param mode: ``fast`` and ``real`` follow the machine's clock, ``manual`` stands still until :meth:`advance`.
    :param start: where a manual clock begins, in epoch seconds; the machine's time unless given.
    """

    def __init__(self, mode: TimeMode, start: float | None = None) -> None:
        self.mode: TimeMode = mode
        self._standing = float(int(time.time())) if start is None else start
        self._event_time: float | None = None
        self._sequence = itertools.count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []

    def now(self) -> float:
        """Epoch seconds."""
        if self._event_time is not None:
            return self._event_time
        return self._standing if self.mode == "manual" else time.time()

    def millis(self) -> int:
        """Epoch milliseconds, as the services stamp their resources."""
        return int(self.now() * 1000)

    def at(self, due: float, action: Callable[[], None]) -> None:
        """Put an action on the agenda.

        :param due: epoch seconds; what lies in the past runs at the next :meth:`run_due`.
        :param action: called once, without arguments.
        """
        heapq.heappush(self._agenda, (due, next(self._sequence), action))

    def run_due(self) -> None:
        """Run everything that is due by now, in order of time; what it puts on the agenda counts too."""
        if self._event_time is not None:
            # What is due calls back here when it is a whole request: it takes its turn and runs nobody else's.
            return
        now = self.now()
        try:
            while self._agenda and self._agenda[0][0] <= now:
                due, _, action = heapq.heappop(self._agenda)
                self._event_time = due
                action()
        finally:
            self._event_time = None

    def advance(self, seconds: float) -> None:
        """Move a manual clock forward and run what became due.

        :param seconds: not negative.
        """
        self._standing += seconds
        self.run_due()
