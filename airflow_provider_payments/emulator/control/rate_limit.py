"""Operations on the gateway's rate limit."""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.emulator.control.refusals import missing
from airflow_provider_payments.emulator.control.values import body_of, number, one_of, whole_number
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.rate_limit import RETRY_AFTER, Limit, RateLimit
from airflow_provider_payments.emulator.organisation import Organisation

MAX_REQUESTS_A_MINUTE = 10**9


def set_rate_limit(call: Call[Organisation]) -> Answer:
    """Set the rate limit: {"requests_a_minute", "burst", "retry_after": "seconds"|"date"|null}."""
    body = body_of(call, ("requests_a_minute", "burst", "retry_after"), "a rate limit")
    if "requests_a_minute" not in body:
        raise missing("requests_a_minute")
    rate = number("requests_a_minute", body["requests_a_minute"], 0.001, MAX_REQUESTS_A_MINUTE)
    burst = whole_number("burst", body["burst"], 1, MAX_REQUESTS_A_MINUTE) if "burst" in body else None
    given = body.get("retry_after", "seconds")
    if given is not None:
        one_of("retry_after", given, RETRY_AFTER)
    call.state.rate_limit.set(Limit(rate, burst, given))
    return Answer(_to_wire(call.state.rate_limit))


def show_rate_limit(call: Call[Organisation]) -> Answer:
    """Show the rate limit and the number of requests that it refused."""
    return Answer(_to_wire(call.state.rate_limit))


def lift_rate_limit(call: Call[Organisation]) -> Answer:
    """Remove the rate limit; the answer shows the removed one."""
    lifted = _to_wire(call.state.rate_limit)
    call.state.rate_limit.set(None)
    return Answer(lifted)


def _to_wire(rate_limit: RateLimit) -> dict[str, Any]:
    limit = rate_limit.limit
    return {
        "requests_a_minute": limit and limit.requests_a_minute,
        "burst": limit and limit.capacity,
        "retry_after": limit and limit.retry_after,
        "refused": rate_limit.refused,
    }


ROUTES: Routes[Organisation] = (
    ("PUT", "/rate-limit", set_rate_limit),
    ("GET", "/rate-limit", show_rate_limit),
    ("DELETE", "/rate-limit", lift_rate_limit),
)
