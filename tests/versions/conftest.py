"""Fixtures: a temporary Airflow of the version under test with the installed wheel, and an emulator."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import connection_json
from tests.system.airflow_process import REPOSITORY, AirflowDatabase, python
from tests.system.vendors import CONNECTIONS


class InstalledAirflow(AirflowDatabase):
    """
    An Airflow whose commands run in processes of their own, which import the installed wheel, not the checkout.

    :param home: an empty folder.
    :param connection: the provider's default connection.
    """

    def __init__(self, home: Path, connection: str) -> None:
        super().__init__(home)
        shutil.copytree(REPOSITORY / "dags", home / "dags", ignore=shutil.ignore_patterns("__pycache__"))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHONPATH"))}
        self.environment = kept | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW_CONN_AEP_DEFAULT": connection,
            **CONNECTIONS,
        }


@pytest.fixture(scope="session")
def platform() -> Iterator[EmulatorServer]:
    with EmulatorServer(time="fast") as server:
        yield server


@pytest.fixture(scope="session")
def airflow(platform: EmulatorServer, tmp_path_factory: pytest.TempPathFactory) -> InstalledAirflow:
    """Return an Airflow with a database, the example DAGs and a connection."""
    installed = InstalledAirflow(tmp_path_factory.mktemp("airflow"), connection_json(platform.url))
    python("-m", "airflow", "db", "migrate", environment=installed.environment, timeout=900)
    return installed
