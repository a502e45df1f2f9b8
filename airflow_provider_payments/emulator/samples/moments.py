"""When the rows of a sample come into being."""

from __future__ import annotations

from random import Random

PAST_DAYS = 400
# The last row of the past is an hour old, the first of the future a quarter of an hour away: what a first run finds is
# then the same number of rows, whoever is slow.
PAST_GAP_SECONDS = 3600
FUTURE_STEP_SECONDS = 900


def moments(random: Random, start: float, past: int, future: int) -> list[float]:
    """Ascending epoch seconds, whole.

    :param start: where the future begins.
    :param past: rows before it, spread over more than a year.
    :param future: rows after it, one each quarter of an hour.
    """
    begin = int(start)
    span = PAST_DAYS * 86400
    before = sorted(begin - PAST_GAP_SECONDS - random.randrange(span) for _ in range(past))
    return [float(at) for at in (*before, *(begin + FUTURE_STEP_SECONDS * n for n in range(1, future + 1)))]
