"""Single values by the type of the field that they go to: each function gives the field's value or a ValueError."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from airflow_provider_payments.emulator.core.dates import iso_time, parse_written
from airflow_provider_payments.emulator.data_prep.language.values import BLANKS, ExpressionError, as_text, number

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
# The texts that Data Prep's page on data formats lists, and no others.
_TRUE = frozenset({"y", "yes", "Y", "YES", "on", "ON", "true", "TRUE"})
_FALSE = frozenset({"n", "N", "no", "NO", "off", "OFF", "false", "FALSE"})


def to_text(value: Any) -> str:
    """Any single value as text; a time in ISO 8601."""
    try:
        return as_text(value)
    except (ExpressionError, OverflowError) as error:
        raise ValueError(str(error)) from error


def to_integer(value: Any) -> int:
    """A whole number, or a text of digits with a sign or without; a fraction of zero counts as none."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip(BLANKS)):
        return int(value)
    raise ValueError(value)


def to_number(value: Any) -> float:
    """A number, or a text that is a decimal number, with an exponent or without."""
    try:
        return float(number(value))
    except (ExpressionError, OverflowError) as error:
        raise ValueError(str(error)) from error


def to_boolean(value: Any) -> bool:
    """True or false, or one of the texts that are documented for them."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (text := value.strip(BLANKS)) in _TRUE | _FALSE:
        return text in _TRUE
    raise ValueError(value)


def to_moment(value: Any) -> str:
    """A time in UTC; a number is none."""
    try:
        return iso_time(_moment(value))
    except OverflowError as error:
        raise ValueError(value) from error


def to_day(value: Any) -> str:
    """The day of a time in the zone in which it is written; a number is none."""
    return _moment(value).date().isoformat()


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError(value)
    return parse_written(value)


# By the ``format`` of a field that has one of these, else by its ``type``.
SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "string": to_text,
    "integer": to_integer,
    "number": to_number,
    "boolean": to_boolean,
    "date-time": to_moment,
    "date": to_day,
}
