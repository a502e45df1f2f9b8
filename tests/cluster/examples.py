"""The example DAGs with the changes that the scenarios need: short intervals, and recent dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.system.airflow_process import REPOSITORY

__all__ = ["ARRIVALS", "CHAIN", "CHANGES", "DAYS", "MIDNIGHT", "VENDORS", "WINDOWS", "write_examples"]

CHAIN, VENDORS, WINDOWS, ARRIVALS = (
    "payments_dataflow",
    "payments_from_definitions",
    "payments_windows",
    "payments_on_arrival",
)
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
#: The number of days for catch-up, and of days before them for backfill.
DAYS = 3
_FIRST = MIDNIGHT - timedelta(days=DAYS)
_SHORT_RETRY_DELAY = {"timedelta(minutes=1)": "timedelta(seconds=5)"}
#: The replacements in the file of each DAG.
CHANGES: Mapping[str, Mapping[str, str]] = {
    CHAIN: _SHORT_RETRY_DELAY | {"poke_interval=10": "poke_interval=2"},
    VENDORS: _SHORT_RETRY_DELAY | {'"poke_interval": 10': '"poke_interval": 2'},
    WINDOWS: _SHORT_RETRY_DELAY
    | {
        "datetime(2026, 11, 19, tzinfo=UTC)": f"datetime({_FIRST.year}, {_FIRST.month}, {_FIRST.day}, tzinfo=UTC)",
        "Param(2 * 60 * 60,": "Param(0,",
        '"poll_interval": 10': '"poll_interval": 1',
        'Param("aep_default"': 'Param("aep_real"',
    },
    ARRIVALS: {"asset=ARRIVED)": 'asset=ARRIVED, aep_conn_id="aep_waits", poll_interval=1)'},
}


def write_examples(folder: Path, *dag_ids: str) -> list[Path]:
    """Write example DAGs into a folder; return their files."""
    files = []
    for dag_id in dag_ids:
        text = (REPOSITORY / "dags" / f"{dag_id}.py").read_text()
        for before, after in CHANGES[dag_id].items():
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        files.append(folder / f"{dag_id}.py")
        files[-1].write_text(text)
    return files
