"""
Values out of answers.

Every function is total: whatever JSON a service answers, it returns a value, or ``None`` where what is there is not
what is meant. Nothing here raises.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow_provider_payments.aep.redaction import redacted

#: Longer text is no id, name or status of any service.
MAX_TEXT = 2000
#: Epoch seconds of the years 1970 to 9999: what ``datetime`` can show.
MAX_EPOCH_SECONDS = 253402300799.0
#: What every JSON reader keeps exactly.
MAX_COUNT = 2**53


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object, empty where it is none."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    """Return a list, empty where it is none."""
    return value if isinstance(value, list) else ()


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list."""
    return [item for item in sequence(value) if isinstance(item, Mapping)]


def at(value: object, *path: str) -> Any:
    """Return what stands below an object's members, ``None`` where a step is missing or leads through no object."""
    for step in path:
        value = mapping(value).get(step)
    return value


def text(value: object) -> str | None:
    """Return text that is not empty, of bounded length, and can be sent: no half of a character."""
    if not isinstance(value, str) or not value or len(value) > MAX_TEXT:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def number(value: object) -> float | None:
    """Return a finite number, out of digits in text too. A boolean is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and (len(value) > 40 or not value.isascii() or "_" in value):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def count(value: object) -> int | None:
    """Return a whole number from 0 on, out of digits in text too."""
    found = number(value)
    return int(found) if found is not None and 0 <= found <= MAX_COUNT and found.is_integer() else None


def moment(value: object) -> float | None:
    """
    Return epoch seconds, for milliseconds, seconds (older samples have them; the magnitude tells) or ISO 8601 text.

    Zero and less mean that there is none.
    """
    found = number(value)
    if found is None and isinstance(value, str) and len(value) <= 40:
        try:
            found = _utc(datetime.fromisoformat(value)).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
    if found is None or found <= 0:
        return None
    found = found / 1000 if found >= 1e11 else found
    return found if found <= MAX_EPOCH_SECONDS else None


def iso(epoch_seconds: float) -> str:
    """Return a moment that :func:`moment` returned as ISO 8601 text in UTC."""
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat()


def shown(value: object, limit: int = 200) -> str:
    """Return any value as JSON of bounded length, without secrets, for a message."""
    try:
        said = redacted(json.dumps(value))
    except (TypeError, ValueError, RecursionError):  # no JSON, thousands of digits, a list in a list in a list...
        said = f"<{type(value).__name__} that cannot be shown>"
    return said if len(said) <= limit else f"{said[:limit]}..."


def _utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)
