"""An example DAG in Airflow's own processes: no warning of the provider, and a second run that creates no object."""

from __future__ import annotations

import pytest

from tests.system.airflow_process import python
from tests.versions.conftest import InstalledAirflow
from tests.versions.dag_runs import Returned, created, run_twice

DAG_ID = "payments_dataflow"
PARSE = "import runpy, sys\nfor file in sys.argv[1:]: runpy.run_path(file)"


def test_parsing_the_example_dags_causes_no_warning_of_the_provider(airflow: InstalledAirflow) -> None:
    files = sorted(map(str, (airflow.home / "dags").glob("*.py")))
    output = python("-W", "always", "-c", PARSE, *files, environment=airflow.environment)
    # A warning contains the file that causes it.
    ours = ("airflow_provider_payments", *files)
    assert [line for line in output.splitlines() if any(name in line for name in ours)] == []


@pytest.fixture(scope="module")
def twice(airflow: InstalledAirflow) -> list[Returned]:
    return run_twice(airflow, DAG_ID)


def test_a_dag_creates_its_chain_and_reads_what_arrived(twice: list[Returned]) -> None:
    assert created(twice[0]) == {True}
    assert twice[0]["wait_for_flow_run"]["output_records"] == 1195


def test_the_second_run_of_a_dag_creates_nothing(twice: list[Returned]) -> None:
    assert created(twice[1]) == {False}


def test_no_xcom_is_null(airflow: InstalledAirflow, twice: list[Returned]) -> None:
    # Airflow 3.0 fails a task that pushes null.
    assert twice
    assert airflow.rows("SELECT task_id, key FROM xcom WHERE value IS NULL OR value = 'null'") == []
