"""
The manual's table of all checks, generated from the catalogue.

``python -m tests.aep.verification.page`` writes the table into ``docs/verify.md``.
"""

from __future__ import annotations

from pathlib import Path

from airflow_provider_payments.aep.tables import markdown
from airflow_provider_payments.aep.verification.catalogue import ALL_CHECKS
from airflow_provider_payments.aep.verification.checks import Need

PAGE = Path(__file__).parents[3] / "airflow_provider_payments" / "docs" / "verify.md"
#: The needs of checks, as the manual's table of options names them.
NEEDS = {
    Need.SOURCE: "a base connection",
    Need.VENDOR: "`--vendor-conn-id`",
    Need.INGEST: "`--ingest`",
    Need.WHOLE: "no `--quick`",
}
HEADING = ("check", "assumption", "relied on by, source", "method", "needs")


def table() -> str:
    """Return the table in Markdown."""
    rows = [
        (
            f"`{check.id}`",
            check.assumption,
            check.source,
            check.method,
            ", ".join(NEEDS[need] for need in check.needs),
        )
        for check in ALL_CHECKS
    ]
    return "\n".join(markdown(rows, HEADING))


def shown() -> str:
    """Return the manual's table; empty if there is none."""
    _, bar, rest = PAGE.read_text().partition(f"| {HEADING[0]} |")
    return f"{bar}{rest}".strip()


if __name__ == "__main__":
    before, _, _ = PAGE.read_text().partition(f"| {HEADING[0]} |")
    PAGE.write_text(f"{before}{table()}\n")
