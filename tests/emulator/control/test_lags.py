"""Lists and reads by id that lag behind all writes to a kind of object."""

from __future__ import annotations

import pytest

from tests.emulator.client import CATALOG, PROFILE, REGISTRY, XED, XED_FULL, Client, field_group
from tests.emulator.control.objects import KINDS

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def lag(client: Client, kind: str, **seconds: float) -> None:
    client.control("PUT", "options", json={"lags": {kind: seconds}})


@EVERY_KIND
def test_lists_show_a_new_object_after_its_lag(client: Client, kind: str) -> None:
    lag(client, kind, listed=3)
    created = KINDS[kind].make(client, "new")
    assert KINDS[kind].ask(client, "GET", created).status_code == 200
    client.advance(2.5)
    assert created not in KINDS[kind].listed(client)
    client.advance(0.5)
    assert created in KINDS[kind].listed(client)


@EVERY_KIND
def test_reads_find_a_new_object_after_its_lag(client: Client, kind: str) -> None:
    lag(client, kind, readable=3)
    created = KINDS[kind].make(client, "new")
    assert created in KINDS[kind].listed(client)
    client.advance(2.5)
    assert KINDS[kind].ask(client, "GET", created).status_code == 404
    client.advance(0.5)
    assert KINDS[kind].ask(client, "GET", created).status_code == 200


@EVERY_KIND
def test_lists_show_a_deleted_object_during_its_lag(client: Client, kind: str) -> None:
    lag(client, kind, gone=3)
    created = KINDS[kind].make(client, "old")
    assert KINDS[kind].ask(client, "DELETE", created).status_code in (200, 204)
    assert KINDS[kind].ask(client, "GET", created).status_code == 404
    client.advance(2.5)
    assert created in KINDS[kind].listed(client)
    client.advance(0.5)
    assert created not in KINDS[kind].listed(client)


@EVERY_KIND
def test_reads_find_a_deleted_object_during_its_lag(client: Client, kind: str) -> None:
    lag(client, kind, gone_by_id=3)
    created = KINDS[kind].make(client, "old")
    before = KINDS[kind].ask(client, "GET", created).json()
    assert KINDS[kind].ask(client, "DELETE", created).status_code in (200, 204)
    assert created not in KINDS[kind].listed(client)
    client.advance(2.5)
    assert KINDS[kind].ask(client, "GET", created).json() == before
    assert KINDS[kind].ask(client, "DELETE", created).status_code == 404
    client.advance(0.5)
    assert KINDS[kind].ask(client, "GET", created).status_code == 404


@EVERY_KIND
def test_a_lag_applies_to_one_kind_only(client: Client, kind: str) -> None:
    lag(client, kind, listed=60, readable=60)
    for other in KINDS.keys() - {"target_connection", "dataflow", "dataset", "mapping_set", kind}:
        created = KINDS[other].make(client, f"{other} beside {kind}")
        assert created in KINDS[other].listed(client)
        assert KINDS[other].ask(client, "GET", created).status_code == 200


def test_the_lag_of_a_fault_overrides_the_lag_of_the_kind(client: Client) -> None:
    lag(client, "source_connection", listed=60, readable=60)
    client.control("POST", "faults", json={"action": "list_lag", "seconds": 3})
    source = KINDS["source_connection"]
    created = source.make(client, "new")
    assert source.ask(client, "GET", created).status_code == 200
    client.advance(3)
    later = source.make(client, "later")
    assert source.listed(client) == [created]
    assert source.ask(client, "GET", later).status_code == 404


def test_references_lag_behind_creations_but_not_behind_deletions(client: Client) -> None:
    lag(client, "schema", readable=3, gone_by_id=3)
    schema = KINDS["schema"].make(client, "young")
    body = {"name": "d", "schemaRef": {"id": schema, "contentType": f"{XED};version=1"}}
    assert "names no schema" in client.refused("POST", f"{CATALOG}/dataSets", 400, json=body)["detail"]
    client.advance(3)
    dataset = client.make(f"{CATALOG}/dataSets", body)[0].rpartition("/")[2]
    KINDS["dataset"].ask(client, "DELETE", dataset)
    assert KINDS["schema"].ask(client, "DELETE", schema).status_code == 204
    assert KINDS["schema"].ask(client, "GET", schema).status_code == 200
    assert "names no schema" in client.refused("POST", f"{CATALOG}/dataSets", 400, json=body)["detail"]


