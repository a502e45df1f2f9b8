"""Times as Data Prep reads and writes them: ISO, the other forms that it knows by itself, and Java's format letters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

# Tried in this order where no format is given and the text is not ISO.
_KNOWN = (
    *("yyyy/MM/dd", "yyyy.MM.dd", "yyyy-MMM-dd", "MM-dd-yyyy", "MMddyyyy", "M/dd/yyyy", "dd.M.yyyy"),
    *("M/dd/yyyy hh:mm:ss a", "dd.M.yyyy hh:mm:ss a", "dd.MMM.yyyy", "dd-MMM-yyyy"),
)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# The zones that texts name by letters, as hours from UTC.
_ZONES = {"UTC": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6}
_ZONES |= {"PST": -8, "PDT": -7, "CET": 1, "CEST": 2}
_OFFSET = re.compile(r"(?:GMT|UTC)?([+-])(\d{1,2}):?(\d{2})?")
_MAX_FORMAT = 100


def parse_time(text: str) -> datetime:
    """A time in any of the forms that are known without a format, in UTC; raises ``ValueError``.

    :param text: without a zone it is UTC.
    """
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _guessed(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _guessed(text: str) -> datetime:
    for pattern in _KNOWN:
        match = _format(pattern).fullmatch(text)
        if match is not None:
            return _moment(match)
    raise ValueError(f"'{text[:60]}' is no time in a known form")


def iso_time(moment: datetime) -> str:
    """A time as ``yyyy-MM-ddTHH:mm:ssZ``.

    :param moment: in any zone.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str, pattern: str) -> datetime:
    """A time that is written in a format; raises ``ValueError``.

    :param text: without a zone it is UTC.
    :param pattern: Java's letters, such as ``yyyy-MM-dd HH:mm``.
    """
    match = _format(pattern).fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text[:60]}' is not written as '{pattern[:60]}'")
    return _moment(match)


def write_time(moment: datetime, pattern: str) -> str:
    """A time in a format; raises ``ValueError``.

    :param moment: in its own zone.
    :param pattern: Java's letters.
    """
    result = []
    for letter, width, literal in _tokens(pattern):
        if letter:
            if letter not in _WRITERS:
                raise ValueError(f"the format letter '{letter}' is not known")
            result.append(_WRITERS[letter](moment, width))
        else:
            result.append(literal)
    return "".join(result)


def zone(name: str) -> tzinfo:
    """A zone by its name, its letters or its offset; raises ``ValueError``.

    :param name: such as ``Europe/Paris``, ``PST``, ``Z`` or ``-08:00``.
    """
    if name.upper() in _ZONES:
        hours = _ZONES[name.upper()]
        return timezone(timedelta(hours=hours)) if hours else UTC
    match = _OFFSET.fullmatch(name)
    if match is not None:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        return timezone(-offset if match[1] == "-" else offset)
    try:
        return ZoneInfo(name[:60])
    except (OSError, LookupError) as error:
        raise ValueError(f"'{name[:60]}' names no time zone") from error


def _tokens(pattern: str) -> list[tuple[str, int, str]]:
    """The parts of a format: (letter, how often, "") or ("", 0, literal text)."""
    if len(pattern) > _MAX_FORMAT:
        raise ValueError(f"the format is longer than {_MAX_FORMAT} characters")
    tokens: list[tuple[str, int, str]] = []
    for place, part in enumerate(re.split(r"'((?:[^']|'')*)'", pattern)):
        if place % 2:
            tokens.append(("", 0, part.replace("''", "'") or "'"))
            continue
        for char, run in groupby(part):
            width = len(list(run))
            tokens.append((char, width, "") if char.isascii() and char.isalpha() else ("", 0, char * width))
    return tokens


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
    """The name of what a letter stands for, and the expression that reads it."""
    if letter == "M" and width > 2:
        return "month_name", "|".join((*_MONTHS, *(name[:3] for name in _MONTHS)))
    if letter == "E":
        return "day_name", "|".join((*_DAYS, *(name[:3] for name in _DAYS)))
    if letter in _NUMBERS:
        return _NUMBERS[letter], rf"\d{{{width}}}" if width > 1 else r"\d{1,4}" if letter == "y" else r"\d{1,3}"
    if letter in _OTHERS:
        return _OTHERS[letter]
    raise ValueError(f"the format letter '{letter}' cannot be read")


