"""The layout of the plot of flow runs over time; the macro ``plot`` draws it. All lengths are in pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise

from airflow_provider_payments.emulator.page.formatting import moment
from airflow_provider_payments.emulator.page.view_model import RunView

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 20, 30, 58
_MAX_BAR_WIDTH, _MIN_BAR_WIDTH = 26, 3
# A minimum, so that a run with few records stays visible next to a run with thousands.
MIN_BAR_HEIGHT = 4
# With more bars there is no room for a number above each.
_MAX_NUMBERED_BARS = 9
# Signs below bars that are closer than this would overlap.
_SIGN_WIDTH = 9
_TICK_WIDTH = 74
_DAY_SECONDS, _YEAR_SECONDS = 86400, 365 * 86400
_STEP_SECONDS = (60, 300, 900, 1800, 3600, 7200, 14400, 21600, 43200, *(n * _DAY_SECONDS for n in (1, 2, 7, 14, 30)))


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of a run.

    :param x: the x position of the bar's middle.
    :param landed: the height of the part for ingested records.
    :param failed: the height of the part for failed records, which stands on the other part.
    """

    run: RunView
    x: float
    landed: float
    failed: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick of the time axis.

    :param under: the day or year of the tick, if it differs from that of the tick before; else empty.
    """

    x: float
    text: str
    under: str


@dataclass(frozen=True, slots=True)
class Plot:
    """The whole plot.

    :param left: the left edge of the area with the bars; ``right`` and ``floor`` are its right and bottom edges.
    :param levels: the y position and the number of records of each line, lowest first.
    :param numbered: whether there is room for numbers above the bars.
    :param sparse: whether there is room for a sign below each bar.
    """

    width: int
    height: int
    left: int
    right: int
    floor: int
    levels: tuple[tuple[float, int], ...]
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]
    bar_width: float
    numbered: bool
    sparse: bool


def plot(runs: Sequence[RunView], width: int, height: int) -> Plot:
    """Lay out the plot of some runs.

    :param runs: at least one run, in the order of time.
    """
    right, floor, room = width - _RIGHT, height - _BOTTOM, height - _BOTTOM - _TOP
    times = [run.start for run in runs]
    margin = max((max(times) - min(times)) * 0.05, 300.0)
    begin, end = min(times) - margin, max(times) + margin
    max_records = _round_up(max(max(run.read, run.landed) for run in runs))

    def x(at: float) -> float:
        return round(_LEFT + (at - begin) / (end - begin) * (right - _LEFT), 1)

    def bar_height(records: int) -> float:
        return round(max(MIN_BAR_HEIGHT, records / max_records * room), 1) if records > 0 else 0

    bars = tuple(Bar(run, x(run.start), bar_height(run.landed), bar_height(run.failed)) for run in runs)
    gap = min((after.x - before.x for before, after in pairwise(bars)), default=_MAX_BAR_WIDTH / 0.72)
    return Plot(
        width,
        height,
        _LEFT,
        right,
        floor,
        levels=tuple((floor - room * quarter / 4, max_records * quarter // 4) for quarter in range(5)),
        ticks=tuple(Tick(x(at), text, under) for at, text, under in _ticks(begin, end, right - _LEFT)),
        bars=bars,
        bar_width=round(max(_MIN_BAR_WIDTH, min(_MAX_BAR_WIDTH, gap * 0.72)), 1),
        numbered=len(bars) <= _MAX_NUMBERED_BARS,
        sparse=gap >= _SIGN_WIDTH,
    )


def _round_up(count: int) -> int:
    """Return the first of 4, 8, 20, 40, 80, 200, ... that is not less than a count."""
    top, factors = 4, cycle((2.0, 2.5, 2.0))
    while top < count:
        top = int(top * next(factors))
    return top


def _ticks(begin: float, end: float, width: int) -> Iterator[tuple[float, str, str]]:
    min_step = (end - begin) * _TICK_WIDTH / width
    step = next((step for step in _STEP_SECONDS if step >= min_step), None)
    step = step or _YEAR_SECONDS * (int(min_step / _YEAR_SECONDS) + 1)
    pattern, pattern_under = ("%H:%M", "%d %b") if step < _DAY_SECONDS else ("%d %b", "%Y")
    at, last = begin // step * step + step, ""
    while at <= end:
        under = moment(at, pattern_under)
        yield at, moment(at, pattern), under if under != last else ""
        at, last = at + step, under
