"""``RunDataflowOperator`` in a live Airflow: caught up with several days at once, and earlier ones filled in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
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


def test_days_that_are_caught_up_or_filled_in_at_once_are_asked_for_once_each(
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
    first = int(MIDNIGHT.timestamp()) - 2 * DAYS * DAY
    assert windows(platform) == [(first + day * DAY, first + (day + 1) * DAY) for day in range(2 * DAYS)]
    (dataset,) = platform.objects("dataSets")
    landed = platform.rows(dataset["id"], limit=5000)["rows"]
    assert len({row["_id"] for row in landed}) == len(landed) > 0
