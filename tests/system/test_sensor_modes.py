"""Airflow's own setting for the mode of all sensors, in a real Airflow (`airflow dags test`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import connection_json
from tests.fault_proxy import FaultProxy
from tests.sensors.flows import History, answer
from tests.system.airflow_process import AirflowHome

DAG_FILE = Path(__file__).with_name("waits_by_default.py")


@pytest.fixture
def run(
    history: History, proxy_of_history: FaultProxy, new_airflow: Callable[..., AirflowHome]
) -> Callable[..., tuple[str, str]]:
    """Run the DAG in an Airflow whose configuration sets the mode; return the sensor's state and the log."""
    airflow = new_airflow(connection_json(proxy_of_history.url), DAG_FILE)
    (airflow.home / "airflow.cfg").write_text("[operators]\ndefault_deferrable = True\n")

    def once(**environment: str) -> tuple[str, str]:
        airflow.environment |= environment
        proxy_of_history.fault("GET", "/flowservice/runs", status=200, body=answer())
        log = airflow.test_dag("waits_by_default", flow_id=history.good)
        return airflow.states("waits_by_default")["wait"], log

    return once


def test_the_mode_is_airflows_default(run: Callable[..., tuple[str, str]]) -> None:
    state, log = run()
    assert state == "success"
    assert "running trigger in line" in log
    state, log = run(AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE="False")
    assert state == "success"
    assert "running trigger in line" not in log
