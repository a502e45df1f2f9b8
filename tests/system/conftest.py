from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sensors.conftest import history as history
from tests.sensors.conftest import proxy_of_history as proxy_of_history
from tests.sensors.flows import written_history as written_history
from tests.system.airflow_process import AirflowHome, WarmAirflow


@pytest.fixture(scope="session")
def warm_airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmAirflow]:
    with WarmAirflow(tmp_path_factory.mktemp("airflow")) as running:
        yield running


@pytest.fixture(scope="session")
def new_airflow(warm_airflow: WarmAirflow, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., AirflowHome]:
    """Create Airflow homes with the provider's default connection and some DAG files."""

    def make(connection: str, *dags: Path) -> AirflowHome:
        return AirflowHome(warm_airflow, tmp_path_factory.mktemp("home"), connection, *dags)

    return make
