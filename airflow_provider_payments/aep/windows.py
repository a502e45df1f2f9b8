"""The time of which a flow run on demand reads rows. Source: "On-demand ingestion" of Adobe's Flow Service guides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.flow_runs import FlowRun
from airflow_provider_payments.aep.inputs import as_time
from airflow_provider_payments.aep.readers import iso
from airflow_provider_payments.aep.services import Json

#: What gives each DAG run a window.
HINT = "A DAG with schedule=CronDataIntervalTimetable(...) has one for each run; '@daily' is empty from Airflow 3 on"


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
            raise InvalidInputError(missing, None, f"a time; the DAG run has no data interval to take it from. {HINT}")
        window = cls(int(begins.timestamp()), int(ends.timestamp()))
        if window.start >= window.end:
            allowed = f"it must be later than window_start, {begins.isoformat()}"
            hint = f". {HINT}" if window.start == window.end else ""
            raise InvalidInputError("window_end", ends.isoformat(), f"{allowed}{hint}")
        return window

    @classmethod
    def of(cls, run: FlowRun) -> Self | None:
        """Return the window that a run shows; ``None`` where it does not yet."""
        if run.window_start is None or run.window_end is None:
            return None
        return cls(int(run.window_start), int(run.window_end))

    def is_like(self, other: Window) -> bool:
        """Whether it is the same but for rounding."""
        return abs(self.start - other.start) <= 1 and abs(self.end - other.end) <= 1

    def __str__(self) -> str:
        return f"the window from {iso(self.start)} to {iso(self.end)}"

    def to_json(self) -> Json:
        """Return what an XCom carries: ISO 8601 text in UTC."""
        return {"window_start": iso(self.start), "window_end": iso(self.end)}
