"""The operation that shows the tables of the emulated vendors: their rows and flaws."""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.organisation import Organisation
from airflow_provider_payments.emulator.samples.flaws import REFUSED_AS
from airflow_provider_payments.emulator.samples.tables import Table
from airflow_provider_payments.emulator.samples.vendors import VENDORS


def show_samples(call: Call[Organisation]) -> Answer:
    """Show each vendor's tables: the number of rows, now and in all, and the flaws."""
    now = call.state.clock.now()
    vendors = call.state.vendors
    samples = {
        vendor: {path: _to_wire(table, now) for path, table in vendors.tables(vendor).items()} for vendor in VENDORS
    }
    return Answer({"now": now, "samples": samples})


def _to_wire(table: Table, now: float) -> dict[str, Any]:
    rows = table.count(now)
    flaws = {
        flaw.kind: {
            "column": flaw.column or None,
            "rows": sum(place < rows for place in flaw.places),
            "rowsInAll": len(flaw.places),
            "refusedAs": REFUSED_AS[flaw.kind],
        }
        for flaw in table.flaws
    }
    return {"rows": rows, "rowsInAll": len(table.created), "flaws": flaws}


ROUTES: Routes[Organisation] = (("GET", "/samples", show_samples),)
