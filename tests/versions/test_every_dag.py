"""The other example DAGs, twice each: the short form leaves them out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_payments import versions
from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import connection_json
from tests.versions.conftest import InstalledAirflow
from tests.versions.dag_runs import created, run_twice

#: Yesterday's rows may still be late. A run by hand has the interval that ended last: the day before this one.
DAY = datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture(scope="module")
def in_real_time(airflow: InstalledAirflow) -> Iterator[InstalledAirflow]:
    """The same Airflow; its connection leads to a platform that waits for a dataflow's start time."""
    kept = dict(airflow.environment)
    with EmulatorServer(time="real") as server:
        airflow.environment["AIRFLOW_CONN_AEP_DEFAULT"] = connection_json(server.url)
        yield airflow
    airflow.environment = kept


def test_the_older_steps_create_their_chain_once(airflow: InstalledAirflow) -> None:
    first, second = run_twice(airflow, "payments_dataflow_legacy")
    assert (created(first), created(second)) == ({True}, {False})
    assert first["wait_for_flow_run"]["output_records"] == second["wait_for_flow_run"]["output_records"] > 0


def test_a_day_is_ingested_once(in_real_time: InstalledAirflow) -> None:
    dates = (f"{DAY}T{hour}:00:00+00:00" for hour in ("00", "05"))
    first, second = run_twice(in_real_time, "payments_windows", *dates)
    assert (created(first), created(second)) == ({True}, {False})
    assert first["run_window"]["output_records"] > 0
    assert second["run_window"] == first["run_window"] | {"reused": True}


@pytest.mark.skipif(not versions.has_event_streams(), reason="the DAG of arrivals needs Airflow 3.3")
def test_the_dag_of_arrivals_reports_nothing_where_nothing_has_arrived(airflow: InstalledAirflow) -> None:
    assert run_twice(airflow, "payments_on_arrival") == [{"report": []}] * 2


def test_no_dag_leaves_a_null_xcom(airflow: InstalledAirflow) -> None:
    assert airflow.rows("SELECT count(*) FROM dag_run WHERE dag_id LIKE 'payments%'")[0][0] >= 4
    assert airflow.rows("SELECT dag_id, task_id, key FROM xcom WHERE value IS NULL OR value = 'null'") == []
