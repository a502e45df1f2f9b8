"""Airflow's commands as a user runs them, each in a process of its own, with a temporary home and database."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.system import warm_airflow

REPOSITORY = Path(__file__).parents[2]


def python(*arguments: str, environment: Mapping[str, str], returncode: int = 0, timeout: float = 180) -> str:
    """Run ``python ...`` in the home of an Airflow; assert its exit code, and return its output."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=environment["AIRFLOW_HOME"],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == returncode, done.stdout[-8000:]
    return done.stdout


class WarmAirflow:
    """
    A process that runs Airflow's commands, one after the other; see :mod:`tests.system.warm_airflow`.

    :param folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        own, link = folder / "own", folder / "home"
        own.mkdir()
        link.symlink_to(own)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        self.environment = kept | {
            "AIRFLOW_HOME": str(link),
            "AIRFLOW__CORE__DAGS_FOLDER": str(link / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        }
        self.new_database = own / warm_airflow.NEW_DATABASE
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                # -P: modules beside the program must not shadow others.
                [sys.executable, "-P", warm_airflow.__file__],
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._answer()

    def run(self, home: Path, environment: Mapping[str, str], arguments: Iterable[str]) -> tuple[int, str]:
        """Run ``airflow ...``; return its exit code and output."""
        output = home / "output"
        order = {"home": str(home), "environment": dict(environment), "arguments": arguments, "output": str(output)}
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        returncode = self._answer()
        # Tests may examine the files that Airflow left in the home: the output must not be among them.
        printed = output.read_text(errors="surrogateescape")
        output.unlink()
        return returncode, printed

    def _answer(self) -> int:
        assert self._process.stdout
        answer = self._process.stdout.readline()
        assert answer, self._log.read_text(errors="replace")[-8000:]
        return int(answer)

    def __enter__(self) -> WarmAirflow:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate()


class AirflowDatabase:
    """
    The database of an Airflow.

    :param home: the home of the Airflow.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def returned(self, dag_id: str) -> dict[str, Any]:
        """Return the return values of the tasks of the DAG's latest run."""
        query = "SELECT task_id, value FROM xcom WHERE run_id=? AND dag_id=? AND key='return_value'"
        return {task: json.loads(value) for task, value in self.rows(query, self.latest_run(dag_id), dag_id)}

    def states(self, dag_id: str) -> dict[str, str]:
        """Return the states of the tasks of the DAG's latest run."""
        query = "SELECT task_id, state FROM task_instance WHERE run_id=? AND dag_id=?"
        return dict(self.rows(query, self.latest_run(dag_id), dag_id))

    def rows(self, query: str, *values: str) -> list[Any]:
        """Query Airflow's database."""
        with closing(sqlite3.connect(f"file:{self.home}/airflow.db?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()

    def latest_run(self, dag_id: str) -> str:
        """Return the id of a DAG's latest run."""
        return str(self.rows("SELECT run_id FROM dag_run WHERE dag_id=? ORDER BY id DESC", dag_id)[0][0])


class AirflowHome(AirflowDatabase):
    """
    The home of a new Airflow, with a migrated database.

    :param home: an empty folder.
    :param connection: the provider's default connection, in the form of ``AIRFLOW_CONN_...``.
    :param dags: DAG files, and folders of files that the DAGs read.
    """

    def __init__(self, warm: WarmAirflow, home: Path, connection: str, *dags: Path) -> None:
        super().__init__(home)
        self._warm = warm
        (home / "dags").mkdir()
        for file in dags:
            if file.is_dir():
                shutil.copytree(file, home / "dags" / file.name)
            else:
                shutil.copy(file, home / "dags")
        shutil.copy(warm.new_database, home / "airflow.db")
        self.environment = warm.environment | {"AIRFLOW_CONN_AEP_DEFAULT": connection}

    def run(self, *arguments: str, returncode: int = 0) -> str:
        """Run ``airflow ...``; assert its exit code, and return its output."""
        ended, printed = self._warm.run(self.home, self.environment, arguments)
        assert ended == returncode, printed[-8000:]
        return printed

    def test_dag(self, dag_id: str, *arguments: str, returncode: int = 0, **conf: Any) -> str:
        """
        Run a DAG once with ``airflow dags test``; return its log.

        :param arguments: more arguments of the command, such as a date.
        :param conf: the DAG run's configuration.
        """
        options = ["--conf", json.dumps(conf)] if conf else []
        return self.run("dags", "test", dag_id, *arguments, *options, returncode=returncode)
