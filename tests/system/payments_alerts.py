"""The callback of a deadline, which Airflow's triggerer imports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


async def late(what: str, context: dict[str, Any]) -> None:
    """Print that a DAG run has missed its deadline."""
    sent = Path(os.environ["AIRFLOW_HOME"], "alerts")
    sent.write_text(f"{what} are late: {context['dag_run']['dag_run_id']}")
