"""Tables of the emulated vendors, which grow as the clock moves."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from airflow_provider_payments.emulator.core.dates import parse_time
from airflow_provider_payments.emulator.core.paths import read
from airflow_provider_payments.emulator.samples.flaws import Flaw, Row, corrupted

#: Number of rows from which a tree's schema is built: they contain every attribute with its type.
_SCHEMA_SAMPLE_ROWS = 100
#: The bounds that explore returns for every whole number in a tree.
_SAFE_INTEGERS = {"minimum": -(2**53), "maximum": 2**53 - 1}


@dataclass(frozen=True, slots=True)
class Column:
    """A column as explore returns it.

    :param format: the format of a text column, such as ``date-time``; None for no format.
    """

    name: str
    type: str = "string"
    format: str | None = None

    def to_wire(self) -> dict[str, Any]:
        xdm: dict[str, Any] = {"type": self.type}
        if self.format is None:
            return {"name": self.name, "type": self.type, "xdm": xdm}
        return {
            "name": self.name,
            "type": self.type,
            "meta:xdmType": self.format,
            "xdm": {**xdm, "format": self.format},
        }


@dataclass(frozen=True, slots=True)
class _TimeIndex:
    """The times in a column, ascending, each with the index of its row, and the indexes of rows without a time."""

    times: Sequence[float]
    places: Sequence[int]
    without_time: Sequence[int]

    @classmethod
    def of(cls, rows: Sequence[Row], column: str) -> _TimeIndex:
        found, without_time = [], []
        for place, row in enumerate(rows):
            try:
                found.append((parse_time(str(read(row, column))).timestamp(), place))
            except (ValueError, OverflowError):
                without_time.append(place)
        found.sort()
        return cls([time for time, _ in found], [place for _, place in found], without_time)


@dataclass(frozen=True)
class Table:
    """A table or a REST resource of a vendor.

    Each row has a creation time; future rows are stored but not visible yet. So a source grows as the clock moves, and
    each run of a dataflow finds new rows. The times in a row's columns may be hours before the row's creation time:
    such a row is late. All times are epoch seconds.

    :param columns: the flat columns, in order; empty for a resource that is a tree.
    :param created: the creation times of the rows, ascending.
    :param fill: returns the good rows; called when they are first read.
    :param flaws: the flaws of some of the rows.
    """

    path: str
    columns: tuple[Column, ...]
    created: Sequence[float]
    fill: Callable[[], Iterable[Row]]
    flaws: tuple[Flaw, ...] = ()
    _indexes: dict[str, _TimeIndex] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def good_rows(self) -> Sequence[Row]:
        """The rows without flaws, to which rows of other tables refer."""
        return list(self.fill())

    @cached_property
    def rows(self) -> Sequence[Row]:
        return corrupted(self.good_rows, self.flaws)

    @cached_property
    def tree(self) -> Mapping[str, Any] | None:
        """The JSON schema of a resource; None for a table."""
        return None if self.columns else tree_of(self.rows[:_SCHEMA_SAMPLE_ROWS])

    @cached_property
    def column_names(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns)

    def between(self, begin: float, end: float, column: str | None, now: float) -> list[Row]:
        """Return the rows whose time is later than ``begin`` and not later than ``end``, in the table's order.

        :param begin: epoch seconds, like ``end``.
        :param column: the column that contains the rows' times; None for their creation times.
        :param now: epoch seconds, ``end`` or later: rows that are created after ``now`` are not visible.
        """
        if column is None:
            return list(self.rows[bisect_right(self.created, begin) : bisect_right(self.created, end)])
        index = self._time_index(column)
        first, last = bisect_right(index.times, begin), bisect_right(index.times, end)
        places = sorted(index.places[first:last])
        return [self.rows[place] for place in places if self.created[place] <= now]

    def without_time(self, end: float, column: str) -> list[Row]:
        """Return the visible rows without a valid time in a column.

        :param end: the time up to which rows are visible, in epoch seconds.
        """
        return [self.rows[place] for place in self._time_index(column).without_time if self.created[place] <= end]

    def _time_index(self, column: str) -> _TimeIndex:
        # Cached: a dataflow may run thousands of times, and the rows never change.
        if column not in self._indexes:
            self._indexes[column] = _TimeIndex.of(self.rows, column)
        return self._indexes[column]

    def count(self, now: float) -> int:
        """Return the number of visible rows."""
        return bisect_right(self.created, now)

    def visible(self, now: float) -> Iterator[tuple[float, Row]]:
        """Yield the visible rows with their creation times."""
        for created, row in zip(self.created, self.rows, strict=True):
            if created > now:
                return
            yield created, row


def tree_of(examples: Sequence[Any]) -> dict[str, Any]:
    """Return the JSON schema of values of one attribute. Nulls are ignored; if all are null, any value is valid."""
    known = [example for example in examples if example is not None]
    match known[0] if known else None:
        case None:
            return {}
        case Mapping():
            names = dict.fromkeys(name for example in known for name in example)
            members = {name: [example.get(name) for example in known] for name in names}
            return {"type": "object", "properties": {name: tree_of(values) for name, values in members.items()}}
        case list():
            return {"type": "array", "items": tree_of([entry for example in known for entry in example])}
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer", **_SAFE_INTEGERS}
    return {"type": "string"}


def timestamp_text(at: float) -> str:
    """Return a time as ``yyyy-MM-dd HH:mm:ss`` in UTC.

    :param at: epoch seconds.
    """
    return datetime.fromtimestamp(at, UTC).isoformat(" ", "seconds")[:19]
