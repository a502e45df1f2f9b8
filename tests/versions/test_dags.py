"""The example DAGs in Airflow's own processes: no warning of ours, and a second run that creates nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.system.airflow_process import python
from tests.versions.conftest import InstalledAirflow

DAG_ID = "payments_dataflow"
PARSE = "import runpy, sys\nfor file in sys.argv[1:]: runpy.run_path(file)"
#: ``airflow dags test`` twice, in one process.
TWICE = """
import sys
from airflow.__main__ import main
dag_id = sys.argv[1]
for _ in range(2):
    sys.argv = ["airflow", "dags", "test", dag_id]
    main()
"""


def test_parsing_the_example_dags_warns_of_nothing_of_ours(airflow: InstalledAirflow) -> None:
    """A warning names the file that has caused it."""
    files = sorted(map(str, (airflow.home / "dags").glob("*.py")))
    shown = python("-W", "always", "-c", PARSE, *files, environment=airflow.environment)
    ours = ("airflow_provider_payments", *files)
    assert [line for line in shown.splitlines() if any(name in line for name in ours)] == []


@pytest.fixture(scope="module")
def twice(airflow: InstalledAirflow) -> list[dict[str, Any]]:
    """What the tasks of two runs of the DAG returned."""
    python("-c", TWICE, DAG_ID, environment=airflow.environment, timeout=900)
    runs = airflow.rows("SELECT run_id FROM dag_run WHERE dag_id=? ORDER BY id", DAG_ID)
    query = "SELECT task_id, value FROM xcom WHERE run_id=? AND key='return_value'"
    return [{task: json.loads(value) for task, value in airflow.rows(query, run)} for (run,) in runs]


def created(returned: dict[str, Any]) -> set[bool]:
    return {output["created"] for output in returned.values() if isinstance(output, dict) and "created" in output}


def test_a_dag_creates_its_chain_and_reads_what_arrived(twice: list[dict[str, Any]]) -> None:
    assert created(twice[0]) == {True}
    assert twice[0]["wait_for_flow_run"]["output_records"] == 1195


def test_the_second_run_of_a_dag_creates_nothing(twice: list[dict[str, Any]]) -> None:
    assert created(twice[1]) == {False}


def test_no_xcom_is_null(airflow: InstalledAirflow, twice: list[dict[str, Any]]) -> None:
    """Airflow 3.0 refuses one, and fails the task."""
    assert twice
    assert airflow.rows("SELECT task_id, key FROM xcom WHERE value IS NULL OR value = 'null'") == []
