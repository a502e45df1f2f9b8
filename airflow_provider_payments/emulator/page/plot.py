"""Flow runs over time as SVG: when each began, how many records landed and failed, how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise

from airflow_provider_payments.emulator.flow_service.flow_runs import Run
from airflow_provider_payments.emulator.page.markup import Attributes, Markup, tag, together
from airflow_provider_payments.emulator.page.wording import failed_records, moment, number, run_sign

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 30, 58
_WIDEST_BAR, _THINNEST_BAR = 26, 3
# What is there must be seen: the few records of a later run beside the thousands of the first.
LEAST_HEIGHT = 4
# So many bars have room for a number above each.
_MOST_NUMBERED = 9
_STEPS = (60, 300, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 2 * 86400, 7 * 86400, 14 * 86400, 30 * 86400)
_YEAR = 365 * 86400
_TICK_PIXELS = 74


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where things lie in the drawing.

    :param begin: epoch seconds at the left edge, as ``end`` at the right one.
    :param most: records at the upper edge.
    """

    width: int
    height: int
    begin: float
    end: float
    most: int

    @property
    def floor(self) -> int:
        return self.height - _BOTTOM

    def x(self, at: float) -> float:
        return _LEFT + (at - self.begin) / (self.end - self.begin) * (self.width - _LEFT - _RIGHT)

    def tall(self, records: int) -> float:
        return max(float(LEAST_HEIGHT), records / self.most * (self.floor - _TOP)) if records > 0 else 0.0


def plot(runs: Sequence[Run], width: int, height: int, kind: str) -> Markup:
    """The drawing.

    :param runs: in the order of time, one at least.
    :param width: in pixels, as ``height``; the style sheet may scale it.
    :param kind: a class of the style sheet, and part of the ids inside.
    """
    frame = _frame(runs, width, height)
    return tag(
        "svg",
        _hatching(kind),
        _records_axis(frame),
        _time_axis(frame),
        _bars(frame, runs, kind),
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        class_=f"plot {kind}",
        role="img",
        aria_label=f"{len(runs)} flow runs over time, with the records that landed and failed",
    )


def _frame(runs: Sequence[Run], width: int, height: int) -> _Frame:
    times = [_time(run) for run in runs]
    first, last = min(times), max(times)
    margin = max((last - first) * 0.05, 300.0)
    most = max(max(run.input_records, run.output_records) for run in runs)
    return _Frame(width, height, first - margin, last + margin, _round_up(most))


def _time(run: Run) -> float:
    return (run.started or run.created) / 1000


def _round_up(most: int) -> int:
    """The least of 4, 8, 20, 40, 80, 200, ... that is no less."""
    top, factors = 4, cycle((2.0, 2.5, 2.0))
    while top < most:
        top = int(top * next(factors))
    return top


def _hatching(kind: str) -> Markup:
    line = tag("path", d="M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2", class_="stripe")
    pattern = tag("pattern", line, id=f"failed-{kind}", width=6, height=6, patternUnits="userSpaceOnUse")
    return tag("defs", pattern)


def _records_axis(frame: _Frame) -> Markup:
    parts = [tag("text", "records", x=0, y=10, class_="strong")]
    for quarter in range(5):
        records = frame.most * quarter // 4
        y = frame.floor - (frame.floor - _TOP) * quarter / 4
        parts.append(_line(_LEFT, y, frame.width - _RIGHT, y, "floor" if quarter == 0 else "grid"))
        parts.append(tag("text", number(records), x=_LEFT - 8, y=f"{y + 4:.1f}", text_anchor="end"))
    return together(*parts)


def _time_axis(frame: _Frame) -> Markup:
    room = (frame.width - _LEFT - _RIGHT) / _TICK_PIXELS
    wanted = (frame.end - frame.begin) / room
    step = next((step for step in _STEPS if step >= wanted), None) or _YEAR * (int(wanted / _YEAR) + 1)
    parts, day = [], ""
    at = frame.begin // step * step + step
    while at <= frame.end:
        x, today = frame.x(at), moment(at, "%d %b")
        parts.append(_line(x, frame.floor, x, frame.floor + 4, "floor"))
        text = moment(at, "%H:%M") if step < 86400 else today
        parts.append(tag("text", text, x=f"{x:.1f}", y=frame.floor + 34, text_anchor="middle"))
        under = today if step < 86400 else moment(at, "%Y")
        if under != day:
            parts.append(tag("text", under, x=f"{x:.1f}", y=frame.floor + 48, text_anchor="middle", class_="strong"))
        at, day = at + step, under
    parts.append(tag("text", "UTC", x=_LEFT - 8, y=frame.floor + 34, text_anchor="end", class_="strong"))
    return together(*parts)


def _bars(frame: _Frame, runs: Sequence[Run], kind: str) -> Markup:
    places = [frame.x(_time(run)) for run in runs]
    gap = min((right - left for left, right in pairwise(places)), default=float(_WIDEST_BAR))
    width = max(_THINNEST_BAR, min(_WIDEST_BAR, gap * 0.72))
    # Signs closer than their own width would cover one another.
    sparse = gap >= 9
    parts = [
        _bar(
            frame,
            run,
            x,
            width,
            kind,
            numbered=len(runs) <= _MOST_NUMBERED,
            signed=sparse or run_sign(run).tone != "good",
        )
        for run, x in zip(runs, places, strict=True)
    ]
    return together(*parts)


def _bar(frame: _Frame, run: Run, x: float, width: float, kind: str, *, numbered: bool, signed: bool) -> Markup:
    sign, landed, failed = run_sign(run), run.output_records, failed_records(run)
    high, above = frame.tall(landed), frame.tall(failed)
    top = frame.floor - high
    parts = [
        tag(
            "title",
            f"{moment(_time(run))} UTC: {sign.word}, {number(run.input_records)} in, {number(landed)} landed, "
            f"{number(failed)} failed",
        )
    ]
    if landed:
        parts.append(_box(x, width, top, high, "landed"))
    if failed:
        parts.append(_box(x, width, top - above, above, "failed"))
        parts.append(_box(x, width, top - above, above, "", fill=f"url(#failed-{kind})"))
    if numbered and run.input_records:
        y = f"{top - above - 5:.1f}"
        parts.append(tag("text", number(run.input_records), x=f"{x:.1f}", y=y, text_anchor="middle", class_="value"))
    if signed:
        mark: Attributes = {"x": f"{x:.1f}", "y": frame.floor + 17, "text_anchor": "middle"}
        parts.append(tag("text", sign.glyph, **mark, class_=f"sign {sign.tone}"))
    return tag("g", *parts)


def _box(x: float, width: float, y: float, height: float, kind: str, fill: str | None = None) -> Markup:
    return tag(
        "rect",
        x=f"{x - width / 2:.1f}",
        y=f"{y:.1f}",
        width=f"{width:.1f}",
        height=f"{height:.1f}",
        class_=kind or None,
        fill=fill,
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return tag("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=kind)
