"""``TeardownChainOperator`` as a teardown in a real Airflow: after a run that fails, and after one that succeeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import Emulator, connection_json
from tests.system.airflow_process import AirflowHome

DAG_FILE = Path(__file__).with_name("setup_and_teardown.py")
KINDS = ("flows", "targetConnections", "sourceConnections", "dataSets", "schemas", "fieldgroups", "mappingSets")


@dataclass(frozen=True)
class Outcome:
    """The values and states of a DAG run's tasks, and the objects that existed afterwards, by kind."""

    returned: dict[str, Any]
    states: dict[str, str]
    there: dict[str, list[str]]


@pytest.fixture(scope="module")
def outcomes(new_airflow: Callable[..., AirflowHome]) -> Iterator[tuple[Outcome, Outcome]]:
    """Provide the outcomes of a run whose dataflow is refused, and of a later run without faults."""
    with EmulatorServer(time="manual") as server:
        emulator = Emulator(server.url)
        airflow = new_airflow(connection_json(server.url), DAG_FILE)

        def outcome(returncode: int) -> Outcome:
            airflow.test_dag(DAG_FILE.stem, returncode=returncode)
            there = {kind: [str(i.get("id") or i.get("$id")) for i in emulator.objects(kind)] for kind in KINDS}
            return Outcome(airflow.returned(DAG_FILE.stem), airflow.states(DAG_FILE.stem), there)

        fault = emulator.fail("status", method="POST", path="*/flows", times=None, status=403)
        failed = outcome(returncode=1)
        emulator.control("DELETE", f"faults/{fault}")
        yield failed, outcome(returncode=0)


@pytest.fixture
def failed(outcomes: tuple[Outcome, Outcome]) -> Outcome:
    return outcomes[0]


@pytest.fixture
def complete(outcomes: tuple[Outcome, Outcome]) -> Outcome:
    return outcomes[1]


def ids(entries: list[dict[str, str]]) -> dict[str, str]:
    return {entry["kind"]: entry["id"] for entry in entries}


def test_the_teardown_runs_although_the_dataflow_failed(failed: Outcome) -> None:
    assert failed.states == dict.fromkeys(
        ("source", "schema", "dataset", "target", "mapping_set", "remove_half_made_chain"), "success"
    ) | {"dataflow": "failed"}


def test_a_failed_run_leaves_neither_connections_nor_a_dataset(failed: Outcome) -> None:
    created, removed = failed.returned, failed.returned["remove_half_made_chain"]["removed"]
    assert ids(removed) == {
        "target connection": created["target"]["id"],
        "source connection": created["source"]["id"],
        "dataset": created["dataset"]["id"],
    }
    assert failed.returned["remove_half_made_chain"]["kept"] == []
    assert {kind for kind, there in failed.there.items() if there} == {"schemas", "fieldgroups", "mappingSets"}


def test_objects_that_are_never_deleted_are_listed(failed: Outcome) -> None:
    created = failed.returned
    assert ids(created["remove_half_made_chain"]["left_over"]) == {
        "schema": created["schema"]["id"],
        "field group": created["schema"]["field_group_id"],
        "mapping set": created["mapping_set"]["id"],
    }


def test_the_next_run_completes_the_chain_with_the_remaining_objects(failed: Outcome, complete: Outcome) -> None:
    assert set(complete.states.values()) == {"success"}
    again = {task: complete.returned[task]["created"] for task in failed.states if task != "remove_half_made_chain"}
    assert again == {
        "source": True,
        "schema": False,
        "dataset": True,
        "target": True,
        "mapping_set": False,
        "dataflow": True,
    }


def test_a_successful_run_removes_nothing(complete: Outcome) -> None:
    assert complete.returned["remove_half_made_chain"]["removed"] == []
    assert set(ids(complete.returned["remove_half_made_chain"]["kept"])) == {
        "target connection",
        "source connection",
        "dataset",
    }
    assert {kind: len(there) for kind, there in complete.there.items()} == dict.fromkeys(KINDS, 1)
