"""Any answer to a list gives a plan and an export, or one error of this package."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.export import export_dataflows
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
from airflow_provider_payments.aep.errors import PlatformError
from tests.aep.dataflows.applying import not_done, plan_text
from tests.aep.dataflows.dataflow_creator import DataflowCreator, DataflowSetup
from tests.conftest import Emulator

DATA = "/data/foundation"
#: The lists that a plan reads, each with the member of its answer that contains the items.
LISTS = {
    f"{DATA}/flowservice/flows": "items",
    f"{DATA}/flowservice/sourceConnections": "items",
    f"{DATA}/flowservice/targetConnections": "items",
    f"{DATA}/flowservice/connections": "items",
    f"{DATA}/catalog/dataSets": None,
    f"{DATA}/schemaregistry/tenant/schemas": "results",
    f"{DATA}/schemaregistry/tenant/fieldgroups": "results",
    f"{DATA}/conversion/mappingSets": "data",
}


@pytest.fixture
def two(emulator: Emulator, client: Client) -> tuple[Client, str, dict[str, Any]]:
    """Two dataflows: a client, the definition of the first, and the answers of the lists."""
    creator = DataflowCreator(client)
    for name in ("First", "Second"):
        creator.create(DataflowSetup(names=(name, "source", "target"), listed=True, description=name))
    text = export_dataflows(Snapshot(client), ["First"], manage_schema=True).files["First.yaml"]
    return client, text, answers_of(client)


def answers_of(client: Client) -> dict[str, Any]:
    """Return the answers of the lists."""
    return {path: _answer(client, path) for path in LISTS}


def _answer(client: Client, path: str) -> Any:
    if "schemaregistry" in path:
        return client.get(path, {"orderby": "updated"}, headers={"Accept": "application/vnd.adobe.xed+json"})
    return client.get(path, {"limit": "100"} | ({} if "flowservice" in path else {"start": "0"}))


def places(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield the paths of all values within a JSON value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in members:
        yield (*path, step)
        yield from places(inner, *path, step)


def corrupted(answer: Any, key: str | None, place: tuple[str | int, ...], value: Any) -> Any:
    """Return an answer with another value at one place of its items."""
    changed = copy.deepcopy(answer)
    node: Any = changed[key] if key else changed
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value
    return changed


#: JSON values that the emulator can be set to answer.
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 10**12) | st.floats(-1, 1) | st.text("aé:/#._ ", max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("aid$", max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(data=st.data())
def test_any_value_in_a_list_gives_a_result_or_one_error(
    two: tuple[Client, str, dict[str, Any]], emulator: Emulator, data: st.DataObject
) -> None:
    client, text, answers = two
    emulator.control("DELETE", "faults")
    path = data.draw(st.sampled_from(sorted(LISTS)))
    items = answers[path][LISTS[path]] if LISTS[path] else answers[path]
    place = data.draw(st.sampled_from(sorted(places(items), key=str)))
    value = data.draw(st.sampled_from([None, {}, [], "", 0, True, "x", [{}], {"$ref": 1}]) | VALUES)
    body = corrupted(answers[path], LISTS[path], place, value)
    with tempfile.TemporaryDirectory() as folder:
        for work in (_plan(Path(folder), text), _export):
            emulator.control("DELETE", "faults")
            emulator.fail("status", method="GET", path=path, nth=1, times=1, status=200, body=body)
            with suppress(PlatformError):
                work(client)


def _plan(folder: Path, text: str) -> Callable[[Client], object]:
    return lambda client: plan_text(client, folder, text)


def _export(client: Client) -> object:
    return export_dataflows(Snapshot(client), manage_schema=True)


def test_a_corrupted_dataflow_does_not_affect_the_plan_of_another(
    two: tuple[Client, str, dict[str, Any]], emulator: Emulator, tmp_path: Path
) -> None:
    client, text, answers = two
    path = f"{DATA}/flowservice/flows"
    items = answers[path]["items"]
    other = next(at for at, item in enumerate(items) if item["name"] == "Second")
    for member in ("sourceConnectionIds", "transformations", "scheduleParams", "state", "description"):
        emulator.control("DELETE", "faults")
        body = corrupted(answers[path], "items", (other, member), {"odd": [1]})
        emulator.fail("status", method="GET", path=path, nth=1, times=1, status=200, body=body)
        assert not_done(plan_text(client, tmp_path, text)) == {}
        assert [fault["fired"] for fault in emulator.faults()] == [1]
        emulator.control("DELETE", "faults")
        emulator.fail("status", method="GET", path=path, nth=1, times=1, status=200, body=body)
        assert "First.yaml" in export_dataflows(Snapshot(client)).files


def test_an_object_that_is_not_listed_yet_is_read_by_its_id(
    two: tuple[Client, str, dict[str, Any]], emulator: Emulator, tmp_path: Path
) -> None:
    client, text, _ = two
    path = f"{DATA}/flowservice/sourceConnections"
    emulator.fail("status", method="GET", path=path, nth=1, times=1, status=200, body={"items": []})
    assert not_done(plan_text(client, tmp_path, text)) == {}
    assert [fault["fired"] for fault in emulator.faults()] == [1]
