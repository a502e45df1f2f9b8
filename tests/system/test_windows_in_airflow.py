"""``RunDataflowOperator`` in a live Airflow: catch-up, backfill, cleared tasks, and windows whose rows come late."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_provider_payments import versions
from airflow_provider_payments.emulator.server import EmulatorServer
from tests.conftest import CONNECTION_ID, Emulator, connection_json
from tests.operators.chain import make_dataflow
from tests.operators.demand import DAY, ONCE
from tests.system.live_airflow import LiveAirflow, on_demand
from tests.system.windows_of_days import DAYS, MIDNIGHT

DAG_FILE = Path(__file__).with_name("windows_of_days.py")
DAG_ID = "caught_up_windows"

FROM_3_3 = pytest.mark.skipif(versions.RetryPolicy is None, reason="Airflow before 3.3 is started in another way")
pytestmark = [on_demand, FROM_3_3]


@pytest.fixture
def platform() -> Iterator[Emulator]:
    with EmulatorServer(time="real") as server:
        yield Emulator(server.url)


@pytest.fixture
def flow_id(platform: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """A dataflow that runs once, tomorrow."""
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}", connection_json(platform.url))
    return str(make_dataflow(**ONCE)["id"])


def windows(platform: Emulator) -> list[tuple[int, int]]:
    """What was asked for, the earliest first."""
    asked = [body["params"] for body in platform.posted("/runs")]
    return sorted((params["windowStartTime"], params["windowEndTime"]) for params in asked)


def tries(airflow: LiveAirflow, run_id: str) -> int:
    """How often the task of a DAG run was tried."""
    ((number,),) = airflow.rows("SELECT try_number FROM task_instance WHERE dag_id=? AND run_id=?", DAG_ID, run_id)
    return int(number)


def test_days_that_are_caught_up_filled_in_cleared_or_run_by_hand_are_asked_for_once(
    platform: Emulator, flow_id: str, tmp_path: Path
) -> None:
    airflow = LiveAirflow(tmp_path, connection_json(platform.url), [DAG_FILE])
    airflow.environment["FLOW_ID"] = flow_id

    def have_succeeded(days: int) -> bool:
        query = "SELECT count(*) FROM task_instance WHERE dag_id=? AND state='success'"
        return bool(airflow.rows(query, DAG_ID) == [(days,)])

    with airflow:
        airflow.wait_until(lambda: have_succeeded(DAYS))
        begin, end = (str(MIDNIGHT - timedelta(days=days)) for days in (2 * DAYS, DAYS + 1))
        airflow.api("POST", "backfills", dag_id=DAG_ID, from_date=begin, to_date=end, max_active_runs=DAYS)
        airflow.wait_until(lambda: have_succeeded(2 * DAYS))
        # A finished task that is cleared, and a DAG run by hand over the last interval, add nothing.
        run_id = airflow.latest_run(DAG_ID)
        cleared = {"dag_run_id": run_id, "task_ids": ["run"], "only_failed": False, "dry_run": False}
        airflow.api("POST", f"dags/{DAG_ID}/clearTaskInstances", **cleared)
        airflow.wait_until(lambda: airflow.states(DAG_ID, run_id) == {"run": "success"} and tries(airflow, run_id) == 2)
        assert airflow.xcoms(DAG_ID, run_id)["run"]["reused"] is True
        now = datetime.now(UTC).isoformat()  # as Airflow's form has it; without it there is no interval
        by_hand = airflow.api("POST", f"dags/{DAG_ID}/dagRuns", logical_date=now)["dag_run_id"]
        airflow.wait_until(lambda: airflow.states(DAG_ID, by_hand) == {"run": "success"})
        assert airflow.xcoms(DAG_ID, by_hand)["run"]["reused"] is True
    first = int(MIDNIGHT.timestamp()) - 2 * DAYS * DAY
    assert windows(platform) == [(first + day * DAY, first + (day + 1) * DAY) for day in range(2 * DAYS)]
    (dataset,) = platform.objects("dataSets")
    landed = platform.rows(dataset["id"], limit=5000)["rows"]
    assert len({row["_id"] for row in landed}) == len(landed) > 0


def test_windows_whose_rows_come_late_are_asked_for_then_and_hold_no_worker(
    platform: Emulator, flow_id: str, tmp_path: Path
) -> None:
    airflow = LiveAirflow(tmp_path, connection_json(platform.url), [DAG_FILE])
    airflow.environment["FLOW_ID"] = flow_id
    with airflow:
        airflow.wait_until(lambda: airflow.rows("SELECT 1 FROM serialized_dag WHERE dag_id='late_windows'"))
        latest = time.time() + 75
        airflow.trigger("late_windows", {"latest": latest})
        waiting = {"deferred": "deferred", "rescheduled": "up_for_reschedule"}
        airflow.wait_until(lambda: airflow.states("late_windows") == waiting, latest - time.time())
        assert platform.posted("/runs") == []
        airflow.wait_until(lambda: airflow.states("late_windows") == dict.fromkeys(waiting, "success"))
        # The scheduler has honoured the moment: one that does not starts the task again at once, over and over.
        assert airflow.rows("SELECT count(*) FROM task_reschedule") == [(1,)]
    made = [run["createdAt"] / 1000 for run in platform.objects("runs")]
    assert len(made) == 2
    assert min(made) >= latest - 1
