"""How the page writes times, numbers and states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow_provider_payments.emulator.flow_service.flow_runs import (
    CANCELLED,
    FAILED,
    IN_PROGRESS,
    PARTIAL,
    SCHEDULED,
    SUCCESS,
    Run,
)

LONGEST = 80
# In the place of what there is not.
NONE = "\u2013"


@dataclass(frozen=True, slots=True)
class Sign:
    """How a state looks: never by its colour alone.

    :param tone: a class of the style sheet.
    """

    tone: str
    glyph: str
    word: str


_SIGNS: Mapping[str, Sign] = {
    SCHEDULED: Sign("wait", "○", "scheduled"),
    IN_PROGRESS: Sign("busy", "◔", "in progress"),
    SUCCESS: Sign("good", "✓", "success"),
    PARTIAL: Sign("part", "◐", "partial success"),
    FAILED: Sign("bad", "✕", "failed"),
    CANCELLED: Sign("wait", "⊘", "cancelled"),
    "enabled": Sign("good", "✓", "enabled"),
    "disabled": Sign("wait", "‖", "disabled"),
    "draft": Sign("wait", "○", "draft"),
    "missing": Sign("bad", "✕", "missing"),
}
_PARTLY = Sign("part", "◐", "success, some failed")


def sign_of(state: str) -> Sign:
    """The sign of a state of anything; of one nobody knows, too."""
    return _SIGNS.get(state) or Sign("odd", "?", cut(state))


def run_sign(run: Run) -> Sign:
    """The sign of a run's status: a success with failed records is no whole one."""
    return _PARTLY if run.status == SUCCESS and failed_records(run) else sign_of(run.status)


def failed_records(run: Run) -> int:
    """How many records of a run failed; none as long as they may still land."""
    return max(run.failed_records, 0) if run.ended else 0


def moment(seconds: float, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time in UTC.

    :param seconds: since the epoch.
    """
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime(pattern)
    except (ValueError, OverflowError, OSError):
        return "beyond the calendar"


def millis(value: int) -> str:
    """A time in UTC, a dash while it has not come.

    :param value: milliseconds since the epoch, 0 for none.
    """
    return moment(value / 1000) if value else NONE


def number(value: int) -> str:
    """With a thin gap between thousands."""
    return f"{value:,}".replace(",", "\u202f")


def counted(count: int, one: str, many: str = "") -> str:
    """How many there are of something.

    :param many: the plural of ``one``, where it is not made by an s.
    """
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def span(seconds: float) -> str:
    """How long something takes, to be read after ``every``."""
    for unit, name in ((7 * 86400, "week"), (86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit and seconds % unit == 0:
            count = int(seconds // unit)
            return f"{count} {name}s" if count > 1 else name
    return f"{seconds:g} s"


def cut(text: str, longest: int = LONGEST) -> str:
    """Text of bounded length."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
