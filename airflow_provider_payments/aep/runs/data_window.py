"""
The data window of a flow run on demand: the range of delta values whose rows the run reads.

Source: "On-demand ingestion" of Adobe's Flow Service guides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_time
from airflow_provider_payments.aep.readers import iso
from airflow_provider_payments.aep.runs.flow_run import FlowRun, requested_window

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json

#: How a DAG gets a data interval for each run, for errors.
INTERVAL_HINT = (
    "With schedule=CronDataIntervalTimetable(...) each DAG run has a data interval; "
    "with '@daily' the interval is empty from Airflow 3 on"
)
#: Seconds by which a service may round the ends of a window.
ROUNDING_SECONDS = 1


@dataclass(frozen=True)
class Window:
    """
    The range of times whose rows a run reads.

    :param start: whole epoch seconds.
    :param end: whole epoch seconds, later than ``start``.
    """

    start: int
    end: int

    @classmethod
    def read(cls, start: object, end: object) -> Self:
        """
        Return the window between two times, rounded down to seconds so that consecutive windows share their ends.

        :raises InvalidInputError: if a time is missing, or the window is empty.
        """
        begins, ends = as_time("window_start", start), as_time("window_end", end)
        if begins is None or ends is None:
            missing = "window_start" if begins is None else "window_end"
            allowed = "a time; this DAG run has no data interval to derive it from (it may have no logical date)"
            raise InvalidInputError(missing, None, f"{allowed}. {INTERVAL_HINT}")
        window = cls(int(begins.timestamp()), int(ends.timestamp()))
        if window.start >= window.end:
            allowed = f"it must be later than window_start, {begins.isoformat()}"
            hint = f". {INTERVAL_HINT}" if window.start == window.end else ""
            raise InvalidInputError("window_end", ends.isoformat(), f"{allowed}{hint}")
        return window

    @classmethod
    def of(cls, run: FlowRun) -> Self | None:
        """Return the window that a run shows; ``None`` if it shows none yet."""
        return cls._of(run.window_start, run.window_end)

    @classmethod
    def requested(cls, item: object) -> Self | None:
        """Return the window that was requested for a run, if the run's item in a list shows it."""
        return cls._of(*(requested_window(item) or (None, None)))

    @classmethod
    def copied(cls, run: FlowRun) -> Self | None:
        """Return the window that a run's copy activity reports; ``None`` if it reports none."""
        return cls._of(run.copied_start, run.copied_end)

    @classmethod
    def _of(cls, start: float | None, end: float | None) -> Self | None:
        return None if start is None or end is None else cls(int(start), int(end))

    def is_like(self, other: Window) -> bool:
        """Return whether both windows are the same except for rounding."""
        rounding = self._rounding(other)
        return abs(self.start - other.start) <= rounding and abs(self.end - other.end) <= rounding

    def overlaps(self, other: Window) -> bool:
        """Return whether both windows share some time, by more than rounding; adjacent windows do not overlap."""
        return min(self.end, other.end) - max(self.start, other.start) > self._rounding(other)

    def _rounding(self, other: Window) -> int:
        # With rounding, adjacent windows of one or two seconds would count as the same.
        return ROUNDING_SECONDS if min(self.end - self.start, other.end - other.start) > 2 * ROUNDING_SECONDS else 0

    def __str__(self) -> str:
        return f"the window from {iso(self.start)} to {iso(self.end)}"

    def to_json(self) -> Json:
        """Return the window's members of an XCom: ISO 8601 text in UTC."""
        return {"window_start": iso(self.start), "window_end": iso(self.end)}
