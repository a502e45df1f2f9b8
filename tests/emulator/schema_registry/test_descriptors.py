"""Descriptors of the emulated Schema Registry."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import PROFILE, REGISTRY, XED, Client
from tests.emulator.schema_registry.registry import ANY_VERSION, SCHEMAS, problem, schema_body, show

DESCRIPTORS = f"{REGISTRY}/tenant/descriptors"
IDENTITY_MAP = "https://ns.adobe.com/xdm/context/identitymap"
UNION = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]


def identity(schema: str, path: str = "/_emulator/product/email", **changes: Any) -> dict[str, Any]:
    return {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": schema,
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": path,
        "xdm:namespace": "Email",
        "xdm:property": "xdm:code",
        "xdm:isPrimary": True,
        **changes,
    }


def people(client: Client, title: str = "people") -> str:
    return client.schema(title, email={"type": "string"}, other={"type": "string"})


def accept(form: str) -> dict[str, str]:
    return {"Accept": f"application/vnd.adobe.{form}+json"}


def test_a_descriptor_is_created_read_replaced_and_deleted(client: Client) -> None:
    schema = people(client)
    descriptor = client.make(DESCRIPTORS, identity(schema))
    assert descriptor.items() >= identity(schema).items()
    assert (descriptor["meta:containerId"], descriptor["imsOrg"], descriptor["version"]) == (
        "tenant",
        "EMULATOR@AdobeOrg",
        "1",
    )
    path = f"{DESCRIPTORS}/{descriptor['@id']}"
    for headers in ({}, accept("xdm"), {"Accept": "application/json"}):
        assert client.ask("GET", path, headers=headers).json() == descriptor
    problem(client, "GET", path, "1009-400", headers={"Accept": f"{XED};version=1"})
    client.advance(3)
    changed = client.ask("PUT", path, json=identity(schema, "/_emulator/product/other"))
    assert changed.status_code == 200
    assert changed.json()["xdm:sourceProperty"] == "/_emulator/product/other"
    assert changed.json()["created"] == descriptor["created"] < changed.json()["updated"]
    assert client.ask("DELETE", path).status_code == 204
    for method, options in (("GET", {}), ("DELETE", {}), ("PUT", {"json": identity(schema)})):
        assert descriptor["@id"] in problem(client, method, path, "1014-404", **options)


def test_descriptors_are_listed_by_type_in_three_forms(client: Client) -> None:
    schema = people(client)
    one = client.make(DESCRIPTORS, identity(schema))
    two = client.make(DESCRIPTORS, identity(schema, "/_emulator/product/other", **{"xdm:isPrimary": False}))
    title = {"@type": "xdm:alternateDisplayInfo", "xdm:sourceSchema": schema, "xdm:sourceProperty": "/_id"}
    three = client.make(DESCRIPTORS, {**title, "xdm:title": {"en_us": "Id"}})

    def listed(form: str, **params: Any) -> Any:
        return client.ask("GET", DESCRIPTORS, headers=accept(form), params=params).json()

    kinds = ("xdm:descriptorIdentity", "xdm:alternateDisplayInfo")
    assert listed("xdm") == dict(zip(kinds, ([one, two], [three]), strict=True))
    assert listed("xdm-id") == dict(zip(kinds, ([one["@id"], two["@id"]], [three["@id"]]), strict=True))
    assert listed("xdm-link")[kinds[1]] == [f"/tenant/descriptors/{three['@id']}"]
    assert listed("xdm-id", property="xdm:isPrimary==true") == {kinds[0]: [one["@id"]]}
    page = listed("xdm-v2", orderby="xdm:sourceProperty", limit=1)
    assert page["results"] == [one]
    assert page["_page"] == {"orderby": "xdm:sourceProperty", "next": one["xdm:sourceProperty"], "count": 1}
    rest = listed("xdm-v2-id", orderby="xdm:sourceProperty", start=page["_page"]["next"])
    assert rest["results"] == [two["@id"], three["@id"]]
    for form in ("xed", "xed-id", "xdm-v3", "xdm-full"):
        problem(client, "GET", DESCRIPTORS, "1008-400", headers=accept(form))
    problem(client, "GET", DESCRIPTORS, "1008-400")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"@type": "xdm:descriptorMagic"}, "@type"),
        ({"@type": None}, "@type"),
        ({"xdm:sourceSchema": "https://ns.adobe.com/none"}, "xdm:sourceSchema"),
        ({"xdm:sourceSchema": PROFILE}, "xdm:sourceSchema"),
        ({"xdm:sourceSchema": 5}, "xdm:sourceSchema"),
        ({"xdm:sourceVersion": 2}, "xdm:sourceVersion"),
        ({"xdm:sourceProperty": "/_emulator/product/none"}, "/_emulator/product/none"),
        ({"xdm:sourceProperty": "_id"}, "xdm:sourceProperty"),
        ({"xdm:sourceProperty": ["/_id"]}, "xdm:sourceProperty"),
        ({"xdm:sourceProperty": None}, "xdm:sourceProperty"),
        ({"xdm:sourceProperty": "/_emulator/product"}, "identity"),
        ({"xdm:namespace": None}, "xdm:namespace"),
        ({"xdm:property": "xdm:name"}, "xdm:property"),
        ({"xdm:isPrimary": "yes"}, "xdm:isPrimary"),
        ({"@type": "xdm:descriptorReferenceIdentity"}, "xdm:identityNamespace"),
        ({"@type": "xdm:descriptorOneToOne"}, "xdm:destinationSchema"),
        ({"@type": "xdm:descriptorRelationship", "xdm:destinationSchema": "x"}, "xdm:cardinality"),
        ({"@type": "xdm:descriptorOneToOne", "xdm:destinationSchema": "x"}, "xdm:destinationSchema"),
    ],
)
def test_invalid_descriptors_are_refused(client: Client, change: dict[str, Any], named: str) -> None:
    body = {**identity(people(client)), **change}
    assert named in problem(client, "POST", DESCRIPTORS, "1520-400", json=body)
    assert client.ask("GET", DESCRIPTORS, headers=accept("xdm")).json() == {}


def test_a_schema_has_one_primary_identity(client: Client) -> None:
    schema, other = people(client), people(client, "others")
    path = f"{DESCRIPTORS}/{client.make(DESCRIPTORS, identity(schema))['@id']}"
    second = identity(schema, "/_emulator/product/other")
    assert schema in problem(client, "POST", DESCRIPTORS, "1520-400", json=second)
    client.make(DESCRIPTORS, identity(other))
    assert client.ask("PUT", path, json=second).status_code == 200


def test_schemas_contain_their_descriptors_and_delete_them(client: Client) -> None:
    schema = people(client)
    path = f"{SCHEMAS}/{schema.replace('/', '%2F')}"
    descriptor = client.make(DESCRIPTORS, identity(schema))
    old = {"@type": "xdm:descriptorDeprecated", "xdm:sourceSchema": schema}
    client.make(DESCRIPTORS, {**old, "xdm:sourceProperty": ["/personID", "/_emulator/product/other"]})
    assert show(client, path, "xed-full-desc")["meta:descriptors"][0] == descriptor
    assert "meta:descriptors" not in show(client, path)
    marked = show(client, path, "xed-deprecatefield")["properties"]
    plain = show(client, path)["properties"]
    for tree, status in ((marked, "deprecated"), (plain, None)):
        assert tree["personID"].get("meta:status") == status
        assert tree["_emulator"]["properties"]["product"]["properties"]["other"].get("meta:status") == status
        assert "meta:status" not in tree["_id"]
    assert client.ask("DELETE", path).status_code == 204
    assert client.ask("GET", DESCRIPTORS, headers=accept("xdm")).json() == {}


def test_only_a_schema_with_an_identity_joins_a_union(client: Client) -> None:
    schema = people(client)
    path = f"{SCHEMAS}/{schema.replace('/', '%2F')}"
    problem(client, "PATCH", path, "1528-400", json=UNION, headers=ANY_VERSION)
    client.make(DESCRIPTORS, identity(schema))
    relation = {
        "@type": "xdm:descriptorOneToOne",
        "xdm:sourceSchema": schema,
        "xdm:sourceProperty": "/_emulator/product/other",
        "xdm:destinationSchema": people(client, "others"),
    }
    client.make(DESCRIPTORS, relation)
    problem(client, "PATCH", path, "1526-400", json=UNION, headers=ANY_VERSION)
    reference = {**relation, "@type": "xdm:descriptorReferenceIdentity", "xdm:identityNamespace": "Email"}
    client.make(DESCRIPTORS, reference)
    assert client.ask("PATCH", path, json=UNION, headers=ANY_VERSION).json()["meta:immutableTags"] == ["union"]
    found = client.ask("GET", SCHEMAS, params={"property": "meta:immutableTags==union"}, headers={"Accept": XED})
    assert [item["$id"] for item in found.json()["results"]] == [schema]
    problem(
        client, "PATCH", path, "1409-400", json=[{"op": "remove", "path": "/meta:immutableTags"}], headers=ANY_VERSION
    )
    problem(client, "DELETE", path, "1403-400")
    mapped = {**schema_body("mapped", PROFILE, IDENTITY_MAP), "meta:immutableTags": ["union"]}
    assert client.make(SCHEMAS, mapped)["meta:immutableTags"] == ["union"]
    problem(client, "POST", SCHEMAS, "1528-400", json={**schema_body("no", PROFILE), "meta:immutableTags": ["union"]})
