"""``payments_windows`` for several days against one emulator (`airflow dags test`); and a second try of a task."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments import versions
from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import CONNECTION_ID, Emulator, connection_json
from tests.operators.chain import make_dataflow
from tests.operators.on_demand import ONCE
from tests.system.airflow_process import REPOSITORY, AirflowHome

DAG_ID = "payments_windows"
STEPS = {
    "create_source_connection",
    "create_target_schema",
    "create_target_dataset",
    "create_target_connection",
    "create_mapping_set",
    "find_flow_spec",
    "create_dataflow",
}
CONNECTION = f"AIRFLOW_CONN_{CONNECTION_ID.upper()}"


@dataclass
class Days:
    """The results of the DAG runs for two days, the later day first, and of a manual DAG run."""

    days: list[date]
    states: list[dict[str, str]]
    returned: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    rows: list[dict[str, Any]]

    def landed_on(self, day: date) -> int:
        """Return the number of rows of a day in the dataset."""
        return sum(row["_emulator"]["product"]["createTime"].startswith(str(day)) for row in self.rows)

    def windows(self) -> list[tuple[int, int]]:
        """Return the data window of each flow run, the earliest run first."""
        return [(run["params"]["windowStartTime"], run["params"]["windowEndTime"]) for run in self.runs]


@pytest.fixture(scope="module")
def airflow(new_airflow: Callable[..., AirflowHome]) -> AirflowHome:
    dags = REPOSITORY / "dags" / f"{DAG_ID}.py", Path(__file__).with_name("windows_of_days.py")
    return new_airflow(connection_json("http://127.0.0.1:1"), *dags)


@pytest.fixture(scope="module")
def days(airflow: AirflowHome) -> Iterator[Days]:
    """Run the DAG for a day, for the day before, whose flow run fails and is repeated, and manually."""
    with EmulatorServer(time="real") as server:
        emulator = Emulator(server.url)
        airflow.environment[CONNECTION] = connection_json(server.url)
        last = datetime.now(UTC).date() - timedelta(days=2)  # rows of yesterday may still arrive
        chosen = [last, last - timedelta(days=1)]
        emulator.order("late", seconds=0)  # the same as no order: this run succeeds
        emulator.order("fail_promotion")
        # A manual DAG run has the data interval that ended last.
        dates = [f"{day + timedelta(days=1)}T00:00:00+00:00" for day in chosen]
        dates.append(f"{last + timedelta(days=1)}T05:00:00+00:00")
        for date in dates:
            airflow.test_dag(DAG_ID, date)
        states, returned = zip(*of_each_run(airflow), strict=True)
        rows = emulator.rows(returned[0]["create_target_dataset"]["id"], limit=5000)["rows"]
        requests = emulator.requests(path="/data/foundation/flowservice/runs")
        yield Days(chosen, list(states), list(returned), emulator.objects("runs"), requests, rows)


def of_each_run(airflow: AirflowHome) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """Return the states and values of the tasks of each DAG run, the earliest first."""
    for (run_id,) in airflow.rows("SELECT run_id FROM dag_run WHERE dag_id=? ORDER BY id", DAG_ID):
        states = airflow.rows("SELECT task_id, state FROM task_instance WHERE run_id=?", run_id)
        returned = airflow.rows("SELECT task_id, value FROM xcom WHERE run_id=? AND key='return_value'", run_id)
        yield dict(states), {task: json.loads(value) for task, value in returned}


def begins(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def test_a_day_that_succeeded_is_not_repeated(days: Days) -> None:
    assert days.states[0] == dict.fromkeys(STEPS, "success") | {"run_window": "success", "retry_window": "skipped"}


def test_a_day_whose_flow_run_failed_is_repeated(days: Days) -> None:
    assert days.states[1] == dict.fromkeys(STEPS, "success") | {"run_window": "failed", "retry_window": "success"}


def test_each_flow_run_reads_the_day_of_its_dag_run(days: Days) -> None:
    later, earlier = ((begins(day), begins(day) + 86400) for day in days.days)
    assert days.windows() == [later, earlier, earlier]
    outcomes = days.returned[0]["run_window"], days.returned[1]["retry_window"]
    assert [outcome["window_start"] for outcome in outcomes] == [f"{day}T00:00:00+00:00" for day in days.days]


def test_each_row_landed_once_and_only_those_of_the_days(days: Days) -> None:
    outcomes = days.returned[0]["run_window"], days.returned[1]["retry_window"]
    assert [outcome["output_records"] for outcome in outcomes] == [days.landed_on(day) for day in days.days]
    assert all(days.landed_on(day) for day in days.days)
    assert len({row["_id"] for row in days.rows}) == len(days.rows) == sum(map(days.landed_on, days.days))


def test_a_manual_dag_run_ingests_nothing_twice(days: Days) -> None:
    first, _, by_hand = (returned.get("run_window") for returned in days.returned)
    assert days.states[2] == days.states[0]
    assert first is not None
    assert (first["reused"], by_hand) == (False, first | {"reused": True})


def test_each_flow_run_was_requested_once(days: Days) -> None:
    writes = [(r["method"], r["path"].rsplit("/", 1)[-1], r["status"]) for r in days.requests if r["method"] != "GET"]
    assert writes == [("POST", "runs", 201), ("POST", "runs", 201), ("POST", "action", 200)]


def test_later_dag_runs_find_the_chain_of_the_first(days: Days) -> None:
    created = [{task: o["created"] for task, o in r.items() if "created" in o} for r in days.returned]
    assert [set(c.values()) for c in created] == [{True}, {False}, {False}]


def test_a_second_try_returns_the_run_of_the_first(airflow: AirflowHome, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmulatorServer(time="real") as server:
        platform, connection = Emulator(server.url), connection_json(server.url)
        monkeypatch.setenv(CONNECTION, connection)
        airflow.environment |= {CONNECTION: connection, "FLOW_ID": str(make_dataflow(**ONCE)["id"])}
        # The first try starts the run, but its polls are refused; the second finds the run by its id in the task store,
        # or in a list if there is no task store.
        platform.fail("expire_token", method="GET", path="*/runs/*", times=2)
        log = airflow.test_dag("retried_window")
        (run,) = platform.objects("runs")
        assert [fault["fired"] for fault in platform.faults()] == [2]
    assert airflow.returned("retried_window")["run"]["run_id"] == run["id"]
    assert log.count("Requested flow run") == 1
    seen = "Found the requested flow run" if versions.RetryPolicy is None else "An earlier try has started"
    assert seen in log
