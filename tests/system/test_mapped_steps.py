"""The steps mapped over several tables: ids pass between tasks, and each table has a dataflow that ingests rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import Emulator, connection_json
from tests.system.airflow_process import AirflowHome, python

DAG_FILE = Path(__file__).with_name("mapped_tables.py")
#: Rows that arrive; two of the payments have no id.
ARRIVED = {"Square.Customers": 400, "Square.Payments": 1998, "Square.Refunds": 200}
SHOP = {
    "conn_type": "generic",
    "host": "connect.squareup.com",
    "login": "client",
    "password": "secret-of-the-shop",
    "extra": {"access_token": "token-of-the-shop", "refresh_token": "refresh-of-the-shop"},
}
#: Computes a task's link as Airflow 2 does when it shows the task.
ASK_LINK = """
import runpy, sys
from airflow.models.taskinstancekey import TaskInstanceKey

task = runpy.run_path(sys.argv[1])["dag"].get_task("schema")
(link,) = task.operator_extra_links
print(link.get_link(task, ti_key=TaskInstanceKey(task.dag_id, task.task_id, sys.argv[2])))
"""


@dataclass(frozen=True)
class Twice:
    """The results of two runs of the DAG, and the requests of the second run."""

    emulator: Emulator
    states: list[str]
    returned: list[dict[str, list[Any]]]
    links: dict[str, list[Any]]
    shown: str
    asked_again: list[dict[str, Any]]


@pytest.fixture(scope="module")
def twice(new_airflow: Callable[..., AirflowHome]) -> Iterator[Twice]:
    with EmulatorServer(time="fast") as server:
        emulator, outcomes = Emulator(server.url), []
        airflow = new_airflow(connection_json(server.url), DAG_FILE)
        airflow.environment["AIRFLOW_CONN_SHOP"] = json.dumps(SHOP)
        for _ in range(2):
            before = len(emulator.requests())
            airflow.test_dag(DAG_FILE.stem)
            outcomes.append(returned(airflow))
        states = [state for (state,) in airflow.rows("SELECT state FROM dag_run ORDER BY id")]
        links = stored_links(airflow, len(ARRIVED))
        yield Twice(emulator, states, outcomes, links, shown_link(airflow), emulator.requests()[before:])


def returned(airflow: AirflowHome, key: str = "return_value") -> dict[str, list[Any]]:
    """Return the XComs of the latest run with a key, by task; those of mapped tasks in order."""
    query = "SELECT task_id, value FROM xcom WHERE run_id=? AND key=? ORDER BY task_id, map_index"
    found: dict[str, list[Any]] = {}
    for task_id, value in airflow.rows(query, airflow.latest_run(DAG_FILE.stem), key):
        found.setdefault(task_id, []).append(json.loads(value))
    return found


def stored_links(airflow: AirflowHome, tables: int) -> dict[str, list[Any]]:
    """Return the links that the tasks stored; each mapped task uses a key of its own."""
    found: dict[str, list[Any]] = {}
    for key in ("experience_platform_link", *(f"experience_platform_link_{index}" for index in range(tables))):
        for task, links in returned(airflow, key).items():
            found.setdefault(task, []).extend(links)
    return found


def shown_link(airflow: AirflowHome) -> str:
    """Return the address of a task's link: Airflow 3 stores it when the task ends, Airflow 2 computes it now."""
    if kept := returned(airflow, "_link_ExperiencePlatformLink"):
        return str(kept["schema"][0])
    run_id = airflow.latest_run(DAG_FILE.stem)
    return python("-c", ASK_LINK, str(DAG_FILE), run_id, environment=airflow.environment).splitlines()[-1]


def test_both_runs_succeed(twice: Twice) -> None:
    assert twice.states == ["success", "success"]


def test_each_table_has_a_dataflow_of_its_own_that_moved_its_rows(twice: Twice) -> None:
    flows = {flow["name"]: flow for flow in twice.emulator.objects("flows")}
    sources = {source["id"]: source["params"] for source in twice.emulator.objects("sourceConnections")}
    targets = {target["id"]: target["params"] for target in twice.emulator.objects("targetConnections")}
    assert {name: sources[flow["sourceConnectionIds"][0]]["tableName"] for name, flow in flows.items()} == {
        name: name for name in ARRIVED
    }
    datasets = {name: targets[flow["targetConnectionIds"][0]]["dataSetId"] for name, flow in flows.items()}
    assert {name: twice.emulator.rows(dataset)["count"] for name, dataset in datasets.items()} == ARRIVED


def test_the_mapped_tasks_return_what_the_next_ones_need(twice: Twice) -> None:
    first = twice.returned[0]
    assert [output["name"] for output in first["datasets"]] == list(ARRIVED)
    assert [output["name"] for output in first["dataflows"]] == list(ARRIVED)
    assert [run["output_records"] for run in first["flow_runs"]] == list(ARRIVED.values())
    assert [run["status"] for run in first["flow_runs"]] == ["succeeded", "partial", "succeeded"]


def test_the_second_run_adopts_everything_and_creates_nothing(twice: Twice) -> None:
    created = [
        [output["created"] for results in outcome.values() for output in results if "created" in output]
        for outcome in twice.returned
    ]
    assert created == [[True] * 15, [False] * 15]
    assert [r["path"] for r in twice.asked_again if r["method"] != "GET"] in ([], ["/ims/token/v3"])
    assert [run["run_id"] for run in twice.returned[0]["flow_runs"]] == [
        run["run_id"] for run in twice.returned[1]["flow_runs"]
    ]


def test_every_task_that_has_a_link_stored_it(twice: Twice) -> None:
    assert set(twice.links) == set(twice.returned[1]) - {"flow_spec"}
    assert {link for links in twice.links.values() for link in links} == {f"{twice.emulator.url}/"}
    assert {task: len(links) for task, links in twice.links.items()} == {
        task: len(twice.returned[1][task]) for task in twice.links
    }
    assert twice.shown == f"{twice.emulator.url}/"


def test_airflow_stores_no_secret(twice: Twice) -> None:
    kept = json.dumps([twice.returned, twice.links])
    assert "of-the-shop" not in kept
    assert "emulator-secret" not in kept
