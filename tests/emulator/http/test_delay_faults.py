"""Faults that delay the effect of a request: lists and reads that lag behind, and requests that are applied later."""

from __future__ import annotations

import pytest
import requests

from tests.emulator.client import (
    CATALOG,
    DATA_PREP,
    PROFILE,
    REGISTRY,
    XED,
    Client,
    field_group,
    mapping_body,
)
from tests.emulator.http.faults import SOURCES, add, post, stored


def test_late_apply_applies_the_request_later_on_the_emulators_clock(client: Client) -> None:
    add(client, "late_apply", seconds=30, status=504)
    assert post(client).status_code == 504
    client.advance(29)
    assert stored(client) == []
    due = client.advance(31)
    (created,) = stored(client)
    assert client.item("sourceConnections", created)["createdAt"] == (due - 30) * 1000


def test_late_apply_closes_the_connection_and_checks_the_request_later(client: Client) -> None:
    gone = client.source()
    add(client, "late_apply", seconds=5, match={"method": "DELETE", "path": f"{SOURCES}/*"})
    with pytest.raises(requests.ConnectionError, match="closed connection"):
        client.ask("DELETE", f"{SOURCES}/{gone}")
    assert stored(client) == [gone]
    client.advance(5)
    assert stored(client) == []
    # When the request is applied, its token has expired, so it has no effect.
    add(client, "late_apply", seconds=86400, status=202)
    assert post(client).status_code == 202
    client.advance(86400)
    assert stored(client) == []


def test_a_reset_cancels_requests_to_apply_later(client: Client) -> None:
    add(client, "late_apply", seconds=1, status=500)
    post(client)
    client.control("POST", "reset")
    client.advance(10)
    assert stored(client) == []


def test_list_lag_hides_created_objects_and_shows_deleted_ones(client: Client) -> None:
    old = client.source(name="old")
    add(client, "list_lag", seconds=60)
    new = client.source(name="new")
    assert client.item("sourceConnections", new)["name"] == "new"
    add(client, "list_lag", seconds=60, match={"method": "DELETE"})
    assert client.ask("DELETE", f"{SOURCES}/{old}").status_code == 204
    client.refused("GET", f"{SOURCES}/{old}", 404)

    def listed() -> list[str]:
        return [item["id"] for item in client.get(SOURCES)["items"]]

    assert listed() == [old]
    later = client.source(name="later")
    assert listed() == [old, later]
    client.advance(59)
    assert listed() == [old, later]
    client.advance(1)
    assert listed() == [new, later]


def test_read_lag_lists_created_objects_before_they_can_be_read(client: Client) -> None:
    add(client, "read_lag", seconds=20)
    new = client.source(name="new")
    assert [item["id"] for item in client.get(SOURCES)["items"]] == [new]
    for method in ("GET", "DELETE"):
        assert client.ask(method, f"{SOURCES}/{new}").status_code == 404
    client.advance(19)
    client.refused("GET", f"{SOURCES}/{new}", 404)
    client.advance(1)
    assert client.item("sourceConnections", new)["name"] == "new"


def test_read_lag_refuses_references_until_the_lag_has_elapsed(client: Client) -> None:
    add(client, "read_lag", seconds=20, times=None, match={"method": "POST"})
    own = {"name": {"type": "string"}}
    group = client.make(f"{REGISTRY}/tenant/fieldgroups", field_group("young fields", own))["$id"]
    references = [{"$ref": PROFILE}, {"$ref": group}]
    schema = {"title": "young", "description": "d", "type": "object", "allOf": references}
    assert client.refused("POST", f"{REGISTRY}/tenant/schemas", 404, json=schema)["title"] == "Resource not found"
    client.advance(20)
    schema_id = client.make(f"{REGISTRY}/tenant/schemas", schema)["$id"]
    dataset = {"name": "young", "schemaRef": {"id": schema_id, "contentType": f"{XED};version=1"}}
    client.refused("POST", f"{CATALOG}/dataSets", 400, json=dataset)
    client.refused("POST", f"{DATA_PREP}/mappingSets", 400, json=mapping_body(schema_id, ("Id", "_id")))
    client.advance(20)
    assert client.make(f"{CATALOG}/dataSets", dataset)


def test_lists_of_other_services_lag_too(client: Client) -> None:
    add(client, "list_lag", seconds=10, times=None, match={"method": "POST"})
    schema = client.schema()
    dataset = client.dataset(schema)
    titles = f"{REGISTRY}/tenant/schemas"
    assert client.ask("GET", titles, headers={"Accept": XED}).json()["results"] == []
    assert client.get(f"{CATALOG}/dataSets") == {}
    assert list(client.get(f"{CATALOG}/dataSets/{dataset}")) == [dataset]
    client.advance(10)
    assert [one["$id"] for one in client.ask("GET", titles, headers={"Accept": XED}).json()["results"]] == [schema]
    assert list(client.get(f"{CATALOG}/dataSets")) == [dataset]
