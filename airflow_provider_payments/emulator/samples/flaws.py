"""Flaws of sample rows: their kind, column and rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

#: The only attribute of a row that could not be parsed: the text of the row.
CORRUPT = "_corrupt_record"

MISSING = "missing_value"
NO_NUMBER = "no_number"
NO_TIME = "no_time"
UNKNOWN_CODE = "unknown_code"
TOO_LONG = "too_long"
UNPARSABLE = "unparsable_row"
DUPLICATE = "duplicate_id"
NO_DELTA_TIME = "no_moment"
ODD_TEXT = "odd_text"

# The error code with which a row fails, by kind of flaw; None if the row is ingested. The target schema decides whether
# a value is required, and whether it must be a number, a time or one of some codes: if it sets no such rule, only an
# unparsable row fails.
REFUSED_AS: Mapping[str, str | None] = {
    MISSING: "DCVS-1111-400",
    NO_NUMBER: "MAPPER-3700-400",
    NO_TIME: "MAPPER-3700-400",
    UNKNOWN_CODE: "DCVS-1106-400",
    TOO_LONG: "INGEST-1554-400",
    UNPARSABLE: "INGEST-1401-400",
    # The platform does not compare records of a dataset with each other.
    DUPLICATE: None,
    # A row without a value in its delta column is in no data window: only the first run of a backfill ingests it.
    NO_DELTA_TIME: None,
    ODD_TEXT: None,
}
_VALUES: Mapping[str, Any] = {
    MISSING: None,
    NO_NUMBER: "n/a",
    NO_TIME: "not recorded",
    UNKNOWN_CODE: "US$",
    TOO_LONG: "Please ring twice and leave the parcel with the neighbour. " * 10,
    NO_DELTA_TIME: None,
    ODD_TEXT: "Zoe\u0308 \u540d\u524d \U0001f469\U0001f3fd\u200d\U0001f4bb \u202eabc\u202c <b>&amp;</b> \u00df\ufeff",
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """A flaw of some rows of a table. A row has one flaw at most.

    :param kind: a key of :data:`REFUSED_AS`.
    :param column: the flawed column, or the path in a tree; empty for the whole row.
    :param places: the indexes of the rows, ascending.
    """

    kind: str
    column: str
    places: tuple[int, ...]


def corrupted(rows: Sequence[Row], flaws: Sequence[Flaw]) -> list[Row]:
    """Return a copy of rows with flaws.

    :param rows: the good rows, which are not changed.
    :param flaws: the flaws of these rows; a duplicate has the id of the row before it.
    """
    result = list(rows)
    for flaw in flaws:
        for place in flaw.places:
            result[place] = _corrupted_row(rows, flaw, place)
    return result


def _corrupted_row(rows: Sequence[Row], flaw: Flaw, place: int) -> Row:
    row, steps = rows[place], flaw.column.split(".")
    if flaw.kind == UNPARSABLE:
        text = json.dumps(row)
        return {CORRUPT: text[: len(text) // 2]}
    if flaw.kind == DUPLICATE:
        return _changed(row, steps, lambda _: _at(rows[place - 1], steps))
    if flaw.kind == ODD_TEXT:
        return _changed(row, steps, lambda text: f"{text or ''} {_VALUES[ODD_TEXT]}")
    return _changed(row, steps, lambda _: _VALUES[flaw.kind])


def _changed(row: Row, steps: Sequence[str], change: Callable[[Any], Any]) -> Row:
    # Copy the path to the changed value: rows share equal inner objects.
    name, rest = steps[0], steps[1:]
    return {**row, name: _changed(row[name], rest, change) if rest else change(row[name])}


def _at(row: Row, steps: Sequence[str]) -> Any:
    value: Any = row
    for step in steps:
        value = value[step]
    return value
