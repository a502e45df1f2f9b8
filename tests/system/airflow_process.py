"""Airflow as a user runs it: commands in processes of their own, with a throw-away home and database."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]


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
            "AIRFLOW_CONN_ADOBE_EXPERIENCE_PLATFORM_DEFAULT": connection,
        }

    def run(self, *arguments: str) -> str:
        """Run ``airflow ...`` and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=self.environment,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout[-8000:]
        return done.stdout

    def test_dag(self, dag_id: str, **conf: Any) -> str:
        """Run a DAG once with ``airflow dags test``; return its log."""
        options = ["--conf", json.dumps(conf)] if conf else []
        return self.run("dags", "test", dag_id, *options)

    def returned(self, dag_id: str) -> dict[str, Any]:
        """Return what the tasks of the DAG's latest run returned."""
        with sqlite3.connect(f"file:{self.home}/airflow.db?mode=ro", uri=True) as database:
            latest = database.execute("SELECT run_id FROM dag_run WHERE dag_id=? ORDER BY id DESC", (dag_id,))
            (run_id,) = latest.fetchone()
            rows = database.execute(
                "SELECT task_id, value FROM xcom WHERE run_id=? AND dag_id=? AND key='return_value'", (run_id, dag_id)
            )
            return {task: json.loads(value) for task, value in rows}
