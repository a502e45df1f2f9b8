"""Another owner in an object's mark: for every kind, once, and nothing else of the object changes."""

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
#: What every write changes.
BY_NATURE = {"etag", "updatedAt", "updated", "version", "lastOperation", "meta:registryMetadata", "description", "tags"}


def made(chain: Chain, name: str) -> RemoteObject:
    """An object of the kind, marked by sales, as a list shows it."""
    desired = KINDS[name].build(chain, description="Paid orders")
    chain.ensure(desired, writer=SALES)
    return listed(chain, name)


def listed(chain: Chain, name: str) -> RemoteObject:
    (existing,) = KINDS[name].build(chain).look_up(chain.client)
    return existing


def hand_over(client: Client, kind: ResourceKind, existing: RemoteObject) -> bool:
    """Let finance be the owner."""
    mark = kind.mark_of(existing)
    assert mark
    return rewrite_mark(client, kind, existing, mark.with_owner("finance"))


def patches(emulator: Emulator) -> list[dict[str, Any]]:
    return list(emulator.requests(method="PATCH"))


def unmarked(item: dict[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in copy.deepcopy(item).items() if member not in BY_NATURE}


@MARKED
def test_only_the_owner_of_the_mark_changes(name: str, chain: Chain, emulator: Emulator) -> None:
    before = made(chain, name)
    kind = KINDS[name].build(chain).kind
    assert hand_over(chain.client, kind, before)
    after = listed(chain, name)
    mark, former = kind.mark_of(after), kind.mark_of(before)
    assert mark
    assert former
    assert (mark.owner, mark.run, mark.nonce) == ("finance", former.run, former.nonce)
    assert after.item["description"].startswith("Paid orders")
    assert unmarked(after.item) == unmarked(before.item)
    assert len(patches(emulator)) == 1


FAULTS: dict[str, dict[str, Any]] = {
    "done and 500": {"action": "apply_then_status", "status": 500},
    "done and cut": {"action": "apply_then_drop"},
    "429": {"action": "status", "status": 429},
    "reset": {"action": "reset", "apply": False},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@MARKED
def test_a_lost_answer_leaves_the_same_mark(name: str, fault: dict[str, Any], chain: Chain, emulator: Emulator) -> None:
    kind, existing = KINDS[name].build(chain).kind, made(chain, name)
    emulator.fail(method="PATCH", path="*", times=1, **fault)
    hand_over(chain.client, kind, existing)
    assert [fault["fired"] for fault in emulator.faults()] == [1]
    mark = kind.mark_of(listed(chain, name))
    assert mark
    assert mark.owner == "finance"


def rename(chain: Chain, kind: Kind, existing: RemoteObject) -> None:
    """Change the name by hand, as somebody else would, and so the etag."""
    operations, headers = [{"op": "add", "path": "/name", "value": "renamed"}], {"If-Match": str(existing.etag)}
    chain.client.request("PATCH", f"{kind.path}/{existing.id}", body=operations, headers=headers)


FLOW_SERVICE_KINDS = ["dataflow", "source connection", "target connection", "base connection"]


@pytest.mark.parametrize("name", FLOW_SERVICE_KINDS)
def test_what_somebody_else_has_changed_since_it_was_read_keeps_its_mark(
    name: str, chain: Chain, emulator: Emulator
) -> None:
    kind, existing = KINDS[name].build(chain).kind, made(chain, name)
    rename(chain, KINDS[name], existing)
    assert not hand_over(chain.client, kind, existing)
    (item,) = (item for item in emulator.objects(KINDS[name].objects) if item["id"] == existing.id)
    assert item["name"] == "renamed"
    assert "[airflow:sales#" in item["description"]


def test_what_is_gone_is_no_error(chain: Chain, emulator: Emulator) -> None:
    existing, kind = made(chain, "source connection"), KINDS["source connection"].build(chain).kind
    kind.delete(chain.client, existing)
    assert not hand_over(chain.client, kind, existing)


@MARKED
def test_read_only_refuses_it(name: str, chain: Chain, make_client: Callable[..., Client]) -> None:
    kind, existing = KINDS[name].build(chain).kind, made(chain, name)
    with pytest.raises(ReadOnlyError):
        hand_over(make_client(read_only=True), kind, existing)


# ---- as part of what is desired ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UPDATES)
def test_an_owner_and_another_change_are_one_request(name: str, chain: Chain, emulator: Emulator) -> None:
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


def test_a_new_description_keeps_its_text_beside_the_new_owner(chain: Chain) -> None:
    chain.ensure(chain.dataflow(description="Paid orders"), writer=SALES)
    desired = chain.dataflow(description="All orders", owner="finance")
    existing = listed(chain, "dataflow")
    change = desired.judge(existing, desired.differences(chain.client, existing), chain.client.now())
    assert isinstance(change, Change)
    desired.send(chain.client, existing, change)
    mark = desired.kind.mark_of(existing)
    assert mark
    assert listed(chain, "dataflow").item["description"] == f"All orders {mark.with_owner('finance', adopted=True)}"


def test_without_an_owner_a_foreign_mark_is_no_difference(chain: Chain) -> None:
    chain.ensure(chain.dataflow(), writer=SALES)
    assert chain.dataflow().differences(chain.client, listed(chain, "dataflow")) == []


def test_a_reference_differs_in_the_owner_only(chain: Chain, emulator: Emulator) -> None:
    kind, existing = KINDS["base connection"].build(chain).kind, made(chain, "base connection")
    reference = reference_to(kind)(owner="finance")
    (difference,) = reference.differences(chain.client, existing)
    assert tuple(difference) == (OWNER, "finance", "sales")
    change = reference.judge(existing, [difference], chain.client.now())
    assert isinstance(change, Change)
    reference.send(chain.client, existing, change)
    assert reference.differences(chain.client, listed(chain, "base connection")) == []


def test_a_dataflow_that_was_taken_over_is_adopted_for_a_creator_that_gives_up(chain: Chain) -> None:
    chain.ensure(chain.dataflow(), writer=SALES)
    desired, existing = chain.dataflow(owner="finance"), listed(chain, "dataflow")
    change = desired.judge(existing, desired.differences(chain.client, existing), chain.client.now())
    assert isinstance(change, Change)
    desired.send(chain.client, existing, change)
    mark = desired.kind.mark_of(listed(chain, "dataflow"))
    assert mark
    assert mark.adopted
