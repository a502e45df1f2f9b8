"""The interval between requests, as the answers of the service demand."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.http.retries import MAX_WAIT_SECONDS

if TYPE_CHECKING:
    from types import TracebackType

    from airflow_provider_payments.aep.http.clock import Clock

#: Seconds between two requests after the first 429 that says how long to wait, a little more than services that let 60
#: a minute pass want; and after another, which any intermediary may send. Each further one doubles it.
INITIAL_INTERVAL_SECONDS = 1.25
LEAST_INTERVAL_SECONDS = 0.05
#: Seconds between two requests before any 429: threads that send at the same moment would all run into the first one.
USUAL_INTERVAL_SECONDS = 0.02
MAX_INTERVAL_SECONDS = 10.0
#: The interval is halved each time that this number of requests could have been sent without a 429.
DECAY_REQUESTS = 50
#: A longer ``Retry-After`` is cut to this.
MAX_PAUSE_SECONDS = 3600.0


class Throttle:
    """
    Keeps the requests of several threads a little apart, and further once the service has answered 429.

    Each ``with`` block begins one interval after the one before it. A block that would have to wait for more than a
    minute is refused instead, with the seconds that are left.

    :param clock: what measures and sleeps.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._interval = USUAL_INTERVAL_SECONDS
        self._next = self._changed = clock.monotonic()

    def __enter__(self) -> None:
        # After a sleep it asks again: another thread may have been throttled meanwhile.
        while wait := self._seconds_to_wait():
            if wait > MAX_WAIT_SECONDS:
                reason = "rate limited; Retry-After has not elapsed"
                raise RequestError(Failure.THROTTLED, "GET", "/", reason=reason, status=429, retry_after=wait)
            self._clock.sleep(wait)

    def _seconds_to_wait(self) -> float:
        with self._lock:
            now = self._clock.monotonic()
            if now - self._changed > DECAY_REQUESTS * self._interval:
                self._interval, self._changed = max(self._interval / 2, USUAL_INTERVAL_SECONDS), now
            if now < self._next:
                return self._next - now
            self._next = now + self._interval
            return 0.0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not is_throttled(error):
            return
        asked = getattr(error, "retry_after", None)
        with self._lock:
            now = self._clock.monotonic()
            # Not once more for each of several threads.
            if self._interval < LEAST_INTERVAL_SECONDS or now - self._changed > self._interval:
                least = INITIAL_INTERVAL_SECONDS if asked else LEAST_INTERVAL_SECONDS
                self._interval = min(max(least, 2 * self._interval), MAX_INTERVAL_SECONDS)
            self._changed = now
            # What the service asks for holds for all threads.
            self._next = max(self._next, now + min(asked or 0.0, MAX_PAUSE_SECONDS))


def is_throttled(error: object) -> bool:
    """Whether it is a 429."""
    return isinstance(error, RequestError) and error.failure is Failure.THROTTLED
