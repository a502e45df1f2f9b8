"""Schemas that select only some fields of a field group, by ``meta:refProperty``."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.client import DATA_PREP, PROFILE, REGISTRY, Client, field_group, mapping_body
from tests.emulator.records import PLAN_ROWS, ingest
from tests.emulator.schema_registry.registry import ANY_VERSION, GROUPS, SCHEMAS, problem, schema_body, show

PERSON = "https://ns.adobe.com/xdm/context/profile-person-details"
PRODUCT = "/_emulator/product"
FIELDS: dict[str, Any] = {
    "name": {"type": "string"},
    "size": {"type": "object", "properties": {"height": {"type": "number"}, "width": {"type": "number"}}},
    "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {}, "price": {"type": "number"}}}},
    "labels": {"type": "object", "additionalProperties": {"type": "object", "properties": {"a": {}, "b": {}}}},
}


def group(client: Client, title: str = "g", required: tuple[str, ...] = (), **fields: Any) -> str:
    body = field_group(title, fields or FIELDS)
    product = body["definitions"]["own"]["properties"]["_emulator"]["properties"]["product"]
    product["required"] = list(required)
    return str(client.make(GROUPS, body)["$id"])


def entry(target: str, selected: Any) -> dict[str, Any]:
    return {"$ref": target, "meta:refProperty": selected}


def body_of(*entries: dict[str, Any], title: str = "selected") -> dict[str, Any]:
    body = schema_body(title, PROFILE)
    body["allOf"] += entries
    return body


def schema(client: Client, *entries: dict[str, Any], title: str = "selected") -> str:
    return str(client.make(SCHEMAS, body_of(*entries, title=title))["$id"])


def address(identifier: str) -> str:
    return f"{SCHEMAS}/{quote(identifier, safe='')}"


def names(node: Any) -> Any:
    """Return the names of fields as a tree; None for a field without fields of its own."""
    for member in ("items", "additionalProperties"):
        if isinstance(node.get(member), dict):
            return {member: names(node[member])}
    return {name: names(child) for name, child in node["properties"].items()} if node.get("properties") else None


def product_of(client: Client, identifier: str) -> Any:
    properties = show(client, address(identifier))["properties"]
    return names(properties["_emulator"]["properties"]["product"]) if "_emulator" in properties else None


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        (["/name"], {"name": None}),
        (["/size/height"], {"size": {"height": None}}),
        (["/size/height", "/size/width"], {"size": {"height": None, "width": None}}),
        (["/size", "/size/width"], {"size": {"height": None, "width": None}}),
        (["/name", "/lines/items/sku"], {"name": None, "lines": {"items": {"sku": None}}}),
        (["/lines/items/sku", "/lines/items/price"], {"lines": {"items": {"sku": None, "price": None}}}),
        (["/labels/additionalProperties/a"], {"labels": {"additionalProperties": {"a": None}}}),
    ],
    ids=str,
)
@pytest.mark.parametrize("form", ["list", "entries"])
def test_a_schema_has_only_the_fields_that_it_selects(
    client: Client, selected: list[str], expected: Any, form: str
) -> None:
    pointers, target = [PRODUCT + pointer for pointer in selected], group(client)
    entries = [entry(target, pointers)] if form == "list" else [entry(target, pointer) for pointer in pointers]
    created = schema(client, *entries)
    assert product_of(client, created) == expected
    short = show(client, address(created), "xed")
    common = {"type": "object", "meta:xdmType": "object"}
    assert short["allOf"] == [{"$ref": PROFILE, **common}, *({**one, **common} for one in entries)]
    assert short["refs"] == [PROFILE, target]
    assert target in short["meta:extends"]


def test_fields_of_global_field_groups_can_be_selected_too(client: Client) -> None:
    created = schema(client, entry(PERSON, ["/person/name/firstName", "/person/birthDate"]))
    person = show(client, address(created))["properties"]["person"]
    assert names(person) == {"name": {"firstName": None}, "birthDate": None}
    assert person["properties"]["birthDate"]["format"] == "date"
    without = show(client, address(created), "xed-full-notext")["properties"]["person"]["properties"]
    assert "title" not in without["name"]["properties"]["firstName"]


def test_a_reference_to_a_whole_group_overrides_selected_fields(client: Client) -> None:
    target = group(client)
    created = schema(client, entry(target, f"{PRODUCT}/name"), {"$ref": target})
    assert product_of(client, created).keys() == FIELDS.keys()


def test_fields_that_are_not_selected_are_not_required(client: Client) -> None:
    target = group(client, required=("name", "size"))
    created = schema(client, entry(target, f"{PRODUCT}/size/height"))
    product = show(client, address(created))["properties"]["_emulator"]["properties"]["product"]
    assert product["required"] == ["size"]


def test_mappings_and_rows_are_limited_to_selected_fields(client: Client) -> None:
    created = schema(client, entry(group(client), [f"{PRODUCT}/name", f"{PRODUCT}/size/height"]))
    body = mapping_body(
        created, *(("x", f"_emulator.product.{path}") for path in ("name", "size.height", "size.width"))
    )
    answer = client.make(f"{DATA_PREP}/mappingSets/validate", body)
    assert [one["status"] for one in answer["validationResponse"]] == ["SUCCESS", "SUCCESS", "FAILED"]
    whole = ("EXPRESSION", 'to_object("height", "2")', "_emulator.product.size")
    assert ingest(client, created, whole).rows[0] == {"_emulator": {"product": {"size": {"height": 2}}}}
    more = ("EXPRESSION", 'to_object("height", 1, "width", 2)', "_emulator.product.size")
    assert ingest(client, created, more).codes == {"INGEST-1554-400": PLAN_ROWS}


def test_descriptors_can_only_name_selected_fields(client: Client) -> None:
    created = schema(client, entry(group(client), f"{PRODUCT}/name"))
    descriptor = {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": created,
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": f"{PRODUCT}/name",
        "xdm:namespace": "Email",
        "xdm:property": "xdm:code",
    }
    path = f"{REGISTRY}/tenant/descriptors"
    client.make(path, descriptor)
    other = {**descriptor, "xdm:sourceProperty": f"{PRODUCT}/size/height"}
    assert f"{PRODUCT}/size/height" in problem(client, "POST", path, "1520-400", json=other)


@pytest.mark.parametrize(
    ("selected", "code", "named"),
    [
        (f"{PRODUCT}/none", "1505-400", f"{PRODUCT}/none"),
        ([f"{PRODUCT}/name", f"{PRODUCT}/name/deeper"], "1505-400", f"{PRODUCT}/name/deeper"),
        ([f"{PRODUCT}/size/depth"], "1505-400", f"{PRODUCT}/size/depth"),
        ("/properties/_emulator", "1505-400", "/properties"),
        ("/", "1505-400", "/"),
        ("_emulator/product", "1501-400", "slash"),
        ("", "1501-400", "slash"),
        ([], "1501-400", "meta:refProperty"),
        ([5], "1501-400", "meta:refProperty"),
        ({"a": 1}, "1501-400", "meta:refProperty"),
    ],
    ids=str,
)
def test_invalid_selections_are_refused(client: Client, selected: Any, code: str, named: str) -> None:
    body = body_of(entry(group(client), selected))
    assert named in problem(client, "POST", SCHEMAS, code, json=body)


def test_fields_can_be_selected_from_field_groups_only(client: Client) -> None:
    body = schema_body("s")
    body["allOf"] = [entry(PROFILE, "/personID")]
    assert PROFILE in problem(client, "POST", SCHEMAS, "1501-400", json=body)


def test_a_patch_adds_selected_fields_and_a_put_replaces_them(client: Client) -> None:
    target = group(client)
    created = schema(client, {"$ref": target}, title="changing")
    body = body_of(entry(target, f"{PRODUCT}/name"), title="changing")
    assert client.ask("PUT", address(created), json=body).status_code == 200
    assert product_of(client, created) == {"name": None}
    addition = [{"op": "add", "path": "/allOf/-", "value": entry(target, [f"{PRODUCT}/size/width"])}]
    answer = client.ask("PATCH", address(created), json=addition, headers=ANY_VERSION)
    assert answer.json()["allOf"][2]["meta:refProperty"] == [f"{PRODUCT}/size/width"]
    assert product_of(client, created) == {"name": None, "size": {"width": None}}
    change = [{"op": "replace", "path": "/allOf/1/meta:refProperty", "value": f"{PRODUCT}/lines"}]
    assert client.ask("PATCH", address(created), json=change, headers=ANY_VERSION).status_code == 200
    assert product_of(client, created).keys() == {"lines", "size"}
    unknown = [{"op": "add", "path": "/allOf/2/meta:refProperty/-", "value": f"{PRODUCT}/none"}]
    problem(client, "PATCH", address(created), "1505-400", json=unknown, headers=ANY_VERSION)
    assert product_of(client, created).keys() == {"lines", "size"}


def test_a_schema_with_data_can_select_more_fields_but_not_fewer(client: Client) -> None:
    target = group(client)
    created = schema(client, entry(target, [f"{PRODUCT}/name", f"{PRODUCT}/size"]), title="data")
    client.dataset(created)
    for fewer in (f"{PRODUCT}/name", [f"{PRODUCT}/name", f"{PRODUCT}/size/width"]):
        body = body_of(entry(target, fewer), title="data")
        assert f"{PRODUCT}/size" in problem(client, "PUT", address(created), "1409-400", json=body)
    for more in (
        [entry(target, [f"{PRODUCT}/name", f"{PRODUCT}/size", f"{PRODUCT}/lines/items/sku"])],
        [entry(target, PRODUCT)],
        [{"$ref": target}],
    ):
        assert client.ask("PUT", address(created), json=body_of(*more, title="data")).status_code == 200
    body = body_of(entry(target, PRODUCT), title="data")
    assert "as a whole" in problem(client, "PUT", address(created), "1409-400", json=body)


def test_a_field_that_a_schema_selects_cannot_be_removed(client: Client) -> None:
    target = group(client)
    created = schema(client, entry(target, f"{PRODUCT}/name"))
    path = f"{GROUPS}/{quote(target, safe='')}"
    place = "/definitions/customFields/properties/_emulator/properties/product/properties"
    selected = [{"op": "remove", "path": f"{place}/name"}]
    assert f"{PRODUCT}/name" in problem(client, "PATCH", path, "1505-400", json=selected, headers=ANY_VERSION)
    assert (
        client.ask("PATCH", path, json=[{"op": "remove", "path": f"{place}/size"}], headers=ANY_VERSION).status_code
        == 200
    )
    assert product_of(client, created) == {"name": None}
