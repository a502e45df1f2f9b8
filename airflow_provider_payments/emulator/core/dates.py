"""Parsing times in the forms that Data Prep reads without a format, and writing times as records hold them."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime

from airflow_provider_payments.emulator.core.date_formats import read_time
from airflow_provider_payments.emulator.core.zones import written_zone

# The documented forms in their order, but for those that begin with an ISO 8601 day: one expression reads all of these.
_FORMS = (
    *("yyyy/MM/dd", "yyyy.MM.dd", "yyyy-MMM-dd", "yyyyMMdd", "MM-dd-yyyy", "MMddyyyy", "M/dd/yyyy", "dd.M.yyyy"),
    *("M/dd/yyyy hh:mm:ss a", "dd.M.yyyy hh:mm:ss a", "dd.MMM.yyyy", "dd-MMM-yyyy"),
)
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})"
    r"(?:[T ](\d{2}:\d{2}(?::\d{2})?)(\.\d{1,9})?(?:(Z|[+-]\d{2}(?::?\d{2})?)| ([A-Z]{1,5}))?)?",
    re.ASCII,
)


def parse_time(text: str) -> datetime:
    """Parse a time in a form that is read without a format, and convert it to UTC; raise ``ValueError`` if that fails.

    :param text: a time without a zone is taken as UTC.
    """
    try:
        return parse_written(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"'{text[:60]}' is out of range") from error


def parse_written(text: str) -> datetime:
    """Parse a time as :func:`parse_time` does, but keep the time zone of the text."""
    text = text.strip(" \t\r\n")
    match = _ISO.fullmatch(text)
    if match is not None:
        return _of_iso(*match.groups())
    for form in _FORMS:
        with suppress(ValueError):
            return read_time(text, form)
    raise ValueError(f"'{text[:60]}' is no time in a known form")


def _of_iso(day: str, clock: str | None, fraction: str | None, offset: str | None, letters: str | None) -> datetime:
    if letters is not None:
        # As documented, a time with a zone in letters loses its milliseconds.
        fraction = None
    micros = int((fraction or ".0")[1:7].ljust(6, "0"))
    moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}").replace(microsecond=micros)
    zone = offset or letters
    return moment.replace(tzinfo=UTC if zone is None else written_zone(zone))


def iso_time(moment: datetime) -> str:
    """Write a time as ``yyyy-MM-ddTHH:mm:ssZ``, with milliseconds if it has any.

    :param moment: a time in any zone.
    :raises OverflowError: if the time has no year in UTC.
    """
    moment = moment.astimezone(UTC)
    precision = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return f"{moment.replace(tzinfo=None).isoformat(timespec=precision)}Z"
