"""The events that OpenLineage's file transport writes for a DAG run (`airflow dags test`) are valid."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.assets.test_events import uri_of
from tests.conftest import connection_json
from tests.fault_proxy import FaultProxy
from tests.lineage.schemas import check
from tests.sensors.flows import History, answer
from tests.system.airflow_process import AirflowHome, python

Emitted = tuple[list[dict[str, Any]], dict[str, Any]]
pytest.importorskip("airflow.providers.openlineage", reason="an optional library")
DAG_FILE = Path(__file__).with_name("arrival_outlets.py")


@pytest.fixture
def emitted(
    history: History, proxy_of_history: FaultProxy, new_airflow: Callable[..., AirflowHome]
) -> Callable[..., Emitted]:
    """Run the DAG for a dataflow; return the events and the return values of its tasks."""

    def run(flow_id: str, returncode: int = 0) -> Emitted:
        airflow = new_airflow(connection_json(proxy_of_history.url), DAG_FILE)
        airflow.environment |= {"FLOW_ID": flow_id, "ARRIVALS": uri_of(history.emulator, flow_id)}
        airflow.run("dags", "reserialize")
        log = airflow.home / "lineage.json"
        # A new process, because Airflow reads the settings of OpenLineage when it starts.
        own = {
            "AIRFLOW_HOME": str(airflow.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(airflow.home / "dags"),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(log), "append": True}),
        }
        # The first sensor is deferred.
        proxy_of_history.fault("GET", "/flowservice/runs", status=200, body=answer(), times=1)
        python(
            *("-m", "airflow", "dags", "test", "arrival_outlets"),
            environment=airflow.environment | own,
            returncode=returncode,
            timeout=500,
        )
        events = [json.loads(line) for line in log.read_text().splitlines()]
        for event in events:
            check(event)
        return [event for event in events if "." in event["job"]["name"]], airflow.returned("arrival_outlets")

    return run


def test_each_task_emits_the_counts_of_its_run_also_after_a_deferral(
    emitted: Callable[..., Emitted], history: History
) -> None:
    events, returned = emitted(history.partial)
    ended = {event["job"]["name"].partition(".")[2]: event for event in events if event["eventType"] == "COMPLETE"}
    assert set(ended) == {"deferrable", "poke", "reschedule"}
    uri = uri_of(history.emulator, history.partial)
    for mode, event in ended.items():
        (source,) = event["inputs"]
        assert source["inputFacets"]["inputStatistics"]["rowCount"] == returned[mode]["input_records"] > 0
        (target,) = (each for each in event["outputs"] if f"{each['namespace']}/{each['name']}" == uri)
        assert target["outputFacets"]["outputStatistics"]["rowCount"] == returned[mode]["output_records"]
        assert target["facets"]["columnLineage"]["fields"]["_id"]["inputFields"][0]["field"] == "Product_Id"


def test_a_failed_run_emits_its_input(emitted: Callable[..., Emitted], history: History) -> None:
    # For the deferred sensor, the first run, which failed, ended before the sensor began.
    events, _ = emitted(history.failed, returncode=1)
    (failed,) = (event for event in events if event["eventType"] == "FAIL")
    assert failed["job"]["name"] == "arrival_outlets.poke"
    assert failed["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"] == 1200
    assert "errorMessage" in failed["run"]["facets"]
