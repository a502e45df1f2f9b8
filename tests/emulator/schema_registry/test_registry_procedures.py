"""Procedures of the Schema Registry: unions, export and import, sample data, logs of changes."""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from tests.emulator.client import PROFILE, REGISTRY, XED, XED_FULL, Client, field_group

RPC = f"{REGISTRY}/rpc"
UNIONS = f"{REGISTRY}/tenant/unions"
XED_ID = "application/vnd.adobe.xed-id+json"
SERIAL = itertools.count()
# Headers that accept a change of any version of a resource.
ANY_VERSION = {"If-Match": "*"}
PLACEHOLDER = "<XDM_TENANTID_PLACEHOLDER>"


def read(client: Client, path: str, accept: str) -> Any:
    answer = client.ask("GET", path, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    return answer.json()


def enabled(client: Client, title: str, **own: Any) -> str:
    """Return the id of a schema that is enabled for Profile."""
    schema = client.schema(title, **own)
    identity = {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": schema,
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": f"/_emulator/product/{next(iter(own))}",
        "xdm:namespace": "Email",
        "xdm:property": "xdm:code",
        "xdm:isPrimary": True,
    }
    client.make(f"{REGISTRY}/tenant/descriptors", identity)
    patch = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]
    assert (
        client.ask(
            "PATCH", f"{REGISTRY}/tenant/schemas/{quote(schema, safe='')}", json=patch, headers=ANY_VERSION
        ).status_code
        == 200
    )
    return schema


def test_a_union_has_the_fields_of_all_schemas_of_its_class(client: Client) -> None:
    assert read(client, UNIONS, XED_ID)["results"] == []
    union = quote(f"{PROFILE}__union", safe="")
    missing = client.refused("GET", f"{UNIONS}/{union}", 404, headers={"Accept": XED_FULL})
    assert missing["title"] == "Resource not found"
    enabled(client, "first", mail={"type": "string"})
    enabled(client, "second", phone={"type": "string"})
    client.schema("third", secret={"type": "string"})
    short = {
        "$id": f"{PROFILE}__union",
        "meta:altId": "_xdm.context.profile__union",
        "version": "1.0",
        "title": "XDM Individual Profile",
    }
    assert read(client, UNIONS, XED_ID)["results"] == [short]
    (whole,) = read(client, UNIONS, XED)["results"]
    assert whole["meta:class"] == PROFILE
    assert PROFILE in whole["meta:extends"]
    assert {"$ref": PROFILE} in whole["allOf"]
    for name in (union, short["meta:altId"]):
        assert read(client, f"{UNIONS}/{name}", f"{XED}; version=1") == whole
        full = read(client, f"{UNIONS}/{name}", XED_FULL)
        assert read(client, f"{REGISTRY}/tenant/schemas/{name}", XED_FULL) == full
    held = full["properties"]
    assert held["_emulator"]["properties"]["product"]["properties"].keys() == {"mail", "phone"}
    assert held.keys() >= {"_id", "identityMap", "segmentMembership", "timeSeriesEvents"}
    assert "allOf" not in full
    client.refused("GET", f"{UNIONS}/{union}", 400, headers={"Accept": XED})
    client.refused("GET", UNIONS, 400, headers={"Accept": XED_FULL})


def nested(client: Client) -> tuple[str, str, str]:
    """Return the ids of a data type, a field group that uses it, and a schema that uses the field group."""
    address = {"type": "object", "title": "address", "description": "d", "properties": {"city": {"type": "string"}}}
    kind = client.make(f"{REGISTRY}/tenant/datatypes", address)["$id"]
    group = field_group("places", {"home": {"$ref": kind}})
    group_id = client.make(f"{REGISTRY}/tenant/fieldgroups", group)["$id"]
    references = [{"$ref": PROFILE}, {"$ref": group_id}]
    schema = {"type": "object", "title": "people", "description": "d", "allOf": references}
    return kind, group_id, client.make(f"{REGISTRY}/tenant/schemas", schema)["$id"]


