"""Running ``airflow dags test`` of an example DAG twice, and the return values of its tasks."""

from __future__ import annotations

import json
from typing import Any

from tests.system.airflow_process import python
from tests.versions.conftest import InstalledAirflow

#: Runs DAGs with their arguments, in one process.
TEST_DAG = """
import json, sys
from airflow.__main__ import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["airflow", "dags", "test", *arguments]
    main()
"""
Returned = dict[str, Any]


def run_twice(airflow: InstalledAirflow, dag_id: str, *dates: str, **conf: str) -> list[Returned]:
    """
    Run a DAG twice; return the return values of each run's tasks.

    :param dates: the logical dates of the runs; default: now.
    :param conf: the params of both runs.
    """
    given = ["--conf", json.dumps(conf)] if conf else []
    runs = [[dag_id, date, *given] for date in dates] or [[dag_id, *given]] * 2
    python("-c", TEST_DAG, json.dumps(runs), environment=airflow.environment, timeout=900)
    states = airflow.rows("SELECT run_id, state FROM dag_run WHERE dag_id=? ORDER BY id", dag_id)
    assert [state for _, state in states] == ["success"] * 2
    query = "SELECT task_id, value FROM xcom WHERE dag_id=? AND run_id=? AND key='return_value'"
    return [{task: json.loads(value) for task, value in airflow.rows(query, dag_id, run)} for run, _ in states]


def created(returned: Returned) -> set[bool]:
    """Return the different values of ``created`` in the return values of tasks that create objects."""
    return {output["created"] for output in returned.values() if isinstance(output, dict) and "created" in output}
