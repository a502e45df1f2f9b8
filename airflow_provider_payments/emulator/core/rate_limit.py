"""The gateway's rate limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from email.utils import formatdate
from typing import Literal

from airflow_provider_payments.emulator.core.clock import Clock

RetryAfter = Literal["seconds", "date"]
RETRY_AFTER: tuple[RetryAfter, ...] = ("seconds", "date")
# A client that waits exactly for Retry-After must pass, despite floating-point rounding.
_ALMOST_ONE = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class Limit:
    """The parameters of a rate limit.

    :param requests_a_minute: the rate, above 0.
    :param burst: the number of requests allowed at once after a pause, at least 1; the requests of a minute unless
        given.
    :param retry_after: the form of the ``Retry-After`` header; None leaves it out.
    """

    requests_a_minute: float
    burst: int | None = None
    retry_after: RetryAfter | None = "seconds"

    @property
    def capacity(self) -> int:
        """The size of the token bucket: the given or the default burst."""
        return self.burst or max(1, int(self.requests_a_minute))


class RateLimit:
    """A token bucket for each organisation and client, on the emulator's clock.

    :param limit: None for no limit.
    """

    def __init__(self, clock: Clock, limit: Limit | None = None) -> None:
        self._clock = clock
        self.set(limit)

    def set(self, limit: Limit | None) -> None:
        """Set the limit and fill all buckets.

        :param limit: None for no limit.
        """
        self.limit = limit
        self.refused = 0
        # The number of tokens in each bucket, and the time at which they were counted.
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def refusal_headers(self, organisation: str, client: str) -> dict[str, str] | None:
        """Take a token for a request. Return None if the request may pass, else the headers of its 429."""
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
