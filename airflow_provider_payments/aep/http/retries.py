"""
The retry decision: what follows a failed request, and after how long. Pure functions only.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from airflow_provider_payments.aep.errors import Failure, RequestError

MAX_ATTEMPTS = 5
#: Upper bound for ``Retry-After``: no service means more, and what says so is not believed.
MAX_RETRY_AFTER_SECONDS = 86400.0
#: Longer header values are no dates.
MAX_DATE_LENGTH = 100
#: Seconds. A longer ``Retry-After`` is not slept through on a worker: the error carries it instead.
MAX_WAIT_SECONDS = 60.0
FIRST_WAIT_SECONDS = 1.0
#: Seconds by which the platform's time may lag behind: the header ``Date`` has whole seconds.
TICK_SECONDS = 1.0
#: The gateway's code for a token that is invalid or has expired; the request was not carried out.
TOKEN_REJECTED = "401013"


@dataclass(frozen=True)
class Decision:
    """What to do after a failure: ask again after ``wait`` seconds, with a new token where ``renew`` is set."""

    again: bool
    wait: float = 0.0
    renew: bool = False


def is_token_refused(status: int | None, code: str) -> bool:
    """Whether an answer says that the token has expired or is invalid: nothing was carried out, another may do."""
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
    Decide what follows a failed request. Pure: equal arguments, equal decision.

    :param error: how it failed.
    :param attempt: how many times it has been sent, counted from 1.
    :param safe: whether a repeat is harmless whatever the first one did (a read, or a check that stores nothing).
    :param renewed: whether the token has been renewed for this call already, or cannot be.
    :param jitter: 0 to 1; shortens a back-off to between all and half of it.
    :param remaining: seconds that are left for the whole operation; a longer wait is not begun.
    :param attempts: how many times it may be sent in all.
    """
    if error.failure is Failure.TOKEN_REFUSED:
        return Decision(again=not renewed, renew=True)
    repeatable = error.failure in (Failure.NOT_SENT, Failure.THROTTLED) or (error.failure is Failure.AMBIGUOUS and safe)
    if not repeatable or attempt >= attempts:
        return Decision(again=False)
    if error.retry_after is not None:
        return Decision(again=error.retry_after <= min(MAX_WAIT_SECONDS, remaining), wait=error.retry_after)
    wait = min(FIRST_WAIT_SECONDS * 2 ** (attempt - 1), MAX_WAIT_SECONDS) * (1 - jitter / 2)
    return Decision(again=wait <= remaining, wait=wait)


def parse_date(value: str | None) -> float | None:
    """Read an HTTP date as epoch seconds; ``None`` where absent or unreadable."""
    if not value or len(value) > MAX_DATE_LENGTH:
        return None
    try:
        moment = parsedate_to_datetime(value)
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def parse_retry_after(value: str | None, now: float) -> float | None:
    """
    Read ``Retry-After``: seconds, or an HTTP date; ``None`` where absent, unreadable or more than a day.

    :param now: the time in epoch seconds, by the clock of the machine that wrote the date.
    """
    if not value:
        return None
    if re.fullmatch(r"\s*-?[0-9]+(\.[0-9]*)?\s*", value, re.ASCII):
        seconds: float | None = float(value)
    else:
        moment = parse_date(value)
        seconds = None if moment is None else moment - now
    return None if seconds is None or seconds > MAX_RETRY_AFTER_SECONDS else max(0.0, seconds)
