"""Functions of times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_payments.emulator.core.date_formats import read_time, write_time
from airflow_provider_payments.emulator.core.zones import zone
from airflow_provider_payments.emulator.data_prep.language.function import Function, Now, as_time, group, plain
from airflow_provider_payments.emulator.data_prep.language.values import ExpressionError, as_text


def _date(_: Now, value: Any, pattern: str | None = None, default: datetime | None = None) -> datetime | None:
    if value is None or value == "":
        return default
    if not pattern or isinstance(value, datetime):
        return as_time(value)
    return read_time(as_text(value), pattern)


def _formatted_millis(millis: int, pattern: str) -> str:
    return write_time(datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=millis), pattern)


def _now(now: Now) -> datetime:
    return datetime.fromtimestamp(int(now()), UTC)


def _millis(now: Now) -> int:
    return int(now() * 1000)


def _part(name: str, value: datetime | None) -> int | None:
    letter = _PARTS.get(name.lower())
    if letter is None:
        raise ExpressionError(f"a time has no part '{name[:40]}'")
    return None if value is None else int(write_time(value, letter))


def _with_part(name: str, number: int, value: datetime | None) -> datetime | None:
    change = _CHANGES.get(_PARTS.get(name.lower(), ""))
    if change is None:
        raise ExpressionError(f"the part '{name[:40]}' of a time cannot be set")
    return None if value is None else change(value, number)


def _from_parts(
    year: int, month: int, day: int, hour: int, minute: int, second: int, nanos: int, name: str
) -> datetime:
    if not 0 <= nanos < 10**9:
        raise ExpressionError("nanoseconds are 0 to 999999999")
    return datetime(year, month, day, hour, minute, second, nanos // 1000, zone(name))


# The parts of a time by name, with their format letters.
_PARTS = {
    name: letter
    for letter, names in {
        "y": ("year", "yyyy", "yy"),
        "Q": ("quarter", "qq", "q"),
        "M": ("month", "mm", "m"),
        "D": ("dayofyear", "dy", "y"),
        "d": ("day", "dd", "d"),
        "w": ("week", "ww", "w"),
        "u": ("weekday", "dw"),
        "H": ("hour", "hh", "hh24"),
        "h": ("hh12",),
        "m": ("minute", "mi", "n"),
        "s": ("second", "ss", "s"),
        "SSS": ("millisecond", "sss", "ms"),
    }.items()
    for name in names
}
_CHANGES: Mapping[str, Callable[[datetime, int], datetime]] = {
    "y": lambda time, number: time.replace(year=number),
    "M": lambda time, number: time.replace(month=number),
    "d": lambda time, number: time.replace(day=number),
    "H": lambda time, number: time.replace(hour=number),
    "m": lambda time, number: time.replace(minute=number),
    "s": lambda time, number: time.replace(second=number),
}
_PARTS_SIGNATURE = (
    "(year: whole, month: whole, day: whole, hour: whole, minute: whole, second: whole, nanosecond: whole, "
    "timezone: text) -> time"
)
_PARTS_EXAMPLE = '(2019, 10, 17, 11, 55, 12, 999, "America/Los_Angeles")'
_PARTS_RESULT = "2019-10-17T18:55:12Z"
TIME_FUNCTIONS: Mapping[str, Function] = group(
    "Date / Time",
    ("now() -> time", _now, "The time.", "now()", ""),
    ("timestamp() -> whole", _millis, "The time in milliseconds since 1970.", "timestamp()", ""),
    (
        "date(date: single, format?: text, default_date?: time) -> time",
        _date,
        "The time that a text contains.",
        'date("2019-10-23 11:24", "yyyy-MM-dd HH:mm", now())',
        "2019-10-23T11:24:00Z",
    ),
    (
        "format(date: time, format: text) -> text",
        plain(write_time),
        "A time in a format.",
        'format(date("2019-10-23T11:24:00+00:00"), "yyyy-MM-dd HH:mm:ss")',
        "2019-10-23 11:24:00",
    ),
    (
        "dformat(timestamp: whole, format: text) -> text",
        plain(_formatted_millis),
        "Milliseconds since 1970 in a format.",
        "dformat(1571829875000, \"yyyy-MM-dd'T'HH:mm:ss.SSSX\")",
        "2019-10-23T11:24:35.000Z",
    ),
    (
        "date_part(component: text, date: time) -> whole",
        plain(_part),
        "A part of a time.",
        'date_part("MM", date("2019-10-17 11:55:12"))',
        "10",
    ),
    (
        "set_date_part(component: text, value: whole, date: time) -> time",
        plain(_with_part),
        "A time with another part.",
        'set_date_part("m", 4, date("2016-11-09T11:44:44.797"))',
        "2016-04-09T11:44:44.797Z",
    ),
    *(
        (name + _PARTS_SIGNATURE, plain(_from_parts), "A time from its parts.", name + _PARTS_EXAMPLE, _PARTS_RESULT)
        for name in ("make_date_time", "make_timestamp")
    ),
    (
        "zone_date_to_utc(date: time) -> time",
        plain(lambda time: time.astimezone(UTC)),
        "A time in UTC.",
        'zone_date_to_utc(date("2019-10-17T11:55:12 PST"))',
        "2019-10-17T19:55:12Z",
    ),
    (
        "zone_date_to_zone(date: time, zone: text) -> time",
        plain(lambda time, name: time.astimezone(zone(name))),
        "A time in a zone.",
        'zone_date_to_zone(now(), "Europe/Paris")',
        "",
    ),
)
