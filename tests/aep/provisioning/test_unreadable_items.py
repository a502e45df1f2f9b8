"""Items that may match but cannot be understood are read again, then raise; nothing is created or deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import RequestError, UnreadableError
from airflow_provider_payments.aep.provisioning.teardown import tear_down
from airflow_provider_payments.aep.resources.marks import Writer
from tests.aep.chain import CATALOG, DATA_PREP, FLOW_SERVICE, KINDS, REGISTRY, Chain
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

A, B = Writer("payments", "a"), Writer("payments", "b")
ALL_KINDS = pytest.mark.parametrize("name", KINDS)
Change = Callable[[dict[str, Any]], object]
#: Defect of one item of a list -> the changed members, and a part of the error.
ODD: dict[str, tuple[dict[str, Any], str]] = {
    "a name that is a number": ({"name": 7, "title": 7}, "is a number, not text"),
    "a name that is a list": ({"name": ["own"], "title": ["own"]}, "is a list, not text"),
    "no name": ({"name": None, "title": None}, "is null, not text"),
    "no id": ({"id": None, "$id": None}, "not an id"),
    "a time out of any calendar": (
        {"createdAt": 1e300, "created": 1e300, "createdDate": 1e300, "meta:registryMetadata": {"repo:createdDate": []}},
        "not a time",
    ),
    "a mark that is not text": ({"description": 5, "tags": {"airflow/mark": 5}}, "is a number"),
}


@pytest.fixture
def odd(chain: Chain, proxy: FaultProxy) -> Callable[..., None]:
    """Let lists answer as the emulator does, with the first item changed or with one additional item."""

    def change(name: str, changed: dict[str, Any], times: int = 99, additional: bool = False) -> None:
        path = KINDS[name].path

        def reply(requested: str) -> tuple[int, bytes]:
            accept = {"Accept": "application/vnd.adobe.xed+json"} if REGISTRY in requested else {}
            body = chain.client.get(requested, headers=accept)
            # The list of datasets is an object by id.
            items = next((body[key] for key in ("items", "results", "data") if key in body), list(body.values()))
            if additional and isinstance(body, dict) and KINDS[name].path.startswith(CATALOG):
                body = {"stranger": changed, **body}
            elif additional:
                items.insert(0, {"id": "stranger", "$id": "stranger"} | changed)
            elif items:
                items[0].update(changed)
            return 200, json.dumps(body).encode()

        proxy.fault("GET", f"{path}[?]", reply=reply, times=times)

    return change


@pytest.fixture
def proxied(make_writer: Callable[..., Chain], proxy: FaultProxy) -> Chain:
    return make_writer(proxy.url)


def expected(name: str) -> dict[str, tuple[dict[str, Any], str]]:
    """The defects that matter for a kind: mapping sets are found by content and unmarked, datasets listed by id."""
    without = {
        "mapping set": {
            "a name that is a number",
            "a name that is a list",
            "no name",
            "no id",
            "a mark that is not text",
        },
        "dataset": {"no id"},
    }
    return {says: odd for says, odd in ODD.items() if says not in without.get(name, ())}


CASES = [pytest.param(name, says, id=f"{name}: {says}") for name in KINDS for says in expected(name)]


@pytest.mark.parametrize(("name", "says"), CASES)
def test_an_unreadable_candidate_is_read_three_times_and_named(
    name: str, says: str, chain: Chain, proxied: Chain, odd: Callable[..., None], emulator: Emulator
) -> None:
    kind, desired = KINDS[name], KINDS[name].build(chain)
    created_id = chain.ensure(desired).existing.id
    emulator.advance(600)
    changed, message = ODD[says]
    odd(name, changed)
    before = len(emulator.requests(method="POST", path=kind.path))
    with pytest.raises(UnreadableError) as unreadable:
        proxied.ensure(desired)
    assert message in str(unreadable.value)
    assert (created_id in str(unreadable.value)) == (says != "no id")
    assert (unreadable.value.retryable, proxied.naps) == (True, [2.0, 4.0])
    assert len(emulator.requests(method="POST", path=kind.path)) == before


@ALL_KINDS
def test_an_item_that_is_readable_in_the_second_list_is_adopted(
    name: str, chain: Chain, proxied: Chain, odd: Callable[..., None], emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    created_id = chain.ensure(desired).existing.id
    emulator.advance(600)
    changed = {"outputSchema": 5} if name == "mapping set" else {"name": 7, "title": 7}
    odd(name, changed, times=1)
    found = proxied.ensure(desired)
    assert (found.existing.id, found.created, proxied.naps) == (created_id, False, [2.0])


GARBLED: dict[str, dict[str, Any]] = {
    "base connection": {"auth": "x"},
    "dataset base connection": {"connectionSpec": {"id": 5}},
    "source connection": {"params": {"tableName": "PayPal.Catalog_Products", "columns": "x"}},
    "target connection": {"data": {"schema": []}},
    "schema": {"allOf": [{"$ref": {}}]},
    "dataset": {"schemaRef": {"id": ["x"]}},
    "mapping set": {"mappings": {"_id": "x"}},
    "dataflow": {"scheduleParams": {"frequency": "minute", "interval": {}}},
}


@pytest.mark.parametrize("name", GARBLED)
def test_a_garbled_field_is_no_difference(
    name: str, chain: Chain, proxied: Chain, odd: Callable[..., None], emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    chain.ensure(desired)
    emulator.advance(600)
    odd(name, GARBLED[name])
    with pytest.raises(UnreadableError, match="cannot be read: its"):
        proxied.ensure(desired, if_exists="update")
    assert emulator.requests(method="PATCH") == []


@pytest.mark.parametrize("name", ["field group", "schema"])
def test_an_empty_object_in_place_of_a_resource_is_read_again(
    name: str, chain: Chain, proxied: Chain, proxy: FaultProxy
) -> None:
    desired = KINDS[name].build(chain)
    created_id = chain.ensure(desired).existing.id
    proxy.fault("GET", f"{KINDS[name].path}/", status=200, body=b"{}")
    assert proxied.ensure(desired).existing.id == created_id
    assert proxy.count("GET", f"{KINDS[name].path}/") > 1


def test_an_empty_object_in_place_of_a_mapping_set_is_no_difference(
    chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    created_id = chain.ensure(chain.dataflow()).existing.id
    twin = chain.post(f"{DATA_PREP}/mappingSets", chain.mapping_set(name="twin").payload())["id"]
    emulator.advance(600)
    proxy.fault("GET", "/mappingSets/", status=200, body=b"{}")
    assert proxied.ensure(chain.dataflow(mapping_set_id=twin)).existing.id == created_id


@ALL_KINDS
def test_an_unreadable_object_of_another_name_does_not_prevent_a_creation(
    name: str, chain: Chain, proxied: Chain, odd: Callable[..., None], emulator: Emulator
) -> None:
    desired = KINDS[name].build(chain)
    members = ("params", "data", "auth", "allOf", "schemaRef", "scheduleParams", "createdAt", "state", "mappings")
    of_another = {"name": "another", "title": "another", "outputSchema": {"schemaRef": {"id": "another"}}}
    odd(name, {key: [5] for key in members} | of_another, additional=True)
    assert proxied.ensure(desired).created
    assert 2.0 not in proxied.naps


# ---- users of an object ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "user",
    [{"sourceConnectionIds": 5}, {"sourceConnectionIds": [[]]}, {"sourceConnectionIds": {"0": "x"}}],
    ids=["a number", "a list of lists", "an object"],
)
def test_an_object_that_an_unreadable_dataflow_may_use_is_not_deleted(
    user: dict[str, Any], chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    created_id = chain.ensure(chain.source(), writer=A).existing.id
    emulator.advance(600)
    body = json.dumps({"items": [{"id": "odd", "name": "odd"} | user]}).encode()
    proxy.fault("GET", "/flows[?]", status=200, body=body, times=99)
    with pytest.raises(UnreadableError, match="flows odd cannot be read: its sourceConnectionIds"):
        tear_down(proxied.client, A)
    assert created_id in [source["id"] for source in emulator.objects("sourceConnections")]
    assert emulator.requests(method="DELETE") == []


def test_an_object_whose_mark_cannot_be_read_is_kept(
    chain: Chain, proxied: Chain, odd: Callable[..., None], emulator: Emulator
) -> None:
    created_id = chain.ensure(chain.source(), writer=A).existing.id
    emulator.advance(600)
    odd("source connection", {"description": [5]})
    assert tear_down(proxied.client, A).removed == []
    assert created_id in [source["id"] for source in emulator.objects("sourceConnections")]


# ---- incomplete lists and validations --------------------------------------------------------------------------------


def test_an_incomplete_list_creates_nothing(
    chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    page = json.dumps({"items": [], "_links": {"next": {"href": "/x?continuationToken=same"}}}).encode()
    proxy.fault("GET", "/sourceConnections[?]", status=200, body=page, times=999)
    with pytest.raises(RequestError, match="the list is incomplete") as cut:
        proxied.ensure(chain.source())
    assert (cut.value.retryable, proxied.naps) == (True, [2.0, 4.0])
    assert emulator.requests(method="POST", path=f"{FLOW_SERVICE}/sourceConnections") == []


@pytest.mark.parametrize("body", [b"[]", b'{"validationResponse": 5}', b'{"validationResponse": [[]]}'], ids=repr)
def test_an_unreadable_validation_creates_no_mapping_set(
    body: bytes, chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    proxy.fault("POST", "/mappingSets/validate", status=200, body=body, times=99)
    with pytest.raises((UnreadableError, RequestError)) as failed:
        proxied.ensure(chain.mapping_set())
    assert failed.value.retryable
    assert "outcome unknown" not in str(failed.value)
    assert emulator.requests(method="POST", path=f"{DATA_PREP}/mappingSets") == []


def test_a_failed_validation_is_repeated_and_never_an_unknown_outcome(
    chain: Chain, proxied: Chain, proxy: FaultProxy
) -> None:
    proxy.fault("POST", "/mappingSets/validate", lose=True, times=4)
    assert proxied.ensure(chain.mapping_set()).created
    proxy.fault("POST", "/mappingSets/validate", lose=True, times=99)
    with pytest.raises(RequestError) as failed:
        proxied.ensure(chain.mapping_set(mappings={"_id": "Type"}))
    assert "outcome unknown" not in str(failed.value)
    assert proxy.count("POST", "/mappingSets/validate") == 5 + 5


def test_a_dataset_whose_batches_cannot_be_read_is_kept(
    chain: Chain, proxied: Chain, proxy: FaultProxy, emulator: Emulator
) -> None:
    created_id = chain.ensure(chain.dataset(), writer=A).existing.id
    emulator.advance(600)
    proxy.fault("GET", f"{CATALOG}/batches", status=200, body=b"[]", times=999)
    with pytest.raises(RequestError):
        tear_down(proxied.client, A)
    assert created_id in [dataset["id"] for dataset in emulator.objects("dataSets")]
