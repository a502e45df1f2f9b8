"""Data types of the emulated Schema Registry."""

from __future__ import annotations

from typing import Any

from tests.emulator.client import REGISTRY, XED, Client, field_group
from tests.emulator.schema_registry.registry import ANY_VERSION, GROUPS, problem, show

TYPES = f"{REGISTRY}/tenant/datatypes"
ADDRESS = "https://ns.adobe.com/xdm/common/address"


def type_body(title: str, **fields: Any) -> dict[str, Any]:
    return {"title": title, "description": "d", "type": "object", "properties": fields}


def own(resource: Any) -> Any:
    return resource["properties"]["_emulator"]["properties"]["product"]["properties"]


def test_fields_of_a_data_type(client: Client) -> None:
    money = client.make(TYPES, type_body("Money", value={"type": "number"}, currency={"type": "string"}))
    assert money["$id"].startswith("https://ns.adobe.com/emulator/datatypes/")
    assert (money["meta:resourceType"], money["version"]) == ("datatypes", "1.0")
    fields = {
        "fee": {"$ref": money["$id"], "title": "Fee"},
        "all": {"type": "array", "items": {"$ref": money["$id"]}},
        "home": {"$ref": ADDRESS},
    }
    schema = client.schema("payments", **fields)
    full = own(show(client, f"{REGISTRY}/tenant/schemas/{schema.replace('/', '%2F')}"))
    assert full["fee"]["title"] == "Fee"
    assert full["fee"]["meta:referencedFrom"] == money["$id"]
    assert full["fee"]["properties"]["value"]["type"] == "number"
    assert full["all"]["items"]["properties"].keys() == {"value", "currency"}
    assert "city" in full["home"]["properties"]
    group = client.ask("GET", GROUPS, headers={"Accept": XED}).json()["results"][0]
    short = group["definitions"]["own"]["properties"]["_emulator"]["properties"]["product"]["properties"]
    assert short["fee"] == {"$ref": money["$id"], "title": "Fee", "type": "object", "meta:xdmType": "object"}
    path = f"{TYPES}/{money['meta:altId']}"
    problem(client, "DELETE", path, "1403-400")
    grown = client.ask(
        "PATCH", path, json=[{"op": "add", "path": "/properties/at", "value": {"type": "string"}}], headers=ANY_VERSION
    )
    assert grown.json()["version"] == "1.1"
    assert "at" in own(show(client, f"{REGISTRY}/tenant/schemas/{schema.replace('/', '%2F')}"))["fee"]["properties"]
    client.dataset(schema)
    removal = [{"op": "remove", "path": "/properties/value"}]
    assert "'value'" in problem(client, "PATCH", path, "1409-400", json=removal, headers=ANY_VERSION)


def test_fields_of_data_types_can_be_destinations_of_mappings(client: Client) -> None:
    money = client.make(TYPES, type_body("Money", value={"type": "number"}))
    schema = client.schema("payments", fee={"$ref": money["$id"]}, fees={"type": "array", "items": {"$ref": ADDRESS}})
    lines = [
        {"source": "f", "destination": "_emulator.product.fee.value"},
        {"source": "f", "destination": "_emulator.product.fees[0].city"},
        {"source": "f", "destination": "_emulator.product.fee.none"},
    ]
    body = {"outputSchema": {"schemaRef": {"id": schema, "contentType": "1.0"}}, "mappings": lines}
    answer = client.make("/data/foundation/conversion/mappingSets/validate", body)
    assert [entry["status"] for entry in answer["validationResponse"]] == ["SUCCESS", "SUCCESS", "FAILED"]


def test_invalid_data_types_are_refused(client: Client) -> None:
    group = client.make(GROUPS, field_group("g", {"a": {}}))["$id"]
    for reference, code in (("https://ns.adobe.com/none", "1013-404"), (group, "1504-400")):
        problem(client, "POST", GROUPS, code, json=field_group("h", {"a": {"$ref": reference}}))
    problem(client, "POST", GROUPS, "1505-400", json=field_group("h", {"a": {"$ref": 5}}))
    problem(client, "POST", TYPES, "1501-400", json=type_body("t"))
    problem(client, "POST", TYPES, "1505-400", json=type_body("t", _a={}))
    problem(client, "POST", TYPES, "1521-400", json=type_body("g", a={}))
    problem(client, "GET", f"{TYPES}/none", "1013-404", headers={"Accept": f"{XED};version=1"})


def test_data_types_that_expand_to_too_many_fields_are_refused(client: Client) -> None:
    reference = client.make(TYPES, type_body("t0", **{f"f{number}": {} for number in range(10)}))["$id"]
    for level in range(1, 3):
        many = {f"f{number}": {"$ref": reference} for number in range(10)}
        reference = client.make(TYPES, type_body(f"t{level}", **many))["$id"]
    fields = {f"f{number}": {"$ref": reference} for number in range(10)}
    assert "6000" in problem(client, "POST", TYPES, "1505-400", json=type_body("t3", **fields))
    round_trip = client.make(TYPES, type_body("round", a={}))
    change = [{"op": "add", "path": "/properties/b", "value": {"$ref": round_trip["$id"]}}]
    path = f"{TYPES}/{round_trip['meta:altId']}"
    assert "itself" in problem(client, "PATCH", path, "1505-400", json=change, headers=ANY_VERSION)
    assert show(client, path)["properties"].keys() == {"a"}


def test_global_data_types(client: Client) -> None:
    listed = client.ask("GET", f"{REGISTRY}/global/datatypes", headers={"Accept": XED}).json()["results"]
    assert ADDRESS in {item["$id"] for item in listed}
    assert "city" in show(client, f"{REGISTRY}/global/datatypes/_xdm.common.address")["properties"]
