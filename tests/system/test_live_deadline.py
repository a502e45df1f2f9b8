"""The deadline alert that the manual's page "In production" shows, in a live Airflow."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.conftest import connection_json
from tests.sensors.flows import History
from tests.system.live_airflow import LiveAirflow, on_demand

HERE = Path(__file__).parent


@on_demand
def test_a_deadline_alerts_while_the_sensor_waits(history: History, tmp_path: Path) -> None:
    home, plugins, dag = tmp_path / "home", tmp_path / "plugins", tmp_path / "deadlines.py"
    home.mkdir()
    plugins.mkdir()
    shutil.copy(HERE / "payments_alerts.py", plugins)
    dag.write_text((HERE / dag.name).read_text().replace("hours=2", "seconds=5"))
    connection = connection_json(history.emulator.url)
    with LiveAirflow(home, connection, [dag], core__plugins_folder=str(plugins)) as airflow:
        run = airflow.trigger("deadlines", {"flow_id": history.waiting})
        airflow.wait_until((home / "alerts").exists)
        assert (home / "alerts").read_text() == f"Payments are late: {run}"
        assert set(airflow.states("deadlines", run)) == {"wait"}
