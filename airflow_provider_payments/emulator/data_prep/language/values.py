"""The values of the expression language: conversion to numbers, text and booleans, arithmetic, comparison.

The rules are those of the expression engine to which the documented reserved words belong: whole numbers divide as
whole numbers, numeric texts count as numbers, ``+`` concatenates values that are not numeric.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_provider_payments.emulator.core.dates import iso_time

#: Maximum number of characters of a text, or of entries of an array, in a result: nested calls multiply sizes.
MAX_RESULT = 100_000
_MAX_NUMBER = 10**38
#: Characters that are ignored around numbers, times and booleans.
BLANKS = " \t\r\n"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?P<fraction>\.[0-9]*)?|(?P<bare>\.[0-9]+))(?P<exponent>[eE][+-]?[0-9]{1,3})?")


class ExpressionError(Exception):
    """An expression that is invalid, or fails for a row."""


def type_name(value: Any) -> str:
    """Return the type of a value, as JSON names it."""
    for name, kind in _TYPE_NAMES.items():
        if isinstance(value, kind):
            return name
    return "null"


# In Python a boolean is an integer too.
_TYPE_NAMES: Mapping[str, type] = {
    "boolean": bool,
    "integer": int,
    "number": float,
    "string": str,
    "date-time": datetime,
    "array": list,
    "object": Mapping,
}


def as_text(value: Any) -> str:
    """Return a single value as text; None is the empty text. Raise :class:`ExpressionError` for objects and arrays."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, list | Mapping):
        raise ExpressionError(f"an {type_name(value)} is no text")
    return str(value).lower() if isinstance(value, bool) else str(value)


def shortened(value: Any) -> str:
    """Return a short form of a value for an error message."""
    if value is None or isinstance(value, list | Mapping):
        return type_name(value)
    return f"'{as_text(value)[:60]}'"


def bounded(value: Any) -> Any:
    """Return a value unchanged; raise an error if it is too long, or a time without a year in UTC."""
    if isinstance(value, datetime):
        value.astimezone(UTC)
    elif isinstance(value, str) and len(value) > MAX_RESULT:
        raise ExpressionError(f"the result is a text longer than {MAX_RESULT} characters")
    elif isinstance(value, list | Mapping):
        _check_entries(value)
    return value


def _check_entries(value: Any) -> None:
    pending, entries = [value], 0
    while pending:
        part = pending.pop()
        if isinstance(part, list | Mapping):
            pending += part if isinstance(part, list) else part.values()
            entries += len(part)
            if entries > MAX_RESULT:
                raise ExpressionError(f"the result has more than {MAX_RESULT} entries")


def finite(value: float) -> float:
    """Return a number unchanged; raise :class:`ExpressionError` if JSON cannot represent it."""
    if not (math.isfinite(value) if isinstance(value, float) else abs(value) < _MAX_NUMBER):
        raise ExpressionError("the result is a number out of range")
    return value


def number(value: Any) -> int | float:
    """Return a number, parsed if it is text; raise :class:`ExpressionError` for other values."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return _read(value)
    except (TypeError, ValueError) as error:
        raise ExpressionError(f"{shortened(value)} is no number") from error


def _read(value: Any) -> int | float:
    if not isinstance(value, str):
        raise TypeError
    match = _NUMBER.fullmatch(text := value.strip(BLANKS))
    if match is None or len(text) > 400:
        raise ValueError
    if not any(match.groups()):
        return int(text)
    read = float(text)
    if not math.isfinite(read):
        raise ValueError
    return read


def whole(value: Any) -> int:
    """Return a whole number; a fraction of zero is ignored."""
    read = number(value)
    if read != int(read):
        raise ExpressionError(f"{shortened(value)} is no whole number")
    return int(read)


def truth(value: Any) -> bool:
    """Return whether a condition is true; None is false."""
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, int | float):
        return value != 0
    if isinstance(value, str) and value.lower() in ("true", "false", ""):
        return value.lower() == "true"
    raise ExpressionError(f"{shortened(value)} is neither true nor false")


def is_empty(value: Any) -> bool:
    """Return whether a value is None or empty."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def add(left: Any, right: Any) -> Any:
    """Return the sum; values that are not numeric are concatenated as text."""
    if not (isinstance(left, str) and isinstance(right, str)):
        try:
            return finite(number(left) + number(right))
        except ExpressionError:
            if not (isinstance(left, str) or isinstance(right, str)):
                raise
    return bounded(as_text(left) + as_text(right))


def subtract(left: Any, right: Any) -> Any:
    return finite(number(left) - number(right))


def multiply(left: Any, right: Any) -> Any:
    return finite(number(left) * number(right))


def divide(left: Any, right: Any) -> Any:
    """Return the quotient; the quotient of two whole numbers is truncated."""
    dividend, divisor = number(left), number(right)
    if divisor == 0:
        raise ExpressionError("division by zero")
    if isinstance(dividend, int) and isinstance(divisor, int):
        quotient = abs(dividend) // abs(divisor)
        return quotient if (dividend < 0) == (divisor < 0) else -quotient
    return finite(dividend / divisor)


def remainder(left: Any, right: Any) -> Any:
    """Return the remainder of a division, with the sign of the dividend."""
    dividend, divisor = number(left), number(right)
    if divisor == 0:
        raise ExpressionError("division by zero")
    if isinstance(dividend, int) and isinstance(divisor, int):
        return (abs(dividend) % abs(divisor)) * (-1 if dividend < 0 else 1)
    return finite(math.fmod(dividend, divisor))


def equal(left: Any, right: Any) -> bool:
    """Return whether two values are equal; a number equals its text."""
    if left is None or right is None:
        return left is right
    if isinstance(left, list | Mapping) or isinstance(right, list | Mapping):
        return bool(left == right)
    if isinstance(left, bool) or isinstance(right, bool):
        return as_text(left).lower() == as_text(right).lower()
    if isinstance(left, int | float) or isinstance(right, int | float):
        try:
            return number(left) == number(right)
        except ExpressionError:
            return False
    if isinstance(left, datetime) != isinstance(right, datetime):
        return as_text(left) == as_text(right)
    return bool(left == right)


def less(left: Any, right: Any) -> bool:
    """Return whether a value is less than another; None never is. Raise an error for values without an order."""
    if left is None or right is None:
        return False
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    if isinstance(left, datetime) and isinstance(right, datetime):
        return left < right
    return number(left) < number(right)


def size(value: Any) -> int:
    """Return the number of entries of a value."""
    if value is None:
        return 0
    if isinstance(value, str | list | Mapping):
        return len(value)
    raise ExpressionError(f"{shortened(value)} has no size")
