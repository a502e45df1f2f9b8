"""The events that Airflow stores for the outlets of a sensor (`airflow dags test`)."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_payments.versions import has_named_assets
from tests.assets.accessors import as_said
from tests.assets.test_events import uri_of
from tests.conftest import connection_json
from tests.fault_proxy import FaultProxy
from tests.sensors.flows import History, answer
from tests.system.airflow_process import REPOSITORY, AirflowHome
from tests.versions.expected import fails_on

DAG_FILE = Path(__file__).with_name("arrival_outlets.py")
EXAMPLE = REPOSITORY / "dags" / "payments_arrival_events.py"
KIND = "asset" if has_named_assets() else "dataset"
EVENTS = f"SELECT e.source_task_id, a.uri, e.extra FROM {KIND}_event e JOIN {KIND} a ON a.id = e.{KIND}_id"


@pytest.fixture
def airflow(history: History, proxy_of_history: FaultProxy, new_airflow: Callable[..., AirflowHome]) -> AirflowHome:
    """An Airflow that has parsed the DAGs, and knows a dataflow and its dataset."""
    home = new_airflow(connection_json(proxy_of_history.url), DAG_FILE, EXAMPLE)
    home.environment |= {"FLOW_ID": history.partial, "ARRIVALS": uri_of(history.emulator, history.partial)}
    home.run("dags", "reserialize")  # Airflow 2.11 knows an alias only after that
    return home


def test_each_mode_stores_events_with_counts_and_a_foreign_outlet_gets_none(
    airflow: AirflowHome, history: History, proxy_of_history: FaultProxy
) -> None:
    own = airflow.environment["ARRIVALS"]
    proxy_of_history.fault("GET", "/flowservice/runs", status=200, body=answer(), times=1)
    log = airflow.test_dag("arrival_outlets")
    assert "running trigger in line" in log
    returned = airflow.returned("arrival_outlets")
    events: dict[tuple[str, str], list[Any]] = {}
    for task, uri, extra in airflow.rows(EVENTS):
        events.setdefault((task, uri), []).append(json.loads(extra or "{}"))
    for mode in ("poke", "reschedule", "deferrable"):
        foreign, told = events[mode, "s3://bucket/key"], events[mode, own]
        assert foreign == [{}]
        # One of the dataset, and one by its alias.
        assert len(told) == 2
        assert all(as_said(returned[mode]).items() < event.items() for event in told)
        assert {event["flow_id"] for event in told} == {history.partial}


def test_the_example_announces_a_run_by_an_alias(airflow: AirflowHome, history: History) -> None:
    airflow.test_dag("payments_arrivals", flow_id=history.partial, since="2020-01-01T00:00:00Z")
    stored = [(uri, json.loads(extra)) for task, uri, extra in airflow.rows(EVENTS) if task == "wait_for_flow_run"]
    assert [(uri, said["flow_id"]) for uri, said in stored] == [(airflow.environment["ARRIVALS"], history.partial)]


@fails_on("2.11", reason="a DAG that is scheduled by an alias asks the database when it is parsed")
def test_the_consumer_of_the_example_handles_a_run_once() -> None:
    report = runpy.run_path(str(EXAMPLE))["report"]
    event = SimpleNamespace(extra={"run_id": "run", "status": "partial", "output_records": 1195, "failed_records": 5})
    by_people = SimpleNamespace(extra={"from_rest_api": True})
    # As Airflow hands it over: at the asset and at the alias.
    lines = report.function({"asset": [event, by_people], "alias": [event]})
    assert lines == ["Flow run run partial: 1195 records arrived, 5 failed"]
