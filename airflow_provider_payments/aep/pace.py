"""How fast a service may be asked, as its answers tell."""

from __future__ import annotations

import threading
from types import TracebackType

from airflow_provider_payments.aep.clock import Clock
from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.retries import MAX_WAIT

#: Seconds between two requests after the first 429, a little longer than services that let 60 a minute pass want them;
#: each further one doubles it.
FIRST_GAP = 1.25
LONGEST_GAP = 10.0
#: Seconds without a 429 after which the gap is halved.
CALM = 600.0
#: Seconds; a service that asks to be left alone for longer is asked again after so many.
LONGEST_PAUSE = 3600.0


class Pace:
    """
    Keeps the requests of several threads apart once the service has said that they are too many: from then on, each
    ``with`` block begins one gap after the one before it. Until then it costs nothing. A block that would have to wait
    for more than a minute is refused instead, with the seconds that are left.

    :param clock: what measures and sleeps.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._gap = 0.0
        self._next = self._changed = clock.monotonic()

    def __enter__(self) -> None:
        # Whoever has slept looks again: another thread may have been refused meanwhile.
        while wait := self._seconds_to_wait():
            if wait > MAX_WAIT:
                reason = "the service has asked to be left alone"
                raise RequestError(Failure.THROTTLED, "GET", "/", reason=reason, status=429, retry_after=wait)
            self._clock.sleep(wait)

    def _seconds_to_wait(self) -> float:
        with self._lock:
            now = self._clock.monotonic()
            if self._gap and now - self._changed > CALM:
                self._gap, self._changed = (self._gap / 2 if self._gap > FIRST_GAP / 8 else 0.0), now
            if now < self._next:
                return self._next - now
            self._next = now + self._gap
            return 0.0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not is_refusal(error):
            return
        with self._lock:
            now = self._clock.monotonic()
            if not self._gap or now - self._changed > self._gap:  # not once more for each of several threads
                self._gap = min(max(FIRST_GAP, 2 * self._gap), LONGEST_GAP)
            self._changed = now
            # What the service asks for holds for all threads.
            pause = min(getattr(error, "retry_after", None) or 0.0, LONGEST_PAUSE)
            self._next = max(self._next, now + pause)


def is_refusal(error: object) -> bool:
    """Whether it is a 429."""
    return isinstance(error, RequestError) and error.status == 429
