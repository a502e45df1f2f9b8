"""Both DAGs of a whole chain, run twice against one emulator (`airflow dags test`)."""

from __future__ import annotations

import runpy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import Emulator, connection_json
from tests.system.airflow_process import REPOSITORY, AirflowHome
from tests.versions.expected import fails_on

DAGS = REPOSITORY / "dags"
#: Number of objects that each DAG creates.
OBJECTS = {"payments_dataflow": 7, "payments_dataflow_legacy": 10}
#: Paths where a creation is followed by a search for duplicates: not if the service forbids duplicates, nor if they do
#: no harm.
SETTLING = ("/connections", "/sourceConnections", "/targetConnections", "/dataSets", "/flows")


@dataclass
class Twice:
    """The results of two runs of one DAG."""

    dag_id: str
    logs: list[str]
    returned: list[dict[str, Any]]
    requests: list[list[dict[str, Any]]]
    rows: dict[str, Any]


@pytest.fixture(scope="module", params=list(OBJECTS))
def twice(request: pytest.FixtureRequest, new_airflow: Callable[..., AirflowHome]) -> Iterator[Twice]:
    dag_id = request.param
    with EmulatorServer(time="fast") as server:
        emulator = Emulator(server.url)
        airflow = new_airflow(connection_json(server.url), DAGS / f"{dag_id}.py")
        logs, returned, requests = [], [], []
        for _ in range(2):
            before = len(emulator.requests())
            logs.append(airflow.test_dag(dag_id))
            returned.append(airflow.returned(dag_id))
            requests.append(emulator.requests()[before:])
        rows = emulator.rows(returned[0]["create_target_dataset"]["id"])
        yield Twice(dag_id, logs, returned, requests, rows)


def parsed(file: Path) -> Any:
    """Return a DAG file as a parameter of a test."""
    asks = fails_on("2.11", reason="a DAG that is scheduled by an alias asks the database when it is parsed")
    return pytest.param(file, id=file.stem, marks=[asks] if file.stem == "payments_arrival_events" else [])


@pytest.mark.parametrize("file", map(parsed, sorted(DAGS.glob("*.py"))))
def test_lists_of_objects_are_edited_as_json_in_the_trigger_form(file: Path) -> None:
    for dag in (value for value in runpy.run_path(str(file)).values() if isinstance(value, DAG)):
        params = {name: dag.params.get_param(name) for name in dag.params}
        lists = {name: param.schema.get("items") for name, param in params.items() if isinstance(param.value, list)}
        edited = ("columns", "mappings") if dag.dag_id == "payments_dataflow" else ()
        assert lists == {name: {"type": "object"} for name in edited}


def created(returned: dict[str, Any]) -> list[bool]:
    """Return the values of each member `created` and `..._created` that the tasks returned."""
    outputs = [output for output in returned.values() if isinstance(output, dict)]
    return [value for output in outputs for key, value in output.items() if key.endswith("created")]


def is_poll(request: dict[str, Any]) -> bool:
    """Return whether a request is a poll of the sensor: for runs, or for dataflows by their ids."""
    by_id = unquote(request["query"]).startswith("property=id==")
    return request["path"].endswith("/runs") or (request["path"].endswith("/flows") and by_id)


def shape(requests: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Count the requests by method and path, without the polls of the sensor."""
    return Counter((r["method"], r["path"]) for r in requests if not is_poll(r))


def test_the_first_run_creates_every_object(twice: Twice) -> None:
    assert created(twice.returned[0]) == [True] * OBJECTS[twice.dag_id]
    assert twice.logs[0].count("Created ") >= OBJECTS[twice.dag_id]


def test_the_second_run_creates_nothing(twice: Twice) -> None:
    assert created(twice.returned[1]) == [False] * OBJECTS[twice.dag_id]
    assert [r["path"] for r in twice.requests[1] if r["method"] != "GET"] == ["/ims/token/v3"]


def test_both_runs_return_the_same_objects(twice: Twice) -> None:
    first, second = (
        {task: o["id"] for task, o in r.items() if isinstance(o, dict) and "id" in o} for r in twice.returned
    )
    assert first == second


def test_every_request_is_needed(twice: Twice) -> None:
    # One token for the process, one lookup of the flow spec, one for the tenant; then at most four for each created
    # object (two search for it, by its name and in another way) and two for each adopted object, and one read of each
    # object that the Schema Registry created.
    for requests, budget in zip(twice.requests, (4, 2), strict=True):
        counts = shape(requests)
        creations = sum(times for (method, path), times in counts.items() if method == "POST" and "/tenant/" in path)
        assert counts[("POST", "/ims/token/v3")] == 1
        assert sum(counts.values()) <= 3 + budget * OBJECTS[twice.dag_id] + creations
        assert {r["status"] for r in requests} <= {200, 201}


def test_no_request_is_repeated_but_the_list_after_a_creation(twice: Twice) -> None:
    for requests in twice.requests:
        without_polls = [r for r in requests if not is_poll(r)]
        counts = Counter((r["path"], r["method"], r["query"], str(r["body"])) for r in without_polls)
        repeated = [(path, method) for (path, method, *_), times in counts.items() for _ in range(times - 1)]
        posts = Counter(r["path"] for r in without_polls if r["method"] == "POST")
        created = [(path, "GET") for path in posts.elements() if path.endswith(SETTLING)]
        # The whole list of the Schema Registry is searched for each object.
        created += [(path, "GET") for path, times in posts.items() if "/tenant/" in path for _ in range(times - 1)]
        assert sorted(repeated) == sorted(created)


def test_the_counts_of_the_run_are_counts_of_rows(twice: Twice) -> None:
    run = twice.returned[0]["wait_for_flow_run"]
    assert run["status"] == "partial"
    assert run["input_records"] >= 1000
    assert run["input_records"] == run["output_records"] + run["failed_records"]
    assert 0 < run["failed_records"] <= 0.05 * run["input_records"]
    assert twice.rows["count"] == run["output_records"]


def test_the_second_run_accepts_the_existing_flow_run(twice: Twice) -> None:
    first, second = (r["wait_for_flow_run"] for r in twice.returned)
    assert first == second


def test_each_object_is_one_log_line_with_the_services_request_id(twice: Twice) -> None:
    by_id = {r["request_id"]: r for r in twice.requests[0]}
    dataflow = twice.returned[0]["create_dataflow"]["id"]
    line = next(line for line in twice.logs[0].splitlines() if f"id {dataflow}" in line)
    named = line.split("request id ")[1].split(")")[0]
    assert by_id[named]["method"] == "POST"
    assert by_id[named]["path"].endswith("/flows")


@fails_on("3.0", reason="airflow dags test prints the secrets that it is asked to mask")
def test_no_secret_is_in_a_log_or_an_xcom(twice: Twice) -> None:
    text = "".join(twice.logs) + str(twice.returned)
    assert "emulator-secret" not in text
    assert "Bearer" not in text


def test_every_example_dag_imports_without_error(new_airflow: Callable[..., AirflowHome]) -> None:
    airflow = new_airflow(connection_json("http://127.0.0.1:1"), *DAGS.glob("*.py"), DAGS / "dataflows")
    assert "No data found" in airflow.run("dags", "list-import-errors", *_local())


def _local() -> list[str]:
    """Return the option to parse the files; from 3.x on the command reads the database without it."""
    import airflow

    return ["--local"] if airflow.__version__.startswith("3") else []
