"""A new Airflow in the demo's folder: its settings, connections and commands, and its tasks' states and results."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from subprocess import Popen

    from airflow_provider_payments.demo.processes import Processes

__all__ = ["CONNECTION_ID", "Airflow", "platform_connection", "platform_variable"]

PACKAGE = "airflow_provider_payments"
CONNECTION_ID = "aep_default"
#: The Airflow connections of the vendors: the emulator accepts any credential but "wrong".
VENDOR_CONNECTIONS: Mapping[str, Mapping[str, Any]] = {
    "square_default": {
        "conn_type": "generic",
        "host": "connect.squareup.com",
        "login": "emulated-shop",
        "password": "emulated-secret",
        "extra": {"access_token": "emulated-access-token", "refresh_token": "emulated-refresh-token"},
    },
    "stripe_default": {"conn_type": "generic", "password": "emulated-api-key"},
}


class Airflow:
    """
    An Airflow that ignores the settings of any other Airflow on this machine.

    :param home: an empty folder.
    :param processes: starts and ends its commands.
    """

    def __init__(self, home: Path, processes: Processes) -> None:
        self.home, self._processes = home, processes
        self.environment = _environment(home)

    def start(self, *arguments: str, log: str, module: str = "airflow") -> Popen[bytes]:
        """
        Start a command of Airflow, or another module.

        :param arguments: arguments of the command.
        :param log: name of the file for its output.
        :param module: the module to run. Defaults to ``"airflow"``.
        """
        return self._processes.start([sys.executable, "-m", module, *arguments], self.home / log, self.environment)

    def run(self, *arguments: str) -> None:
        """Run a command of Airflow to its end; exit with its output if it fails."""
        log = f"{'-'.join(arguments[:2])}.log"
        if self.start(*arguments, log=log).wait() != 0:
            text = (self.home / log).read_text()
            raise SystemExit(f"airflow {' '.join(arguments[:2])} failed:\n{text}")

    def states(self, dag_id: str) -> dict[str, str]:
        """Return the state of each task by name, empty before it has one; names of mapped tasks contain the index."""
        query = (
            "SELECT task_id, map_index, state FROM task_instance WHERE dag_id=? ORDER BY start_date IS NULL, start_date"
        )
        return {_name(task, index): state or "" for task, index, state in self._query(query, dag_id)}

    def returned(self, dag_id: str) -> dict[str, Any]:
        """Return the return value of each task by name; names of mapped tasks contain the index."""
        query = "SELECT task_id, map_index, value FROM xcom WHERE dag_id=? AND key='return_value'"
        return {_name(task, index): json.loads(value) for task, index, value in self._query(query, dag_id)}

    def _query(self, sql: str, dag_id: str) -> list[tuple[Any, ...]]:
        """Query the database, read-only; return no rows if it is not ready yet."""
        try:
            with sqlite3.connect(f"file:{self.home}/airflow.db?mode=ro", uri=True, timeout=1) as database:
                return database.execute(sql, (dag_id,)).fetchall()
        except sqlite3.OperationalError:
            return []


def _name(task_id: str, map_index: int) -> str:
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"


def _environment(home: Path) -> dict[str, str]:
    with as_file(files(PACKAGE) / "example_dags") as packed:
        # An editable installation does not package the DAGs, which are in the checkout.
        dags = packed if packed.is_dir() else Path(__file__).parents[2] / "dags"
        shutil.copytree(dags, home / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    (home / "tmp").mkdir()
    own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    vendors = {_variable(conn_id): json.dumps(connection) for conn_id, connection in VENDOR_CONNECTIONS.items()}
    return (
        own
        | vendors
        | {
            # `airflow standalone` finds the `airflow` command by this variable.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "AIRFLOW_HOME": str(home),
            "TMPDIR": str(home / "tmp"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
    )


def _variable(conn_id: str) -> str:
    return f"AIRFLOW_CONN_{conn_id.upper()}"


def platform_variable(emulator: str) -> dict[str, str]:
    """Return the environment variable with the connection to the emulator."""
    return {_variable(CONNECTION_ID): platform_connection(emulator)}


def platform_connection(emulator: str) -> str:
    """Return the connection to the emulator as JSON."""
    # The emulator has no lag, so the object of a creation whose answer was lost is visible at once.
    extra = {
        "org_id": "EMULATOR@AdobeOrg",
        "sandbox": "dev",
        "ims_url": emulator,
        "settle_seconds": 0,
        "dataflow_settle_seconds": 0,
    }
    return json.dumps(
        {
            "conn_type": "aep",
            "host": emulator,
            "login": "emulator-client",
            "password": "emulator-secret",
            "extra": extra,
        }
    )
