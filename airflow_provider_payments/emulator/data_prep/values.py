"""The values of the expression language: what counts as a number, as text, as true, and how two of them compare.

The language is that of mapping expressions, with the rules of the engine that its reserved words point to: whole
numbers divide as whole numbers, numeric texts count as numbers, ``+`` joins what is not numeric.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow_provider_payments.emulator.data_prep.dates import iso_time

# Of a text that an expression gives; nested calls multiply what they are given.
MAX_RESULT = 100_000
_LARGEST = 10**38


class ExpressionError(Exception):
    """An expression that is not understood, or cannot be computed for a row."""


def as_text(value: Any) -> str:
    """A value as text; nothing is the empty text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return iso_time(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def shown(value: Any) -> str:
    """A value as an error names it."""
    return "null" if value is None else f"'{as_text(value)[:60]}'"


def bounded(text: str) -> str:
    """A text that is not too long, or an error."""
    if len(text) > MAX_RESULT:
        raise ExpressionError(f"the result is a text longer than {MAX_RESULT} characters")
    return text


def finite(value: float) -> float:
    """A number that JSON can carry, or an error."""
    if not (math.isfinite(value) if isinstance(value, float) else abs(value) < _LARGEST):
        raise ExpressionError("the result is a number out of range")
    return value


def number(value: Any) -> int | float:
    """A number, or a text that is one; raises :class:`ExpressionError` for all else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return _read(value)
    except (TypeError, ValueError) as error:
        raise ExpressionError(f"{shown(value)} is no number") from error


def _read(value: Any) -> int | float:
    if not isinstance(value, str):
        raise TypeError
    text = value.strip()
    if "_" in text or len(text) > 400:
        raise ValueError
    try:
        return int(text)
    except ValueError:
        read = float(text)
    if not math.isfinite(read):
        raise ValueError
    return read


def whole(value: Any) -> int:
    """A whole number; a fraction of zero counts as none."""
    read = number(value)
    if read != int(read):
        raise ExpressionError(f"{shown(value)} is no whole number")
    return int(read)


def truth(value: Any) -> bool:
    """Whether a condition holds; nothing is false."""
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, int | float):
        return value != 0
    if isinstance(value, str) and value.lower() in ("true", "false", ""):
        return value.lower() == "true"
    raise ExpressionError(f"{shown(value)} is neither true nor false")


def is_empty(value: Any) -> bool:
    """Whether there is nothing, or nothing in it."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def add(left: Any, right: Any) -> Any:
    """The sum; what is not numeric is joined as text."""
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
    """The quotient, of two whole numbers without its fraction."""
    dividend, divisor = number(left), number(right)
    if divisor == 0:
        raise ExpressionError("division by zero")
    if isinstance(dividend, int) and isinstance(divisor, int):
        quotient = abs(dividend) // abs(divisor)
        return quotient if (dividend < 0) == (divisor < 0) else -quotient
    return finite(dividend / divisor)


def remainder(left: Any, right: Any) -> Any:
    """What is left of a division, with the sign of the dividend."""
    dividend, divisor = number(left), number(right)
    if divisor == 0:
        raise ExpressionError("division by zero")
    if isinstance(dividend, int) and isinstance(divisor, int):
        return (abs(dividend) % abs(divisor)) * (-1 if dividend < 0 else 1)
    return finite(math.fmod(dividend, divisor))


def equal(left: Any, right: Any) -> bool:
    """Whether two values are the same; a number equals the text that writes it."""
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return as_text(left).lower() == as_text(right).lower()
    if isinstance(left, int | float) or isinstance(right, int | float):
        try:
            return number(left) == number(right)
        except ExpressionError:
            return False
    if isinstance(left, str) != isinstance(right, str):
        return as_text(left) == as_text(right)
    return bool(left == right)


def less(left: Any, right: Any) -> bool:
    """Whether a value comes before another; raises for values that have no order, nothing comes before nothing."""
    if left is None or right is None:
        return False
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    if isinstance(left, datetime) and isinstance(right, datetime):
        return left < right
    return number(left) < number(right)


def size(value: Any) -> int:
    """How many parts a value has."""
    if value is None:
        return 0
    if isinstance(value, str | list | Mapping):
        return len(value)
    raise ExpressionError(f"{shown(value)} has no size")
