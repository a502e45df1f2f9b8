"""Time: what measures and sleeps, when an operation must be over, and what time it is on the platform."""

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

#: Answers that the estimate of the platform's time rests on.
MAX_SAMPLES = 9
#: With fewer, the one that is nearest to this machine's clock is believed.
MIN_SAMPLES = 3


@dataclass(frozen=True)
class Clock:
    """
    What measures and what sleeps, in seconds; a simulation brings its own.

    :param monotonic: returns a time that passes evenly, from any start.
    :param sleep: blocks for a number of seconds.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Deadline:
    """
    When an operation must be over: connecting, whole bodies, retries, pages and waits together.

    :param at: by the clock's ``monotonic``; infinite: never.
    """

    clock: Clock
    at: float = math.inf

    @property
    def remaining(self) -> float:
        """Seconds that are left, below 0 once it has passed."""
        return self.at - self.clock.monotonic()

    def within(self, seconds: float) -> Deadline:
        """Return the deadline of a part of the operation that may take ``seconds``, no longer than the whole."""
        return Deadline(self.clock, min(self.at, self.clock.monotonic() + seconds))


@dataclass
class PlatformClock:
    """
    The platform's time, as the ``Date`` of its answers tells it: ages of its objects are measured by its own clock.

    An intermediary may send any date, so none is believed alone: the estimate is the median of the last nine. Dates
    have whole seconds, so it may lag by one.

    :param clock: what measures between two answers.
    """

    clock: Clock
    #: Platform's time less ``monotonic``, for each of the last answers.
    _offsets: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_SAMPLES), init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def observe(self, date: float) -> None:
        """Take note of the ``Date``, in epoch seconds, of an answer that has just come."""
        with self._lock:
            self._offsets.append(date - self.clock.monotonic())

    def now(self, moment: float | None = None) -> float:
        """
        Return the platform's time in epoch seconds; until it has answered, this machine's.

        :param moment: what it was at another moment, by the clock's ``monotonic``.
        """
        return self._offset() + (self.clock.monotonic() if moment is None else moment)

    def ahead(self) -> float:
        """Return by how many seconds the platform's clock is ahead of this machine's."""
        return self.now() - time.time()

    def _offset(self) -> float:
        own = time.time() - self.clock.monotonic()
        with self._lock:
            offsets = list(self._offsets)
        if not offsets:
            return own
        if len(offsets) < MIN_SAMPLES:
            return min(offsets, key=lambda offset: abs(offset - own))
        return statistics.median(offsets)
