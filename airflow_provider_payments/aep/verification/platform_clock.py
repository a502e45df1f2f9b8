"""Checks of the platform's clock, of its rate limit headers, and of the lifetime of a token."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.http.auth import ClientCredentials
from airflow_provider_payments.aep.http.retries import parse_date
from airflow_provider_payments.aep.services import FLOW_SERVICE
from airflow_provider_payments.aep.verification.checks import Check
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

#: Maximum difference between the platform's clock and this machine's, in seconds.
MAX_CLOCK_DIFFERENCE_SECONDS = 5.0
#: Minimum lifetime of a token in seconds.
MIN_TOKEN_SECONDS = 3600.0
#: Headers by which services announce their rate limits.
RATE_LIMIT_HEADERS = (
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "x-rate-limit-limit",
    "x-rate-limit-remaining",
    "x-rate-limit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
)


def _headers(trial: Trial) -> Mapping[str, str]:
    answer = trial.probe.send("GET", f"{FLOW_SERVICE}/connections", {"limit": "1"})
    if not answer.is_success:
        raise NotTriedError(f"the list of base connections was answered {answer.status_text}")
    return answer.headers


def _date(trial: Trial) -> Finding:
    date = parse_date(_headers(trial).get("date"))
    if date is None:
        return judged(False, ahead=None)
    ahead = round(date - time.time(), 1)
    return judged(abs(ahead) <= MAX_CLOCK_DIFFERENCE_SECONDS, ahead=ahead)


def _rate_limit(trial: Trial) -> Finding:
    headers = _headers(trial)
    found = [name for name in RATE_LIMIT_HEADERS if name in headers]
    return judged(not found, headers=found)


def _token_lifetime(trial: Trial) -> Finding:
    credential = trial.client.credential
    if not isinstance(credential, ClientCredentials):
        raise NotTriedError("it needs a client secret: the lifetime of an access token from the connection is unknown")
    seconds = round(credential.token_lifetime_seconds())
    return judged(seconds >= MIN_TOKEN_SECONDS, seconds=seconds)


#: They run before any wait: during a wait a simulated platform's clock advances, and this machine's does not.
CHECKS = (
    Check(
        "clock.date",
        f"Answers have a `Date` header, which differs from this machine's clock by at most "
        f"{MAX_CLOCK_DIFFERENCE_SECONDS:g} s.",
        "`PlatformClock` in `aep/http/clock.py`, by which the ages of objects are computed",
        "compare the `Date` header of an answer with this machine's clock",
        _date,
    ),
    Check(
        "clock.rate_limit",
        "No header announces a rate limit.",
        "`aep/http/throttle.py`, which reacts to answers with 429 only",
        "search an answer for such headers",
        _rate_limit,
    ),
    Check(
        "clock.token_lifetime",
        f"The lifetime of a token is at least {MIN_TOKEN_SECONDS / 3600:g} h.",
        "`aep/http/auth.py`",
        "read the lifetime in the identity service's answer with the current token",
        _token_lifetime,
    ),
)
