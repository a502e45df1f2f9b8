"""The layout of the plot for any runs: all parts lie within the plot, because a browser would draw them outside it."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_payments.emulator.page.plot import MIN_BAR_HEIGHT, Plot, plot
from airflow_provider_payments.emulator.page.view_model import RunView

# A manual clock can reach times after the year 9999, which a calendar cannot express.
MAX_SECONDS = 300_000_000_000
WIDTH, HEIGHT, TOP = 460, 190, 30


def run(start: float, landed: int, failed: int) -> RunView:
    return RunView("id", "success", start, start + 1, landed + failed, landed, failed, "", ())


counts = st.integers(0, 10**15)
runs = st.lists(st.builds(run, st.floats(0, MAX_SECONDS), counts, counts), min_size=1, max_size=50)


def drawn(shown: list[RunView]) -> Plot:
    return plot(sorted(shown, key=lambda each: each.start), WIDTH, HEIGHT)


@given(runs)
@example([run(0, 0, 0)])
@example([run(0, 1, 0), run(MAX_SECONDS, 10**15, 10**15)])
@example([run(1_700_000_000, 5, 5)] * 50)
def test_all_bars_and_ticks_lie_within_the_plot(shown: list[RunView]) -> None:
    result = drawn(shown)
    assert len(result.bars) == len(shown)
    for bar in result.bars:
        assert result.left < bar.x < result.right
        # Each part has a minimum height, so the bar may be taller than its share.
        assert bar.landed + bar.failed <= result.floor - TOP + 2 * MIN_BAR_HEIGHT
        for height, records in ((bar.landed, bar.run.landed), (bar.failed, bar.run.failed)):
            assert (height >= MIN_BAR_HEIGHT) if records else (height == 0)
    assert len(result.ticks) <= 8
    assert all(result.left <= tick.x <= result.right for tick in result.ticks)


@given(runs)
def test_bars_and_levels_are_in_the_order_of_their_values(shown: list[RunView]) -> None:
    result = drawn(shown)
    assert all(before.x <= after.x for before, after in pairwise(result.bars))
    tall = sorted(result.bars, key=lambda bar: bar.run.landed)
    assert all(before.landed <= after.landed for before, after in pairwise(tall))
    assert all(low > high and few < many for (low, few), (high, many) in pairwise(result.levels))
    assert max(bar.run.read for bar in result.bars) <= result.levels[-1][1]
    assert result.levels[0] == (result.floor, 0)


@pytest.mark.parametrize(
    ("first", "last", "ticks"),
    [
        ("2026-11-30 21:55", "2026-12-01 01:25", ["22:00 30 Nov", "23:00", "00:00 01 Dec", "01:00"]),
        ("2026-12-28 10:00", "2027-01-05 10:00", ["29 Dec 2026", "31 Dec", "02 Jan 2027", "04 Jan"]),
        ("2026-01-01 00:00", "2026-01-01 00:00", ["00:00 01 Jan", "00:05"]),
        (
            "1990-01-01 00:00",
            "2090-01-01 00:00",
            ["27 Dec 1990", "22 Dec 2011", "16 Dec 2032", "11 Dec 2053", "06 Dec 2074"],
        ),
    ],
)
def test_ticks_are_at_round_times_and_name_each_new_day_or_year(first: str, last: str, ticks: list[str]) -> None:
    times = [datetime.fromisoformat(f"{text}+00:00").timestamp() for text in (first, last)]
    shown = drawn([run(time, 1, 1) for time in times]).ticks
    assert [f"{tick.text} {tick.under}".strip() for tick in shown] == ticks
