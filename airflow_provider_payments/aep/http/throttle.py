"""The interval between requests of several threads, which grows with each 429."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.http.retries import MAX_WAIT_SECONDS

if TYPE_CHECKING:
    from types import TracebackType

    from airflow_provider_payments.aep.http.clock import Clock

#: The interval after the first 429 with a ``Retry-After``: a little more than a limit of 60 requests a minute requires.
#: Each further 429 doubles the interval.
INITIAL_INTERVAL_SECONDS = 1.25
#: The interval after the first 429 without a ``Retry-After``, which any intermediary may have sent.
MIN_THROTTLED_INTERVAL_SECONDS = 0.05
#: The interval before any 429. Without one, all threads that send at the same time would run into the first 429.
DEFAULT_INTERVAL_SECONDS = 0.02
MAX_INTERVAL_SECONDS = 10.0
#: The interval is halved whenever this number of requests could have been sent without a 429.
DECAY_REQUESTS = 50
#: Upper bound for the pause after a ``Retry-After``.
MAX_PAUSE_SECONDS = 3600.0


class Throttle:
    """
    A context manager that spaces the requests of several threads.

    Each ``with`` block begins one interval after the one before it. Instead of a wait for more than a minute, a
    :class:`.RequestError` with the remaining seconds is raised.

    :param clock: measures the interval and sleeps.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._interval = DEFAULT_INTERVAL_SECONDS
        self._next = self._changed = clock.monotonic()

    def __enter__(self) -> None:
        # A loop, because another thread may be throttled during the sleep.
        while wait := self._seconds_to_wait():
            if wait > MAX_WAIT_SECONDS:
                reason = "rate limited; Retry-After has not elapsed"
                raise RequestError(Failure.THROTTLED, "GET", "/", reason=reason, status=429, retry_after=wait)
            self._clock.sleep(wait)

    def _seconds_to_wait(self) -> float:
        with self._lock:
            now = self._clock.monotonic()
            if now - self._changed > DECAY_REQUESTS * self._interval:
                self._interval, self._changed = max(self._interval / 2, DEFAULT_INTERVAL_SECONDS), now
            if now < self._next:
                return self._next - now
            self._next = now + self._interval
            return 0.0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not is_throttled(error):
            return
        retry_after = getattr(error, "retry_after", None)
        with self._lock:
            now = self._clock.monotonic()
            # Grow the interval once, although several threads may have been answered 429 at the same time.
            if self._interval < MIN_THROTTLED_INTERVAL_SECONDS or now - self._changed > self._interval:
                least = INITIAL_INTERVAL_SECONDS if retry_after else MIN_THROTTLED_INTERVAL_SECONDS
                self._interval = min(max(least, 2 * self._interval), MAX_INTERVAL_SECONDS)
            self._changed = now
            # The pause applies to all threads.
            self._next = max(self._next, now + min(retry_after or 0.0, MAX_PAUSE_SECONDS))


def is_throttled(error: object) -> bool:
    """Return whether an error is a 429 of the service or of :class:`Throttle`."""
    return isinstance(error, RequestError) and error.failure is Failure.THROTTLED
