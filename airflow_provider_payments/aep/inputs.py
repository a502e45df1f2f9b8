"""Converters of arguments, which may be text rendered by a template, to checked values."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.services import has_dot_segment

#: Characters with a meaning in the services' filters, such as ``,`` (any of), ``!`` (not) or ``*`` (any text). An
#: object with such a name would never be found again, and so be created by every run.
FORBIDDEN_IN_NAMES = ",!*~=<>&+%\"'"
MAX_NAME = 100
#: The longest id in characters: ids are parts of paths, whose length servers limit.
MAX_ID = 500
#: The largest whole number that every JSON reader reads exactly.
MAX_INT = 2**53
#: The epoch seconds that are accepted as a time, besides 0: September 2001 to the end of 2099.
MIN_EPOCH_SECONDS, MAX_EPOCH_SECONDS = 1_000_000_000, 4_102_444_800
#: Number of digits -> the form of a date that such a number probably stands for, such as that of ``{{ ds_nodash }}``.
_DATES_IN_DIGITS = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
# Patterns are compiled at their first use, so that the import by each DAG file stays fast.
_NUMBER = r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?"
_AMOUNT = r"([0-9]{1,15}(?:[.,][0-9]{1,9})?)"
_ISO_DURATION = r"P(?=[0-9T])(?:#W)?(?:#D)?(?:T(?=[0-9])(?:#H)?(?:#M)?(?:#S)?)?".replace("#", _AMOUNT)
_ISO_UNITS = ("weeks", "days", "hours", "minutes", "seconds")


def as_name(field: str, value: object) -> str:
    """Return a name that the filters of all services can find."""
    excluded = " ".join(FORBIDDEN_IN_NAMES)
    allowed = f"1 to {MAX_NAME} characters, no blanks at the ends, no control characters, none of {excluded}"
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
    """Return non-empty text that can be sent; refuse ``None`` as text, to which a template renders an absent XCom."""
    if _absent(value):
        raise InvalidInputError(field, value, "it must be given, as text")
    return as_data(field, value)


def as_data(field: str, value: object) -> str:
    """Return non-empty text of a list or an object that can be sent; the text ``None`` is allowed there."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidInputError(field, value, "it must be given, as text")
    return as_constant(field, value)


def as_constant(field: str, value: object) -> str:
    """Return text that can be sent, which may be empty."""
    if not isinstance(value, str):
        raise InvalidInputError(field, value, "it must be given, as text")
    _sendable(field, value)
    return value


def as_id(field: str, value: object) -> str:
    """Return an object's id, often a URI, that paths and filters can contain."""
    form = rf"[A-Za-z0-9_][A-Za-z0-9_./:#{{}}-]{{0,{MAX_ID - 1}}}"
    if not isinstance(value, str) or _absent(value) or not re.fullmatch(form, value):
        allowed = f"it must be given, as an id: up to {MAX_ID} letters, digits and any of _ . / : # {{}} -"
        raise InvalidInputError(field, value, allowed)
    if has_dot_segment(value):
        raise InvalidInputError(field, value, "no part of an id between slashes may be . or ..")
    return value


def as_optional_id(field: str, value: object) -> str | None:
    """Return an id, or ``None`` for ``None`` and empty text."""
    return None if _absent(value) else as_id(field, value)


def as_content_type(field: str, value: object) -> str:
    """Return a content type that requests a schema in major version 1, the only one."""
    form = r"application/vnd\.adobe\.xed[a-z-]*\+json; ?version=1(\.[0-9]+)?"
    if not isinstance(value, str) or not re.fullmatch(form, value):
        raise InvalidInputError(field, value, "a content type such as application/vnd.adobe.xed-full+json;version=1")
    return value


def as_optional_text(field: str, value: object) -> str | None:
    """Return text, or ``None`` for ``None`` and empty text."""
    return None if _absent(value) else as_text(field, value)


def as_column_names(field: str, value: object) -> tuple[str, ...] | None:
    """Return column names, from names or from the objects that explore returns; ``None`` if there are none."""
    names = []
    for column in as_list(field, value) or ():
        name = column.get("name") if isinstance(column, Mapping) else column
        names.append(as_data(field, name))
    return tuple(names) or None


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
        is_text = isinstance(value, str) and re.fullmatch(_NUMBER, value.strip())
        if is_text or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            number = float(value)  # type: ignore[arg-type]
            if abs(number) < float("inf"):
                return int(number) if number.is_integer() else number
    except (ValueError, OverflowError):
        pass
    raise InvalidInputError(field, value, "it must be a number")


def lenient(read: Callable[[str, object], Any], value: object) -> Any:
    """Convert a value of an answer like an argument; return a value that cannot be converted unchanged."""
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


def as_duration(field: str, value: object) -> float | None:
    """
    Return a duration in seconds, or ``None`` for ``None`` and empty text.

    :param value: seconds, also as text; ISO 8601 text such as ``PT2H`` or ``P1DT12H``; or a timedelta.
    :raises InvalidInputError: for years and months, whose length varies, and for negative or unreadable values.
    """
    if _absent(value):
        return None
    try:
        seconds = _duration(value).total_seconds()
    except (ValueError, OverflowError):
        allowed = "a number of seconds, ISO 8601 text without years and months such as PT2H, or a timedelta"
        raise InvalidInputError(field, value, f"it must be {allowed}") from None
    if seconds < 0:
        raise InvalidInputError(field, seconds, "it must be 0 or more seconds")
    return int(seconds) if seconds.is_integer() else seconds


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        # A pendulum duration counts a month as 30 days, except an interval between two times.
        if not hasattr(value, "start") and any(getattr(value, unit, 0) for unit in ("years", "months")):
            raise ValueError("no fixed length")
        return value
    if isinstance(value, str) and (parts := re.fullmatch(_ISO_DURATION, value.strip())):
        amounts = [float((part or "0").replace(",", ".")) for part in parts.groups()]
        return timedelta(**dict(zip(_ISO_UNITS, amounts, strict=True)))
    return timedelta(seconds=as_number("", value) or 0)


