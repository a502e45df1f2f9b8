"""
The data window of a flow run on demand: the range of delta values whose rows it reads.

Source: "On-demand ingestion" of Adobe's Flow Service guides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_time
from airflow_provider_payments.aep.readers import iso
from airflow_provider_payments.aep.runs.flow_run import FlowRun, asked_window

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json

#: What gives each DAG run a window.
HINT = "A DAG with schedule=CronDataIntervalTimetable(...) has one for each run; '@daily' is empty from Airflow 3 on"
#: Seconds by which a service may round the ends of a window.
ROUNDING_SECONDS = 1


@dataclass(frozen=True)
class Window:
    """
    The time of which a run reads the rows.

    :param start: whole epoch seconds.
    :param end: the same; later.
    """

    start: int
    end: int

    @classmethod
    def read(cls, start: object, end: object) -> Self:
        """
        Read two moments, parts of a second left out, so that one window begins where the one before it ends.

        :raises InvalidInputError: if one is missing, or the window is empty.
        """
        begins, ends = as_time("window_start", start), as_time("window_end", end)
        if begins is None or ends is None:
            missing = "window_start" if begins is None else "window_end"
            allowed = "a time; the DAG run has no data interval to take it from, as one without a logical date has none"
            raise InvalidInputError(missing, None, f"{allowed}. {HINT}")
        window = cls(int(begins.timestamp()), int(ends.timestamp()))
        if window.start >= window.end:
            allowed = f"it must be later than window_start, {begins.isoformat()}"
            hint = f". {HINT}" if window.start == window.end else ""
            raise InvalidInputError("window_end", ends.isoformat(), f"{allowed}{hint}")
        return window

    @classmethod
    def of(cls, run: FlowRun) -> Self | None:
        """Return the window that a run shows; ``None`` where it does not yet."""
        return cls._of(run.window_start, run.window_end)

    @classmethod
    def asked(cls, item: object) -> Self | None:
        """Return the window that a run was asked to read, where its item in a list shows that."""
        return cls._of(*(asked_window(item) or (None, None)))

    @classmethod
    def copied(cls, run: FlowRun) -> Self | None:
        """Return the window that a run reads as its copying shows it; ``None`` where that shows none."""
        return cls._of(run.copied_start, run.copied_end)

    @classmethod
    def _of(cls, start: float | None, end: float | None) -> Self | None:
        return None if start is None or end is None else cls(int(start), int(end))

    def is_like(self, other: Window) -> bool:
        """Whether it is the same but for rounding."""
        rounding = self._rounding(other)
        return abs(self.start - other.start) <= rounding and abs(self.end - other.end) <= rounding

    def overlaps(self, other: Window) -> bool:
        """Whether both read some rows, by more than rounding; windows that touch do not."""
        return min(self.end, other.end) - max(self.start, other.start) > self._rounding(other)

    def _rounding(self, other: Window) -> int:
        # Of windows of a second or two it would make neighbours the same.
        return ROUNDING_SECONDS if min(self.end - self.start, other.end - other.start) > 2 * ROUNDING_SECONDS else 0

    def __str__(self) -> str:
        return f"the window from {iso(self.start)} to {iso(self.end)}"

    def to_json(self) -> Json:
        """Return what an XCom carries: ISO 8601 text in UTC."""
        return {"window_start": iso(self.start), "window_end": iso(self.end)}
