"""
A running Airflow whose parts are separate processes, so that a test can kill one of them.

Such tests take minutes: they run :data:`on_demand`.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, TypeVar

import psutil
import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from airflow_provider_payments.versions import has_event_streams, has_named_assets
from tests.system.airflow_process import python

#: How many sensors wait at once.
SENSORS = int(os.environ.get("LIVE_SENSORS", "0"))
on_demand = pytest.mark.skipif(SENSORS < 20, reason="set LIVE_SENSORS to how many sensors are to wait, 20 or more")
CONNECTION = "AIRFLOW_CONN_AEP_DEFAULT"
#: Seconds that Airflow may take for an action of a few seconds: test machines may be busy.
PATIENCE = 120.0
#: Airflow 2 has no API server, and its scheduler reads the DAG files.
IS_AIRFLOW_2 = not has_named_assets()
#: The command of each part. Parts that serve their logs would need the same port.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
PARTS = ("scheduler", "triggerer") if IS_AIRFLOW_2 else tuple(COMMANDS)
#: Intervals that are short enough to notice a kill in seconds, and long enough for SQLite.
SETTINGS = {
    # Airflow 2 allows no other executor with SQLite.
    "CORE__EXECUTOR": "SequentialExecutor" if IS_AIRFLOW_2 else "LocalExecutor",
    "CORE__PARALLELISM": "8",
    "CORE__MAX_ACTIVE_TASKS_PER_DAG": "1000",
    "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "CORE__LOAD_EXAMPLES": "False",
    "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "API__HOST": "127.0.0.1",
    "API__WORKERS": "1",
    "API_AUTH__JWT_SECRET": "one secret for all parts of a throw-away Airflow, which warns below 64 bytes",
    "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
    "SCHEDULER__DAG_DIR_LIST_INTERVAL": "5",
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "6",
    "USAGE_DATA_COLLECTION__ENABLED": "False",
}

Found = TypeVar("Found")


class LiveAirflow:
    """
    An Airflow in a throw-away home. As a context manager it is running inside the block, with one triggerer.

    :param home: an empty folder; each part's output is in ``<name>.log``, those of the tasks under ``logs``.
    :param connection: the provider's default connection, in the form of ``AIRFLOW_CONN_...``.
    :param dags: DAG files.
    :param settings: settings of Airflow, such as ``triggerer__capacity="500"``.
    """

    #: The parts that are started at first, by name.
    parts: ClassVar[Mapping[str, str]] = {part: part for part in PARTS}
    commands: ClassVar[Mapping[str, tuple[str, ...]]] = COMMANDS

    def __init__(self, home: Path, connection: str, dags: Sequence[Path], **settings: str) -> None:
        self.home = home
        (home / "dags").mkdir()
        for dag in dags:
            shutil.copy(dag, home / "dags")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        own = SETTINGS | {
            "CORE__DAGS_FOLDER": str(home / "dags"),
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            # A process that finds the file locked waits up to a minute.
            "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=60",
            "API__PORT": str(port),
            "API__BASE_URL": self.url,
        }
        own |= {name.upper(): value for name, value in settings.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        self.environment = kept | {f"AIRFLOW__{name}": value for name, value in own.items()}
        self.environment |= {"AIRFLOW_HOME": str(home), CONNECTION: connection}
        # Airflow 2 starts tasks with the command ``airflow``.
        self.environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        # A proxy of the environment cannot reach this machine's loopback.
        self.environment |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        self._http = requests.Session()
        self._http.trust_env = False
        # Airflow answers 503 if SQLite was locked; the request had no effect, so it is sent again.
        again = Retry(connect=0, read=0, status_forcelist=[503], allowed_methods=None, backoff_factor=0.1)
        self._http.mount(self.url, HTTPAdapter(max_retries=again))
        self._running: dict[str, psutil.Popen] = {}

    def __enter__(self) -> LiveAirflow:
        try:
            self.prepare_database()
            for name, part in self.parts.items():
                self.start(part, name)
            self.wait_until(self._is_healthy)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End every part."""
        for name in list(self._running):
            self.kill(name)
        self._http.close()

    def prepare_database(self) -> None:
        """Create Airflow's tables."""
        python("-m", "airflow", "db", "migrate", environment=self.environment)
        # Readers and the one writer do not block each other; the setting is stored in the file.
        with closing(sqlite3.connect(self.home / "airflow.db")) as database:
            database.execute("PRAGMA journal_mode=WAL")

    # ---- parts -----------------------------------------------------------------------------------------------------

    def start(self, part: str, name: str | None = None) -> None:
        """
        Start a part in a session of its own.

        :param part: one of :attr:`commands`.
        :param name: the name of this process. Defaults to ``None``: the name of the part.
        """
        name = name or part
        command = [argument.format(name=name) for argument in self.commands[part]]
        with (self.home / f"{name}.log").open("ab") as log:
            self._running[name] = psutil.Popen(
                [sys.executable, "-m", "airflow", *command],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd=self.home,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """Kill a part with all its processes by SIGKILL."""
        part = self._running.pop(name)
        # The members of a session may be in process groups of their own, as tasks are. All are stopped before one is
        # killed: a process must not start another meanwhile.
        seen: set[psutil.Process] = set()
        while new := {process for process in psutil.process_iter() if session_of(process.pid) == part.pid} - seen:
            for process in new:
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
            seen |= new
        for process in seen:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        part.wait(PATIENCE)
        psutil.wait_procs(seen, timeout=PATIENCE)

    def sessions(self) -> dict[str, int]:
        """Return the session of each part that runs."""
        return {name: part.pid for name, part in self._running.items()}

    def log(self, name: str) -> str:
        """Return the output of a part."""
        return (self.home / f"{name}.log").read_text(errors="replace")

    def _is_healthy(self) -> bool:
        if IS_AIRFLOW_2:
            return len(self.rows("SELECT DISTINCT job_type FROM job WHERE state='running'")) == len(PARTS)
        try:
            health = self.api("GET", "monitor/health")
        except requests.ConnectionError:
            return False
        return all(health[part]["status"] == "healthy" for part in ("scheduler", "dag_processor", "triggerer"))

    # ---- DAG runs --------------------------------------------------------------------------------------------------

    def api(self, method: str, path: str, **body: Any) -> Any:
        """
        Call Airflow's REST API and return its answer.

        :param path: the part after ``/api/v2/``.
        """
        answer = self._http.request(method, f"{self.url}/api/v2/{path}", json=body or None, timeout=PATIENCE)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Run a DAG, as soon as Airflow knows it; return the run's id."""
        self.wait_until(lambda: self.rows("SELECT 1 FROM serialized_dag WHERE dag_id=?", dag_id))
        if not has_event_streams():  # the REST API before 3.3 requires a login
            run_id = f"by_hand_{uuid.uuid4()}"
            arguments = ("dags", "trigger", dag_id, "--run-id", run_id, "--conf", json.dumps(conf or {}))
            python("-m", "airflow", *arguments, environment=self.environment)
            return run_id
        # Without a logical date any number of runs may be triggered.
        return str(self.api("POST", f"dags/{dag_id}/dagRuns", logical_date=None, conf=conf or {})["dag_run_id"])

    def states(self, dag_id: str, run_id: str | None = None) -> dict[str, str]:
        """
        Return the state of each task of a DAG run by name, empty before it has one; a mapped task is ``wait[3]``.

        :param run_id: the run's id. Defaults to ``None``: the latest run.
        """
        query = "SELECT task_id, map_index, state FROM task_instance WHERE dag_id=? AND run_id=?"
        found = self.rows(query, dag_id, run_id or self._latest_run(dag_id))
        return {_name(task, index): state or "" for task, index, state in found}

    def wait_until_heard(
        self, dag_id: str, run_id: str, task_id: str, times: int = 1, seconds: float = PATIENCE
    ) -> None:
        """
        Wait until the scheduler has processed that workers ended a task, for example because the task is deferred.

        Airflow 3.3 marks a task as failed whose deferral ends earlier.

        :param times: number of runs of the task on workers, of all mapped indexes together.
        """
        task = f"TaskInstanceKey(dag_id='{dag_id}', task_id='{task_id}', run_id='{run_id}'"
        heard = f"Received executor event with state success for task instance {task}"
        self.wait_until(lambda: self.log("scheduler").count(heard) >= times, seconds)

    def xcoms(self, dag_id: str, run_id: str | None = None, key: str = "return_value") -> dict[str, Any]:
        """Return an XCom of each task of a DAG run by name; names and ``run_id`` are as in :meth:`states`."""
        query = "SELECT task_id, map_index, value FROM xcom WHERE dag_id=? AND run_id=? AND key=?"
        found = self.rows(query, dag_id, run_id or self._latest_run(dag_id), key)
        return {_name(task, index): json.loads(value) for task, index, value in found}

    def rows(self, query: str, *values: Any) -> list[Any]:
        """Query Airflow's database, read-only."""
        with closing(sqlite3.connect(f"file:{self.home}/airflow.db?mode=ro", uri=True, timeout=60)) as database:
            return database.execute(query, values).fetchall()

    def _latest_run(self, dag_id: str) -> str:
        found = self.rows("SELECT run_id FROM dag_run WHERE dag_id=? ORDER BY id DESC LIMIT 1", dag_id)
        return str(found[0][0]) if found else ""

    def wait_until(self, condition: Callable[[], Found], seconds: float = PATIENCE) -> Found:
        """
        Call a function until its value is true; return the value.

        :raises AssertionError: if that takes too long, or a part has ended by itself.
        """
        end = time.monotonic() + seconds
        while not (found := condition()):
            dead = [name for name, part in self._running.items() if part.poll() is not None]
            assert not dead, f"{dead[0]} ended by itself:\n{self.log(dead[0])[-8000:]}"
            assert time.monotonic() < end, f"not within {seconds:.0f} s; {self._counts()}; logs in {self.home}"
            time.sleep(0.2)
        return found

    def _counts(self) -> str:
        found = self.rows("SELECT state, count(*) FROM task_instance GROUP BY state")
        return "tasks: " + (", ".join(f"{count} {state}" for state, count in found) or "none")


def free_port() -> int:
    """Return a free port of the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _name(task_id: str, map_index: int) -> str:
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"


def session_of(pid: int) -> int | None:
    """Return the session of a process."""
    try:
        return os.getsid(pid)
    except OSError:
        return None  # it has ended meanwhile
