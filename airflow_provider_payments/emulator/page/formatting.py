"""How the page shows times, numbers and states."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow_provider_payments.emulator.flow_service.model import (
    CANCELLED,
    DISABLED,
    DRAFT,
    ENABLED,
    FAILED,
    IN_PROGRESS,
    PARTIAL,
    SCHEDULED,
    SUCCESS,
)

# Two states that only the page has: of a successful run with failed records, and of an object that does not exist.
SOME_FAILED, MISSING = "success, some failed", "missing"


@dataclass(frozen=True, slots=True)
class Sign:
    """How a state or a status is shown: by colour, glyph and word, so that the colour alone carries no meaning.

    :param tone: the CSS class of the colour.
    """

    tone: str
    glyph: str
    word: str


_SIGNS: Mapping[str, Sign] = {
    SCHEDULED: Sign("wait", "○", "scheduled"),
    IN_PROGRESS: Sign("busy", "◔", "in progress"),
    SUCCESS: Sign("good", "✓", "success"),
    SOME_FAILED: Sign("part", "◐", SOME_FAILED),
    PARTIAL: Sign("part", "◐", "partial success"),
    FAILED: Sign("bad", "✕", "failed"),
    CANCELLED: Sign("wait", "⊘", "cancelled"),
    ENABLED: Sign("good", "✓", "enabled"),
    DISABLED: Sign("wait", "‖", "disabled"),
    DRAFT: Sign("wait", "○", "draft"),
    MISSING: Sign("bad", "✕", "missing"),
}


def sign(state: str) -> Sign:
    """Return the sign of a state or a status; an unknown one gets a question mark."""
    return _SIGNS.get(state) or Sign("odd", "?", cut(state))


def moment(seconds: float, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Return the text of a time in UTC.

    :param seconds: the time, in epoch seconds.
    """
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime(pattern)
    except (ValueError, OverflowError, OSError):
        return "beyond the calendar"


def number(value: int) -> str:
    """Return the text of a number, with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u202f")


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun.

    :param one: the noun in the singular.
    :param many: the noun in the plural; ``one`` with an s unless given.
    """
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def span(seconds: float) -> str:
    """Return the text of a period, as it follows the word ``every``."""
    for unit, name in ((7 * 86400, "week"), (86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit and seconds % unit == 0:
            count = int(seconds // unit)
            return f"{count} {name}s" if count > 1 else name
    return f"{seconds:g} s"


def cut(text: str, longest: int = 80) -> str:
    """Shorten a text that is too long.

    :param longest: the maximum number of characters.
    """
    return text if len(text) <= longest else text[: longest - 1] + "…"


def pieces(text: str) -> list[str]:
    """Return the parts of a text between which a line may break: after a dot, a slash or an underscore."""
    return re.split(r"(?<=[./_])", text)
