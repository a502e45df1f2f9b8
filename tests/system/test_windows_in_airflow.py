"""``RunDataflowOperator`` in a real Airflow: tried again, and caught up with several days at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_payments import versions
from airflow_provider_payments.emulator.server import EmulatorServer
from tests.conftest import CONNECTION_ID, Emulator, connection_json
from tests.operators.chain import make_dataflow
from tests.operators.demand import DAY, ONCE
from tests.system.airflow_process import AirflowHome
from tests.system.windows_of_days import DAYS, MIDNIGHT

DAG_FILE = Path(__file__).with_name("windows_of_days.py")
FROM_3_3 = pytest.mark.skipif(versions.RetryPolicy is None, reason="Airflow before 3.3 is started in another way")


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
    """What was asked for, in order."""
    asked = [body["params"] for body in platform.posted("/runs")]
    return [(params["windowStartTime"], params["windowEndTime"]) for params in asked]


def test_a_second_try_returns_the_run_of_the_first(platform: Emulator, flow_id: str, tmp_path: Path) -> None:
    airflow = AirflowHome(tmp_path, connection_json(platform.url))
    shutil.copy(DAG_FILE, airflow.home / "dags")
    airflow.environment["FLOW_ID"] = flow_id
    airflow.run("db", "migrate")
    # The first try starts the run, and may not look at it; without a task store the second finds it in a list.
    platform.fail("expire_token", method="GET", path="*/runs/*", times=2)
    log = airflow.test_dag("retried_window")
    (run,) = platform.objects("runs")
    assert airflow.returned("retried_window")["run"]["run_id"] == run["id"]
    assert [fault["fired"] for fault in platform.faults()] == [2]
    assert log.count("Asked for flow run") == 1
    seen = "An earlier try has started" if versions.RetryPolicy else "Found the flow run that was asked for"
    assert seen in log


@FROM_3_3
def test_of_days_that_are_caught_up_at_once_each_is_asked_for_once(
    platform: Emulator, flow_id: str, tmp_path: Path
) -> None:
    from tests.system.live_airflow import LiveAirflow

    airflow = LiveAirflow(tmp_path, connection_json(platform.url), [DAG_FILE])
    airflow.environment["FLOW_ID"] = flow_id
    query = "SELECT count(*) FROM task_instance WHERE dag_id='caught_up_windows' AND state='success'"
    with airflow:
        airflow.wait_until(lambda: airflow.rows(query) == [(DAYS,)])
    first = int(MIDNIGHT.timestamp()) - DAYS * DAY
    assert sorted(windows(platform)) == [(first + day * DAY, first + (day + 1) * DAY) for day in range(DAYS)]
    (dataset,) = platform.objects("dataSets")
    landed = platform.rows(dataset["id"], limit=1000)["rows"]
    assert len({row["_id"] for row in landed}) == len(landed) > 0
