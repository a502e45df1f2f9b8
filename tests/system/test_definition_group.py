"""A task group of a definition in Airflow: ids pass through XCom, and a later plan has nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import Emulator, connection_json
from tests.groups import COMPLETE
from tests.system.airflow_process import AirflowHome

DAG_FILE = Path(__file__).with_name("definition_group.py")
#: The complete definition without members that need a vendor's Airflow connection or an existing field group.
DEFINITION = COMPLETE.replace("{name: Shop, airflow_conn_id: shop}", "PayPal connection").replace("Shop details, ", "")


def test_a_plan_has_nothing_to_do_once_the_group_has_run(
    new_airflow: Callable[..., AirflowHome], tmp_path: Path
) -> None:
    file = tmp_path / "group_of_products.yaml"
    file.write_text(DEFINITION)
    with EmulatorServer(time="fast") as server:
        airflow = new_airflow(connection_json(server.url), DAG_FILE, file)
        airflow.test_dag(DAG_FILE.stem)
        returned = airflow.returned(DAG_FILE.stem)
        (flow,) = Emulator(server.url).objects("flows")
    assert set(airflow.states(DAG_FILE.stem).values()) == {"success"}
    assert len(returned) == 11
    assert returned["group_of_products.create_dataflow"]["id"] == flow["id"]
    assert returned["plan"]["plan"]["steps"] == []
