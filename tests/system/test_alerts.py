"""The alerts that the manual's page "In production" shows, in a real Airflow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import connection_json
from tests.sensors.flows import History
from tests.system.airflow_process import AirflowHome
from tests.versions.expected import SERIES

DAG_FILE = Path(__file__).with_name("alerts.py")


def test_a_callback_names_the_flow_run_that_failed_its_task(
    history: History, new_airflow: Callable[..., AirflowHome]
) -> None:
    airflow = new_airflow(connection_json(history.emulator.url), DAG_FILE)
    airflow.test_dag("alerts", returncode=1, flow_id=history.failed)
    sent = (airflow.home / "alerts").read_text().splitlines()
    of_runs = [line for line in sent if line.startswith("failed: failed. CONNECTOR-2001-500: Errors occurred")]
    assert len(of_runs) == 3
    assert all("DCVS-1111-400 (3)" in line and line.endswith(f"{history.emulator.url}/") for line in of_runs)
    (other,) = set(sent) - set(of_runs)
    # On workers of these releases the context has the error; in `airflow dags test` it has not.
    error = (
        "see its log"
        if SERIES in ("3.0", "3.1", "3.2")
        else "GET /data/foundation/flowservice/flows/gone failed (final)"
    )
    assert other.startswith(f"deleted: {error}")
