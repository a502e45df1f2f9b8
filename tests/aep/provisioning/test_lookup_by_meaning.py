"""The search by the second key: it finds objects that a filter by name misses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unicodedata import normalize
from urllib.parse import parse_qsl

import pytest

from airflow_provider_payments.aep.errors import ConflictError, RequestError, UnreadableError
from airflow_provider_payments.aep.resources.marks import Writer
from tests.aep.chain import FLOW_SERVICE, KINDS, LAKE_SPEC, Chain
from tests.aep.manual_objects import made_by_hand
from tests.conftest import PAYPAL, Emulator
from tests.fault_proxy import FaultProxy

NAME = "Zahlungen für März"
NAMED = [name for name in KINDS if name != "mapping set"]


@pytest.fixture
def misread_filters(emulator: Emulator) -> None:
    """Let the emulator's filters miss every name that is not ASCII."""
    emulator.control("PUT", "options", json={"queries_are_utf8": False})


@pytest.fixture
def proxied(make_writer: Callable[..., Chain], proxy: FaultProxy) -> Chain:
    return make_writer(proxy.url)


def named(emulator: Emulator, kind: str, name: str = NAME) -> list[str]:
    """The ids of the objects whose names are equal in Unicode normal form C."""
    return [
        item.get("$id") or item["id"]
        for item in emulator.objects(KINDS[kind].objects)
        if normalize("NFC", item.get("title") or item.get("name") or "") == name
    ]


def creations(emulator: Emulator, kind: str) -> int:
    return len(emulator.posted(KINDS[kind].path))


# ---- names that a filter misses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_that_name_filters_miss_is_created_once_then_adopted(
    kind: str, chain: Chain, writer: Chain, emulator: Emulator, misread_filters: None
) -> None:
    desired = KINDS[kind].build(chain, name=NAME)
    requested = creations(emulator, kind)
    provisioned = writer.ensure(desired, writer=Writer("payments", "monday"))
    emulator.advance(86400)
    found = [writer.ensure(desired, writer=Writer("payments", run)) for run in ("tuesday", "wednesday")]
    assert provisioned.created
    assert [(each.created, each.existing.id) for each in found] == 2 * [(False, provisioned.existing.id)]
    assert creations(emulator, kind) == requested + 1
    assert named(emulator, kind) == [provisioned.existing.id]


@pytest.mark.parametrize("kind", NAMED)
def test_a_name_in_another_normal_form_is_the_same_name(kind: str, chain: Chain, emulator: Emulator) -> None:
    def decompose(_: Chain, body: dict[str, Any]) -> None:
        body["title" if "title" in body else "name"] = normalize("NFD", NAME)

    # The dataflow uses the usual source connection instead of creating one for its own name.
    connections = {"source_connection_id": chain.source_id} if kind == "dataflow" else {}
    made_by_hand(chain, kind, decompose)
    found = chain.ensure(KINDS[kind].build(chain, name=NAME, **connections))
    assert (found.created, [found.existing.id]) == (False, named(emulator, kind))


@pytest.mark.parametrize("kind", ["field group", "schema", "ad-hoc class"])
def test_a_list_of_misread_titles_ends(kind: str, chain: Chain, misread_filters: None) -> None:
    collection, desired = KINDS[kind].path, KINDS[kind].build(chain, name=NAME)
    body = desired.payload() if kind != "field group" else chain.field_group(tenant_id="emulator").payload()
    for number in range(201):
        chain.post(collection, body | {"title": f"Ältere Zahlungen {number:03}"})
    provisioned = chain.ensure(desired)
    assert provisioned.created
    assert chain.ensure(desired).existing.id == provisioned.existing.id


def test_two_writers_whose_filters_miss_the_name_adopt_the_oldest(
    chain: Chain, make_writer: Callable[..., Chain], emulator: Emulator, timeline: Any, misread_filters: None
) -> None:
    desired = chain.dataflow(name=NAME)
    first, second = make_writer(seconds=1.0), make_writer(seconds=1.0)
    programs = (
        lambda: first.ensure(desired, writer=Writer("payments", "a")),
        lambda: second.ensure(desired, writer=Writer("payments", "b")),
    )
    outcomes = timeline.run(programs, (0.0, 0.5))
    assert [each.existing.id for each in outcomes] == 2 * named(emulator, "dataflow")


