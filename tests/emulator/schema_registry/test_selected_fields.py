"""Schemas that take only some fields of a field group, by ``meta:refProperty``."""

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


def entry(target: str, taken: Any) -> dict[str, Any]:
    return {"$ref": target, "meta:refProperty": taken}


def body_of(*entries: dict[str, Any], title: str = "taken") -> dict[str, Any]:
    body = schema_body(title, PROFILE)
    body["allOf"] += entries
    return body


def schema(client: Client, *entries: dict[str, Any], title: str = "taken") -> str:
    return str(client.make(SCHEMAS, body_of(*entries, title=title))["$id"])


def address(identifier: str) -> str:
    return f"{SCHEMAS}/{quote(identifier, safe='')}"


def names(node: Any) -> Any:
    """The names of fields as a tree; None for a field that holds no others."""
    for member in ("items", "additionalProperties"):
        if isinstance(node.get(member), dict):
            return {member: names(node[member])}
    return {name: names(child) for name, child in node["properties"].items()} if node.get("properties") else None


def product_of(client: Client, identifier: str) -> Any:
    properties = show(client, address(identifier))["properties"]
    return names(properties["_emulator"]["properties"]["product"]) if "_emulator" in properties else None


@pytest.mark.parametrize(
    ("taken", "expected"),
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
def test_a_schema_has_only_the_fields_that_it_takes(client: Client, taken: list[str], expected: Any, form: str) -> None:
    pointers, target = [PRODUCT + pointer for pointer in taken], group(client)
    entries = [entry(target, pointers)] if form == "list" else [entry(target, pointer) for pointer in pointers]
    made = schema(client, *entries)
    assert product_of(client, made) == expected
    short = show(client, address(made), "xed")
    common = {"type": "object", "meta:xdmType": "object"}
    assert short["allOf"] == [{"$ref": PROFILE, **common}, *({**one, **common} for one in entries)]
    assert short["refs"] == [PROFILE, target]
    assert target in short["meta:extends"]


def test_fields_of_adobes_groups_are_taken_alike(client: Client) -> None:
    made = schema(client, entry(PERSON, ["/person/name/firstName", "/person/birthDate"]))
    person = show(client, address(made))["properties"]["person"]
    assert names(person) == {"name": {"firstName": None}, "birthDate": None}
    assert person["properties"]["birthDate"]["format"] == "date"
    without = show(client, address(made), "xed-full-notext")["properties"]["person"]["properties"]
    assert "title" not in without["name"]["properties"]["firstName"]


def test_a_group_that_is_referred_to_as_a_whole_too_is_taken_whole(client: Client) -> None:
    target = group(client)
    made = schema(client, entry(target, f"{PRODUCT}/name"), {"$ref": target})
    assert product_of(client, made).keys() == FIELDS.keys()


def test_what_is_not_taken_is_not_required(client: Client) -> None:
    target = group(client, required=("name", "size"))
    made = schema(client, entry(target, f"{PRODUCT}/size/height"))
    product = show(client, address(made))["properties"]["_emulator"]["properties"]["product"]
    assert product["required"] == ["size"]


def test_rows_and_mappings_carry_only_what_is_taken(client: Client) -> None:
    made = schema(client, entry(group(client), [f"{PRODUCT}/name", f"{PRODUCT}/size/height"]))
    body = mapping_body(made, *(("x", f"_emulator.product.{path}") for path in ("name", "size.height", "size.width")))
    answer = client.make(f"{DATA_PREP}/mappingSets/validate", body)
    assert [one["status"] for one in answer["validationResponse"]] == ["SUCCESS", "SUCCESS", "FAILED"]
    whole = ("EXPRESSION", 'to_object("height", "2")', "_emulator.product.size")
    assert ingest(client, made, whole).rows[0] == {"_emulator": {"product": {"size": {"height": 2}}}}
    more = ("EXPRESSION", 'to_object("height", 1, "width", 2)', "_emulator.product.size")
    assert ingest(client, made, more).codes == {"INGEST-1554-400": PLAN_ROWS}


def test_descriptors_name_fields_that_are_taken(client: Client) -> None:
    made = schema(client, entry(group(client), f"{PRODUCT}/name"))
    descriptor = {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": made,
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
    ("taken", "code", "named"),
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
def test_what_cannot_be_taken_is_refused(client: Client, taken: Any, code: str, named: str) -> None:
    body = body_of(entry(group(client), taken))
    assert named in problem(client, "POST", SCHEMAS, code, json=body)


def test_only_field_groups_have_fields_to_take(client: Client) -> None:
    body = schema_body("s")
    body["allOf"] = [entry(PROFILE, "/personID")]
    assert PROFILE in problem(client, "POST", SCHEMAS, "1501-400", json=body)


def test_fields_are_added_by_patches_and_replaced_by_puts(client: Client) -> None:
    target = group(client)
    made = schema(client, {"$ref": target}, title="changing")
    body = body_of(entry(target, f"{PRODUCT}/name"), title="changing")
    assert client.ask("PUT", address(made), json=body).status_code == 200
    assert product_of(client, made) == {"name": None}
    addition = [{"op": "add", "path": "/allOf/-", "value": entry(target, [f"{PRODUCT}/size/width"])}]
    answer = client.ask("PATCH", address(made), json=addition, headers=ANY_VERSION)
    assert answer.json()["allOf"][2]["meta:refProperty"] == [f"{PRODUCT}/size/width"]
    assert product_of(client, made) == {"name": None, "size": {"width": None}}
    change = [{"op": "replace", "path": "/allOf/1/meta:refProperty", "value": f"{PRODUCT}/lines"}]
    assert client.ask("PATCH", address(made), json=change, headers=ANY_VERSION).status_code == 200
    assert product_of(client, made).keys() == {"lines", "size"}
    unknown = [{"op": "add", "path": "/allOf/2/meta:refProperty/-", "value": f"{PRODUCT}/none"}]
    problem(client, "PATCH", address(made), "1505-400", json=unknown, headers=ANY_VERSION)
    assert product_of(client, made).keys() == {"lines", "size"}


def test_with_data_more_may_be_taken_and_never_less(client: Client) -> None:
    target = group(client)
    made = schema(client, entry(target, [f"{PRODUCT}/name", f"{PRODUCT}/size"]), title="data")
    client.dataset(made)
    for fewer in (f"{PRODUCT}/name", [f"{PRODUCT}/name", f"{PRODUCT}/size/width"]):
        body = body_of(entry(target, fewer), title="data")
        assert f"{PRODUCT}/size" in problem(client, "PUT", address(made), "1409-400", json=body)
    for more in (
        [entry(target, [f"{PRODUCT}/name", f"{PRODUCT}/size", f"{PRODUCT}/lines/items/sku"])],
        [entry(target, PRODUCT)],
        [{"$ref": target}],
    ):
        assert client.ask("PUT", address(made), json=body_of(*more, title="data")).status_code == 200
    body = body_of(entry(target, PRODUCT), title="data")
    assert "as a whole" in problem(client, "PUT", address(made), "1409-400", json=body)


def test_a_field_that_a_schema_takes_stays_in_its_group(client: Client) -> None:
    target = group(client)
    made = schema(client, entry(target, f"{PRODUCT}/name"))
    path = f"{GROUPS}/{quote(target, safe='')}"
    place = "/definitions/customFields/properties/_emulator/properties/product/properties"
    taken = [{"op": "remove", "path": f"{place}/name"}]
    assert f"{PRODUCT}/name" in problem(client, "PATCH", path, "1505-400", json=taken, headers=ANY_VERSION)
    assert (
        client.ask("PATCH", path, json=[{"op": "remove", "path": f"{place}/size"}], headers=ANY_VERSION).status_code
        == 200
    )
    assert product_of(client, made) == {"name": None}