_NUMBERS = {
    "y": "year",
    "M": "month",
    "d": "day",
    "D": "day_of_year",
    "H": "hour",
    "h": "hour12",
    "m": "minute",
    "s": "second",
    "S": "fraction",
}
_OFFSET_TEXT = r"Z|[+-]\d{2}(?::?\d{2})?"
_OTHERS = {
    "a": ("half", "AM|PM|am|pm"),
    "X": ("zone", _OFFSET_TEXT),
    "Z": ("zone", _OFFSET_TEXT),
    "z": ("zone", r"(?:GMT|UTC)[+-]\d{1,2}(?::?\d{2})?|[A-Za-z]{1,5}"),
    "V": ("zone", r"[A-Za-z]{1,20}(?:/[A-Za-z_+0-9-]{1,30}){0,2}"),
}


def _moment(match: re.Match[str]) -> datetime:
    found = {name: text for name, text in match.groupdict().items() if text is not None}
    number = {name: int(text) for name, text in found.items() if text.isdigit()}
    year = number.get("year", 1970)
    if len(found.get("year", "")) == 2:
        year += 2000
    month = number.get("month", 1)
    if "month_name" in found:
        month = 1 + next(at for at, name in enumerate(_MONTHS) if name.startswith(found["month_name"][:3]))
    hour = number.get("hour", 0)
    if "hour12" in number:
        hour = number["hour12"] % 12 + (12 if found.get("half", "").upper() == "PM" else 0)
    micros = int(found.get("fraction", "0")[:6].ljust(6, "0"))
    where = zone(found["zone"]) if "zone" in found else UTC
    minute, second = number.get("minute", 0), number.get("second", 0)
    moment = datetime(year, month, number.get("day", 1), hour, minute, second, micros, where)
    return moment + timedelta(days=number.get("day_of_year", 1) - 1)


def _padded(read: Callable[[datetime], int]) -> Callable[[datetime, int], str]:
    return lambda moment, width: str(read(moment)).zfill(width)


def _named(names: tuple[str, ...], read: Callable[[datetime], int]) -> Callable[[datetime, int], str]:
    return lambda moment, width: names[read(moment)] if width > 3 else names[read(moment)][:3]


def _year(moment: datetime, width: int) -> str:
    return f"{moment.year % 100:02d}" if width == 2 else str(moment.year).zfill(width)


def _month(moment: datetime, width: int) -> str:
    return _named(_MONTHS, lambda at: at.month - 1)(moment, width) if width > 2 else str(moment.month).zfill(width)


def _offset(moment: datetime, width: int) -> str:
    text = moment.strftime("%z")
    if text == "+0000":
        return "Z"
    return text[:3] if width == 1 and text[3:] == "00" else text if width < 3 else f"{text[:3]}:{text[3:]}"


_WRITERS: Mapping[str, Callable[[datetime, int], str]] = {
    "y": _year,
    "Y": lambda moment, width: str(moment.isocalendar().year).zfill(width),
    "M": _month,
    "w": _padded(lambda moment: moment.isocalendar().week),
    "D": _padded(lambda moment: moment.timetuple().tm_yday),
    "d": _padded(lambda moment: moment.day),
    "e": _padded(datetime.isoweekday),
    "E": _named(_DAYS, lambda moment: moment.weekday()),
    "a": lambda moment, _: "AM" if moment.hour < 12 else "PM",
    "H": _padded(lambda moment: moment.hour),
    "h": _padded(lambda moment: moment.hour % 12 or 12),
    "m": _padded(lambda moment: moment.minute),
    "s": _padded(lambda moment: moment.second),
    "S": lambda moment, width: f"{moment.microsecond:06d}".ljust(width, "0")[:width],
    "Q": _padded(lambda moment: (moment.month + 2) // 3),
    "X": _offset,
    "Z": lambda moment, _: moment.strftime("%z"),
    "z": lambda moment, _: moment.tzname() or "UTC",
    "V": lambda moment, _: str(moment.tzinfo or "UTC"),
}
