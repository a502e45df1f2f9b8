"""The parts of a time, by the names that the expression language gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from airflow_provider_payments.emulator.data_prep.dates import zone
from airflow_provider_payments.emulator.data_prep.values import ExpressionError, as_text, whole

_NAMES: Mapping[str, tuple[str, ...]] = {
    "year": ("year", "yyyy", "yy"),
    "quarter": ("quarter", "qq", "q"),
    "month": ("month", "mm", "m"),
    "dayofyear": ("dayofyear", "dy", "y"),
    "day": ("day", "dd", "d"),
    "week": ("week", "ww", "w"),
    "weekday": ("weekday", "dw"),
    "hour": ("hour", "hh", "hh24"),
    "hour12": ("hh12",),
    "minute": ("minute", "mi", "n"),
    "second": ("second", "ss", "s"),
    "millisecond": ("millisecond", "sss", "ms"),
}
_PARTS = {name: part for part, names in _NAMES.items() for name in names}
_READERS: Mapping[str, Callable[[datetime], int]] = {
    "year": lambda moment: moment.year,
    "quarter": lambda moment: (moment.month + 2) // 3,
    "month": lambda moment: moment.month,
    "dayofyear": lambda moment: moment.timetuple().tm_yday,
    "day": lambda moment: moment.day,
    "week": lambda moment: moment.isocalendar().week,
    "weekday": lambda moment: moment.isoweekday(),
    "hour": lambda moment: moment.hour,
    "hour12": lambda moment: moment.hour % 12 or 12,
    "minute": lambda moment: moment.minute,
    "second": lambda moment: moment.second,
    "millisecond": lambda moment: moment.microsecond // 1000,
}
_WRITABLE = ("year", "month", "day", "hour", "minute", "second")


def part(name: str, moment: datetime) -> int:
    """One part of a time.

    :param name: in any case of letters.
    """
    return _READERS[_part(name)](moment)


def put(name: str, value: Any, moment: datetime) -> datetime:
    """A time with another value for one of its parts.

    :param name: in any case of letters.
    """
    found = _part(name)
    if found not in _WRITABLE:
        raise ExpressionError(f"the part '{name[:40]}' cannot be set")
    changed: Mapping[str, Any] = {found: whole(value)}
    return moment.replace(**changed)


def made(*given: Any) -> datetime:
    """A time of year, month, day, hour, minute, second, nanosecond and zone."""
    *numbers, name = given
    year, month, day, hour, minute, second, nanos = map(whole, numbers)
    return datetime(year, month, day, hour, minute, second, nanos // 1000, zone(as_text(name)))


def _part(name: str) -> str:
    found = _PARTS.get(name.lower())
    if found is None:
        raise ExpressionError(f"a time has no part '{name[:40]}'")
    return found
