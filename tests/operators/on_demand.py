"""A stage for flow runs on demand: a dataflow that runs once, and the tries and task store of a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.http.transport import Clock
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.flow_runs import FlowRunOperator
from tests.conftest import Emulator
from tests.operators.chain import TaskInstance, make_dataflow

ONCE: dict[str, Any] = {"frequency": "once", "interval": None, "delta_column": None, "start_delay": 86400}
DELTA = "Create_Time"
RUNS = "/data/foundation/flowservice/runs"
#: Pattern of the requests that list runs.
LISTS = f"{RUNS}[?]"
DAY = 86400
#: Requests of a task that starts a run: it reads the dataflow, lists runs, requests a run, and reads the run.
OF_A_START = ["GET flows", "GET runs", "POST runs", "GET runs"]


STORES = pytest.mark.parametrize("with_store", [True, False], ids=["task store", "no task store"])


@pytest.fixture
def with_store() -> bool:
    """Whether Airflow has a task store; :data:`STORES` parametrises both."""
    return True


class Store(dict[str, Any]):
    """A task store as in Airflow 3.3, in which tries of a task keep state for later ones."""

    #: The retention of the last value, if the task sets one.
    retention: timedelta | None = None

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        self[key], self.retention = value, retention


class Task(TaskInstance):
    """
    A try of a task.

    :param max_tries: the task's maximum number of tries, which Airflow raises when the task is cleared.
    """

    def __init__(self, try_number: int = 1, max_tries: int = 2) -> None:
        super().__init__(try_number)
        self.max_tries = max_tries


@dataclass(frozen=True)
class DagRun:
    """A DAG run with its start date, by this machine's clock."""

    start_date: datetime


@dataclass
class Stage:
    """
    A stage that executes operators as tasks do, in the emulator's time: a wait advances the emulator's clock.

    :param with_store: whether Airflow has a task store, which the tries of a task share.
    """

    emulator: Emulator
    make_client: Callable[..., Client]
    with_store: bool = True
    naps: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = Clock(lambda: sum(self.naps), self._sleep)
        self.store = Store()
        #: When the DAG run began, by the emulator's clock.
        self.began = self.now
        #: The midnight before that; it does not change when the clock passes the next one.
        self.today = self.now // DAY * DAY
        self.task = Task()
        self.flow_id = ""

    def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.emulator.advance(seconds)

    def make_dataflow(self, **changes: Any) -> str:
        """Create the dataflow of the stage, whose own run begins tomorrow."""
        created = make_dataflow(**ONCE | changes)
        self.flow_id = created["id"]
        self.naps.clear()
        return self.flow_id

    @property
    def now(self) -> int:
        return int(self.emulator.advance(0))

    def connect(self, url: str | None = None, **options: Any) -> Client:
        return self.make_client(
            url, clock=self.clock, **{"settle_seconds": 10.0, "dataflow_settle_seconds": 50.0} | options
        )

    def operator(self, kind: type[FlowRunOperator], *, url: str | None = None, **arguments: Any) -> FlowRunOperator:
        operator = kind(task_id="run", retries=2, **{"poll_interval": 5} | arguments)
        operator.hook = ExperiencePlatformHook()
        operator.hook.client = self.connect(url)
        return operator

    def context(self, try_number: int = 1, max_tries: int = 2, **more: Any) -> Any:
        self.task = Task(try_number, max_tries)
        if try_number == 1:
            self.store = Store()
        store = {"task_state_store": self.store} if self.with_store else {}
        dag_run = DagRun(datetime.now(UTC) - timedelta(seconds=self.now - self.began))
        return {"ti": self.task, "dag_run": dag_run, **store, **more}

    # ---- requests and results --------------------------------------------------------------------------------------

    def runs(self) -> list[dict[str, Any]]:
        """Return the dataflow's runs, the earliest first."""
        found = [run for run in self.emulator.objects("runs") if run["flowId"] == self.flow_id]
        return sorted(found, key=lambda run: (run["createdAt"], run["id"]))

    def requests(self, since: int = 0) -> list[str]:
        """Return method and collection of the requests to Flow Service."""
        requests = self.emulator.requests(path="/data/foundation/flowservice")[since:]
        return [
            f"{r['method']} {r['path'].removeprefix('/data/foundation/flowservice/').split('/')[0]}" for r in requests
        ]

    def forget_requests(self) -> None:
        self.emulator.control("DELETE", "requests")

    def rows(self) -> int:
        """Return the number of ingested rows."""
        (dataset,) = self.emulator.objects("dataSets")
        return int(self.emulator.rows(dataset["id"])["count"])
