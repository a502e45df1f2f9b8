"""Mapping sets of the emulated Data Prep: creation, versions, validation, previews."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.emulator.client import (
    DATA_PREP,
    FLOW,
    REST_FLOW_SPEC,
    STRIPE_SPEC,
    Client,
    flow_body,
    mapping_body,
)

SETS = f"{DATA_PREP}/mappingSets"
STRIPE_CONNECTION = {
    "name": "stripe",
    "auth": {"specName": "OAuth2 Refresh Code", "params": {"accessToken": "x"}},
    "connectionSpec": {"id": STRIPE_SPEC, "version": "1.0"},
}


def legacy_body(schema: str) -> dict[str, Any]:
    line = {"destinationXdmPath": "_id", "sourceAttribute": "Product_Id", "identity": False, "version": 0}
    return {"version": 0, "xdmSchema": schema, "xdmVersion": "1.0", "id": None, "mappings": [line]}


def test_answers_contain_both_dialects_of_mappings(client: Client) -> None:
    schema = client.schema()
    for body in (mapping_body(schema, ("Product_Id", "_id")), legacy_body(schema)):
        created = client.make(SETS, body)
        assert created["version"] == 0
        assert len(created["id"]) == 32
        actual = client.get(f"{SETS}/{created['id']}")
        assert actual["xdmSchema"] == actual["schemaRef"]["id"] == actual["outputSchema"]["schemaRef"]["id"] == schema
        (line,) = actual["mappings"]
        assert line["source"] == line["sourceAttribute"] == "Product_Id"
        assert line["destination"] == line["destinationXdmPath"] == "_id"
        assert line["sourceType"] == "ATTRIBUTE"


def test_a_repeated_creation_creates_another_mapping_set(client: Client) -> None:
    body = mapping_body(client.schema())
    assert client.make(SETS, body)["id"] != client.make(SETS, body)["id"]


@pytest.mark.parametrize(
    "change",
    [
        {"mappings": []},
        {"mappings": None},
        {"mappings": [5]},
        {"mappings": [{"source": "a"}]},
        {"mappings": [{"source": "a", "destination": "_id", "sourceType": "MAGIC"}]},
        {"mappings": [{"source": {}, "destination": "_id"}]},
        {"outputSchema": None},
        {"outputSchema": {"schemaRef": {"id": "https://ns.adobe.com/none", "contentType": "1.0"}}},
        {"outputSchema": {"schemaRef": {"id": 5}}},
        {"name": 5},
    ],
)
def test_invalid_mapping_sets_are_refused(client: Client, change: dict[str, Any]) -> None:
    answer = client.ask("POST", SETS, json={**mapping_body(client.schema()), **change})
    assert answer.status_code == 400
    assert answer.json()["report"]["request-id"] == answer.headers["x-request-id"]


def test_the_list_requires_a_limit(client: Client) -> None:
    schema = client.schema()
    for params in ({}, {"start": 0}, {"limit": "x", "start": 0}, {"limit": 1, "start": -1}):
        client.refused("GET", SETS, 400, params=params)
    identifiers = [client.mapping(schema) for _ in range(3)]
    page = client.get(SETS, limit=2, start=0)
    assert [item["id"] for item in page["data"]] == identifiers[:2]
    assert page["_page"] == {"count": 2, "limit": 2}
    rest = client.get(DATA_PREP + page["_links"]["next"]["href"])
    assert [item["id"] for item in rest["data"]] == identifiers[2:]
    assert rest["_links"] == {}
    assert client.get(SETS, limit=2, start=0, name="other")["data"] == []
    assert len(client.get(SETS, limit=9, start=0, name="mapping", orderBy="-createdDate")["data"]) == 3


def test_each_replacement_adds_a_version(client: Client) -> None:
    schema = client.schema()
    identifier = client.mapping(schema)
    changed = client.ask("PUT", f"{SETS}/{identifier}", json=mapping_body(schema, ("Type", "_id"))).json()
    assert changed["version"] == 1
    assert client.get(f"{SETS}/{identifier}")["version"] == 0
    assert client.get(f"{SETS}/{identifier}", version=1)["mappings"][0]["source"] == "Type"
    assert client.get(SETS, limit=1, start=0)["data"][0]["version"] == 1
    client.refused("GET", f"{SETS}/{identifier}", 404, params={"version": 2})
    client.refused("GET", f"{SETS}/none", 404)


def lines(schema: str, *mappings: tuple[str, str, str]) -> dict[str, Any]:
    body = mapping_body(schema)
    body["mappings"] = [
        {"sourceType": kind, "source": source, "destination": destination} for kind, source, destination in mappings
    ]
    return body


def test_validation_names_the_problem_of_each_mapping(client: Client) -> None:
    body = lines(
        client.schema(),
        ("ATTRIBUTE", "a", "_id"),
        ("ATTRIBUTE", "a", "product.name"),
        ("ATTRIBUTE", "b", "_id"),
        ("EXPRESSION", "concat(lower(a), '-', b)", "_emulator.product.name"),
        ("EXPRESSION", "__import__('os')", "_emulator.product.type"),
        ("EXPRESSION", "lower(", "_emulator.product.description"),
        ("ATTRIBUTE", "b", "${_emulator}.product.name"),
    )
    answer = client.make(f"{SETS}/validate", body)["validationResponse"]
    assert [entry["status"] for entry in answer] == ["SUCCESS", "FAILED", "FAILED", "SUCCESS", *["FAILED"] * 3]
    assert [entry["errors"] for entry in answer if entry["status"] == "SUCCESS"] == [[], []]
    messages = [entry["errors"][0]["exception"] for entry in answer if entry["status"] == "FAILED"]
    assert "product.name" in messages[0]
    assert "two mappings" in messages[1]
    assert "__import__" in messages[2]
    assert "'${_emulator}.product.name' is the destination of two mappings" in messages[4]


def test_preview_applies_the_mapping(client: Client) -> None:
    body = lines(
        client.schema("p", n={"type": "integer"}, t={}, at={"type": "string", "format": "date-time"}),
        ("ATTRIBUTE", "id", "_id"),
        ("EXPRESSION", 'concat(upper(trim(t)), "-", coalesce(none, 7))', "_emulator.product.t"),
        ("EXPRESSION", "to_integer(n)", "_emulator.product.n"),
        ("ATTRIBUTE", "at", "_emulator.product.at"),
    )
    row = {"id": "1", "t": " x ", "n": "12", "at": "2026-01-02 03:04:05"}
    first = client.make(f"{SETS}/preview", {"data": row, "mappingSet": body})
    product = {"t": "X-7", "n": 12, "at": "2026-01-02T03:04:05Z"}
    assert first == {"data": {"_id": "1", "_emulator": {"product": product}}}
    assert client.make(f"{SETS}/preview", {"data": [row], "mappingSet": body}) == [first]
    bad = client.make(f"{SETS}/preview", {"data": [row, {**row, "n": "x"}, {**row, "at": "soon"}], "mappingSet": body})
    assert "errors" not in bad[0]
    assert "to_integer" in bad[1]["errors"][0]["exception"]
    (problem,) = bad[2]["errors"]
    assert "the expected data type was: DATETIME, " in problem.pop("exception")
    assert problem == {
        "source": "at",
        "destination": "_emulator.product.at",
        "columnName": "_emulator.product.at",
        "sourceType": "ATTRIBUTE",
    }
    # A mapping that fails is left out; the rest of the row is mapped.
    assert bad[2]["data"] == {"_id": "1", "_emulator": {"product": {"t": "X-7", "n": 12}}}
    for data in (None, 5, [5], [row, None]):
        client.refused("POST", f"{SETS}/preview", 400, json={"data": data, "mappingSet": body})


def test_a_mapping_of_a_whole_object_replaces_earlier_values(client: Client) -> None:
    schema = client.schema("order", whole={"type": "object", "properties": {"a": {}, "b": {}}})
    whole = ("ATTRIBUTE", "whole", "_emulator.product.whole")
    member = ("STATIC", "mine", "_emulator.product.whole.b")
    for order, created in (
        ((whole, member), {"a": "1", "b": "mine"}),
        ((member, whole), {"a": "1"}),
    ):
        answer = client.make(f"{SETS}/preview", {"data": {"whole": {"a": 1}}, "mappingSet": lines(schema, *order)})
        assert answer == {"data": {"_emulator": {"product": {"whole": created}}}}


def test_attribute_names_with_special_characters_may_be_wrapped(client: Client) -> None:
    schema = client.schema("w", a={}, b={})
    body = lines(
        schema,
        ("ATTRIBUTE", "${First Name}", "_emulator.product.a"),
        ("ATTRIBUTE", "address.${street\\.name}", "_emulator.product.b"),
    )
    row = {"First Name": "Ann", "address": {"street.name": "Elm"}}
    mapped = client.make(f"{SETS}/preview", {"data": row, "mappingSet": body})
    assert mapped == {"data": {"_emulator": {"product": {"a": "Ann", "b": "Elm"}}}}


def tree_schema(client: Client, title: str = "tree", required: tuple[str, ...] = (), **more: Any) -> str:
    whole = {"type": "object", "properties": {"id": {"type": "string"}, "extra": {"type": "string"}}, **more}
    return client.schema(title, whole={**whole, "required": list(required)}, count={"type": "number"})


def test_mappings_below_an_object_do_not_change_the_source(client: Client) -> None:
    schema = tree_schema(client, additionalProperties=True)
    base = client.make(f"{FLOW}/connections", STRIPE_CONNECTION)["id"]
    source = client.source(
        baseConnectionId=base,
        data={"format": "json"},
        params={"resourcePath": "customers"},
        connectionSpec={"id": STRIPE_SPEC, "version": "1.0"},
    )
    whole = "_emulator.product.whole"
    mapping = client.make(
        SETS,
        lines(
            schema,
            ("ATTRIBUTE", "data.id", "_id"),
            ("ATTRIBUTE", "data", whole),
            ("STATIC", "mine", f"{whole}.extra"),
        ),
    )["id"]
    dataset = client.dataset(schema)
    body = flow_body(source, client.target(schema, dataset), mapping, client.now() + 60)
    body["flowSpec"] = {"id": REST_FLOW_SPEC, "version": "1.0"}
    del body["transformations"][0]
    params = {"objectType": "rest", "sourceParams": base64.b64encode(b'{"resourcePath": "customers"}').decode()}
    path = f"{FLOW}/connections/{base}/explore"
    before = client.get(path, preview="true", **params)["data"]
    client.flow(body)
    client.advance(62)
    ingested = client.control("GET", f"datasets/{dataset}/rows")["rows"]
    given = {name: value for name, value in before[0]["data"].items() if value is not None}
    assert ingested[0]["_emulator"]["product"]["whole"] == {**given, "extra": "mine"}
    assert client.get(path, preview="true", **params)["data"] == before


def test_required_fields_are_checked_at_every_level(client: Client) -> None:
    schema = tree_schema(client, "strict", ("id", "extra"))
    dataset = client.dataset(schema)
    target = client.target(schema, dataset)
    whole = "_emulator.product.whole"
    # If no field of an object is mapped, its required fields are not checked.
    for pairs, ingested in (
        ((("Product_Name", f"{whole}.id"),), 0),
        ((("Product_Name", f"{whole}.id"), ("Type", f"{whole}.extra")), 1197),
        ((), 1197),
    ):
        mapping = client.mapping(schema, ("Product_Id", "_id"), *pairs)
        body = flow_body(client.source(), target, mapping, client.now() + 60)
        flow = client.flow(body)["id"]
        client.advance(62)
        (run,) = client.runs(flow)
        assert run["metrics"]["recordSummary"]["outputRecordCount"] == ingested
        (activity,) = (entry for entry in run["activities"] if entry["id"] == "promotionActivity")
        messages = [error["message"] for error in activity["statusSummary"]["extensions"]["errors"]]
        lacking = "The message cannot be validated: [#/_emulator/product/whole: required key [extra] not found]"
        assert (lacking in messages) == (ingested == 0)


def test_results_that_are_too_long_are_refused(client: Client) -> None:
    schema = client.schema("p", n={})
    grown = "t"
    for _ in range(19):
        grown = f'replacestr({grown}, "", "xxxxxxxx")'
    for expression in (
        grown,
        f"concat({', '.join(['t'] * 20)})",
        "+".join(["t"] * 20),
        "lpad(t, 999999999, t)",
        'join(t, split(t, ""))',
    ):
        body = lines(schema, ("EXPRESSION", expression, "_emulator.product.n"))
        answer = client.make(f"{SETS}/preview", {"data": {"t": "a" * 9000}, "mappingSet": body})
        assert answer["data"] == {}
        assert "longer than 100000 characters" in answer["errors"][0]["exception"]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-inf", "1e999"])
def test_numbers_that_are_not_finite_are_refused(client: Client, text: str) -> None:
    schema = tree_schema(client)
    for line in (("ATTRIBUTE", "t"), ("EXPRESSION", "to_decimal(t)")):
        body = lines(schema, (*line, "_emulator.product.count"))
        answer = client.make(f"{SETS}/preview", {"data": {"t": text}, "mappingSet": body})
        assert answer["data"] == {}
        assert len(answer["errors"]) == 1


def test_arrays_are_mapped_entry_by_entry_or_whole(client: Client) -> None:
    line = {"type": "object", "properties": {"sku": {"type": "string"}, "price": {"type": "number"}}}
    schema = client.schema(
        "a", lines={"type": "array", "items": line}, tags={"type": "array", "items": {"type": "integer"}}
    )
    at = "_emulator.product"
    row = {"items": [{"sku": "x", "price": "1.5"}, {"sku": "y", "price": None}], "tags": ["1", 2], "one": 7}
    body = lines(
        schema,
        ("ATTRIBUTE", "items[*].sku", f"{at}.lines[*].sku"),
        ("ATTRIBUTE", "items[*].price", f"{at}.lines[*].price"),
        ("ATTRIBUTE", "tags", f"{at}.tags"),
    )
    created = client.make(f"{SETS}/preview", {"data": row, "mappingSet": body})
    assert created == {
        "data": {
            "_emulator": {"product": {"lines": [{"sku": "x", "price": 1.5}, {"sku": "y"}], "tags": [1, 2]}},
        }
    }
    body = lines(schema, ("ATTRIBUTE", "one", f"{at}.tags[1]"), ("STATIC", "z", f"{at}.lines[0].sku"))
    created = client.make(f"{SETS}/preview", {"data": row, "mappingSet": body})["data"]["_emulator"]["product"]
    assert created == {"tags": [None, 7], "lines": [{"sku": "z"}]}
    body = lines(
        schema,
        ("ATTRIBUTE", "items", f"{at}.tags"),
        ("ATTRIBUTE", "one", f"{at}.lines"),
        ("ATTRIBUTE", "one", f"{at}.lines.sku"),
        ("ATTRIBUTE", "one", f"{at}.tags[1001]"),
        ("ATTRIBUTE", "one", f"{at}.tags[x]"),
    )
    answer = client.make(f"{SETS}/preview", {"data": row, "mappingSet": body})
    assert answer["data"] == {}
    assert [error["destination"] for error in answer["errors"]] == [
        f"{at}.lines.sku",
        f"{at}.tags[1001]",
        f"{at}.tags[x]",
        f"{at}.tags",
        f"{at}.lines",
    ]


def test_types_are_converted_as_documented(client: Client) -> None:
    types = {"b": {"type": "boolean"}, "i": {"type": "integer"}, "t": {}, "d": {"type": "string", "format": "date"}}
    schema = client.schema("c", **types)
    good: dict[str, list[tuple[Any, Any]]] = {
        "b": [("Y", True), ("yes", True), ("ON", True), ("TRUE", True), ("n", False), ("off", False), (False, False)],
        "i": [("12", 12), (12.0, 12), (" 7 ", 7)],
        "t": [(True, "true"), (12.5, "12.5"), (0, "0")],
        "d": [("2020-01-02", "2020-01-02"), ("2020-01-02T03:04:05Z", "2020-01-02"), ("01-02-2020", "2020-01-02")],
    }
    bad: dict[str, list[Any]] = {
        "b": ["maybe", 1, ""],
        "i": ["12.5", 12.5, "x", 3000000000, True],
        "t": [{"a": 1}],
        "d": ["x"],
    }
    for field, pairs in good.items():
        body = lines(schema, ("ATTRIBUTE", "v", f"_emulator.product.{field}"))
        rows = [{"v": value} for value, _ in pairs] + [{"v": value} for value in bad[field]]
        answers = client.make(f"{SETS}/preview", {"data": rows, "mappingSet": body})
        converted = [answer["data"]["_emulator"]["product"][field] for answer in answers if "errors" not in answer]
        assert converted == [expected for _, expected in pairs]
        assert sum("errors" in answer for answer in answers) == len(bad[field])
