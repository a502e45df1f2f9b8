"""The tables of the emulated vendors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from airflow_provider_payments.emulator.core.clock import Clock
from airflow_provider_payments.emulator.samples import files, paypal, square, stripe
from airflow_provider_payments.emulator.samples.tables import Table

#: The vendors whose source has tables or resources with names; the source of files has paths instead.
VENDORS = ("paypal", "square", "stripe")
_BUILDERS: Mapping[str, Callable[[float], Sequence[Table]]] = {
    "paypal": paypal.tables,
    "square": square.tables,
    "stripe": stripe.tables,
    "files": files.tables,
}


class Vendors:
    """The tables of each vendor, built when they are first read.

    :param clock: rows after its current time become visible as it moves.
    """

    def __init__(self, clock: Clock) -> None:
        self._start = int(clock.now())
        self._tables: dict[str, Mapping[str, Table]] = {}

    def tables(self, vendor: str) -> Mapping[str, Table]:
        """Return the tables of a vendor by path, in the order of explore; empty for a vendor without tables.

        :param vendor: one of :data:`VENDORS`, or ``files``.
        """
        if vendor not in self._tables:
            self._tables[vendor] = _build(vendor, self._start) if vendor in _BUILDERS else {}
        return self._tables[vendor]


# Organisations that start in the same second, as in tests, share their tables: tables are never written to and depend
# only on the whole second of the start.
@lru_cache(maxsize=6)
def _build(vendor: str, start: int) -> Mapping[str, Table]:
    return {table.path: table for table in _BUILDERS[vendor](start)}
