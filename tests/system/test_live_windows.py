"""``RunDataflowOperator`` in a live Airflow: catch-up and backfill, windows whose rows come late, cleared tasks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_provider_payments import versions
from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import CONNECTION_ID, Emulator, connection_json
from tests.operators.chain import make_dataflow
from tests.operators.on_demand import DAY, ONCE
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
    """Create a dataflow that runs once, tomorrow."""
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}", connection_json(platform.url))
    return str(make_dataflow(**ONCE)["id"])


def windows(platform: Emulator) -> list[tuple[int, int]]:
    """Return the requested windows, the earliest first."""
    requested = [body["params"] for body in platform.posted("/runs")]
    return sorted((params["windowStartTime"], params["windowEndTime"]) for params in requested)


def test_each_day_of_catch_up_and_backfill_is_requested_once(platform: Emulator, flow_id: str, tmp_path: Path) -> None:
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
    first = int(MIDNIGHT.timestamp()) - 2 * DAYS * DAY
    assert windows(platform) == [(first + day * DAY, first + (day + 1) * DAY) for day in range(2 * DAYS)]
    (dataset,) = platform.objects("dataSets")
    landed = platform.rows(dataset["id"], limit=5000)["rows"]
    assert len({row["_id"] for row in landed}) == len(landed) > 0


def test_windows_with_late_rows_are_requested_once_and_hold_no_worker(
    platform: Emulator, flow_id: str, tmp_path: Path
) -> None:
    airflow = LiveAirflow(tmp_path, connection_json(platform.url), [Path(__file__).with_name("late_windows.py")])
    airflow.environment["FLOW_ID"] = flow_id
    dag_id, waiting = "late_windows", {"deferred": "deferred", "rescheduled": "up_for_reschedule"}
    done = dict.fromkeys(waiting, "success")

    def outcomes(run_id: str) -> dict[str, tuple[str, bool]]:
        return {task: (xcom["run_id"], xcom["reused"]) for task, xcom in airflow.xcoms(dag_id, run_id).items()}

    with airflow:
        airflow.wait_until(lambda: airflow.rows("SELECT 1 FROM serialized_dag WHERE dag_id=?", dag_id))
        latest = time.time() + 75
        first = airflow.trigger(dag_id, {"latest": latest})
        airflow.wait_until(lambda: airflow.states(dag_id, first) == waiting, latest - time.time())
        assert platform.posted("/runs") == []
        airflow.wait_until(lambda: airflow.states(dag_id, first) == done)
        # The scheduler has rescheduled the task for that time; otherwise it would start the task again and again.
        assert airflow.rows("SELECT count(*) FROM task_reschedule") == [(1,)]
        brought = outcomes(first)
        again = {task: (run_id, True) for task, (run_id, _) in brought.items()}

        by_hand = airflow.trigger(dag_id, {"latest": latest})
        airflow.wait_until(lambda: airflow.states(dag_id, by_hand) == done)
        assert outcomes(by_hand) == again

        cleared = {"dag_run_id": first, "only_failed": False, "dry_run": False}
        airflow.api("POST", f"dags/{dag_id}/clearTaskInstances", **cleared)
        airflow.wait_until(lambda: outcomes(first) == again)
    runs = platform.objects("runs")
    assert len(runs) == len(platform.posted("/runs")) == 2
    assert {run["id"]: False for run in runs} == dict(brought.values())
    assert min(run["createdAt"] / 1000 for run in runs) >= latest - 1
    (dataset,) = platform.objects("dataSets")
    landed = platform.rows(dataset["id"], limit=5000)["rows"]
    assert len({row["_id"] for row in landed}) == len(landed) > 0
