"""Clocks and deadlines: the local monotonic clock, the end of an operation, and the platform's estimated time."""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: How many of the last answers the estimate of the platform's time uses.
MAX_SAMPLES = 9
#: With fewer answers, the estimate is the date that is nearest to the local clock.
MIN_SAMPLES = 3


@dataclass(frozen=True)
class Clock:
    """
    The functions that measure time and sleep, in seconds; a simulation replaces both.

    :param monotonic: returns a monotonic time, with any starting point.
    :param sleep: blocks for a number of seconds.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Deadline:
    """
    The time at which an operation must end: connecting, whole bodies, retries, pages and waits together.

    :param clock: the clock of the operation.
    :param at: the end by the clock's ``monotonic``; infinite by default.
    """

    clock: Clock
    at: float = math.inf

    @property
    def remaining(self) -> float:
        """The remaining seconds; below 0 once the deadline has passed."""
        return self.at - self.clock.monotonic()

    def within(self, seconds: float) -> Deadline:
        """Return the deadline of a part of the operation that may take ``seconds``, but not longer than the whole."""
        return Deadline(self.clock, min(self.at, self.clock.monotonic() + seconds))


@dataclass
class PlatformClock:
    """
    An estimate of the platform's time, by which the ages of its objects are measured.

    The estimate is the median of the ``Date`` headers of the last nine answers, because an intermediary may send any
    date. Dates have whole seconds, so the estimate may lag by one second.

    :param clock: measures the time between two answers.
    """

    clock: Clock
    #: The platform's time minus ``monotonic``, for each of the last answers.
    _offsets: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_SAMPLES), init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def observe(self, date: float) -> None:
        """Record the ``Date``, in epoch seconds, of an answer that was just received."""
        with self._lock:
            self._offsets.append(date - self.clock.monotonic())

    def now(self, monotonic: float | None = None) -> float:
        """
        Return the platform's time in epoch seconds; before the first answer, the local time.

        :param monotonic: the time to convert, by the clock's ``monotonic``. Defaults to the present.
        """
        return self._offset() + (self.clock.monotonic() if monotonic is None else monotonic)

    def ahead(self) -> float:
        """Return by how many seconds the platform's clock is ahead of the local clock."""
        return self.now() - time.time()

    def _offset(self) -> float:
        local = time.time() - self.clock.monotonic()
        with self._lock:
            offsets = list(self._offsets)
        if not offsets:
            return local
        if len(offsets) < MIN_SAMPLES:
            return min(offsets, key=lambda offset: abs(offset - local))
        return statistics.median(offsets)
