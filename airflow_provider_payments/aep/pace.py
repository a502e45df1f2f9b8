"""How fast a service may be asked, as its answers tell."""

from __future__ import annotations

import threading
from types import TracebackType

from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.transport import Clock

#: Seconds between two requests after the first 429; each further one doubles it.
FIRST_GAP = 1.0
LONGEST_GAP = 10.0
#: Seconds without a 429 after which the gap is halved.
CALM = 600.0


class Pace:
    """
    Keeps the requests of several threads apart once the service has said that they are too many: from then on, each
    ``with`` block begins one gap after the one before it. Until then it costs nothing.

    :param clock: what measures and sleeps.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._gap = 0.0
        self._next = self._changed = clock.monotonic()

    def __enter__(self) -> None:
        with self._lock:
            now = self._clock.monotonic()
            if self._gap and now - self._changed > CALM:
                self._gap, self._changed = (self._gap / 2 if self._gap > FIRST_GAP / 8 else 0.0), now
            begins = max(now, self._next)
            self._next = begins + self._gap
        if begins > now:
            self._clock.sleep(begins - now)

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
            self._next = max(self._next, now + (getattr(error, "retry_after", None) or 0.0))


def is_refusal(error: object) -> bool:
    """Whether it is a 429."""
    return isinstance(error, RequestError) and error.status == 429
