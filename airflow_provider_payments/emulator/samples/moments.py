"""When the rows of a sample come into being."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_payments.emulator.samples.draws import Draws

PAST_DAYS = 400
# The last row of the past is an hour old, the first of the future a quarter of an hour away: what a first run finds is
# then the same number of rows, however slow a reader is.
PAST_GAP_SECONDS = 3600
FUTURE_STEP_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Every:
    """One row in so many: which of them something follows, such as a refund.

    :param first: the place of the first one, smaller than ``step``.
    """

    step: int
    first: int

    def __contains__(self, place: int) -> bool:
        return place % self.step == self.first


def moments(
    seed: str, start: float, past: int, future: int, *, days: int = PAST_DAYS, step: int = FUTURE_STEP_SECONDS
) -> list[float]:
    """Ascending epoch seconds, whole.

    :param start: where the future begins.
    :param past: rows before it.
    :param future: rows after it.
    :param days: over how many days the past is spread.
    :param step: seconds between two rows of the future.
    """
    draws, begin = Draws(f"{seed} moments"), int(start)
    before = sorted(begin - PAST_GAP_SECONDS - draws.below(days * 86400) for _ in range(past))
    return [float(at) for at in (*before, *(begin + step * n for n in range(1, future + 1)))]


def followers(seed: str, start: float, born: Sequence[float], rule: Every, days: int) -> list[tuple[float, int]]:
    """The moments of what follows some rows: ascending, each with the place of its row.

    What follows a row of the past is of the past too.

    :param born: the moments of all rows.
    :param rule: which of them are followed.
    :param days: the longest time between the two.
    """
    draws, latest = Draws(f"{seed} followers"), int(start) - PAST_GAP_SECONDS
    found = []
    for place in range(rule.first, len(born), rule.step):
        at = int(born[place])
        longest = days * 86400 if at > latest else min(days * 86400, latest - at)
        found.append((float(at + draws.below(longest + 1)), place))
    return sorted(found)
