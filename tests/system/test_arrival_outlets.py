"""The events that Airflow stores for the outlets of a sensor (`airflow dags test`)."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_payments.versions import has_event_streams, has_named_assets
from tests.assets.accessors import as_said
from tests.assets.test_events import uri_of
from tests.conftest import connection_json
from tests.fault_proxy import FaultProxy
from tests.operators.row_errors import files_below
from tests.sensors.flows import History, answer
from tests.system.airflow_process import REPOSITORY, AirflowHome

DAG_FILE = Path(__file__).with_name("arrival_outlets.py")
EXAMPLE = REPOSITORY / "dags" / "payments_arrival_events.py"
KIND = "asset" if has_named_assets() else "dataset"
EVENTS = f"SELECT e.source_task_id, a.uri, e.extra FROM {KIND}_event e JOIN {KIND} a ON a.id = e.{KIND}_id"


@pytest.fixture
def airflow(history: History, proxy_of_history: FaultProxy, new_airflow: Callable[..., AirflowHome]) -> AirflowHome:
    """Provide an Airflow that has parsed the DAGs, with a dataflow and its dataset in the environment."""
    home = new_airflow(connection_json(proxy_of_history.url), DAG_FILE, EXAMPLE)
    home.environment |= {"FLOW_ID": history.partial, "ARRIVALS": uri_of(history.emulator, history.partial)}
    home.run("dags", "reserialize")  # Airflow 2.11 stores an alias only when it serialises the DAG
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
        foreign, announced = events[mode, "s3://bucket/key"], events[mode, own]
        assert foreign == [{}]
        # One event of the dataset, and one by its alias.
        assert len(announced) == 2
        assert all(as_said(returned[mode]).items() < event.items() for event in announced)
        assert {event["flow_id"] for event in announced} == {history.partial}


def test_the_example_announces_a_run_and_keeps_its_row_errors(
    airflow: AirflowHome, history: History, tmp_path: Path
) -> None:
    given = {"flow_id": history.partial, "since": "2020-01-01T00:00:00Z", "folder": str(tmp_path)}
    airflow.test_dag("payments_arrivals", **given)
    stored = [(uri, json.loads(extra)) for task, uri, extra in airflow.rows(EVENTS) if task == "wait_for_flow_run"]
    assert [(uri, extra["flow_id"]) for uri, extra in stored] == [(airflow.environment["ARRIVALS"], history.partial)]
    downloaded = airflow.returned("payments_arrivals")["download_row_errors"]
    assert len(files_below(tmp_path)) == len(downloaded["files"]) > 0


#: Extras that a user may put into an event, for example by Airflow's REST API.
MALFORMED: list[Any] = [None, {}, {"from_rest_api": True}, {"run_id": None}, {"run_id": ["run"]}, {"payload": "run"}]


def events_of(*extras: Any) -> list[Any]:
    return [SimpleNamespace(extra=extra) for extra in extras]


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return the task of the consumer."""
    # Airflow 2.11 queries its database to parse a DAG that is scheduled by an alias.
    monkeypatch.setenv("PAYMENTS_DATASET", "aep://EMULATOR/dev/60f1a2b3")
    report: Callable[..., list[str]] = runpy.run_path(str(EXAMPLE))["report"].function
    return report


def test_the_consumer_of_the_example_handles_a_run_once(consumer: Callable[..., list[str]]) -> None:
    events = events_of({"run_id": "run", "status": "partial", "output_records": 1195, "failed_records": 5})
    # Airflow passes the event under the asset and under the alias.
    lines = consumer({"asset": events, "alias": events})
    assert lines == ["Flow run run partial: 1195 records arrived, 5 failed"]


def test_the_consumer_of_the_example_survives_events_of_any_form(consumer: Callable[..., list[str]]) -> None:
    assert consumer({"asset": events_of(*MALFORMED, {"run_id": "<b>"})}) == [
        "Flow run <b> None: None records arrived, None failed"
    ]


@pytest.mark.skipif(not has_event_streams(), reason="the DAG of arrivals needs Airflow 3.3")
def test_the_dag_of_arrivals_survives_events_of_any_form() -> None:
    found = runpy.run_path(str(EXAMPLE.with_name("payments_on_arrival.py")))
    payloads = [{"payload": extra} for extra in (*MALFORMED, {"run_id": "<b>"})]
    assert found["report"].function({found["arrived"]: events_of(*MALFORMED, *payloads)}) == [
        "Flow run <b> None: None records read, None arrived, None failed"
    ]
