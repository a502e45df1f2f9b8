"""Schemas, classes and field groups of the emulated Schema Registry: creation, forms, lists, statistics."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.client import PROFILE, REGISTRY, XED, XED_FULL, Client, field_group
from tests.emulator.schema_registry.registry import (
    ADHOC,
    ANY_VERSION,
    CLASSES,
    GROUPS,
    SCHEMAS,
    problem,
    schema_body,
    show,
)


def test_stats_name_the_tenant(client: Client) -> None:
    stats = client.get(f"{REGISTRY}/stats")
    assert stats["tenantId"] == "emulator"
    assert stats["counts"]["schemas"] == 0
    client.schema()
    assert client.get(f"{REGISTRY}/stats")["counts"]["schemas"] == 1


def test_a_created_field_group_is_returned_completed(client: Client) -> None:
    fields = {"amount": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}, "name": {}}
    group = client.make(GROUPS, field_group("payments", fields))
    assert group["$id"].startswith("https://ns.adobe.com/emulator/mixins/")
    assert group["meta:altId"] == "_emulator.mixins." + group["$id"].rpartition("/")[2]
    assert list(group["definitions"]) == ["own"]
    assert group["allOf"][-1]["$ref"] == "#/definitions/own"
    product = group["definitions"]["own"]["properties"]["_emulator"]["properties"]["product"]
    assert product["meta:xdmType"] == "object"
    amount, at, name = (product["properties"][key] for key in ("amount", "at", "name"))
    assert amount == {
        "type": "integer",
        "minimum": -2147483648,
        "maximum": 2147483647,
        "meta:xdmType": "int",
    }
    assert at["meta:xdmType"] == "date-time"
    assert name == {"type": "string", "meta:xdmType": "string"}
    assert show(client, f"{REGISTRY}/tenant/mixins/{quote(group['$id'], safe='')}", "xed") == group


def test_a_schema_is_returned_in_each_requested_form(client: Client) -> None:
    identifier = client.schema("payments", amount={"type": "integer", "title": "Amount"})
    path = f"{SCHEMAS}/{quote(identifier, safe='')}"
    short, full, plain = (show(client, path, form) for form in ("xed", "xed-full", "xed-full-notext"))
    assert short["allOf"][0]["$ref"] == PROFILE
    assert all(entry["type"] == entry["meta:xdmType"] == "object" for entry in short["allOf"])
    assert "properties" not in short
    assert "allOf" not in full
    amount = full["properties"]["_emulator"]["properties"]["product"]["properties"]["amount"]
    assert amount["title"] == "Amount"
    assert "required" not in full
    assert "title" not in plain["properties"]["_emulator"]["properties"]["product"]["properties"]["amount"]
    assert full["meta:class"] == PROFILE
    assert full["version"] == "1.0"
    assert show(client, f"{SCHEMAS}/{full['meta:altId']}") == full


def test_accept_headers_without_a_valid_form_are_refused(client: Client) -> None:
    identifier = quote(client.schema(), safe="")
    one = f"{SCHEMAS}/{identifier}"
    for accept in ("*/*", "application/json", "", XED_FULL, f"{XED};version=1", "application/vnd.adobe.xed-full+json"):
        detail = problem(client, "GET", SCHEMAS, "1006-400", headers={"Accept": accept})
        assert accept in detail
    for accept in ("*/*", "application/json", "", XED, "application/vnd.adobe.xed-full+json"):
        problem(client, "GET", one, "1007-400", headers={"Accept": accept})
    for accept in (f"{XED};version=2", "application/vnd.adobe.xed-more+json;version=1"):
        refused = client.refused("GET", one, 406, headers={"Accept": accept})
        assert refused["title"] == "NotAcceptableError"
    problem(client, "GET", f"{SCHEMAS}/_emulator.schemas.none", "1012-404", headers={"Accept": XED_FULL})
    # The first media type of the registry decides, regardless of other media types.
    for accept, full in (
        (f"*/*;q=0.1, {XED_FULL}", True),
        (f"application/json, {XED};version=1;q=0.5, {XED_FULL}", False),
        (f"{XED_FULL.upper()};q=0.2, application/json", True),
    ):
        answer = client.ask("GET", one, headers={"Accept": accept})
        assert ("properties" in answer.json()) == full, accept


def test_titles_are_unique_across_all_kinds(client: Client) -> None:
    group = client.make(GROUPS, field_group("payments", {"a": {}}))
    for path, body in (
        (GROUPS, field_group("payments", {"b": {}})),
        (SCHEMAS, schema_body("payments", PROFILE)),
        (CLASSES, schema_body("payments", "https://ns.adobe.com/xdm/data/record")),
    ):
        assert group["$id"] in problem(client, "POST", path, "1521-400", json=body)


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"title": None},
        {"title": 7},
        {"meta:intendedToExtend": []},
        {"meta:intendedToExtend": None},
        {"meta:intendedToExtend": ["https://ns.adobe.com/xdm/none"]},
        {"definitions": {"own": {"properties": {"outside": {"type": "string"}}}}},
        {"definitions": {"own": {"properties": {"_emulator": {"type": "text"}}}}},
        {"definitions": {"own": {"properties": {"_emulator": {"properties": {"_bad": {}}}}}}},
        {"definitions": {"own": {"properties": 5}}},
        {"definitions": {}},
        {"allOf": [{"$ref": "#/definitions/other"}]},
        {"allOf": "x"},
        {"allOf": [5]},
    ],
)
def test_invalid_field_groups_are_refused(client: Client, change: dict[str, Any]) -> None:
    body = {**field_group("payments", {"a": {}}), **change}
    answer = client.ask("POST", GROUPS, json=body)
    assert answer.status_code == 400
    assert "/errors/XDM-" in answer.json()["type"]
    assert client.get(f"{REGISTRY}/stats")["counts"]["mixins"] == 0


def test_invalid_schemas_are_refused(client: Client) -> None:
    problem(client, "POST", SCHEMAS, "1502-400", json=schema_body("s"))
    two = schema_body("s", PROFILE, "https://ns.adobe.com/xdm/context/experienceevent")
    problem(client, "POST", SCHEMAS, "1502-400", json=two)
    group = client.make(GROUPS, field_group("g", {"a": {}}))
    product = schema_body("s", "https://ns.adobe.com/xdm/classes/product", group["$id"])
    problem(client, "POST", SCHEMAS, "1506-400", json=product)
    client.refused("POST", SCHEMAS, 400, json=[1])


def test_two_types_for_one_path_are_refused(client: Client) -> None:
    first = client.make(GROUPS, field_group("a", {"x": {"type": "string"}}))["$id"]
    second = client.make(GROUPS, field_group("b", {"x": {"type": "integer"}}))["$id"]
    detail = problem(client, "POST", SCHEMAS, "1413-400", json=schema_body("s", PROFILE, first, second))
    assert "/_emulator/product/x" in detail


def test_duplicate_references_count_once(client: Client) -> None:
    schema = client.make(SCHEMAS, schema_body("s", PROFILE, PROFILE))
    assert schema["refs"] == [PROFILE]


def test_an_adhoc_class_and_its_schema_are_created(client: Client) -> None:
    body = {
        "title": "adhoc class",
        "description": "d",
        "type": "object",
        "allOf": [
            {"$ref": ADHOC},
            {"properties": {"_adhoc": {"type": "object", "properties": {"Id": {"type": "string"}}}}},
        ],
    }
    created = client.make(CLASSES, body)
    namespace = created["meta:datasetNamespace"]
    assert namespace.startswith("_")
    schema = client.make(SCHEMAS, schema_body("adhoc schema", created["$id"]))
    full = show(client, f"{SCHEMAS}/{schema['meta:altId']}")
    assert full["properties"][namespace]["properties"]["Id"]["type"] == "string"
    assert "_adhoc" not in full["properties"]
    assert full["meta:class"] == created["$id"]


def test_lists_are_filtered_sorted_and_paged(client: Client) -> None:
    for title in ("b", "a", "c, with comma"):
        client.make(SCHEMAS, schema_body(title, PROFILE))

    def titles(**params: Any) -> list[str]:
        answer = client.ask("GET", SCHEMAS, params=params, headers={"Accept": XED})
        assert answer.status_code == 200, answer.text
        assert answer.json()["_page"]["count"] == len(answer.json()["results"])
        return [item["title"] for item in answer.json()["results"]]

    assert titles(orderby="title") == ["a", "b", "c, with comma"]
    assert titles(orderby="-title") == ["c, with comma", "b", "a"]
    assert titles(property="title==c, with comma") == ["c, with comma"]
    assert titles(property="title!=a", limit=1, orderby="title") == ["b"]
    assert titles(property="title~om") == ["c, with comma"]
    assert titles(property=f"meta:class=={PROFILE}", start="b", orderby="title") == ["c, with comma"]
    assert titles(property="title~^[ab]$", orderby="title") == ["a", "b"]
    assert titles(property=["title>a", "title<=b"]) == ["b"]
    assert titles(property="version<1") == []
    assert titles(property="meta:immutableTags") == []
    assert titles(orderby="description,-title", limit=2) == ["c, with comma", "b", "a"]
    page = client.ask("GET", SCHEMAS, params={"limit": 1, "orderby": "title"}, headers={"Accept": XED}).json()
    assert page["_page"] == {"orderby": "title", "next": "a", "count": 1}
    following = client.ask("GET", page["_links"]["next"].removeprefix(client.url), headers={"Accept": XED}).json()
    assert [item["title"] for item in following["results"]] == ["b"]
    whole = client.ask("GET", SCHEMAS, headers={"Accept": XED}).json()
    assert whole["_page"]["next"] is None
    assert whole["_links"] == {"next": None, "global_schemas": {"href": f"{client.url}{REGISTRY}/global/schemas"}}
    short = client.ask("GET", SCHEMAS, headers={"Accept": "application/vnd.adobe.xed-id+json"}).json()["results"][0]
    assert short.keys() == {"$id", "meta:altId", "version", "title"}
    problem(client, "GET", SCHEMAS, "1011-400", params={"limit": "many"}, headers={"Accept": XED})


@pytest.mark.parametrize("seconds", [0, 10])
@pytest.mark.parametrize("path", [SCHEMAS, f"{REGISTRY}/tenant/descriptors", f"{REGISTRY}/global/fieldgroups"])
def test_without_an_order_the_last_changed_comes_first(client: Client, path: str, seconds: int) -> None:
    accept = {"Accept": "application/vnd.adobe.xdm-v2+json" if path.endswith("descriptors") else XED}

    def page(**params: Any) -> Any:
        answer = client.ask("GET", path, params=params, headers=accept)
        assert answer.status_code == 200, answer.text
        return answer.json()

    created = []
    for title in "abcdefghijkl":
        created.append(client.make(SCHEMAS, schema_body(title, PROFILE)))
        title_of = {"@type": "xdm:alternateDisplayInfo", "xdm:sourceProperty": "/_id", "xdm:title": {"en_us": title}}
        client.make(f"{REGISTRY}/tenant/descriptors", {**title_of, "xdm:sourceSchema": created[-1]["$id"]})
        client.advance(seconds)
    whole = page()
    assert whole["_page"] == {"orderby": "updated", "next": None, "count": len(whole["results"])}
    few = min(10, len(whole["results"]) - 1)
    assert page(limit=few)["results"] == whole["results"][:few]
    for start in ("0", "-5") if "global" in path else ("0", "1", "1000.5", "-5"):
        assert page(limit=10, start=start)["results"] == []
        assert page(start=start)["_page"] == {"orderby": "updated", "next": None, "count": 0}
    # A client that only knows 'start' gets all pages, and each page has as many items as requested.
    found, following = [], {}
    while following is not None:
        part = page(limit=1, **following)
        assert len(part["results"]) == 1
        found += part["results"]
        following = part["_page"]["next"] and {"start": part["_page"]["next"]}
    assert found == whole["results"]
    if path == SCHEMAS and seconds:
        assert [item["title"] for item in found] == list("lkjihgfedcba")
        modified = created[5]["meta:registryMetadata"]["repo:lastModifiedDate"]
        assert [item["title"] for item in page(start=modified)["results"]] == list("edcba")
        # In a named order, 'start' is a value of the ordered member: all titles come after '0'.
        assert len(page(limit=10, start=0, orderby="title")["results"]) == 10


def test_the_global_container_is_read_only(client: Client) -> None:
    classes = client.ask("GET", f"{REGISTRY}/global/classes", headers={"Accept": XED}).json()["results"]
    assert PROFILE in {item["$id"] for item in classes}
    details = show(client, f"{REGISTRY}/global/fieldgroups/_xdm.context.profile-person-details")
    assert details["properties"]["person"]["properties"]["name"]["properties"]["firstName"]["type"] == "string"
    assert client.ask("POST", f"{REGISTRY}/global/classes", json={}).status_code == 405


def test_unknown_containers_and_collections_are_not_found(client: Client) -> None:
    for path in ("company/schemas", "company/schemas/x", "tenant/tables", "tenant/tables/x"):
        assert path.split("/")[0] in problem(client, "GET", f"{REGISTRY}/{path}", "1017-404", headers={"Accept": XED})


def test_stats_list_recent_resources_and_class_usage(client: Client) -> None:
    first, second = (client.make(SCHEMAS, schema_body(title, PROFILE)) for title in ("one", "two"))
    client.advance(5)
    client.ask(
        "PATCH",
        f"{SCHEMAS}/{first['meta:altId']}",
        json=[{"op": "add", "path": "/title", "value": "1"}],
        headers=ANY_VERSION,
    )
    stats = client.get(f"{REGISTRY}/stats")
    assert stats["counts"] == {"schemas": 2, "mixins": 0, "datatypes": 0, "classes": 0, "unions": 0}
    assert [item["$id"] for item in stats["recentlyCreatedResources"]] == [second["$id"], first["$id"]]
    assert [item["$id"] for item in stats["recentlyUpdatedResources"]] == [first["$id"], second["$id"]]
    (usage,) = stats["classUsage"]
    assert (usage["$id"], usage["title"], usage["numberOfSchemas"]) == (PROFILE, "XDM Individual Profile", 2)
    assert {item["title"] for item in usage["schemas"]} == {"1", "two"}


def test_lists_lag_but_titles_are_unique_at_once(client: Client) -> None:
    def listed(**params: str) -> list[str]:
        answer = client.ask("GET", SCHEMAS, params=params, headers={"Accept": XED})
        return [item["$id"] for item in answer.json()["results"]]

    old = client.make(SCHEMAS, schema_body("old", PROFILE))
    client.control("POST", "faults", json={"action": "list_lag", "seconds": 60, "times": 2})
    new = client.make(SCHEMAS, schema_body("new", PROFILE))
    assert client.ask("DELETE", f"{SCHEMAS}/{old['meta:altId']}").status_code == 204
    assert listed() == listed(property="title==old") == [old["$id"]]
    assert listed(property="title==new") == []
    assert new["$id"] in problem(client, "POST", SCHEMAS, "1521-400", json=schema_body("new", PROFILE))
    again = client.make(SCHEMAS, schema_body("old", PROFILE))
    client.advance(61)
    assert sorted(listed()) == sorted((new["$id"], again["$id"]))


def test_resources_that_several_references_reach_count_once(client: Client) -> None:
    groups: list[str] = []
    for number in range(40):
        body = field_group(f"g{number}", {f"f{number}": {}})
        body["allOf"] += [{"$ref": reference} for reference in groups[-2:]]
        groups.append(client.make(GROUPS, body)["$id"])
    schema = client.make(SCHEMAS, schema_body("all", PROFILE, groups[-1]))
    full = show(client, f"{SCHEMAS}/{schema['meta:altId']}")
    fields = full["properties"]["_emulator"]["properties"]["product"]["properties"]
    assert fields.keys() == {f"f{number}" for number in range(40)}
    assert sorted(schema["meta:extends"]) == sorted({PROFILE, "https://ns.adobe.com/xdm/data/record", *groups})


@pytest.mark.parametrize("order", ["version", "-version"])
def test_pages_end_only_where_the_ordered_value_changes(client: Client, order: str) -> None:
    paths = {title: f"{SCHEMAS}/{client.make(SCHEMAS, schema_body(title, PROFILE))['meta:altId']}" for title in "abcde"}
    for title in "bd":
        client.ask(
            "PATCH", paths[title], json=[{"op": "replace", "path": "/description", "value": "new"}], headers=ANY_VERSION
        )
    expected = [["a", "c", "e"], ["b", "d"]]
    path, params = SCHEMAS, {"orderby": order, "limit": 1}
    for titles in expected if order == "version" else reversed(expected):
        page = client.ask("GET", path, params=params, headers={"Accept": XED}).json()
        assert sorted(item["title"] for item in page["results"]) == titles
        params = {**params, "start": page["_page"]["next"]}
    assert page["_page"]["next"] is None


def test_required_names_of_groups_and_schemas_are_kept(client: Client) -> None:
    body = field_group("g", {"a": {}, "b": {"type": "object", "properties": {"c": {}}, "required": ["c"]}})
    body["definitions"]["own"]["required"] = ["_emulator"]
    group = client.make(GROUPS, body)
    assert group["required"] == ["_emulator"]
    schema = client.make(SCHEMAS, {**schema_body("s", PROFILE, group["$id"]), "required": ["personID"]})
    path = f"{SCHEMAS}/{schema['meta:altId']}"
    for change in ([], [{"op": "replace", "path": "/title", "value": "t"}]):
        if change:
            assert client.ask("PATCH", path, json=change, headers=ANY_VERSION).status_code == 200
        full = show(client, path)
        assert sorted(full["required"]) == ["_emulator", "personID"]
        assert full["properties"]["_emulator"]["properties"]["product"]["properties"]["b"]["required"] == ["c"]
    for bad in ("a", [5], {"a": 1}):
        problem(client, "POST", SCHEMAS, "1505-400", json={**schema_body("bad", PROFILE), "required": bad})
        body = field_group("bad", {"a": {"type": "object", "required": bad}})
        assert "product.a" in problem(client, "POST", GROUPS, "1505-400", json=body)


def test_bodies_without_a_required_member_are_refused(client: Client) -> None:
    record = "https://ns.adobe.com/xdm/data/record"
    bodies = {
        SCHEMAS: schema_body("s", PROFILE),
        CLASSES: schema_body("c", record),
        GROUPS: field_group("g", {"a": {}}),
    }
    codes = {"title": "1500-400", "type": "1501-400", "description": "1501-400", "allOf": "1501-400"}
    needed = {SCHEMAS: codes.keys() - {"type"}, CLASSES: codes, GROUPS: ("title", "type", "meta:intendedToExtend")}
    for path, body in bodies.items():
        for member in needed[path]:
            short = {key: value for key, value in body.items() if key != member}
            assert member in problem(client, "POST", path, codes.get(member, "1507-400"), json=short)
    body = {key: value for key, value in bodies[GROUPS].items() if key != "description"}
    assert client.make(GROUPS, body)["description"] == ""
