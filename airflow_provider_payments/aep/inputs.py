"""Arguments as they arrive, text from a template included, turned into the values that are meant."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.services import has_dot_segment

#: A comma means "any of" in the services' filters, ``!`` "not", ``*`` "any text": a name that a filter misreads would
#: never be found again, and so be created on every run.
FORBIDDEN_IN_NAMES = ",!*~=<>&+%\"'"
MAX_NAME = 100
#: What every JSON reader keeps exactly.
MAX_INT = 2**53


def as_name(field: str, value: object) -> str:
    """Return ``value`` if every service's filters can find an object of that name."""
    excluded = " ".join(FORBIDDEN_IN_NAMES)
    allowed = f"1 to {MAX_NAME} characters, no blanks at the ends, no control characters, none of {excluded}"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < MAX_INT:
        value = str(value)  # a native template turns a name such as 2026 into a number
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_NAME or value != value.strip():
        raise InvalidInputError(field, value, allowed)
    if value[0] in "{[":
        raise InvalidInputError(field, value, "text that does not begin with { or [, which a filter reads as JSON")
    if any(c in FORBIDDEN_IN_NAMES or unicodedata.category(c).startswith("C") for c in value):
        raise InvalidInputError(field, value, allowed)
    if unicodedata.normalize("NFC", value) != value:
        raise InvalidInputError(field, value, "text in Unicode normal form C")
    return value


def as_text(field: str, value: object) -> str:
    """Return non-empty text that can be sent."""
    if not isinstance(value, str) or _absent(value):
        raise InvalidInputError(field, value, "it must be given, as text")
    _sendable(field, value)
    return value


def as_id(field: str, value: object) -> str:
    """Return an object's id, often a URI: text that can stand in a path and in a filter."""
    if not isinstance(value, str) or _absent(value) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./:#{}-]*", value):
        raise InvalidInputError(field, value, "it must be given, as an id: letters, digits and any of _ . / : # {} -")
    if has_dot_segment(value):
        raise InvalidInputError(field, value, "no part of an id between slashes may be . or ..")
    return value


def as_optional_id(field: str, value: object) -> str | None:
    """Return an id, or ``None`` for ``None`` and empty text."""
    return None if _absent(value) else as_id(field, value)


def as_content_type(field: str, value: object) -> str:
    """Return the content type that asks for a schema; a schema has no other major version than 1."""
    form = r"application/vnd\.adobe\.xed[a-z-]*\+json; ?version=1(\.[0-9]+)?"
    if not isinstance(value, str) or not re.fullmatch(form, value):
        raise InvalidInputError(field, value, "a content type such as application/vnd.adobe.xed-full+json;version=1")
    return value


def as_optional_text(field: str, value: object) -> str | None:
    """Return text, or ``None`` for ``None`` and empty text."""
    return None if _absent(value) else as_text(field, value)


def as_column_names(field: str, value: object) -> list[str] | None:
    """Return columns' names, from names or from objects as explore gives them; ``None`` where none are given."""
    names = []
    for column in as_list(field, value) or ():
        name = column.get("name") if isinstance(column, Mapping) else column
        names.append(as_text(field, name))
    return names or None


def as_int(field: str, value: object) -> int | None:
    """Return a whole number, or ``None`` for ``None`` and empty text."""
    if _absent(value):
        return None
    number = value
    if (isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", value)) or (
        isinstance(value, float) and value.is_integer()
    ):
        number = int(value)
    if not isinstance(number, int) or isinstance(number, bool) or abs(number) > MAX_INT:
        raise InvalidInputError(field, value, "it must be a whole number")
    return number


def as_number(field: str, value: object) -> float | None:
    """Return a finite number, or ``None`` for ``None`` and empty text."""
    if _absent(value):
        return None
    try:
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            number = float(value)
            if abs(number) < float("inf"):
                return int(number) if number.is_integer() else number
    except (ValueError, OverflowError):
        pass
    raise InvalidInputError(field, value, "it must be a number")


def lenient(read: Callable[[str, object], Any], value: object) -> Any:
    """Read what a service shows as an argument would be read; what cannot be read stays as it is and equals nothing."""
    try:
        return read("", value)
    except InvalidInputError:
        return value


def as_bool(field: str, value: object) -> bool | None:
    """Return a boolean, or ``None`` for ``None`` and empty text."""
    if _absent(value):
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise InvalidInputError(field, value, "it must be true or false")


def as_time(field: str, value: object) -> datetime | None:
    """
    Return a moment in UTC: from an aware datetime (pendulum's too), ISO 8601 text with an offset, or epoch seconds.

    :raises InvalidInputError: for a naive time, which could mean any of a day's hours.
    """
    if _absent(value):
        return None
    moment: datetime | None = None
    try:
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        elif isinstance(value, str):
            text = value.strip()
            if re.fullmatch(r"[0-9]{1,11}(\.[0-9]+)?", text):
                moment = datetime.fromtimestamp(float(text), UTC)
            else:
                moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        pass
    if moment is None:
        raise InvalidInputError(field, value, "it must be a datetime, ISO 8601 text or epoch seconds")
    if moment.utcoffset() is None:
        raise InvalidInputError(field, str(value), "the time must carry a timezone, for example +00:00")
    return datetime.fromtimestamp(moment.timestamp(), UTC)


def as_mapping(field: str, value: object) -> dict[str, Any]:
    """Return a dictionary, from JSON text too; ``None`` and empty text are empty."""
    if _absent(value):
        return {}
    value = _decoded(field, value)
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidInputError(field, value, "it must be an object with text as keys")
    _sendable(field, value)
    return dict(value)


def as_list(field: str, value: object) -> list[Any] | None:
    """Return a list, from JSON text too; ``None`` for ``None`` and empty text."""
    if _absent(value):
        return None
    value = _decoded(field, value)
    if not isinstance(value, (list, tuple)):
        raise InvalidInputError(field, value, "it must be a list")
    return list(value)


def _absent(value: object) -> bool:
    # A template around an absent XCom renders to the text "None".
    return value is None or (isinstance(value, str) and value.strip() in ("", "None"))


def _sendable(field: str, value: object) -> None:
    """Refuse what no request can carry: not JSON, numbers without a value or without end, half of a character."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        allowed = "it must be plain JSON: objects, lists, text in Unicode, finite numbers, true, false, null"
        raise InvalidInputError(field, value, allowed) from None


def _decoded(field: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        allowed = "it must be JSON; in a template use the filter tojson, or let the DAG render native objects"
        raise InvalidInputError(field, value, allowed) from None


def add_extra(payload: dict[str, Any], extra: Mapping[str, Any], path: str = "extra") -> dict[str, Any]:
    """
    Return ``payload`` with the fields of ``extra`` added, nested objects merged.

    :raises InvalidInputError: if ``extra`` would replace a field that an argument sets.
    """
    merged = dict(payload)
    for key, value in extra.items():
        ours = merged.get(key)
        if isinstance(ours, Mapping) and isinstance(value, Mapping):
            merged[key] = add_extra(dict(ours), value, f"{path}.{key}")
        elif key in merged and ours != value:
            # Below `auth` a credential may stand.
            shown = "***" if f"{path}.{key}".startswith("extra.auth") else value
            raise InvalidInputError(f"{path}.{key}", shown, "this field is set by an argument of its own")
        else:
            merged[key] = value
    return merged
