"""How many requests the gateway lets through."""

from __future__ import annotations

import math
from dataclasses import dataclass
from email.utils import formatdate
from typing import Literal

from airflow_provider_payments.emulator.core.clock import Clock

RetryAfter = Literal["seconds", "date"]
RETRY_AFTER: tuple[RetryAfter, ...] = ("seconds", "date")
# A client that waits exactly as long as it is told must get through, whatever the floating point makes of it.
_ALMOST_ONE = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate.

    :param requests_a_minute: above 0.
    :param burst: how many may come at once after a pause, at least 1; a minute's worth unless given.
    :param retry_after: the form of the header that says how long to wait; None leaves it out.
    """

    requests_a_minute: float
    burst: int | None = None
    retry_after: RetryAfter | None = "seconds"

    @property
    def capacity(self) -> int:
        """The burst, given or not."""
        return self.burst or max(1, int(self.requests_a_minute))


class RateLimit:
    """A bucket of tokens for each organisation and client, filled on the emulator's clock.

    :param limit: None lets everything pass.
    """

    def __init__(self, clock: Clock, limit: Limit | None = None) -> None:
        self._clock = clock
        self.set(limit)

    def set(self, limit: Limit | None) -> None:
        """Begin anew with full buckets.

        :param limit: None lets everything pass.
        """
        self.limit = limit
        self.refused = 0
        # How many tokens there were, and when.
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def refuses(self, organisation: str, client: str) -> dict[str, str] | None:
        """None when a request may pass, else the headers of its refusal, which costs nothing."""
        if self.limit is None:
            return None
        key, now = (organisation, client), self._clock.now()
        a_second, capacity = self.limit.requests_a_minute / 60, float(self.limit.capacity)
        tokens, since = self._buckets.get(key, (capacity, now))
        tokens = min(capacity, tokens + max(0.0, now - since) * a_second)
        allowed = tokens >= _ALMOST_ONE
        self._buckets[key] = (tokens - 1 if allowed else tokens, now)
        if allowed:
            return None
        self.refused += 1
        return self._headers((1 - tokens) / a_second, now)

    def _headers(self, wait: float, now: float) -> dict[str, str]:
        match self.limit and self.limit.retry_after:
            case "seconds":
                return {"Retry-After": str(math.ceil(wait))}
            case "date":
                return {"Retry-After": formatdate(math.ceil(now + wait), usegmt=True)}
        return {}
