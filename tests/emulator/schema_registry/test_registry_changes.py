"""Changes of registry resources: PATCH, PUT, DELETE, If-Match, and references to unknown resources."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.client import PROFILE, REGISTRY, XED, Client, field_group
from tests.emulator.schema_registry.registry import ANY_VERSION, CLASSES, GROUPS, SCHEMAS, problem, schema_body, show


def test_old_definitions_can_be_patched_by_name(client: Client) -> None:
    created = client.make(GROUPS, field_group("g", {"a": {}}))
    path = f"{GROUPS}/{created['meta:altId']}"
    for place in ("/definitions/own/properties", "/definitions/customFields/properties", "/properties"):
        patch = [{"op": "add", "path": f"{place}/_emulator/properties/{place.count('/')}{len(place)}", "value": {}}]
        answer = client.ask("PATCH", path, json=patch, headers=ANY_VERSION)
        assert answer.status_code == 200, answer.text
    fields = show(client, path)["properties"]["_emulator"]["properties"]
    assert fields.keys() == {"product", "327", "336", "111"}


def test_a_change_of_another_version_is_refused(client: Client) -> None:
    created = client.make(SCHEMAS, schema_body("s", PROFILE))
    path, etag = f"{SCHEMAS}/{created['meta:altId']}", created["meta:registryMetadata"]["eTag"]
    patch = [{"op": "replace", "path": "/description", "value": "new"}]
    assert client.ask("PATCH", path, json=patch, headers={"If-Match": etag}).status_code == 200
    for method, body in (("PATCH", patch), ("PUT", schema_body("t", PROFILE))):
        problem(client, method, path, "1012-412", json=body, headers={"If-Match": etag})
    new = show(client, path)["meta:registryMetadata"]["eTag"]
    for given in (f'"{new}"', "*"):
        assert client.ask("PATCH", path, json=patch, headers={"If-Match": given}).status_code == 200


def test_a_patch_without_if_match_is_refused_unless_the_option_is_off(client: Client) -> None:
    kinds: tuple[tuple[str, Any], ...] = (
        (SCHEMAS, schema_body("s", PROFILE)),
        (GROUPS, field_group("g", {"a": {}})),
        (CLASSES, schema_body("c", "https://ns.adobe.com/xdm/data/record")),
        (f"{REGISTRY}/tenant/datatypes", {"title": "t", "type": "object", "properties": {"a": {"type": "string"}}}),
    )
    patch = [{"op": "replace", "path": "/description", "value": "new"}]
    paths = {f"{kind}/{client.make(kind, body)['meta:altId']}": body for kind, body in kinds}
    for path, body in paths.items():
        for headers in ({}, {"If-Match": ""}):
            assert "If-Match" in problem(client, "PATCH", path, "1018-428", json=patch, headers=headers)
        assert client.refused("PATCH", path, 428, json=patch)["title"] == "Precondition Required"
        assert show(client, path).get("description") != "new"
        # Records show this for a PATCH only; Adobe's samples of a PUT send no If-Match.
        assert client.ask("PUT", path, json=body).status_code == 200
    client.control("PUT", "options", json={"registry_requires_if_match": False})
    for path in paths:
        assert client.ask("PATCH", path, json=patch).json()["description"] == "new"
        assert client.ask("DELETE", path).status_code == 204


@pytest.mark.parametrize("name", ["mixins", "classes", "datatypes", "schemas", ""])
def test_an_unknown_reference_is_not_found(client: Client, name: str) -> None:
    unknown = f"https://ns.adobe.com/emulator/{name}/none".replace("//none", "/none")
    path = f"{SCHEMAS}/{client.make(SCHEMAS, schema_body('s', PROFILE))['meta:altId']}"
    number = {"classes": "1010", "datatypes": "1013", "schemas": "1012"}.get(name, "1011")
    addition = [{"op": "add", "path": "/allOf/-", "value": {"$ref": unknown}}]
    for method, where, body in (
        ("PATCH", path, addition),
        ("PUT", path, schema_body("s", PROFILE, unknown)),
        ("POST", SCHEMAS, schema_body("t", PROFILE, unknown)),
        ("POST", GROUPS, {**field_group("g", {"a": {}}), "allOf": [{"$ref": unknown}]}),
    ):
        assert unknown in problem(client, method, where, f"{number}-404", json=body, headers=ANY_VERSION)
        assert client.refused(method, where, 404, json=body, headers=ANY_VERSION)["title"] == "Resource not found"
    assert [entry["$ref"] for entry in show(client, path, "xed")["allOf"]] == [PROFILE]


@pytest.mark.parametrize("nested", [lambda ref: ref, lambda ref: {"type": "array", "items": ref}])
def test_an_unknown_data_type_of_a_field_is_not_found(client: Client, nested: Any) -> None:
    field = nested({"$ref": "https://ns.adobe.com/none"})
    problem(client, "POST", GROUPS, "1013-404", json=field_group("g", {"a": field}))


def test_every_operation_of_json_patch_is_applied(client: Client) -> None:
    path = f"{SCHEMAS}/{client.make(SCHEMAS, schema_body('s', PROFILE))['meta:altId']}"
    patch = [
        {"op": "test", "path": "/title", "value": "s"},
        {"op": "copy", "from": "/title", "path": "/description"},
        {"op": "add", "path": "/meta:immutableTags", "value": []},
        {"op": "move", "from": "/description", "path": "/meta:immutableTags/-"},
        {"op": "add", "path": "/description", "value": "d"},
        {"op": "remove", "path": "/meta:immutableTags/0"},
    ]
    changed = client.ask("PATCH", path, json=patch, headers=ANY_VERSION).json()
    assert (changed["description"], changed["meta:immutableTags"]) == ("d", [])
    for refused in (
        {"op": "test", "path": "/title", "value": "t"},
        {"op": "copy", "path": "/description"},
        {"op": "move", "from": "/nothing", "path": "/description"},
        {"op": "move", "from": "/allOf", "path": "/allOf/0"},
        {"op": "remove", "path": "/allOf/7"},
        {"op": "remove", "path": "/title/x"},
    ):
        problem(client, "PATCH", path, "1010-400", json=[refused], headers=ANY_VERSION)


def test_patch_put_and_delete(client: Client) -> None:
    identifier = client.schema()
    group = client.ask("GET", GROUPS, headers={"Accept": XED}).json()["results"][0]
    path = f"{GROUPS}/{group['meta:altId']}"
    place = "/definitions/customFields/properties/_emulator/properties/product/properties"
    patch = [{"op": "add", "path": f"{place}/price", "value": {"type": "number"}}]
    answer = client.ask("PATCH", path, json=patch, headers=ANY_VERSION)
    assert answer.status_code == 200
    assert answer.json()["version"] == "1.1"
    assert answer.json()["meta:registryMetadata"]["eTag"] != group["meta:registryMetadata"]["eTag"]
    schema = f"{SCHEMAS}/{quote(identifier, safe='')}"
    assert "price" in show(client, schema)["properties"]["_emulator"]["properties"]["product"]["properties"]
    problem(client, "DELETE", path, "1403-400")
    client.dataset(identifier)
    problem(client, "PATCH", path, "1409-400", json=[{"op": "remove", "path": f"{place}/price"}], headers=ANY_VERSION)
    problem(client, "DELETE", schema, "1403-400")
    problem(client, "PATCH", path, "1010-400", json=[{"op": "remove", "path": "/nowhere"}], headers=ANY_VERSION)
    problem(client, "PATCH", path, "1010-400", json={}, headers=ANY_VERSION)
    lonely = client.make(SCHEMAS, schema_body("lonely", PROFILE))
    lonely_path = f"{SCHEMAS}/{lonely['meta:altId']}"
    renamed = client.ask("PUT", lonely_path, json=schema_body("renamed", PROFILE), headers=ANY_VERSION)
    assert renamed.json()["title"] == "renamed"
    assert client.ask("DELETE", lonely_path).status_code == 204
    problem(client, "DELETE", lonely_path, "1012-404")
