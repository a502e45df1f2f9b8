"""Tables of the emulated vendors, and how much of them is visible at a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from airflow_provider_payments.emulator.clock import Clock

Row = Mapping[str, Any]


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


@dataclass(frozen=True)
class Table:
    """A table or a REST resource of a vendor.

    Rows have a moment at which they come into being; those of the future are already there but nobody sees them. So a
    source grows as the clock moves, and each run of a dataflow finds something new.

    :param path: how it is addressed.
    :param columns: flat, in order; empty for a resource that is a tree.
    :param born: for each row, epoch seconds; ascending.
    :param tree: the JSON schema of a resource, ``None`` for a table.
    """

    path: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    born: Sequence[float]
    tree: Mapping[str, Any] | None = None

    @cached_property
    def column_names(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns)

    def visible(self, now: float) -> Iterator[tuple[float, Row]]:
        """The rows that exist by now, each with its moment.

        :param now: epoch seconds.
        """
        for born, row in zip(self.born, self.rows, strict=True):
            if born > now:
                return
            yield born, row


def timestamp_text(at: float) -> str:
    """The vendors' own writing of a time, ``yyyy-MM-dd HH:mm:ss`` in UTC.

    :param at: epoch seconds.
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


@dataclass
class Vendors:
    """The tables of each vendor, made when somebody first looks at them.

    :param clock: its time at the start is where the future begins.
    """

    clock: Clock

    def __post_init__(self) -> None:
        self._start = self.clock.now()
        self._made: dict[str, dict[str, Table]] = {}

    def tables(self, vendor: str) -> Mapping[str, Table]:
        """By path, in the order in which explore lists them; empty for a vendor that has none.

        :param vendor: ``paypal``, ``square`` or ``stripe``.
        """
        if vendor not in self._made:
            tables = _makers().get(vendor, _nothing)(self._start)
            self._made[vendor] = {table.path: table for table in tables}
        return self._made[vendor]


def _makers() -> Mapping[str, Callable[[float], Sequence[Table]]]:
    from airflow_provider_payments.emulator.samples import paypal, square, stripe

    return {"paypal": paypal.tables, "square": square.tables, "stripe": stripe.tables}


def _nothing(_: float) -> Sequence[Table]:
    return ()