def as_time(field: str, value: object) -> datetime | None:
    """
    Return a time in UTC, or ``None`` for ``None`` and empty text.

    :param value: an aware datetime (also pendulum's), ISO 8601 text with an offset, or epoch seconds.
    :raises InvalidInputError: for a time without a timezone, also one written in digits; and for a number that is not a
        time of this century, other than 0, which stands for the beginning of all data.
    """
    if _absent(value):
        return None
    time = value
    try:
        if isinstance(value, str):
            text = value.strip()
            is_number = re.fullmatch(r"[0-9]{1,20}(\.[0-9]+)?", text, re.ASCII)
            time = float(text) if is_number else datetime.fromisoformat(text)
        if isinstance(time, (int, float)) and not isinstance(time, bool):
            return datetime.fromtimestamp(_epoch_seconds(field, value, time), UTC)
        if isinstance(time, datetime) and time.utcoffset() is not None:
            return datetime.fromtimestamp(time.timestamp(), UTC)
    except InvalidInputError:
        raise
    except (ValueError, OverflowError, OSError):
        time = None
    if isinstance(time, datetime):
        raise InvalidInputError(field, str(value), "the time must carry a timezone, for example +00:00")
    raise InvalidInputError(field, value, "it must be a datetime, ISO 8601 text or epoch seconds")


def _epoch_seconds(field: str, value: object, seconds: float) -> float:
    digits = str(int(seconds)) if 0 <= seconds < 10**15 and seconds == int(seconds) else ""
    if date := _date_in_digits(digits):
        raise InvalidInputError(field, value, f"the time must carry a timezone, for example {date.isoformat()}+00:00")
    if len(digits) == 13:
        raise InvalidInputError(field, value, "it must be epoch seconds. Are these milliseconds?")
    if seconds != 0 and not MIN_EPOCH_SECONDS <= seconds <= MAX_EPOCH_SECONDS:
        allowed = f"epoch seconds from {MIN_EPOCH_SECONDS:,} to {MAX_EPOCH_SECONDS:,}, or 0 for all data"
        raise InvalidInputError(field, value, f"it must be a datetime, ISO 8601 text or {allowed}")
    return seconds


def _date_in_digits(digits: str) -> datetime | None:
    form = _DATES_IN_DIGITS.get(len(digits))
    if form is None or not digits.startswith("20"):
        return None
    try:
        return datetime.strptime(digits, form)
    except ValueError:
        return None


def as_mapping(field: str, value: object) -> dict[str, Any]:
    """Return a dictionary, also from JSON text; an empty one for ``None``, empty text and JSON's ``null``."""
    value = None if _absent(value) else _decoded(field, value)
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidInputError(field, value, "it must be an object with text as keys")
    _sendable(field, value)
    return dict(value)


def as_list(field: str, value: object) -> list[Any] | None:
    """
    Return a list, also from JSON text or another sequence, such as the results of mapped tasks.

    ``None``, empty text and JSON's ``null`` return ``None``.
    """
    value = None if _absent(value) else _decoded(field, value)
    if value is None:
        return None
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes, bytearray)):
        raise InvalidInputError(field, value, "it must be a list")
    return list(value)


def as_texts(field: str, value: object) -> list[str] | None:
    """Return a list of texts; a text that is not a JSON list is its only item, as in a mapped task."""
    is_single = isinstance(value, str) and not _absent(value) and not value.lstrip().startswith("[")
    values = [value] if is_single else as_list(field, value)
    return None if values is None else [as_text(field, item) for item in values]


def _absent(value: object) -> bool:
    # A template with an absent XCom renders to the text "None".
    return value is None or (isinstance(value, str) and value.strip() in ("", "None"))


def _sendable(field: str, value: object) -> None:
    """Refuse values that no request can contain: not JSON, NaN, infinite numbers, lone surrogates."""
    try:
        (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, allow_nan=False)).encode()
    except (TypeError, ValueError, RecursionError):
        allowed = "it must be plain JSON: objects, lists, text in Unicode, finite numbers, true, false, null"
        raise InvalidInputError(field, value, allowed) from None


def _decoded(field: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        allowed = "it must be JSON; use the filter tojson, or in a DAG that renders native objects one template alone"
        raise InvalidInputError(field, value, allowed) from None


def add_extra(payload: dict[str, Any], extra: Mapping[str, Any], path: str = "extra") -> dict[str, Any]:
    """
    Return ``payload`` with the fields of ``extra`` added, nested objects merged.

    :raises InvalidInputError: if ``extra`` would replace a field that an argument sets.
    """
    merged = dict(payload)
    for key, value in extra.items():
        existing = merged.get(key)
        if isinstance(existing, Mapping) and isinstance(value, Mapping):
            merged[key] = add_extra(dict(existing), value, f"{path}.{key}")
        elif key in merged and existing != value:
            # Values below `auth` may be credentials.
            shown = "***" if f"{path}.{key}".startswith("extra.auth") else value
            raise InvalidInputError(f"{path}.{key}", shown, "this field is set by its own argument")
        else:
            merged[key] = value
    return merged


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that names the most similar known name; empty if none is similar."""
    import difflib

    by_folded = {known_name.casefold(): known_name for known_name in known}
    nearest = difflib.get_close_matches(name.casefold(), by_folded, n=1)
    return f"; did you mean '{by_folded[nearest[0]]}'?" if nearest else ""
