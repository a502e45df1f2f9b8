"""
The table of all checks in the manual, made of the catalogue.

``python -m tests.aep.verification.page`` writes it into ``docs/verify.md``.
"""

from __future__ import annotations

from pathlib import Path

from airflow_provider_payments.aep.tables import markdown
from airflow_provider_payments.aep.verification.catalogue import ALL_CHECKS
from airflow_provider_payments.aep.verification.checks import Need

PAGE = Path(__file__).parents[3] / "airflow_provider_payments" / "docs" / "verify.md"
#: What a check needs, in the words of the table of options.
NEEDS = {
    Need.SOURCE: "a base connection",
    Need.VENDOR: "`--vendor-conn-id`",
    Need.INGEST: "`--ingest`",
    Need.WHOLE: "no `--quick`",
}
HEADING = ("check", "assumption", "rests on", "how it is asked", "needs")


def table() -> str:
    """Return the table as the manual shows it."""
    rows = [
        (
            f"`{check.id}`",
            check.assumption,
            check.source,
            check.question,
            ", ".join(NEEDS[need] for need in check.needs),
        )
        for check in ALL_CHECKS
    ]
    return "\n".join(markdown(rows, HEADING))


def shown() -> str:
    """Return the table that the manual shows; empty where it shows none."""
    _, bar, rest = PAGE.read_text().partition(f"| {HEADING[0]} |")
    return f"{bar}{rest}".strip()


if __name__ == "__main__":
    before, _, _ = PAGE.read_text().partition(f"| {HEADING[0]} |")
    PAGE.write_text(f"{before}{table()}\n")
