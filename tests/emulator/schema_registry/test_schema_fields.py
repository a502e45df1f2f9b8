"""Constraints of fields in the Schema Registry, and their allowed changes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import XED, Client, field_group
from tests.emulator.schema_registry.registry import ANY_VERSION, GROUPS, problem


def test_whole_numbers_have_the_bounds_of_their_type(client: Client) -> None:
    types = {
        "a": {"type": "integer", "meta:xdmType": "long"},
        "b": {"type": "integer", "maximum": 3000000000},
        "c": {"type": "integer", "meta:xdmType": "byte"},
        "d": {"type": "integer", "minimum": 0},
    }
    created = client.make(GROUPS, field_group("g", types))
    fields = created["definitions"]["own"]["properties"]["_emulator"]["properties"]["product"]["properties"]
    bounds = {name: (node["meta:xdmType"], node["minimum"], node["maximum"]) for name, node in fields.items()}
    assert bounds == {
        "a": ("long", -9007199254740992, 9007199254740992),
        "b": ("long", -9007199254740992, 3000000000),
        "c": ("byte", -128, 127),
        "d": ("int", 0, 2147483647),
    }
    body = field_group("h", {"a": {"type": "integer", "maximum": "9"}})
    assert "product.a" in problem(client, "POST", GROUPS, "1505-400", json=body)


def test_fields_with_data_can_be_added_but_not_removed_or_required(client: Client) -> None:
    client.dataset(client.schema("s", a={"type": "array", "items": {"type": "string"}}, o={"properties": {"b": {}}}))
    group = client.ask("GET", GROUPS, headers={"Accept": XED}).json()["results"][0]
    path = f"{GROUPS}/{group['meta:altId']}"
    place = "/definitions/customFields/properties/_emulator/properties/product"
    for change, named in (
        ({"op": "remove", "path": f"{place}/properties/o/properties/b"}, "o.b"),
        ({"op": "replace", "path": f"{place}/properties/a/items/type", "value": "integer"}, "a[]"),
        ({"op": "add", "path": f"{place}/required", "value": ["a"]}, "product.a"),
        ({"op": "add", "path": "/required", "value": ["_emulator"]}, "_emulator"),
    ):
        assert named in problem(client, "PATCH", path, "1409-400", json=[change], headers=ANY_VERSION)
    grown = {"type": "object", "required": ["x"], "properties": {"x": {}}}
    addition = [{"op": "add", "path": f"{place}/properties/new", "value": grown}]
    assert client.ask("PATCH", path, json=addition, headers=ANY_VERSION).json()["version"] == "1.1"


STRICTER: tuple[tuple[dict[str, Any], str, Any], ...] = (
    ({"type": "string"}, "enum", ["a"]),
    ({"type": "string", "enum": ["a", "b"]}, "enum", ["a"]),
    ({"type": "string"}, "pattern", "^a"),
    ({"type": "string"}, "maxLength", 5),
    ({"type": "string", "maxLength": 5}, "maxLength", 4),
    ({"type": "string", "minLength": 5}, "minLength", 6),
    ({"type": "number", "minimum": 0}, "minimum", 1),
    ({"type": "integer"}, "maximum", 5),
    ({"type": "object", "properties": {}}, "additionalProperties", False),
    ({"type": "object", "additionalProperties": {}}, "additionalProperties", {"type": "string"}),
    ({"type": "string"}, "format", "uri"),
)
LESS_STRICT: tuple[tuple[dict[str, Any], str, Any], ...] = (
    ({"type": "string", "enum": ["a"]}, "enum", ["b", "a"]),
    ({"type": "string", "maxLength": 5}, "maxLength", 6),
    ({"type": "number", "minimum": 1}, "minimum", 0),
    ({"type": "string"}, "meta:enum", {"a": "A"}),
    ({"type": "object", "properties": {}}, "properties", {"a": {"type": "string"}}),
)


@pytest.mark.parametrize("around", ["", "/items", "/additionalProperties"], ids=["field", "array", "map"])
def test_constraints_of_fields_with_data_can_only_be_relaxed(client: Client, around: str) -> None:
    holder = {"/items": "array", "/additionalProperties": "object"}.get(around)
    cases = [*STRICTER, *LESS_STRICT]
    nodes = {f"f{n}": {"type": holder, around[1:]: node} if holder else node for n, (node, _, _) in enumerate(cases)}
    client.dataset(client.schema("s", **nodes))
    group = client.ask("GET", GROUPS, headers={"Accept": XED}).json()["results"][0]
    path = f"{GROUPS}/{group['meta:altId']}"
    place = "/definitions/customFields/properties/_emulator/properties/product/properties"
    for number, (_, member, value) in enumerate(cases):
        change = [{"op": "add", "path": f"{place}/f{number}{around}/{member}", "value": value}]
        if number < len(STRICTER):
            assert f"product.f{number}" in problem(client, "PATCH", path, "1409-400", json=change, headers=ANY_VERSION)
        else:
            assert client.ask("PATCH", path, json=change, headers=ANY_VERSION).status_code == 200


MALFORMED: tuple[dict[str, Any], ...] = (
    {"enum": []},
    {"enum": "a"},
    {"enum": ["a"], "meta:enum": {"b": "B"}},
    {"meta:enum": {"b": 1}},
    {"maxLength": "5"},
    {"pattern": 5},
    {"type": "number", "multipleOf": 0},
    {"type": "array", "uniqueItems": "yes"},
    {"type": "object", "additionalProperties": 5},
    {"type": "object", "additionalProperties": {"type": "money"}},
)


@pytest.mark.parametrize("node", MALFORMED, ids=str)
def test_malformed_constraints_are_refused(client: Client, node: dict[str, Any]) -> None:
    assert "product.a" in problem(client, "POST", GROUPS, "1505-400", json=field_group("g", {"a": node}))


@pytest.mark.parametrize("name", ["first-name", "_a", "a.b", "a b", "name\n", "n\u00e4me", "", "\uff11", "a" * 129])
def test_field_names_with_other_characters_are_refused(client: Client, name: str) -> None:
    for fields in (
        {name: {}},
        {"o": {"properties": {name: {}}}},
        {"l": {"type": "array", "items": {"properties": {name: {}}}}},
    ):
        detail = problem(client, "POST", GROUPS, "1505-400", json=field_group("g", fields))
        assert "its name holds letters, digits and underscores" in detail


@pytest.mark.parametrize("name", ["name", "N", "2nd", "field_name2", "a_", "0"])
def test_field_names_may_begin_with_a_digit(client: Client, name: str) -> None:
    assert client.make(GROUPS, field_group("g", {name: {}}))["version"] == "1.0"


def test_members_without_meaning_for_a_type_are_ignored(client: Client) -> None:
    odd = {"type": "string", "properties": 5, "items": [], "additionalProperties": True}
    client.dataset(client.schema("s", a=odd, b={"type": "string", "properties": {"c": 5}, "items": {"type": 5}}))
    group = client.ask("GET", GROUPS, headers={"Accept": XED}).json()["results"][0]
    place = "/definitions/customFields/properties/_emulator/properties/product/properties"
    patch = [
        {"op": "replace", "path": f"{place}/a/properties", "value": {}},
        {"op": "add", "path": f"{place}/new", "value": {"type": "string"}},
    ]
    assert client.ask("PATCH", f"{GROUPS}/{group['meta:altId']}", json=patch, headers=ANY_VERSION).status_code == 200
    reference = {"$ref": "https://ns.adobe.com/xdm/context/address", "enum": 5, "required": 5}
    problem(client, "POST", GROUPS, "1505-400", json=field_group("g", {"a": reference}))
