"""``payments_windows`` in real Airflow (`airflow dags test`), for two days against one emulator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_payments.emulator.server import EmulatorServer
from tests.conftest import Emulator, connection_json
from tests.system.airflow_process import AirflowHome

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


@dataclass
class Days:
    """What the DAG runs for two days left behind, the later day first."""

    days: list[date]
    states: list[dict[str, str]]
    returned: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    asked: list[dict[str, Any]]
    rows: list[dict[str, Any]]

    def landed_on(self, day: date) -> int:
        """How many rows of a day have landed."""
        return sum(row["_emulator"]["product"]["createTime"].startswith(str(day)) for row in self.rows)

    def windows(self) -> list[tuple[int, int]]:
        """What each flow run was asked to read, the earliest run first."""
        return [(run["params"]["windowStartTime"], run["params"]["windowEndTime"]) for run in self.runs]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    """Yesterday, and then the day before, whose flow run fails and is done again."""
    with EmulatorServer(time="real") as server:
        emulator = Emulator(server.url)
        airflow = AirflowHome(tmp_path_factory.mktemp(DAG_ID), connection_json(server.url))
        airflow.run("db", "migrate")
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        chosen = [yesterday, yesterday - timedelta(days=1)]
        states, returned = [], []
        for number, day in enumerate(chosen):
            if number:
                emulator.order("fail_promotion")
            # A DAG run by hand has the interval that ended last.
            airflow.run("dags", "test", DAG_ID, f"{day + timedelta(days=1)}T00:00:00+00:00")
            states.append(airflow.states(DAG_ID))
            returned.append(airflow.returned(DAG_ID))
        rows = emulator.rows(returned[0]["create_target_dataset"]["id"], limit=5000)["rows"]
        asked = emulator.requests(path="/data/foundation/flowservice/runs")
        yield Days(chosen, states, returned, emulator.objects("runs"), asked, rows)


def begins(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def test_a_day_that_went_well_is_not_done_again(days: Days) -> None:
    assert days.states[0] == dict.fromkeys(STEPS, "success") | {"run_window": "success", "retry_window": "skipped"}


def test_a_day_whose_flow_run_failed_is_done_again(days: Days) -> None:
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


def test_each_run_was_asked_for_once(days: Days) -> None:
    writes = [(r["method"], r["path"].rsplit("/", 1)[-1], r["status"]) for r in days.asked if r["method"] != "GET"]
    assert writes == [("POST", "runs", 201), ("POST", "runs", 201), ("POST", "action", 200)]


def test_the_second_day_finds_the_chain_of_the_first(days: Days) -> None:
    created = [{task: o["created"] for task, o in r.items() if "created" in o} for r in days.returned]
    assert [set(c.values()) for c in created] == [{True}, {False}]