def test_another_sandbox_imports_an_export_with_its_dependencies(client: Client) -> None:
    ids = nested(client)
    exported = client.get(f"{RPC}/export/{quote(ids[2], safe='')}")
    assert [entry["meta:resourceType"] for entry in exported] == ["datatypes", "mixins", "schemas"]
    assert [entry["$id"].replace(PLACEHOLDER, "emulator") for entry in exported] == list(ids)
    assert "emulator" not in str(exported)
    assert not {"imsOrg", "meta:registryMetadata", "meta:containerId"} & exported[0].keys()
    other = Client(client.url, "prod")
    imported = other.make(f"{RPC}/import", exported)
    assert [entry["$id"] for entry in imported] == list(ids)
    path = f"{REGISTRY}/tenant/schemas/{quote(ids[2], safe='')}"
    full = [read(each, path, XED_FULL)["properties"] for each in (client, other)]
    assert full[0] == full[1]
    assert "city" in full[1]["_emulator"]["properties"]["product"]["properties"]["home"]["properties"]


def test_an_import_creates_all_resources_or_none(client: Client) -> None:
    _, _, schema = nested(client)
    exported = client.get(f"{RPC}/export/{quote(schema, safe='')}")
    for bodies, detail in (
        (exported, "already exists"),
        ([{**exported[0], "$id": f"{exported[0]['$id']}0"}], "already exists with the same title"),
        ([], "at least one"),
        ({}, "at least one"),
        ([5], "at least one"),
        ([{**exported[0], "meta:resourceType": "unions"}], "meta:resourceType"),
        ([{**exported[0], "$id": "a/b c"}], "$id"),
    ):
        problem = client.refused("POST", f"{RPC}/import", 400, json=bodies)
        assert problem["type"].endswith("XDM-3005-400")
        assert problem["title"] == "Import Resource Failed"
        assert detail in problem["detail"]
    other = Client(client.url, "prod")
    broken = [*exported[:2], {**exported[2], "allOf": []}]
    other.refused("POST", f"{RPC}/import", 400, json=broken)
    for kind in ("datatypes", "fieldgroups", "schemas"):
        assert read(other, f"{REGISTRY}/tenant/{kind}", XED_ID)["results"] == []
    assert len(other.make(f"{RPC}/import", exported)) == 3


def test_sample_data_are_valid_for_their_schema(client: Client) -> None:
    own = {
        "name": {"type": "string", "maxLength": 3},
        "code": {"type": "string", "minLength": 12},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "level": {"type": "integer", "minimum": 1, "maximum": 5},
        "rate": {"type": "number", "exclusiveMaximum": 0},
        "paid": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
        "labels": {"type": "object", "additionalProperties": {"type": "integer"}},
    }
    schema = client.schema("sample", **own)
    sample = client.get(f"{RPC}/sampledata/{quote(schema, safe='')}")
    product = sample["_emulator"]["product"]
    assert product.keys() == own.keys()
    assert product["lines"] == [{"sku": "string"}]
    assert sample["personID"] == "string"
    tree = {
        "type": "object",
        "properties": read(client, f"{REGISTRY}/tenant/schemas/{quote(schema, safe='')}", XED_FULL)["properties"],
    }
    Draft7Validator(tree).validate(sample)
    assert client.get(f"{RPC}/sampledata/_emulator.schemas.{schema.rpartition('/')[2]}") == sample


