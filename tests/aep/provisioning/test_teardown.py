"""A teardown removes the objects of its own run and no others, users first."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import InvalidInputError, RequestError
from airflow_provider_payments.aep.provisioning.teardown import Teardown, tear_down
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.flow_service import SOURCE_CONNECTION
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.aep.resources.schedule import Schedule
from airflow_provider_payments.aep.resources.switches import rewrite_mark
from tests.aep.chain import CATALOG, FLOW_SERVICE, KINDS, Chain
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

#: The default writer of a chain's objects.
OWN = Writer()
OTHERS = {"another run": Writer("manual", "other run"), "another chain": Writer("orders"), "no mark": None}


def deletions(emulator: Emulator) -> list[tuple[str, str]]:
    """The collection and id of each deletion that was requested, in order."""
    requested = [r["path"].rsplit("/", 2)[1:] for r in emulator.requests(method="DELETE")]
    return [(collection, object_id) for collection, object_id in requested]


def kinds_by_id(objects: list[dict[str, Any]]) -> dict[str, str]:
    """Return the kinds of reported objects by id."""
    return {item["id"]: item["kind"] for item in objects}


def unfinished(chain: Chain) -> dict[str, str]:
    """Create all objects that precede a dataflow; return the kinds of the deletable ones by id."""
    base = chain.ensure(chain.base_connection()).existing.id
    chain.source_id = chain.ensure(chain.source(base_connection_id=base)).existing.id
    own = {chain.target_id: "target connection", chain.source_id: "source connection", chain.dataset_id: "dataset"}
    return own | {base: "base connection"}


def whole(chain: Chain) -> tuple[str, dict[str, str]]:
    """Create a chain that runs once; return its dataflow, and the kinds of the objects it uses by id."""
    created_kinds = unfinished(chain)
    desired = chain.dataflow(schedule=Schedule(), partial_ingestion_percent=50)
    return chain.ensure(desired).existing.id, created_kinds


# ---- removed objects -----------------------------------------------------------------------------------------------


def test_objects_of_a_failed_run_are_removed_users_first(chain: Chain, emulator: Emulator) -> None:
    created_kinds = unfinished(chain)
    outcome = tear_down(chain.client, OWN)
    assert kinds_by_id(outcome.removed) == created_kinds
    collections = ["targetConnections", "sourceConnections", "dataSets", "connections"]
    assert deletions(emulator) == list(zip(collections, created_kinds, strict=True))
    left = [item["id"] for kind in collections for item in emulator.objects(kind)]
    assert not set(created_kinds) & set(left)
    assert outcome.kept == []


def test_a_whole_chain_is_removed_after_its_dataflow(chain: Chain, emulator: Emulator) -> None:
    dataflow, created_kinds = whole(chain)
    outcome = tear_down(chain.client, OWN, dataflows=True)
    assert kinds_by_id(outcome.removed) == {dataflow: "dataflow"} | created_kinds
    assert [object_id for _, object_id in deletions(emulator)] == [dataflow, *created_kinds]
    assert emulator.objects("flows") == []


def test_a_completed_chain_is_kept_and_each_reason_names_the_user(chain: Chain, emulator: Emulator) -> None:
    dataflow, created_kinds = whole(chain)
    outcome = tear_down(chain.client, OWN)
    assert (outcome.removed, deletions(emulator)) == ([], [])
    target, source, _, _ = created_kinds
    users = [f"flows {dataflow}", f"flows {dataflow}", f"targetConnections {target}", f"sourceConnections {source}"]
    assert [(item["id"], item["reason"]) for item in outcome.kept] == [
        (object_id, f"{user} refers to it") for object_id, user in zip(created_kinds, users, strict=True)
    ]


def test_schemas_classes_and_mapping_sets_are_reported_and_never_deleted(chain: Chain, emulator: Emulator) -> None:
    for name in ("field group", "schema", "ad-hoc class", "mapping set"):
        chain.ensure(KINDS[name].build(chain))
    foreign = chain.ensure(chain.schema(name="foreign"), writer=Writer("orders")).existing.id
    chain.ensure(chain.mapping_set(schema_id=foreign))
    expected = {
        (kind, item.get("$id") or item["id"])
        for kind in ("schema", "field group", "ad-hoc class", "mapping set")
        for item in emulator.objects(KINDS[kind].objects)
        if item.get("title") != "foreign" and foreign not in json.dumps(item)
    }
    outcome = tear_down(chain.client, OWN, dataflows=True)
    assert {(item["kind"], item["id"]) for item in outcome.left_over} == expected
    # Two schemas and two field groups: the other objects use one of each.
    assert len(outcome.left_over) == 6
    assert (outcome.removed, deletions(emulator)) == ([], [])


def test_the_outcome_is_plain_json_that_names_each_object(chain: Chain) -> None:
    source = chain.ensure(chain.source()).existing.id
    group = chain.ensure(chain.field_group()).existing.id
    outcome = tear_down(chain.client, OWN).to_json()
    assert outcome == {
        "removed": [{"kind": "source connection", "id": source, "name": "own source"}],
        "kept": [],
        "left_over": [{"kind": "field group", "id": group, "name": "own fields"}],
    }
    assert json.loads(json.dumps(outcome)) == outcome


def test_more_than_one_page_is_removed(chain: Chain, emulator: Emulator) -> None:
    body = DATASET.marked(chain.dataset().payload(), OWN.mark())
    for number in range(101):
        chain.post(f"{CATALOG}/dataSets", body | {"name": f"own dataset {number}"})
    assert len(tear_down(chain.client, OWN).removed) == 101
    assert emulator.objects("dataSets") == []


# ---- kept objects --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whose", OTHERS)
def test_objects_of_other_writers_are_kept(whose: str, chain: Chain, emulator: Emulator) -> None:
    dataflow, created_kinds = whole(chain)

    def by_others(desired: Resource) -> str:
        by = OTHERS[whose]
        return desired.ready(chain.client).create(chain.client, by.mark() if by else None).id

    base, source, dataset = map(by_others, (chain.base_connection(), chain.source(), chain.dataset()))
    target = by_others(chain.target(dataset_id=dataset))
    flow = by_others(chain.dataflow(source_connection_id=source, target_connection_id=target))
    outcome = tear_down(chain.client, OWN, dataflows=True)
    assert kinds_by_id(outcome.removed) == {dataflow: "dataflow"} | created_kinds
    assert outcome.kept == []
    assert not {base, source, dataset, target, flow} & {object_id for _, object_id in deletions(emulator)}


def test_objects_that_another_chains_dataflow_uses_are_kept(chain: Chain, emulator: Emulator) -> None:
    created_kinds = unfinished(chain)
    theirs = chain.ensure(chain.dataflow(), writer=Writer("orders")).existing.id
    outcome = tear_down(chain.client, OWN, dataflows=True)
    assert kinds_by_id(outcome.kept) == created_kinds
    assert outcome.kept[0]["reason"] == f"flows {theirs} refers to it"
    assert deletions(emulator) == []


def test_a_dataset_that_holds_rows_stays(chain: Chain, emulator: Emulator) -> None:
    dataflow, created_kinds = whole(chain)
    emulator.advance(86400)
    rows = emulator.rows(chain.dataset_id)["count"]
    assert rows > 0
    outcome = tear_down(chain.client, OWN, dataflows=True)
    assert set(kinds_by_id(outcome.removed)) == {dataflow, *created_kinds} - {chain.dataset_id}
    (kept,) = outcome.kept
    (batch,) = emulator.objects("batches")
    assert (kept["id"], kept["reason"]) == (chain.dataset_id, f"it holds rows: batch {batch['id']}")
    assert emulator.rows(chain.dataset_id)["count"] == rows


def test_without_marks_no_request_is_sent(make_client: Callable[..., Client], emulator: Emulator) -> None:
    with pytest.raises(InvalidInputError, match="marks=False is not allowed"):
        tear_down(make_client(marks=False), OWN)
    assert emulator.requests() == []


def test_an_object_with_a_new_owner_is_kept(
    chain: Chain, make_client: Callable[..., Client], proxy: FaultProxy, emulator: Emulator
) -> None:
    source = chain.ensure(chain.source()).existing
    (listed,) = chain.source().look_up(chain.client)
    take_over = partial(rewrite_mark, chain.client, SOURCE_CONNECTION, listed, Writer("finance").mark())
    proxy.fault("GET", f"/sourceConnections/{source.id}", first=take_over)
    (kept,) = tear_down(make_client(proxy.url), OWN).kept
    assert (kept["id"], kept["reason"]) == (source.id, "its mark names another owner or run by now")
    assert deletions(emulator) == []


# ---- time and faults -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["source connection", "dataflow"])
def test_a_late_creation_is_waited_for_and_removed(
    name: str, chain: Chain, make_writer: Callable[..., Chain], emulator: Emulator
) -> None:
    kind, desired = KINDS[name], KINDS[name].build(chain)
    client, mark = chain.client, OWN.mark()
    emulator.fail("late_apply", method="POST", path=f"*{kind.path}", seconds=50)
    with pytest.raises(RequestError):
        desired.create(client, mark)
    writer = make_writer()
    outcome = tear_down(writer.client, OWN, dataflows=True)
    assert desired.name in [item["name"] for item in outcome.removed]
    assert writer.naps == [51.0]
    assert emulator.objects(kind.objects) == []


def test_a_repeated_teardown_sends_no_deletion(chain: Chain, emulator: Emulator) -> None:
    whole(chain)
    first = tear_down(chain.client, OWN, dataflows=True)
    requested = deletions(emulator)
    assert tear_down(chain.client, OWN, dataflows=True) == Teardown(left_over=first.left_over)
    assert deletions(emulator) == requested


def test_a_deleted_object_that_is_still_listed_is_not_reported(chain: Chain, emulator: Emulator) -> None:
    source = chain.ensure(chain.source()).existing.id
    emulator.fail("list_lag", method="DELETE", path="*/sourceConnections/*", seconds=600)
    chain.client.request("DELETE", f"{FLOW_SERVICE}/sourceConnections/{source}")
    assert tear_down(chain.client, OWN) == Teardown()


FAULTS: dict[str, dict[str, Any]] = {
    "500": {"action": "status", "status": 500},
    "503": {"action": "status", "status": 503, "headers": {"Retry-After": "5"}},
    "429": {"action": "status", "status": 429},
    "done and 500": {"action": "apply_then_status", "status": 500},
    "done and cut": {"action": "apply_then_drop"},
    "reset": {"action": "reset", "apply": False},
    "token": {"action": "expire_token"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_teardown_succeeds_despite_a_fault_at_each_step(
    fault: dict[str, Any], chain: Chain, emulator: Emulator
) -> None:
    dataflow, created_kinds = whole(chain)
    for path in ("flows", "targetConnections", "sourceConnections", "dataSets", "connections"):
        emulator.fail(method="DELETE", path=f"*/{path}/*", **fault)
        emulator.fail(method="GET", path=f"*/{path}", nth=2, **fault)
    outcome = tear_down(chain.client, OWN, dataflows=True)
    assert kinds_by_id(outcome.removed) == {dataflow: "dataflow"} | created_kinds
    assert not {dataflow, *created_kinds} & {
        item["id"] for kind in ("flows", "dataSets") for item in emulator.objects(kind)
    }


def test_a_failed_teardown_is_completed_by_the_next(
    chain: Chain, make_client: Callable[..., Client], proxy: FaultProxy, emulator: Emulator
) -> None:
    created_kinds = unfinished(chain)
    proxy.fault("DELETE", "/dataSets", status=500, times=5)
    client = make_client(proxy.url)
    with pytest.raises(RequestError) as failed:
        tear_down(client, OWN)
    assert failed.value.retryable
    assert list(kinds_by_id(tear_down(client, OWN).removed)) == list(created_kinds)[2:]
    assert emulator.objects("dataSets") == []
