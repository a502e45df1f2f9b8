"""An Airflow with only the API server, below a prefix, with three users and a history of runs."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from tests.browser.chromium import HTTP
from tests.system.airflow_process import python
from tests.system.live_airflow import LiveAirflow

HERE = Path(__file__).parent
PREFIX = "/airflow"
#: Name -> role in Airflow's simple auth manager; a user without a role has no permissions.
USERS = {"admin": "admin", "viewer": "viewer", "nobody": ""}
DAG_ID = "payments_of_a_test"


class PageAirflow(LiveAirflow):
    """
    An Airflow that runs inside the block of the context manager.

    :param home: an empty folder.
    """

    def __init__(self, home: Path) -> None:
        super().__init__(home, "{}", [HERE / "page_dag.py"])
        passwords = home / "passwords.json"
        passwords.write_text(json.dumps({name: name for name in USERS}))
        self.url += PREFIX
        self.environment |= {
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        }

    def __enter__(self) -> PageAirflow:
        try:
            python("-m", "airflow", "db", "migrate", environment=self.environment)
            python("-m", "airflow", "dags", "reserialize", environment=self.environment)
            self.start("api-server")
            self.wait_until(self._answers)
            self._http.headers["Authorization"] = f"Bearer {self.token('admin')}"
        except BaseException:
            self.stop()
            raise
        return self

    def _answers(self) -> bool:
        try:
            return HTTP.get(f"{self.url}/api/v2/version", timeout=5).ok
        except requests.ConnectionError:
            return False

    @property
    def page(self) -> str:
        """The URL of the page."""
        return f"{self.url}/payments-page/"

    def token(self, user: str) -> str:
        """Log in a user, and return the value of the session cookie."""
        body = {"username": user, "password": user}
        answer = HTTP.post(f"{self.url}/auth/token", json=body, timeout=30)
        assert answer.ok, answer.text
        return str(answer.json()["access_token"])

    def store_events(self, assets: list[dict[str, Any]]) -> None:
        """Write assets with events into the database."""
        subprocess.run(
            [sys.executable, str(HERE / "store_events.py")],
            input=json.dumps(assets),
            text=True,
            env=self.environment,
            cwd=self.home,
            check=True,
            timeout=120,
        )

    def push(self, task_id: str, **values: Any) -> str:
        """Push XComs of a task by key in a new DAG run; return the run's id."""
        run_id = f"test__{uuid.uuid4()}"
        self.api("POST", f"dags/{DAG_ID}/dagRuns", logical_date=None, dag_run_id=run_id)
        path = f"dags/{DAG_ID}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries"
        for key, value in values.items():
            self.api("POST", path, key=key, value=value, map_index=-1)
        return run_id


def asset(name: str, runs: Iterable[Mapping[str, Any]], *, sandbox: str = "prod") -> dict[str, Any]:
    """Return the asset of a dataset, with an event for each run: its extra, and ``hours``, its age."""
    uri = f"aep://ACME/{sandbox}/{dataset_of(name)}"
    return {"uri": uri, "name": name, "events": [_event(run, i) for i, run in enumerate(runs)]}


def dataset_of(name: str) -> str:
    """Return the id of the dataset with a name."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, name).hex[:24]


def _event(run: Mapping[str, Any], place: int) -> dict[str, Any]:
    ended = moment(run["hours"])
    extra = {"completed_at": ended, **{name: value for name, value in run.items() if name != "hours"}}
    where = {"dag": DAG_ID, "task": "wait", "run": f"scheduled__{place}", "index": -1}
    return {"timestamp": ended, "extra": extra, **where}


def moment(hours: float) -> str:
    """Return the time a number of hours ago as ISO 8601 text."""
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


def history(flow: str, name: str, runs: int, *, every: float = 1.0) -> list[dict[str, Any]]:
    """Return the extras of a dataflow's hourly runs; each seventh run is partial, the others succeeded."""
    return [
        {
            "run_id": f"{flow}-{n}",
            "flow_id": flow,
            "flow_name": name,
            "status": "partial" if n % 7 == 2 else "succeeded",
            "input_records": 1000 + 37 * (n % 11),
            "output_records": 1000 + 37 * (n % 11) - (60 if n % 7 == 2 else 0),
            "failed_records": 60 if n % 7 == 2 else 0,
            "hours": (runs - n) * every - every / 2,
        }
        for n in range(runs)
    ]
