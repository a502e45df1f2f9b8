"""Taking over objects: for every kind, the owner in the mark changes once, and no other member."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import ReadOnlyError
from airflow_provider_payments.aep.resources.base import OWNER, Change
from airflow_provider_payments.aep.resources.kind import Kind as ResourceKind
from airflow_provider_payments.aep.resources.kind import RemoteObject
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.aep.resources.reference import reference_to
from airflow_provider_payments.aep.resources.switches import rewrite_mark
from tests.aep.chain import KINDS, UPDATES, Chain, Kind
from tests.aep.provisioning.test_changes_under_faults import before_and_after
from tests.conftest import Emulator

SALES = Writer("sales", "run", "dag")
MARKED = pytest.mark.parametrize("name", [name for name in KINDS if name != "mapping set"])
#: Members that every write changes.
MEMBERS_OF_EVERY_CHANGE = {
    "etag",
    "updatedAt",
    "updated",
    "version",
    "lastOperation",
    "meta:registryMetadata",
    "description",
    "tags",
}


def create_object(chain: Chain, name: str) -> RemoteObject:
    """Create an object of a kind with the owner sales, and return it as it is listed."""
    desired = KINDS[name].build(chain, description="Paid orders")
    chain.ensure(desired, writer=SALES)
    return listed(chain, name)


def listed(chain: Chain, name: str) -> RemoteObject:
    (existing,) = KINDS[name].build(chain).look_up(chain.client)
    return existing


def change_owner(client: Client, kind: ResourceKind, existing: RemoteObject) -> bool:
    """Rewrite the mark of an object to the owner finance."""
    mark = kind.mark_of(existing)
    assert mark
    return rewrite_mark(client, kind, existing, mark.with_owner("finance"))


def patches(emulator: Emulator) -> list[dict[str, Any]]:
    return list(emulator.requests(method="PATCH"))


def unmarked(item: dict[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in copy.deepcopy(item).items() if member not in MEMBERS_OF_EVERY_CHANGE}


@MARKED
def test_only_the_owner_of_the_mark_changes(name: str, chain: Chain, emulator: Emulator) -> None:
    before = create_object(chain, name)
    kind = KINDS[name].build(chain).kind
    assert change_owner(chain.client, kind, before)
    after = listed(chain, name)
    mark, former = kind.mark_of(after), kind.mark_of(before)
    assert mark
    assert former
    assert (mark.owner, mark.run, mark.nonce) == ("finance", former.run, former.nonce)
    assert after.item["description"].startswith("Paid orders")
    assert unmarked(after.item) == unmarked(before.item)
    assert len(patches(emulator)) == 1


FAULTS: dict[str, dict[str, Any]] = {
    "applied and 500": {"action": "apply_then_status", "status": 500},
    "applied and cut": {"action": "apply_then_drop"},
    "429": {"action": "status", "status": 429},
    "reset": {"action": "reset", "apply": False},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@MARKED
def test_a_mark_is_rewritten_once_despite_a_lost_answer(
    name: str, fault: dict[str, Any], chain: Chain, emulator: Emulator
) -> None:
    kind, existing = KINDS[name].build(chain).kind, create_object(chain, name)
    emulator.fail(method="PATCH", path="*", times=1, **fault)
    change_owner(chain.client, kind, existing)
    assert [fault["fired"] for fault in emulator.faults()] == [1]
    mark = kind.mark_of(listed(chain, name))
    assert mark
    assert mark.owner == "finance"


def rename(chain: Chain, kind: Kind, existing: RemoteObject) -> None:
    """Change the name, and so the etag, as another writer would."""
    operations, headers = [{"op": "add", "path": "/name", "value": "renamed"}], {"If-Match": str(existing.etag)}
    chain.client.request("PATCH", f"{kind.path}/{existing.id}", body=operations, headers=headers)


FLOW_SERVICE_KINDS = ["dataflow", "source connection", "target connection", "base connection"]


@pytest.mark.parametrize("name", FLOW_SERVICE_KINDS)
def test_an_object_changed_since_it_was_read_keeps_its_mark(name: str, chain: Chain, emulator: Emulator) -> None:
    kind, existing = KINDS[name].build(chain).kind, create_object(chain, name)
    rename(chain, KINDS[name], existing)
    assert not change_owner(chain.client, kind, existing)
    (item,) = (item for item in emulator.objects(KINDS[name].objects) if item["id"] == existing.id)
    assert item["name"] == "renamed"
    assert "[airflow:sales#" in item["description"]


def test_rewriting_the_mark_of_a_deleted_object_is_no_error(chain: Chain, emulator: Emulator) -> None:
    existing, kind = create_object(chain, "source connection"), KINDS["source connection"].build(chain).kind
    kind.delete(chain.client, existing)
    assert not change_owner(chain.client, kind, existing)


@MARKED
def test_read_only_refuses_to_rewrite_a_mark(name: str, chain: Chain, make_client: Callable[..., Client]) -> None:
    kind, existing = KINDS[name].build(chain).kind, create_object(chain, name)
    with pytest.raises(ReadOnlyError):
        change_owner(make_client(read_only=True), kind, existing)


# ---- owners of desired resources -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UPDATES)
def test_a_new_owner_and_another_change_are_one_request(name: str, chain: Chain, emulator: Emulator) -> None:
    before_and_after(chain, name)
    desired = KINDS[name].build(chain, **UPDATES[name], owner="finance")
    existing = desired.latest(chain.client, listed(chain, name))
    found = desired.differences(chain.client, existing)
    assert OWNER in {difference.field for difference in found}
    change = desired.judge(existing, found, chain.client.now())
    assert isinstance(change, Change)
    desired.send(chain.client, existing, change)
    assert len(patches(emulator)) == 1
    assert desired.differences(chain.client, listed(chain, name)) == []


def test_a_new_description_and_a_new_owner_are_both_written(chain: Chain) -> None:
    chain.ensure(chain.dataflow(description="Paid orders"), writer=SALES)
    desired = chain.dataflow(description="All orders", owner="finance")
    existing = listed(chain, "dataflow")
    change = desired.judge(existing, desired.differences(chain.client, existing), chain.client.now())
    assert isinstance(change, Change)
    desired.send(chain.client, existing, change)
    mark = desired.kind.mark_of(existing)
    assert mark
    assert listed(chain, "dataflow").item["description"] == f"All orders {mark.with_owner('finance', adopted=True)}"


def test_without_a_desired_owner_another_owners_mark_is_no_difference(chain: Chain) -> None:
    chain.ensure(chain.dataflow(), writer=SALES)
    assert chain.dataflow().differences(chain.client, listed(chain, "dataflow")) == []


def test_a_reference_differs_only_in_the_owner(chain: Chain, emulator: Emulator) -> None:
    kind, existing = KINDS["base connection"].build(chain).kind, create_object(chain, "base connection")
    reference = reference_to(kind)(owner="finance")
    (difference,) = reference.differences(chain.client, existing)
    assert tuple(difference) == (OWNER, "finance", "sales")
    change = reference.judge(existing, [difference], chain.client.now())
    assert isinstance(change, Change)
    reference.send(chain.client, existing, change)
    assert reference.differences(chain.client, listed(chain, "base connection")) == []


def test_taking_over_a_dataflow_marks_it_as_adopted(chain: Chain) -> None:
    chain.ensure(chain.dataflow(), writer=SALES)
    desired, existing = chain.dataflow(owner="finance"), listed(chain, "dataflow")
    change = desired.judge(existing, desired.differences(chain.client, existing), chain.client.now())
    assert isinstance(change, Change)
    desired.send(chain.client, existing, change)
    mark = desired.kind.mark_of(listed(chain, "dataflow"))
    assert mark
    assert mark.adopted
