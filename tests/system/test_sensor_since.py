"""The default of ``since`` when `airflow dags test` is given a date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import connection_json
from tests.sensors.flows import History
from tests.system.airflow_process import AirflowHome

DAG_FILE = Path(__file__).with_name("waits_since_the_start.py")
DAG = DAG_FILE.stem


@pytest.mark.parametrize(("days", "state"), [(-1, "success"), (1, "skipped")], ids=["a past date", "a date to come"])
def test_runs_count_from_the_date_of_dags_test(
    history: History, new_airflow: Callable[..., AirflowHome], days: int, state: str
) -> None:
    airflow = new_airflow(connection_json(history.emulator.url), DAG_FILE)
    date = datetime.now(UTC) + timedelta(days=days)
    airflow.test_dag(DAG, date.isoformat(), flow_id=history.good)
    assert airflow.states(DAG) == {"wait": state}
    first = history.runs(history.good)[0]["id"]
    assert [run["run_id"] for run in airflow.returned(DAG).values()] == ([first] if days < 0 else [])
