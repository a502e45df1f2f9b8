"""Conversion of single values to the types of fields; each function returns the value or raises ``ValueError``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from airflow_provider_payments.emulator.core.dates import iso_time, parse_written
from airflow_provider_payments.emulator.data_prep.language.values import BLANKS, ExpressionError, as_text, number

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
# Exactly the texts that Data Prep's page on data formats lists.
_TRUE = frozenset({"y", "yes", "Y", "YES", "on", "ON", "true", "TRUE"})
_FALSE = frozenset({"n", "N", "no", "NO", "off", "OFF", "false", "FALSE"})


def to_text(value: Any) -> str:
    """Return any single value as text; a time in ISO 8601."""
    try:
        return as_text(value)
    except (ExpressionError, OverflowError) as error:
        raise ValueError(str(error)) from error


def to_integer(value: Any) -> int:
    """Convert a whole number, or a text of digits with an optional sign; a fraction of zero is ignored."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip(BLANKS)):
        return int(value)
    raise ValueError(value)


def to_number(value: Any) -> float:
    """Convert a number, or a text with a decimal number and an optional exponent."""
    try:
        return float(number(value))
    except (ExpressionError, OverflowError) as error:
        raise ValueError(str(error)) from error


def to_boolean(value: Any) -> bool:
    """Convert a boolean, or one of the documented texts for a boolean."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (text := value.strip(BLANKS)) in _TRUE | _FALSE:
        return text in _TRUE
    raise ValueError(value)


def to_time(value: Any) -> str:
    """Return a time in UTC; refuse numbers."""
    try:
        return iso_time(_time(value))
    except OverflowError as error:
        raise ValueError(value) from error


def to_day(value: Any) -> str:
    """Return the day of a time in the time's own zone; refuse numbers."""
    return _time(value).date().isoformat()


def _time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError(value)
    return parse_written(value)


#: Converters by the field's ``format`` if it is one of these, else by its ``type``.
SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "string": to_text,
    "integer": to_integer,
    "number": to_number,
    "boolean": to_boolean,
    "date-time": to_time,
    "date": to_day,
}
