"""Airflow as a user runs it: commands in processes of their own, with a throw-away home and database."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]


def python(*arguments: str, environment: Mapping[str, str], returncode: int = 0, timeout: float = 180) -> str:
    """Run ``python ...`` in the home of an Airflow, which must end so, and return what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=environment["AIRFLOW_HOME"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == returncode, done.stdout[-8000:]
    return done.stdout


class AirflowHome:
    """A new Airflow with the repository's example DAGs."""

    def __init__(self, home: Path, connection: str) -> None:
        self.home = home
        shutil.copytree(REPOSITORY / "dags", home / "dags", ignore=shutil.ignore_patterns("__pycache__"))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        self.environment = kept | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_CONN_AEP_DEFAULT": connection,
        }

    def run(self, *arguments: str, returncode: int = 0) -> str:
        """Run ``airflow ...``, which must end so, and return what it printed."""
        return python("-m", "airflow", *arguments, environment=self.environment, returncode=returncode)

    def test_dag(self, dag_id: str, **conf: Any) -> str:
        """Run a DAG once with ``airflow dags test``; return its log."""
        options = ["--conf", json.dumps(conf)] if conf else []
        return self.run("dags", "test", dag_id, *options)

    def returned(self, dag_id: str) -> dict[str, Any]:
        """Return what the tasks of the DAG's latest run returned."""
        query = "SELECT task_id, value FROM xcom WHERE run_id=? AND dag_id=? AND key='return_value'"
        return {task: json.loads(value) for task, value in self.rows(query, self._latest_run(dag_id), dag_id)}

    def states(self, dag_id: str) -> dict[str, str]:
        """Return how the tasks of the DAG's latest run ended."""
        query = "SELECT task_id, state FROM task_instance WHERE run_id=? AND dag_id=?"
        return dict(self.rows(query, self._latest_run(dag_id), dag_id))

    def rows(self, query: str, *values: str) -> list[Any]:
        """Ask Airflow's database."""
        with closing(sqlite3.connect(f"file:{self.home}/airflow.db?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()

    def _latest_run(self, dag_id: str) -> str:
        return str(self.rows("SELECT run_id FROM dag_run WHERE dag_id=? ORDER BY id DESC", dag_id)[0][0])