def test_a_deleted_schema_is_shown_with_its_deleted_field_group(client: Client) -> None:
    for kind in ("schema", "field_group"):
        lag(client, kind, gone=60, gone_by_id=60)
    group = client.make(f"{REGISTRY}/tenant/fieldgroups", field_group("g", {"name": {"type": "string"}}))["$id"]
    references = [{"$ref": PROFILE}, {"$ref": group}]
    body = {"title": "s", "description": "d", "type": "object", "allOf": references}
    created = client.make(f"{REGISTRY}/tenant/schemas", body)
    for kind, identifier in (("schema", created["$id"]), ("field_group", group)):
        assert KINDS[kind].ask(client, "DELETE", identifier).status_code == 204
    for name in (created["$id"], created["meta:altId"]):
        shown = KINDS["schema"].ask(client, "GET", name).json()
        assert shown["meta:extends"] == created["meta:extends"]
    listed = client.ask("GET", f"{REGISTRY}/tenant/schemas", headers={"Accept": XED}).json()["results"]
    assert [one["meta:extends"] for one in listed] == [created["meta:extends"]]
    assert client.get(f"{REGISTRY}/stats")["counts"]["schemas"] == 1


def test_an_import_under_a_deleted_field_groups_id_has_its_own_fields(client: Client) -> None:
    lag(client, "field_group", gone_by_id=60)
    path, full = f"{REGISTRY}/tenant/fieldgroups", {"Accept": XED_FULL}
    created = client.make(path, field_group("g", {"old": {"type": "string"}}))
    address = f"{path}/{created['meta:altId']}"
    assert client.ask("DELETE", address).status_code == 204
    assert '"old"' in client.ask("GET", address, headers=full).text
    new = field_group("g", {"new": {"type": "string"}})
    client.make(f"{REGISTRY}/rpc/import", [{**new, "$id": created["$id"], "meta:resourceType": "mixins"}])
    shown = client.ask("GET", address, headers=full).text
    assert '"new"' in shown
    assert '"old"' not in shown


def test_lags_are_shown_and_kept_until_a_reset(client: Client) -> None:
    lag(client, "dataset", listed=3)
    lag(client, "dataset", gone=0.5)
    lag(client, "schema", readable=1)
    none = {"listed": 0.0, "readable": 0.0, "gone": 0.0, "gone_by_id": 0.0}
    expected = {**dict.fromkeys(KINDS, none), "dataset": {**none, "listed": 3, "gone": 0.5}}
    assert client.control("GET", "options")["lags"] == {**expected, "schema": {**none, "readable": 1}}
    client.control("POST", "reset")
    assert client.control("GET", "options")["lags"] == dict.fromkeys(KINDS, none)


@pytest.mark.parametrize(
    ("lags", "named"),
    [
        ([], "'lags' is []: it must be an object of base_connection, dataflow"),
        ({"flow": {}}, "'flow' is unknown in 'lags': known are base_connection, dataflow"),
        ({"dataset": 3}, "'lags.dataset' is 3: it must be an object of gone, gone_by_id, listed, readable"),
        ({"dataset": {"seen": 3}}, "'seen' is unknown in 'lags.dataset': known are gone, gone_by_id"),
        ({"dataset": {"listed": -1}}, "'lags.dataset.listed' is -1: it must be a number from 0 to"),
        ({"dataset": {"listed": "3"}}, "'lags.dataset.listed' is \"3\": it must be a number from 0 to"),
    ],
)
def test_invalid_lags_are_refused(client: Client, lags: object, named: str) -> None:
    before = client.control("GET", "options")
    body = {"sandbox_admin": True, "lags": lags}
    assert named in client.refused("PUT", "/__emulator__/options", 400, json=body)["error"]
    assert client.control("GET", "options") == before
