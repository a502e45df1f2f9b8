"""``dags/payments_on_arrival.py`` in a live Airflow 3.3: no flow run is lost, whenever the triggerer is killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.versions import has_event_streams
from tests.conftest import Emulator, connection_json
from tests.operators.chain import make_dataflow
from tests.sensors.flows import HALF_HOUR, advance_to_run, runs
from tests.system.airflow_process import REPOSITORY

if not has_event_streams():
    pytest.skip("Airflow 3.3 and newer acknowledge the events of an asset's watcher", allow_module_level=True)

from tests.system.live_airflow import LiveAirflow, on_demand

pytestmark = on_demand
DAG_ID = "payments_on_arrival"


class Arrivals:
    """A live Airflow with the example DAG, and the dataflow that it watches."""

    def __init__(self, airflow: LiveAirflow, emulator: Emulator, flow_id: str) -> None:
        self.airflow = airflow
        self.emulator = emulator
        self.flow_id = flow_id

    def runs(self) -> dict[str, dict[str, Any]]:
        """The dataflow's runs by their ids, as the emulator holds them."""
        return {run["id"]: run for run in runs(self.emulator, self.flow_id)}

    def announced(self) -> list[dict[str, Any]]:
        """The payloads of the asset's events, in order."""
        return [json.loads(extra)["payload"] for (extra,) in self.airflow.rows("SELECT extra FROM asset_event")]

    def reported(self) -> set[str]:
        """The lines that the DAG's runs have printed."""
        query = "SELECT value FROM xcom WHERE dag_id=? AND key='return_value'"
        return {line for (value,) in self.airflow.rows(query, DAG_ID) for line in json.loads(value)}


@pytest.fixture
def arrivals(connected: Emulator, tmp_path: Path) -> Iterator[Arrivals]:
    flow_id = make_dataflow(partial_ingestion_percent=5)["id"]
    dag = (REPOSITORY / "dags" / f"{DAG_ID}.py").read_text()
    assert dag.count("asset=ARRIVED)") == 1
    hasty = tmp_path / f"{DAG_ID}.py"
    hasty.write_text(dag.replace("asset=ARRIVED)", "asset=ARRIVED, poll_interval=0.5)"))
    (home := tmp_path / "home").mkdir()
    airflow = LiveAirflow(home, connection_json(connected.url), [hasty])
    airflow.environment["PAYMENTS_FLOW_ID"] = flow_id
    with airflow:
        # From its first look on, runs count.
        airflow.wait_until(lambda: airflow.rows("SELECT key FROM asset_state_store"))
        yield Arrivals(airflow, connected, flow_id)


def line(run: dict[str, Any]) -> str:
    """What the DAG prints of a run."""
    records = {name: run[f"{name}_records"] for name in ("input", "output", "failed")}
    counts = "{input} records read, {output} arrived, {failed} failed".format(**records)
    return f"Flow run {run['run_id']} {run['status']}: {counts}"


def counts(run: dict[str, Any]) -> tuple[int, ...]:
    records = run["metrics"]["recordSummary"]
    return tuple(records[f"{name}RecordCount"] for name in ("input", "output", "failed"))


def test_each_run_runs_the_dag_and_none_is_lost_to_a_kill(arrivals: Arrivals) -> None:
    airflow, emulator = arrivals.airflow, arrivals.emulator
    advance_to_run(emulator)
    airflow.wait_until(arrivals.announced)
    # The event is in Airflow's database; whether that has been noted is a matter of luck.
    airflow.kill("triggerer")
    for _ in range(2):
        emulator.advance(HALF_HOUR)
    airflow.start("triggerer")
    airflow.wait_until(lambda: {run["run_id"] for run in arrivals.announced()} == set(arrivals.runs()))
    # Airflow gives what comes while its scheduler is busy to the DAG run of the next event.
    airflow.wait_until(lambda: not airflow.rows("SELECT * FROM asset_dag_run_queue"))
    emulator.advance(HALF_HOUR)
    airflow.wait_until(lambda: len(arrivals.reported()) == 4)

    made, announced = arrivals.runs(), arrivals.announced()
    assert arrivals.reported() == {line(run) for run in announced}
    assert len(made) == 4
    assert len(announced) in (4, 5)
    assert {run["flow_id"] for run in announced} == {arrivals.flow_id}
    for run in announced:
        assert counts(made[run["run_id"]]) == (run["input_records"], run["output_records"], run["failed_records"])
    assert (announced[0]["status"], announced[0]["failed_records"]) == ("partial", 5)