def test_a_deleted_object_that_the_second_key_finds_is_not_adopted(
    chain: Chain, writer: Chain, emulator: Emulator, misread_filters: None
) -> None:
    desired = chain.source(name=NAME)
    deleted_id = chain.ensure(desired).existing.id
    emulator.fail("list_lag", method="DELETE", path="*/sourceConnections/*", seconds=600)
    chain.client.request("DELETE", f"{FLOW_SERVICE}/sourceConnections/{deleted_id}")
    emulator.advance(60)
    outcome = writer.ensure(desired)
    assert outcome.created
    assert named(emulator, "source connection") == [outcome.existing.id] != [deleted_id]


# ---- other objects -------------------------------------------------------------------------------------------------


def test_another_dataflow_that_reads_the_same_source_is_a_conflict(
    chain: Chain, emulator: Emulator, misread_filters: None
) -> None:
    other = chain.ensure(chain.dataflow()).existing.id
    with pytest.raises(ConflictError, match=r"'own dataflow' exists already .* It reads the same source") as conflict:
        chain.ensure(chain.dataflow(name=NAME, source_connection_id=chain.source_id))
    assert conflict.value.object_id == other
    assert named(emulator, "dataflow") == []


def test_an_object_without_a_name_does_not_match(chain: Chain, emulator: Emulator) -> None:
    body = chain.target(name="nameless").payload()
    del body["name"]
    chain.post(f"{FLOW_SERVICE}/targetConnections", body)
    assert chain.ensure(chain.target()).created


def test_an_unreadable_name_may_match_so_nothing_is_created(
    chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    answer = json.dumps({"items": [{"id": "odd", "name": 7, "createdAt": 1}]}).encode()
    proxy.fault("GET", "baseConnectionId", status=200, body=answer, times=3)
    with pytest.raises(UnreadableError, match="odd cannot be read: its name is a number"):
        proxied.ensure(chain.source())
    assert emulator.objects("sourceConnections") == []
    assert proxied.ensure(chain.source()).created


# ---- the search itself ---------------------------------------------------------------------------------------------


FILTERS = {
    "source connection": f"baseConnectionId=={PAYPAL}",
    "target connection": "params.dataSetId=={dataset}",
    "dataflow": "sourceConnectionIds[]=={source}",
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_searched_by_its_second_key_before_its_creation(
    kind: str, chain: Chain, emulator: Emulator
) -> None:
    desired, path = KINDS[kind].build(chain), KINDS[kind].path
    before = len(emulator.requests())
    chain.ensure(desired)
    requested = [r for r in emulator.requests()[before:] if r["path"] == path]
    second = requested[[r["method"] for r in requested].index("POST") - 1]
    shown = FILTERS.get(kind, "").format(dataset=chain.dataset_id, source=chain.source_id)
    assert second["method"] == "GET"
    assert [value for key, value in parse_qsl(second["query"]) if key in ("property", "name")] == [shown] * bool(shown)


@pytest.mark.parametrize("kind", FILTERS)
def test_a_refused_filter_falls_back_to_the_whole_list(
    kind: str, chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator, misread_filters: None
) -> None:
    desired = KINDS[kind].build(chain, name=NAME)
    provisioned = chain.ensure(desired)
    refused = json.dumps({"type": "https://ns.adobe.com/aep/errors/FLOW-1449-400", "detail": "no such field"}).encode()
    faults = [proxy.fault("GET", part, status=400, body=refused, times=9) for part in ("Id%3D%3D", "Ids%5B%5D%3D%3D")]
    found = proxied.ensure(desired)
    assert (found.created, found.existing.id) == (False, provisioned.existing.id)
    assert sum(fault.times for fault in faults) < 18


def test_an_incomplete_search_creates_nothing(
    chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    link = {"next": {"href": "/sourceConnections?continuationToken=again"}}
    cut = json.dumps({"items": [{"id": "other", "name": "other"}], "_links": link}).encode()
    proxy.fault("GET", "baseConnectionId", status=200, body=cut, times=99)
    with pytest.raises(RequestError, match="the list is incomplete"):
        proxied.ensure(chain.source())
    assert emulator.objects("sourceConnections") == []


def test_a_dataset_base_connection_is_searched_among_all_connections(chain: Chain, misread_filters: None) -> None:
    created = chain.post(
        f"{FLOW_SERVICE}/connections", {"name": NAME, "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"}}
    )
    assert chain.ensure(chain.dataset_base_connection(name=NAME)).existing.id == created["id"]
