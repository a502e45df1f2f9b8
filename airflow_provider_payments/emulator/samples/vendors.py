"""The emulated vendors, each with its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from airflow_provider_payments.emulator.core.clock import Clock
from airflow_provider_payments.emulator.samples import files, paypal, square, stripe
from airflow_provider_payments.emulator.samples.tables import Table

# Those whose tables and resources have names of their own; what lies in files is told by the files.
VENDORS = ("paypal", "square", "stripe")
_MAKERS: Mapping[str, Callable[[float], Sequence[Table]]] = {
    "paypal": paypal.tables,
    "square": square.tables,
    "stripe": stripe.tables,
    "files": files.tables,
}


class Vendors:
    """The tables of each vendor, made when somebody first looks at them.

    :param clock: its time at the start is where the future begins.
    """

    def __init__(self, clock: Clock) -> None:
        self._start = int(clock.now())
        self._looked_at: dict[str, Mapping[str, Table]] = {}

    def tables(self, vendor: str) -> Mapping[str, Table]:
        """By path, in the order in which explore lists them; empty for a vendor that has none.

        :param vendor: one of :data:`VENDORS`, or ``files``.
        """
        if vendor not in self._looked_at:
            self._looked_at[vendor] = _made(vendor, self._start) if vendor in _MAKERS else {}
        return self._looked_at[vendor]


# Tables are never written to and depend only on the whole second of the start: organisations that start in the same
# second, as those of tests do, share them.
@lru_cache(maxsize=6)
def _made(vendor: str, start: int) -> Mapping[str, Table]:
    return {table.path: table for table in _MAKERS[vendor](start)}
