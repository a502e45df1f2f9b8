"""
Tolerant readers of values in answers.

Each function accepts any JSON value and never raises: it returns the value if it has the expected type, and otherwise
``None`` or an empty value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow_provider_payments.aep.redaction import redacted

#: Upper bound for the length of a text; no id, name or status of a service is longer.
MAX_TEXT = 2000
#: The end of the year 9999, which is the last one of ``datetime``.
MAX_EPOCH_SECONDS = 253402300799.0
#: The largest whole number that every JSON reader reads exactly.
MAX_COUNT = 2**53


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object; an empty one for any other value."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    """Return a list; an empty one for any other value."""
    return value if isinstance(value, list) else ()


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return those items of a list that are objects."""
    return [item for item in sequence(value) if isinstance(item, Mapping)]


def at(value: object, *path: str) -> Any:
    """Return the value at a path of members; ``None`` if a step is absent or its parent is not an object."""
    for step in path:
        value = mapping(value).get(step)
    return value


def text(value: object) -> str | None:
    """Return a text that is not empty, not too long, and contains no lone surrogate; ``None`` for any other value."""
    if not isinstance(value, str) or not value or len(value) > MAX_TEXT:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def number(value: object) -> float | None:
    """Return a finite number, also one written as text; ``None`` for any other value, including booleans."""
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
    """Return a whole number of 0 or more, also one written as text; ``None`` for any other value."""
    found = number(value)
    return int(found) if found is not None and 0 <= found <= MAX_COUNT and found.is_integer() else None


def moment(value: object) -> float | None:
    """
    Return a time in epoch seconds; ``None`` for any other value, and for 0 and less.

    :param value: ISO 8601 text, milliseconds, or seconds as in older samples; the magnitude distinguishes these two.
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
    """Return a result of :func:`moment` as ISO 8601 text in UTC."""
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat()


def shown(value: object, limit: int = 200) -> str:
    """Return any value as JSON of limited length, without secrets, for a message."""
    try:
        encoded = redacted(json.dumps(value))
    except (TypeError, ValueError, RecursionError):  # not JSON, thousands of digits, or a deeply nested list
        encoded = f"<{type(value).__name__} that cannot be shown>"
    return encoded if len(encoded) <= limit else f"{encoded[:limit]}..."


def _utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)
