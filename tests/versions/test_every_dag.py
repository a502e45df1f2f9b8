"""The other example DAGs, twice each. The short form leaves this module out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_provider_payments import versions
from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import connection_json
from tests.system.airflow_process import python
from tests.versions.conftest import InstalledAirflow
from tests.versions.dag_runs import Returned, created, run_twice

#: Yesterday. A manual run of this date gets the last complete interval, the day before: yesterday's rows may be late.
DAY = datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture
def in_real_time(airflow: InstalledAirflow) -> Iterator[InstalledAirflow]:
    """Return the same Airflow with a connection to an emulator in real time."""
    kept = dict(airflow.environment)
    with EmulatorServer(time="real") as server:
        airflow.environment["AIRFLOW_CONN_AEP_DEFAULT"] = connection_json(server.url)
        yield airflow
    airflow.environment = kept


@pytest.fixture(scope="module")
def legacy(airflow: InstalledAirflow) -> list[Returned]:
    return run_twice(airflow, "payments_dataflow_legacy")


def test_the_older_steps_create_their_chain_once(legacy: list[Returned]) -> None:
    first, second = legacy
    assert (created(first), created(second)) == ({True}, {False})
    assert first["wait_for_flow_run"]["output_records"] == second["wait_for_flow_run"]["output_records"] > 0


def test_a_day_is_ingested_once(in_real_time: InstalledAirflow) -> None:
    dates = (f"{DAY}T{hour}:00:00+00:00" for hour in ("00", "05"))
    first, second = run_twice(in_real_time, "payments_windows", *dates)
    assert (created(first), created(second)) == ({True}, {False})
    assert first["run_window"]["output_records"] > 0
    assert second["run_window"] == first["run_window"] | {"reused": True}


def test_definitions_are_applied_once(airflow: InstalledAirflow) -> None:
    first, second = run_twice(airflow, "payments_from_definitions")
    assert (created(first), created(second)) == ({True}, {False})
    assert first["dataflow.apply"]["summary"]["created"] >= 7
    assert second["dataflow.apply"]["summary"] == {}
    assert second["wait_for_flow_run"] == first["wait_for_flow_run"]


def test_definitions_without_changes_need_no_approval(airflow: InstalledAirflow) -> None:
    for returned in run_twice(airflow, "payments_with_approval"):
        assert returned["plan"]["changed"] == []
        assert "apply" not in returned


def test_a_flow_run_is_announced_and_the_consumer_runs(
    airflow: InstalledAirflow, legacy: list[Returned], tmp_path: Path
) -> None:
    python(
        "-m", "airflow", "dags", "reserialize", environment=airflow.environment
    )  # Airflow 2.11 does not know an alias before
    flow, arrived = legacy[0]["create_dataflow"], legacy[0]["wait_for_flow_run"]
    given = {"flow_id": flow["id"], "since": flow["runs_since"], "folder": str(tmp_path)}
    for returned in run_twice(airflow, "payments_arrivals", **given):
        # A task with outlets also returns the dataset.
        assert arrived.items() < returned["wait_for_flow_run"].items()
    assert run_twice(airflow, "payments_consumer") == [{"report": []}] * 2


@pytest.mark.skipif(not versions.has_event_streams(), reason="the DAG of arrivals needs Airflow 3.3")
def test_the_dag_of_arrivals_reports_nothing_without_arrivals(airflow: InstalledAirflow) -> None:
    assert run_twice(airflow, "payments_on_arrival") == [{"report": []}] * 2


def test_every_example_dag_ran_twice_and_left_no_null_xcom(airflow: InstalledAirflow) -> None:
    runs = dict(airflow.rows("SELECT dag_id, count(*) FROM dag_run GROUP BY dag_id"))
    elsewhere = {"payments_dataflow"}  # the short form runs it
    known = {dag_id for (dag_id,) in airflow.rows("SELECT dag_id FROM dag")} - elsewhere
    assert {dag_id: runs.get(dag_id) for dag_id in known} == dict.fromkeys(known, 2)
    assert airflow.rows("SELECT dag_id, task_id, key FROM xcom WHERE value IS NULL OR value = 'null'") == []
