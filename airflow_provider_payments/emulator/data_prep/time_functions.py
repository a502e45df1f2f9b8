"""Functions of times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_provider_payments.emulator.data_prep import dates
from airflow_provider_payments.emulator.data_prep.function import Function, Now, group, on_some, plain
from airflow_provider_payments.emulator.data_prep.values import ExpressionError, as_text, shown, whole


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ExpressionError(f"{shown(value)} is no time")
    return dates.parse_time(value)


def _date(_: Now, value: Any, pattern: Any = None, default: Any = None) -> Any:
    if value is None or value == "":
        return default
    if pattern is None or isinstance(value, datetime):
        return _moment(value)
    return dates.read_time(as_text(value), as_text(pattern))


def _formatted_millis(value: Any, pattern: Any) -> str:
    return dates.write_time(datetime.fromtimestamp(whole(value) / 1000, UTC), as_text(pattern))


def _present(now: Now) -> datetime:
    return datetime.fromtimestamp(int(now()), UTC)


def _millis(now: Now) -> int:
    return int(now() * 1000)


def _formatted(value: Any, pattern: Any) -> str:
    return dates.write_time(_moment(value), as_text(pattern))


def _part(name: Any, value: Any) -> int | None:
    letter = _PARTS.get(as_text(name).lower())
    if letter is None:
        raise ExpressionError(f"a time has no part '{as_text(name)[:40]}'")
    return None if value is None else int(dates.write_time(_moment(value), letter))


def _in_utc(value: Any) -> datetime:
    return _moment(value).astimezone(UTC)


def _in_zone(value: Any, name: Any) -> datetime:
    return _moment(value).astimezone(dates.zone(as_text(name)))


# The names of the parts of a time, and the format letters that write them.
_PARTS = {
    name: letter
    for letter, names in {
        "y": ("year", "yyyy", "yy"),
        "Q": ("quarter", "qq", "q"),
        "M": ("month", "mm", "m"),
        "D": ("dayofyear", "dy", "y"),
        "d": ("day", "dd", "d"),
        "w": ("week", "ww", "w"),
        "e": ("weekday", "dw"),
        "H": ("hour", "hh", "hh24"),
        "h": ("hh12",),
        "m": ("minute", "mi", "n"),
        "s": ("second", "ss", "s"),
        "SSS": ("millisecond", "sss", "ms"),
    }.items()
    for name in names
}
TIME_FUNCTIONS: Mapping[str, Function] = group(
    "Date / Time",
    now=(0, 0, _present, "The time.", "now()"),
    timestamp=(0, 0, _millis, "The time in milliseconds.", "timestamp()"),
    date=(1, 3, _date, "A text as a time.", 'date("2019-10-23 11:24", "yyyy-MM-dd HH:mm", now())'),
    format=(2, 2, on_some(_formatted), "A time in a format.", 'format(date(updated), "yyyy-MM-dd")'),
    dformat=(2, 2, on_some(_formatted_millis), "Milliseconds in a format.", 'dformat(created, "yyyy-MM-dd")'),
    date_part=(2, 2, plain(_part), "A part of a time.", 'date_part("MM", date(updated))'),
    zone_date_to_utc=(1, 1, on_some(_in_utc), "A time in UTC.", "zone_date_to_utc(date(updated))"),
    zone_date_to_zone=(2, 2, on_some(_in_zone), "A time in a zone.", 'zone_date_to_zone(now(), "Europe/Paris")'),
)
