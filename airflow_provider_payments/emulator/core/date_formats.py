"""Time formats in Data Prep's documented letters: parsing and formatting."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby

from airflow_provider_payments.emulator.core.zones import offset_text, written_zone

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_QUARTERS = ("1st quarter", "2nd quarter", "3rd quarter", "4th quarter")
_MAX_FORMAT_CHARACTERS = 100


def read_time(text: str, pattern: str) -> datetime:
    """Parse a time that is written in a format; raise ``ValueError`` if that fails.

    :param text: a time without a zone is taken as UTC.
    :param pattern: the format, such as ``yyyy-MM-dd HH:mm``.
    """
    match = _format(pattern).fullmatch(text.strip(" \t\r\n"))
    if match is None:
        raise ValueError(f"'{text[:60]}' is not written as '{pattern[:60]}'")
    return _moment({name: part for name, part in match.groupdict().items() if part is not None})


def write_time(moment: datetime, pattern: str) -> str:
    """Write a time in a format; raise ``ValueError`` if that fails.

    :param moment: the time, which is written in its own zone.
    :param pattern: the format, such as ``yyyy-MM-dd HH:mm``.
    """
    return "".join(literal or _written(moment, letter, width) for letter, width, literal in _tokens(pattern))


def _tokens(pattern: str) -> list[tuple[str, int, str]]:
    """Return the parts of a format: (letter, number of repetitions, "") or ("", 0, literal text)."""
    if len(pattern) > _MAX_FORMAT_CHARACTERS:
        raise ValueError(f"the format is longer than {_MAX_FORMAT_CHARACTERS} characters")
    tokens: list[tuple[str, int, str]] = []
    for place, part in enumerate(re.split(r"'((?:[^']|'')*)'", pattern)):
        if place % 2:
            tokens.append(("", 0, part.replace("''", "'") or "'"))
            continue
        for char, run in groupby(part):
            width = len(list(run))
            tokens.append((char, width, "") if char.isascii() and char.isalpha() else ("", 0, char * width))
    return tokens


# By letter: the part of a time that the letter stands for, and its maximum number of digits.
_NUMBERS: Mapping[str, tuple[str, int]] = {
    "y": ("year", 4),
    "Y": ("week_year", 4),
    "M": ("month", 2),
    "L": ("month", 2),
    "w": ("week", 2),
    "D": ("day_of_year", 3),
    "d": ("day", 2),
    "u": ("weekday", 1),
    "H": ("hour", 2),
    "k": ("hour24", 2),
    "K": ("hour11", 2),
    "h": ("hour12", 2),
    "m": ("minute", 2),
    "s": ("second", 2),
    "S": ("fraction", 9),
}
# By letter: the part of a time that the letter stands for, and the expressions that read one letter, two letters, etc.
_TEXTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "G": ("era", ("AD", "AD", "AD", "Anno Domini")),
    "E": ("day_name", (*["|".join(name[:3] for name in _DAYS)] * 3, "|".join(_DAYS))),
    "a": ("half", ("AM|PM",)),
    "z": ("zone", (r"[A-Za-z][A-Za-z_]*(?:/[A-Za-z0-9_+-]+){0,2}|(?:GMT|UTC|UT)?[+-]\d{2}:\d{2}",) * 3),
    "Z": ("zone", (*[r"[+-]\d{4}"] * 3, r"GMT(?:[+-]\d{2}:\d{2})?", r"Z|[+-]\d{2}:\d{2}")),
    "X": ("zone", (r"Z|[+-]\d{2}(?:\d{2})?", r"Z|[+-]\d{4}", r"Z|[+-]\d{2}:\d{2}")),
    "V": ("zone", (r"[A-Za-z][A-Za-z_]*(?:/[A-Za-z0-9_+-]+){0,2}|Z|[+-]\d{2}:\d{2}",) * 2),
    "O": ("zone", (*[r"GMT(?:[+-]\d{1,2}(?::\d{2})?)?"] * 3, r"GMT(?:[+-]\d{2}:\d{2})?")),
}
_MONTH_NAMES = {3: "|".join(name[:3] for name in _MONTHS), 4: "|".join(_MONTHS)}


@lru_cache(maxsize=256)
def _format(pattern: str) -> re.Pattern[str]:
    parts = []
    seen: set[str] = set()
    for letter, width, literal in _tokens(pattern):
        if not letter:
            parts.append(re.escape(literal))
            continue
        name, expression = _reader(letter, width)
        if name in seen:
            raise ValueError(f"the format has '{letter}' twice")
        seen.add(name)
        parts.append(f"(?P<{name}>{expression})")
    return re.compile("".join(parts), re.ASCII)


def _reader(letter: str, width: int) -> tuple[str, str]:
    """Return the part of a time that a repeated letter stands for, and the regular expression that reads the part."""
    if letter in "ML" and width in _MONTH_NAMES:
        return "month_name", _MONTH_NAMES[width]
    if letter in _NUMBERS:
        name, most = _NUMBERS[letter]
        if width <= most:
            return name, rf"\d{{{width}}}" if width > 1 else rf"\d{{1,{most}}}"
    name, expressions = _TEXTS.get(letter, ("", ()))
    if width > len(expressions):
        raise ValueError(f"'{letter * min(width, 9)}' in a format cannot be read")
    return name, expressions[width - 1]


def _moment(found: Mapping[str, str]) -> datetime:
    number = {name: int(text) for name, text in found.items() if text.isdigit()}
    if len(found.get("year", "")) == 2:
        number["year"] += 2000
    day = _day(found, number)
    weekday = _DAYS[day.weekday()]
    if not weekday.startswith(found.get("day_name", "")) or number.get("weekday", day.isoweekday()) != day.isoweekday():
        raise ValueError(f"{day} is a {weekday}")
    micros = int(found.get("fraction", "0")[:6].ljust(6, "0"))
    where = written_zone(found["zone"]) if "zone" in found else UTC
    hour = _hour(number, found.get("half", "AM"))
    return datetime(day.year, day.month, day.day, hour, number.get("minute", 0), number.get("second", 0), micros, where)


def _day(found: Mapping[str, str], number: Mapping[str, int]) -> date:
    if "week" in number:
        return date.fromisocalendar(number.get("week_year", 1970), number["week"], number.get("weekday", 1))
    year = number.get("year", number.get("week_year", 1970))
    if "day_of_year" in number:
        day = date(year, 1, 1) + timedelta(days=number["day_of_year"] - 1)
        if day.year != year:
            raise ValueError(f"{year} has no day {number['day_of_year']}")
        return day
    month = number.get("month", 1)
    if "month_name" in found:
        month = 1 + next(at for at, name in enumerate(_MONTHS) if name.startswith(found["month_name"]))
    return date(year, month, number.get("day", 1))


# The valid hours of each way to number them.
_HOURS = {"hour": range(24), "hour24": range(1, 25), "hour11": range(12), "hour12": range(1, 13)}


def _hour(number: Mapping[str, int], half: str) -> int:
    name = next((name for name in _HOURS if name in number), "hour")
    hour = number.get(name, 0)
    if hour not in _HOURS[name]:
        raise ValueError(f"there is no hour {hour}")
    if name in ("hour11", "hour12"):
        return hour % 12 + (12 if half == "PM" else 0)
    return hour % 24


def _written(moment: datetime, letter: str, width: int) -> str:
    # Some letters have no known longest form, such as the full name of a zone.
    if letter not in _WRITERS or width > _MAX_WIDTHS.get(letter, 9):
        raise ValueError(f"'{letter * min(width, 9)}' in a format is not known")
    return _WRITERS[letter](moment, width)


def _padded(read: Callable[[datetime], int]) -> Callable[[datetime, int], str]:
    return lambda moment, width: str(read(moment)).zfill(width)


def _year(read: Callable[[datetime], int]) -> Callable[[datetime, int], str]:
    return lambda moment, width: f"{read(moment) % 100:02d}" if width == 2 else str(read(moment)).zfill(width)


def _name(full: str, width: int) -> str:
    return full if width == 4 else full[:1] if width == 5 else full[:3]


def _month(moment: datetime, width: int) -> str:
    return _name(_MONTHS[moment.month - 1], width) if width > 2 else str(moment.month).zfill(width)


def _quarter(moment: datetime, width: int) -> str:
    quarter = (moment.month + 2) // 3
    if width == 4:
        return _QUARTERS[quarter - 1]
    return f"Q{quarter}" if width == 3 else str(quarter).zfill(width if width < 3 else 1)


def _iso_offset(moment: datetime, width: int) -> str:
    text = offset_text(moment, colon=width in (3, 5))
    if text.startswith("+00") and text.endswith("00"):
        return "Z"
    return text[:3] if width == 1 and text.endswith("00") else text


def _rfc_offset(moment: datetime, width: int) -> str:
    if width == 4:
        return _gmt_offset(moment, 4)
    return _iso_offset(moment, 5) if width == 5 else offset_text(moment, colon=False)


def _gmt_offset(moment: datetime, width: int) -> str:
    hours, minutes = offset_text(moment, colon=True).split(":")
    if (hours, minutes) == ("+00", "00"):
        return "GMT"
    if width == 4:
        return f"GMT{hours}:{minutes}"
    return f"GMT{int(hours):+d}" + (f":{minutes}" if minutes != "00" else "")


def _week_of_month(moment: datetime) -> int:
    # Weeks begin on Monday, and the first week of a month may be short.
    return (moment.day + moment.replace(day=1).weekday() - 1) // 7 + 1


_MAX_WIDTHS = {"z": 3, "G": 5, "M": 5, "L": 5, "E": 5, "a": 1, "Q": 5, "q": 5, "Z": 5, "X": 5, "O": 4}
_WRITERS: Mapping[str, Callable[[datetime, int], str]] = {
    "G": lambda _, width: "Anno Domini" if width == 4 else "A" if width == 5 else "AD",
    "y": _year(lambda moment: moment.year),
    "Y": _year(lambda moment: moment.isocalendar().year),
    "M": _month,
    "L": _month,
    "w": _padded(lambda moment: moment.isocalendar().week),
    "W": _padded(_week_of_month),
    "D": _padded(lambda moment: moment.timetuple().tm_yday),
    "d": _padded(lambda moment: moment.day),
    "F": _padded(lambda moment: (moment.day - 1) // 7 + 1),
    "E": lambda moment, width: _name(_DAYS[moment.weekday()], width),
    "u": _padded(datetime.isoweekday),
    "a": lambda moment, _: "AM" if moment.hour < 12 else "PM",
    "H": _padded(lambda moment: moment.hour),
    "k": _padded(lambda moment: moment.hour or 24),
    "K": _padded(lambda moment: moment.hour % 12),
    "h": _padded(lambda moment: moment.hour % 12 or 12),
    "m": _padded(lambda moment: moment.minute),
    "s": _padded(lambda moment: moment.second),
    "S": lambda moment, width: f"{moment.microsecond:06d}".ljust(width, "0")[:width],
    "z": lambda moment, _: moment.tzname() or "UTC",
    "Z": _rfc_offset,
    "X": _iso_offset,
    "V": lambda moment, _: str(moment.tzinfo or "UTC"),
    "O": _gmt_offset,
    "Q": _quarter,
    "q": _quarter,
}
