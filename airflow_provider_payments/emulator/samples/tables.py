"""A table of an emulated vendor, and how much of it is visible at a moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from airflow_provider_payments.emulator.core.dates import parse_time
from airflow_provider_payments.emulator.core.paths import read
from airflow_provider_payments.emulator.samples.flaws import Flaw, Row, spoilt

# So many rows show every attribute of a tree, and the type of each.
_TELLING_ROWS = 100
# The bounds that explore prints of every whole number in a tree.
_SAFE_INTEGERS = {"minimum": -(2**53), "maximum": 2**53 - 1}


@dataclass(frozen=True, slots=True)
class Column:
    """A column as explore shows it.

    :param format: such as ``date-time``, for text that carries one.
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
class _Dated:
    """The moments in a column, ascending, each with the place of its row; and the places where there is none."""

    moments: Sequence[float]
    places: Sequence[int]
    undated: Sequence[int]

    @classmethod
    def of(cls, rows: Sequence[Row], column: str) -> _Dated:
        found, undated = [], []
        for place, row in enumerate(rows):
            try:
                found.append((parse_time(str(read(row, column))).timestamp(), place))
            except (ValueError, OverflowError):
                undated.append(place)
        found.sort()
        return cls([moment for moment, _ in found], [place for _, place in found], undated)


@dataclass(frozen=True)
class Table:
    """A table or a REST resource of a vendor.

    Rows have a moment at which they come into being; those of the future are already there but nobody sees them. So a
    source grows as the clock moves, and each run of a dataflow finds something new. What a row's own columns say of its
    moment may lie hours before that: such a row is late. All times are epoch seconds.

    :param columns: flat, in order; empty for a resource that is a tree.
    :param born: for each row, epoch seconds; ascending.
    :param fill: makes the good rows when somebody first looks at them.
    :param flaws: what is then wrong with some of them.
    """

    path: str
    columns: tuple[Column, ...]
    born: Sequence[float]
    fill: Callable[[], Iterable[Row]]
    flaws: tuple[Flaw, ...] = ()
    _indexes: dict[str, _Dated] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def good_rows(self) -> Sequence[Row]:
        """The rows as they would be without flaws, which is what rows of other tables refer to."""
        return list(self.fill())

    @cached_property
    def rows(self) -> Sequence[Row]:
        return spoilt(self.good_rows, self.flaws)

    @cached_property
    def tree(self) -> Mapping[str, Any] | None:
        """The JSON schema of a resource, None for a table."""
        return None if self.columns else tree_of(self.rows[:_TELLING_ROWS])

    @cached_property
    def column_names(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns)

    def between(self, begin: float, end: float, column: str | None, now: float) -> list[Row]:
        """The rows whose moment is later than ``begin`` and not later than ``end``, in the table's order.

        :param begin: epoch seconds, as ``end``.
        :param column: where a row's moment stands; None for the moment of its birth.
        :param now: epoch seconds, ``end`` or later: a row that is born after it is not there yet, whatever its moment.
        """
        if column is None:
            return list(self.rows[bisect_right(self.born, begin) : bisect_right(self.born, end)])
        dated = self._dated(column)
        first, last = bisect_right(dated.moments, begin), bisect_right(dated.moments, end)
        places = sorted(dated.places[first:last])
        return [self.rows[place] for place in places if self.born[place] <= now]

    def undated(self, end: float, column: str) -> list[Row]:
        """The visible rows in whose column no moment can be read.

        :param end: epoch seconds up to which rows are visible.
        """
        return [self.rows[place] for place in self._dated(column).undated if self.born[place] <= end]

    def _dated(self, column: str) -> _Dated:
        # A dataflow may run thousands of times over one column, whose rows never change.
        if column not in self._indexes:
            self._indexes[column] = _Dated.of(self.rows, column)
        return self._indexes[column]

    def count(self, now: float) -> int:
        """How many rows exist by now."""
        return bisect_right(self.born, now)

    def visible(self, now: float) -> Iterator[tuple[float, Row]]:
        """The rows that exist by now, each with its moment."""
        for born, row in zip(self.born, self.rows, strict=True):
            if born > now:
                return
            yield born, row


def tree_of(examples: Sequence[Any]) -> dict[str, Any]:
    """The JSON schema that fits some values of one attribute; null fits any, what is always null fits all."""
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
    """A time as ``yyyy-MM-dd HH:mm:ss`` in UTC.

    :param at: epoch seconds.
    """
    return datetime.fromtimestamp(at, UTC).isoformat(" ", "seconds")[:19]
