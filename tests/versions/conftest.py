"""A throw-away Airflow of the version under test, run from the installed wheel, and an emulator for it to talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import connection_json
from tests.system.airflow_process import AirflowHome


@pytest.fixture(scope="session")
def platform() -> Iterator[EmulatorServer]:
    with EmulatorServer(time="fast") as server:
        yield server


@pytest.fixture(scope="session")
def airflow(platform: EmulatorServer, tmp_path_factory: pytest.TempPathFactory) -> AirflowHome:
    """Airflow with a database, the example DAGs and a connection; its processes see the wheel, not the checkout."""
    home = AirflowHome(tmp_path_factory.mktemp("airflow"), connection_json(platform.url))
    home.environment.pop("PYTHONPATH", None)
    home.environment["AIRFLOW__CORE__TEST_CONNECTION"] = "Enabled"
    home.run("db", "migrate")
    return home
