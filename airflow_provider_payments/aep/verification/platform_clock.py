"""Checks of the platform's clock, of what it says of its limits, and of how long a token lives."""

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

#: Seconds by which the platform's clock and this machine's may differ.
MAX_AHEAD_SECONDS = 5.0
#: Seconds that a token lives at least.
MIN_TOKEN_SECONDS = 3600.0
#: Headers by which services announce how many requests they let through.
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
    seen = trial.probe.send("GET", f"{FLOW_SERVICE}/connections", {"limit": "1"})
    if not seen.is_success:
        raise NotTriedError(f"the list of base connections was answered {seen.status} {seen.code}")
    return seen.headers


def _date(trial: Trial) -> Finding:
    date = parse_date(_headers(trial).get("date"))
    if date is None:
        return judged(False, ahead=None)
    ahead = round(date - time.time(), 1)
    return judged(abs(ahead) <= MAX_AHEAD_SECONDS, ahead=ahead)


def _rate_limit(trial: Trial) -> Finding:
    headers = _headers(trial)
    found = [name for name in RATE_LIMIT_HEADERS if name in headers]
    return judged(not found, headers=found)


def _token_lifetime(trial: Trial) -> Finding:
    credential = trial.client.credential
    if not isinstance(credential, ClientCredentials):
        raise NotTriedError("it needs a client secret: an access token does not say how long it lives")
    seconds = round(credential.token_lifetime_seconds())
    return judged(seconds >= MIN_TOKEN_SECONDS, seconds=seconds)


#: They are asked before anything waits: a simulated platform's clock moves on then, this machine's does not.
CHECKS = (
    Check(
        "clock.date",
        f"Answers have a `Date`, and this machine's clock is at most {MAX_AHEAD_SECONDS:g} s off.",
        "`PlatformClock` in `aep/http/clock.py`: ages of objects are measured by it",
        "compare the `Date` of an answer",
        _date,
    ),
    Check(
        "clock.rate_limit",
        "No header announces how many requests are let through.",
        "`aep/http/throttle.py`, which knows answers with 429 only",
        "look for such headers in an answer",
        _rate_limit,
    ),
    Check(
        "clock.token_lifetime",
        f"A token lives for {MIN_TOKEN_SECONDS / 3600:g} h at least.",
        "`aep/http/auth.py`",
        "read what the identity service says of the token that is used",
        _token_lifetime,
    ),
)
