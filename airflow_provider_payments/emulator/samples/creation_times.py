"""The creation times of sample rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from airflow_provider_payments.emulator.samples.draws import Draws

PAST_DAYS = 400
# The last past row is an hour old, and the first future row is a quarter of an hour away, so the number of rows that a
# first run ingests does not depend on the speed of the client.
PAST_GAP_SECONDS = 3600
FUTURE_STEP_SECONDS = 900


@dataclass(frozen=True, slots=True)
class EveryNth:
    """The rows with a follow-up, such as a refund: every nth row.

    :param first: the index of the first of these rows, less than ``step``.
    """

    step: int
    first: int

    def __contains__(self, place: int) -> bool:
        return place % self.step == self.first


def creation_times(
    seed: str, start: float, past: int, future: int, *, days: int = PAST_DAYS, step: int = FUTURE_STEP_SECONDS
) -> list[float]:
    """Return creation times in whole epoch seconds, ascending.

    :param start: the start of the emulator's clock.
    :param past: the number of rows before the start.
    :param future: the number of rows after the start.
    :param days: the number of days over which the past rows are spread.
    :param step: the seconds between two future rows.
    """
    begin = float(int(start))
    return [*(begin - age for age in _ages(seed, past, days)), *(begin + step * n for n in range(1, future + 1))]


# The same for every start: an emulator that is reset for each test draws and sorts them once.
@cache
def _ages(seed: str, past: int, days: int) -> Sequence[int]:
    """Return the ages of the past rows at the start in seconds, oldest first."""
    draws = Draws(f"{seed} moments")
    return sorted((PAST_GAP_SECONDS + draws.below(days * 86400) for _ in range(past)), reverse=True)


def follow_ups(seed: str, start: float, created: Sequence[float], rule: EveryNth, days: int) -> list[tuple[float, int]]:
    """Return the creation times of follow-ups, ascending, each with the index of the row that it follows.

    The follow-up of a past row is in the past too.

    :param created: the creation times of all rows.
    :param rule: contains the indexes of the rows with a follow-up.
    :param days: the maximum time between a row and its follow-up.
    """
    draws, latest = Draws(f"{seed} followers"), int(start) - PAST_GAP_SECONDS
    found = []
    for place in range(rule.first, len(created), rule.step):
        at = int(created[place])
        longest = days * 86400 if at > latest else min(days * 86400, latest - at)
        found.append((float(at + draws.below(longest + 1)), place))
    return sorted(found)
