"""
The retry decision: whether a failed request is sent again, and after how long. Pure functions only.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from airflow_provider_payments.aep.errors import Failure, RequestError

MAX_ATTEMPTS = 5
#: Upper bound for ``Retry-After``; a longer value is ignored as an error of the sender.
MAX_RETRY_AFTER_SECONDS = 86400.0
#: Longer header values are not dates.
MAX_DATE_LENGTH = 100
#: The longest sleep on a worker; an error passes a longer ``Retry-After`` on to the caller.
MAX_WAIT_SECONDS = 60.0
#: The first back-off, which doubles with each attempt.
FIRST_WAIT_SECONDS = 1.0
#: By how much the estimate of the platform's time may lag: the header ``Date`` has whole seconds.
TICK_SECONDS = 1.0
#: The gateway's code for a token that is invalid or has expired; the request was not executed.
TOKEN_REJECTED = "401013"


@dataclass(frozen=True)
class Decision:
    """The decision after a failure: whether to retry, after how many seconds, and whether with a new token."""

    should_retry: bool
    wait_seconds: float = 0.0
    renew_token: bool = False


def is_token_refused(status: int | None, code: str) -> bool:
    """Return whether an answer reports an expired or invalid token: nothing was executed, another token may succeed."""
    return status == 401 and code == TOKEN_REJECTED


def decide(
    error: RequestError,
    *,
    attempt: int,
    safe: bool,
    renewed: bool = False,
    jitter: float = 0.0,
    remaining: float = math.inf,
    attempts: int = MAX_ATTEMPTS,
) -> Decision:
    """
    Return whether a failed request is sent again, and when.

    :param error: the failure.
    :param attempt: the number of attempts so far, from 1.
    :param safe: whether a repeat is harmless even if the first request was executed (a read, a validation, a deletion).
    :param renewed: whether the token has been renewed for this call already. Defaults to false.
    :param jitter: 0 to 1; shortens a back-off by up to a half. Defaults to 0.
    :param remaining: seconds that the whole operation has left; a longer wait is not begun. Defaults to no limit.
    :param attempts: the number of attempts allowed, not counting one repeat with a new token. Defaults to
        :data:`MAX_ATTEMPTS`.
    """
    if error.failure is Failure.TOKEN_REFUSED:
        return Decision(should_retry=not renewed, renew_token=True)
    repeatable = error.failure in (Failure.NOT_SENT, Failure.THROTTLED) or (error.failure is Failure.AMBIGUOUS and safe)
    if not repeatable or attempt >= attempts:
        return Decision(should_retry=False)
    if error.retry_after is not None:
        return Decision(
            should_retry=error.retry_after <= min(MAX_WAIT_SECONDS, remaining), wait_seconds=error.retry_after
        )
    wait = min(FIRST_WAIT_SECONDS * 2 ** (attempt - 1), MAX_WAIT_SECONDS) * (1 - jitter / 2)
    return Decision(should_retry=wait <= remaining, wait_seconds=wait)


def parse_date(value: str | None) -> float | None:
    """Return an HTTP date as epoch seconds; ``None`` if it is absent or unreadable."""
    if not value or len(value) > MAX_DATE_LENGTH:
        return None
    try:
        date = parsedate_to_datetime(value)
        return date.timestamp() if date.tzinfo else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def parse_retry_after(value: str | None, now: float) -> float | None:
    """
    Return the seconds of a ``Retry-After``, which may be an HTTP date; ``None`` if absent, unreadable or over a day.

    :param now: the time in epoch seconds, by the clock of the machine that sent the answer.
    """
    if not value:
        return None
    if re.fullmatch(r"\s*-?[0-9]+(\.[0-9]*)?\s*", value, re.ASCII):
        seconds: float | None = float(value)
    else:
        date = parse_date(value)
        seconds = None if date is None else date - now
    return None if seconds is None or seconds > MAX_RETRY_AFTER_SECONDS else max(0.0, seconds)
