"""Time zones that are named by letters, by an offset, or by a region."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_OFFSET = re.compile(r"(?:GMT|UTC|UT)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII)
_MAX_OFFSET_HOURS = 18
# Letters after a time mean a fixed offset, also in summer: Data Prep's sample reads PST in October as eight hours.
_LETTERS = """
0 Z UTC GMT UT WET
1 BST CET WEST MET WAT
2 CEST MEST EET CAT SAST
3 EEST MSK TRT EAT
5 PKT
5.5 IST
5.75 NPT
6 BDT
7 ICT WIB
8 HKT SGT MYT AWST WITA
9 JST KST WIT
9.5 ACST
10 AEST
10.5 ACDT
11 AEDT
12 NZST
13 NZDT
-2.5 NDT
-3 ADT BRT ART
-3.5 NST
-4 AST EDT CLT
-5 EST CDT COT PET
-6 CST MDT
-7 MST PDT
-8 PST AKDT
-9 AKST
-10 HST
"""
_HOURS_BY_LETTERS = {
    letters: float(hours) for hours, *names in map(str.split, _LETTERS.strip().splitlines()) for letters in names
}


def zone(name: str) -> tzinfo:
    """Return the zone with a name; raise ``ValueError`` if there is none.

    :param name: a region such as ``Europe/Paris`` or ``CET``, whose offset depends on the date, an offset such as
        ``-08:00`` or ``UTC+1``, or letters such as ``PST``.
    """
    found = _of_offset(name) or _of_region(name) or _of_letters(name)
    if found is None:
        raise ValueError(f"'{name[:60]}' names no time zone")
    return found


def written_zone(text: str) -> tzinfo:
    """Return the zone that is written after a time, letters before regions; raise ``ValueError`` if there is none."""
    return _of_letters(text) or zone(text)


def offset_text(moment: datetime, *, colon: bool) -> str:
    """Return the offset of a time, as ``-0800`` or ``-08:00``."""
    text = moment.strftime("%z")[:5] or "+0000"
    return f"{text[:3]}:{text[3:]}" if colon else text


def _of_letters(text: str) -> tzinfo | None:
    hours = _HOURS_BY_LETTERS.get(text)
    if hours is None:
        return None
    return timezone(timedelta(hours=hours), text) if hours else UTC


def _of_offset(text: str) -> tzinfo | None:
    match = _OFFSET.fullmatch(text)
    if match is None or int(match[2]) > _MAX_OFFSET_HOURS:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return timezone(-offset if match[1] == "-" else offset)


def _of_region(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name[:60])
    except (OSError, LookupError, ValueError):
        return None
