"""Mapped ``RunDataflowOperator`` in a live Airflow: one index at a time, or all if each has its own dataflow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments import versions
from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import CONNECTION_ID, Emulator, connection_json
from tests.operators.chain import make_dataflow
from tests.operators.on_demand import ONCE
from tests.system.live_airflow import LiveAirflow, on_demand
from tests.system.mapped_windows import DAYS

DAG_FILE = Path(__file__).with_name("mapped_windows.py")
DAG = DAG_FILE.stem
#: The dataflows that have one mapped index each.
DATAFLOWS = 20
#: Seconds for the work of all tasks on a busy machine.
LIMIT = 240.0

FROM_3_3 = pytest.mark.skipif(versions.RetryPolicy is None, reason="Airflow before 3.3 is started in another way")
pytestmark = [on_demand, FROM_3_3]


@pytest.fixture
def platform() -> Iterator[Emulator]:
    with EmulatorServer(time="real") as server:
        yield Emulator(server.url)


@pytest.fixture
def flow_ids(platform: Emulator, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Create dataflows that run once, tomorrow: one for several windows, the others with one window each."""
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}", connection_json(platform.url))
    return [make_dataflow(f"shop {number}", **ONCE)["id"] for number in range(1 + DATAFLOWS)]


@pytest.fixture
def airflow(platform: Emulator, flow_ids: list[str], tmp_path: Path) -> Iterator[LiveAirflow]:
    airflow = LiveAirflow(tmp_path, connection_json(platform.url), [DAG_FILE])
    airflow.environment["FLOW_IDS"] = json.dumps(flow_ids)
    with airflow:
        yield airflow


def test_indexes_run_one_at_a_time_unless_each_has_a_dataflow(
    platform: Emulator, flow_ids: list[str], airflow: LiveAirflow
) -> None:
    one, *each = flow_ids

    def runs() -> Counter[str]:
        return Counter(run["flowId"] for run in platform.objects("runs"))

    def states() -> Counter[tuple[str, str]]:
        return Counter((name.partition("[")[0], state) for name, state in airflow.states(DAG).items())

    platform.order("stuck", times=1 + DATAFLOWS)
    airflow.trigger(DAG)
    # No run ends by itself: a second window of the first dataflow would begin before the last dataflow runs.
    airflow.wait_until(lambda: states()["dataflows", "deferred"] == DATAFLOWS, LIMIT)
    airflow.wait_until(lambda: states()["windows", "deferred"], LIMIT)
    assert runs() == dict.fromkeys(flow_ids, 1)

    platform.control("POST", "outcomes/release")
    ended = {("dataflows", "success"): DATAFLOWS, ("windows", "success"): DAYS}
    airflow.wait_until(lambda: states() == ended, LIMIT)
    assert runs() == dict.fromkeys(each, 1) | {one: DAYS}
    windows = sorted(began_and_ended(run) for run in platform.objects("runs") if run["flowId"] == one)
    assert all(ended < begun for (_, ended), (begun, _) in pairwise(windows))


def began_and_ended(run: dict[str, Any]) -> tuple[int, int]:
    """Return the times at which a run was requested and ended, in epoch milliseconds."""
    return run["createdAt"], run["metrics"]["durationSummary"]["completedAtUTC"]