def test_the_audit_log_lists_the_changes_of_each_write(client: Client) -> None:
    group = client.make(f"{REGISTRY}/tenant/fieldgroups", field_group("logged", {"a": {"type": "string"}}))
    path = f"{REGISTRY}/tenant/fieldgroups/{group['meta:altId']}"
    own = "/definitions/own/properties/_emulator/properties/product/properties"
    client.advance(60)
    patch = [
        {"op": "replace", "path": "/description", "value": "new"},
        {"op": "add", "path": f"{own}/b~1c", "value": {"type": "integer"}},
    ]
    refused = client.ask("PATCH", path, json=patch, headers=ANY_VERSION)
    assert refused.status_code == 400
    patch[1]["path"] = f"{own}/b"
    assert client.ask("PATCH", path, json=patch, headers=ANY_VERSION).status_code == 200
    assert (
        client.ask("PATCH", path, json=[{"op": "remove", "path": f"{own}/a"}], headers=ANY_VERSION).status_code == 200
    )
    removed, changed, created = client.get(f"{RPC}/auditlog/{group['meta:altId']}")
    about = {"id": group["$id"], "xdmType": "mixins"}
    (only,) = removed["updates"]
    assert only == {
        **about,
        "action": "remove",
        "path": f"{own}/a",
        "value": '{"type": "string", "meta:xdmType": "string"}',
    }
    described, added = changed["updates"]
    assert described == {**about, "action": "replace", "path": "/description", "value": "new"}
    assert (added["action"], added["path"], json.loads(added["value"])["type"]) == ("add", f"{own}/b", "integer")
    assert {update["action"] for update in created["updates"]} == {"add"}
    assert {update["path"] for update in created["updates"]} >= {"/title", "/definitions", "/allOf"}
    for entry in (removed, changed, created):
        assert all(isinstance(update["value"], str) for update in entry["updates"])
        assert (entry["id"], entry["imsOrg"], entry["clientId"]) == (
            group["$id"],
            "EMULATOR@AdobeOrg",
            "emulator-client",
        )
    assert len({entry["requestId"] for entry in (removed, changed, created)}) == 3
    assert created["updatedTime"] < changed["updatedTime"] == removed["updatedTime"]


def _between(least: str, most: str, numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for a lower and an upper bound, of which both, one or none are present."""
    pairs = st.tuples(numbers, numbers).map(sorted)
    both = pairs.map(lambda pair: {least: pair[0], most: pair[1]})
    return both | numbers.map(lambda one: {least: one}) | numbers.map(lambda one: {most: one}) | st.just({})


WHOLE = st.integers(-(10**6), 10**6)
LEAVES = st.one_of(
    _between("minLength", "maxLength", st.integers(0, 60)).map(lambda bounds: {"type": "string", **bounds}),
    st.sampled_from(["date", "date-time"]).map(lambda form: {"type": "string", "format": form}),
    st.lists(st.text(max_size=5), min_size=1, max_size=3, unique=True).map(
        lambda all_: {"type": "string", "enum": all_}
    ),
    _between("minimum", "maximum", WHOLE).map(lambda bounds: {"type": "integer", **bounds}),
    _between("minimum", "maximum", WHOLE).map(lambda bounds: {"type": "number", **bounds}),
    WHOLE.map(lambda edge: {"type": "number", "exclusiveMinimum": edge}),
    WHOLE.map(lambda edge: {"type": "number", "exclusiveMaximum": edge}),
    st.just({"type": "boolean"}),
)
FIELDS = st.recursive(
    LEAVES,
    lambda node: st.one_of(
        node.map(lambda items: {"type": "array", "items": items}),
        st.dictionaries(st.sampled_from("abc"), node, min_size=1).map(
            lambda own: {"type": "object", "properties": own}
        ),
        node.map(lambda held: {"type": "object", "additionalProperties": held}),
    ),
    max_leaves=5,
)


@given(own=st.dictionaries(st.sampled_from("uvwxyz"), FIELDS, min_size=1, max_size=4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sample_data_are_valid_for_any_schema(client: Client, own: dict[str, Any]) -> None:
    schema = quote(client.schema(f"any {next(SERIAL)}", **own), safe="")
    properties = read(client, f"{REGISTRY}/tenant/schemas/{schema}", XED_FULL)["properties"]
    sample = client.get(f"{RPC}/sampledata/{schema}")
    Draft7Validator({"type": "object", "properties": properties}).validate(sample)
    assert sample["_emulator"]["product"].keys() == own.keys()


@pytest.mark.parametrize("procedure", ["export", "sampledata", "auditlog"])
def test_procedures_refuse_unknown_resources(client: Client, procedure: str) -> None:
    group = client.make(f"{REGISTRY}/tenant/fieldgroups", field_group("g", {"a": {}}))["meta:altId"]
    names = ["none", quote("https://ns.adobe.com/emulator/schemas/none", safe=""), "_xdm.context.profile"]
    for name in names + [group] * (procedure == "sampledata"):
        problem = client.refused("GET", f"{RPC}/{procedure}/{name}", 404)
        assert problem["type"].endswith("XDM-1012-404")
