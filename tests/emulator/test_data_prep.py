from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.client import (
    CATALOG,
    DATA_PREP,
    FLOW,
    REGISTRY,
    REST_FLOW_SPEC,
    STRIPE_SPEC,
    Client,
    edited,
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


def test_both_dialects_show_both(client: Client) -> None:
    schema = client.schema()
    for body in (mapping_body(schema, ("Product_Id", "_id")), legacy_body(schema)):
        made = client.make(SETS, body)
        assert made["version"] == 0
        assert len(made["id"]) == 32
        shown = client.get(f"{SETS}/{made['id']}")
        assert shown["xdmSchema"] == shown["schemaRef"]["id"] == shown["outputSchema"]["schemaRef"]["id"] == schema
        (line,) = shown["mappings"]
        assert line["source"] == line["sourceAttribute"] == "Product_Id"
        assert line["destination"] == line["destinationXdmPath"] == "_id"
        assert line["sourceType"] == "ATTRIBUTE"


def test_repeated_creation_makes_another(client: Client) -> None:
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
def test_refusals(client: Client, change: dict[str, Any]) -> None:
    answer = client.ask("POST", SETS, json={**mapping_body(client.schema()), **change})
    assert answer.status_code == 400
    assert answer.json()["report"]["request-id"] == answer.headers["x-request-id"]


def test_list_needs_limit(client: Client) -> None:
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


def test_versions(client: Client) -> None:
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


def test_validation_names_what_is_wrong(client: Client) -> None:
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
    # What fails is left out, the rest of the row is mapped.
    assert bad[2]["data"] == {"_id": "1", "_emulator": {"product": {"t": "X-7", "n": 12}}}
    for data in (None, 5, [5], [row, None]):
        client.refused("POST", f"{SETS}/preview", 400, json={"data": data, "mappingSet": body})


def test_a_whole_object_replaces_what_earlier_mappings_wrote(client: Client) -> None:
    schema = client.schema("order", whole={"type": "object", "properties": {"a": {}, "b": {}}})
    whole = ("ATTRIBUTE", "whole", "_emulator.product.whole")
    member = ("STATIC", "mine", "_emulator.product.whole.b")
    for order, made in (
        ((whole, member), {"a": "1", "b": "mine"}),
        ((member, whole), {"a": "1"}),
    ):
        answer = client.make(f"{SETS}/preview", {"data": {"whole": {"a": 1}}, "mappingSet": lines(schema, *order)})
        assert answer == {"data": {"_emulator": {"product": {"whole": made}}}}


def test_an_attributes_odd_names_may_be_wrapped(client: Client) -> None:
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


def test_mappings_below_an_object_leave_the_source_alone(client: Client) -> None:
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
    landed = client.control("GET", f"datasets/{dataset}/rows")["rows"]
    given = {name: value for name, value in before[0]["data"].items() if value is not None}
    assert landed[0]["_emulator"]["product"]["whole"] == {**given, "extra": "mine"}
    assert client.get(path, preview="true", **params)["data"] == before


def test_required_fields_on_every_level(client: Client) -> None:
    schema = tree_schema(client, "strict", ("id", "extra"))
    dataset = client.dataset(schema)
    target = client.target(schema, dataset)
    whole = "_emulator.product.whole"
    # Where nothing of an object is mapped, what it requires is not asked for.
    for pairs, landing in (
        ((("Product_Name", f"{whole}.id"),), 0),
        ((("Product_Name", f"{whole}.id"), ("Type", f"{whole}.extra")), 1197),
        ((), 1197),
    ):
        mapping = client.mapping(schema, ("Product_Id", "_id"), *pairs)
        body = flow_body(client.source(), target, mapping, client.now() + 60)
        flow = client.flow(body)["id"]
        client.advance(62)
        (run,) = client.runs(flow)
        assert run["metrics"]["recordSummary"]["outputRecordCount"] == landing
        (activity,) = (entry for entry in run["activities"] if entry["id"] == "promotionActivity")
        messages = [error["message"] for error in activity["statusSummary"]["extensions"]["errors"]]
        lacking = "The message cannot be validated: [#/_emulator/product/whole: required key [extra] not found]"
        assert (lacking in messages) == (landing == 0)


def test_expressions_cannot_grow_without_end(client: Client) -> None:
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
def test_numbers_are_finite(client: Client, text: str) -> None:
    schema = tree_schema(client)
    for line in (("ATTRIBUTE", "t"), ("EXPRESSION", "to_decimal(t)")):
        body = lines(schema, (*line, "_emulator.product.count"))
        answer = client.make(f"{SETS}/preview", {"data": {"t": text}, "mappingSet": body})
        assert answer["data"] == {}
        assert len(answer["errors"]) == 1


def test_arrays(client: Client) -> None:
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
    made = client.make(f"{SETS}/preview", {"data": row, "mappingSet": body})
    assert made == {
        "data": {
            "_emulator": {"product": {"lines": [{"sku": "x", "price": 1.5}, {"sku": "y"}], "tags": [1, 2]}},
        }
    }
    body = lines(schema, ("ATTRIBUTE", "one", f"{at}.tags[1]"), ("STATIC", "z", f"{at}.lines[0].sku"))
    made = client.make(f"{SETS}/preview", {"data": row, "mappingSet": body})["data"]["_emulator"]["product"]
    assert made == {"tags": [None, 7], "lines": [{"sku": "z"}]}
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
        assert converted == [wanted for _, wanted in pairs]
        assert sum("errors" in answer for answer in answers) == len(bad[field])


def test_mappings_of_a_set(client: Client) -> None:
    schema = client.schema()
    body = lines(schema, ("ATTRIBUTE", "Id", "_id"), ("EXPRESSION", "concat(a, b.c, a)", "_emulator.product.name"))
    body["mappings"][0] |= {"name": "id", "description": "Identifier"}
    path = f"{SETS}/{client.make(SETS, body)['id']}"
    first, second = client.get(f"{path}/mappings")
    assert client.get(path)["mappings"] == [first, second]
    assert (first["name"], first["description"], "expressionAttributes" in first) == ("id", "Identifier", False)
    assert second["expressionAttributes"] == ["a", "b.c"]
    assert client.get(f"{path}/mappings/{second['id']}") == second
    client.ask("PUT", path, json=lines(schema, ("ATTRIBUTE", "Other", "_id")))
    (latest,) = client.get(f"{path}/mappings")
    assert latest["source"] == "Other"
    assert len(client.get(f"{path}/mappings", version=0)) == 2
    for missing in (f"{path}/mappings/none", f"{SETS}/none/mappings", f"{path}/mappings?version=9"):
        client.refused("GET", missing, 404)


def test_the_output_schema_can_be_shown_whole(client: Client) -> None:
    identifier = client.mapping(client.schema())
    for path, params in ((f"{SETS}/{identifier}", {}), (SETS, {"limit": 1, "start": 0})):
        shown = [client.get(path, **params), client.get(path, **params, expandSchema="true")]
        short, whole = (answer.get("data", [answer])[0]["outputSchema"] for answer in shown)
        assert "jsonSchema" not in short
        assert whole["jsonSchema"]["properties"]["_id"]["type"] == "string"
        assert whole["jsonSchema"]["required"] == []


def test_what_a_client_adds_is_kept(client: Client) -> None:
    extras = {"inputSchema": {"id": "x", "version": 0}, "allowNullValues": True, "tags": [{"name": "a", "values": []}]}
    made = client.make(SETS, {**mapping_body(client.schema()), **extras})
    assert client.get(f"{SETS}/{made['id']}").items() >= extras.items()


def test_lists_lag(client: Client) -> None:
    schema = client.schema()
    client.control("POST", "faults", json={"action": "list_lag", "seconds": 30})
    identifier = client.mapping(schema)
    for params in ({}, {"name": "mapping"}):
        assert client.get(SETS, limit=9, start=0, **params)["data"] == []
    assert client.get(f"{SETS}/{identifier}")["id"] == identifier
    client.advance(31)
    for params in ({}, {"name": "mapping"}):
        assert [item["id"] for item in client.get(SETS, limit=9, start=0, **params)["data"]] == [identifier]


def test_the_newest_name_counts(client: Client) -> None:
    schema = client.schema()
    identifier = client.mapping(schema)
    client.ask("PUT", f"{SETS}/{identifier}", json={**mapping_body(schema), "name": "renamed"})
    for name, found in (("mapping", []), ("renamed", [identifier])):
        assert [item["id"] for item in client.get(SETS, limit=9, start=0, name=name)["data"]] == found


def test_a_written_mapping_makes_a_new_version_of_its_set(client: Client) -> None:
    schema = client.schema()
    path = f"{SETS}/{client.mapping(schema, ('Product_Id', '_id'), ('Type', '_emulator.product.type'))}"
    first, second = client.get(f"{path}/mappings")
    added = client.make(f"{path}/mappings", {"source": "Product_Name", "destination": "_emulator.product.name"})
    assert (added["sourceType"], added["sourceAttribute"]) == ("ATTRIBUTE", "Product_Name")
    assert client.get(f"{path}/mappings") == [first, second, added]
    line = {"sourceType": "EXPRESSION", "source": "upper(Type)", "destination": "/_emulator.product.type"}
    written = client.ask("PUT", f"{path}/mappings/{second['id']}", json=line).json()
    assert (written["id"], written["source"], written["destination"]) == (
        second["id"],
        "upper(Type)",
        "_emulator.product.type",
    )
    assert client.get(f"{path}/mappings") == [first, written, added]
    assert client.ask("DELETE", f"{path}/mappings/{first['id']}").json() == {"id": first["id"]}
    versions = [client.get(path, version=number)["mappings"] for number in range(4)]
    assert versions == [[first, second], [first, second, added], [first, written, added], [written, added]]
    client.refused("GET", path, 404, params={"version": 4})
    assert client.get(f"{path}/mappings/{first['id']}", version=0) == first
    shown = client.get(SETS, limit=1)["data"][0]
    assert (shown["version"], shown["name"], shown["xdmSchema"]) == (3, "mapping", schema)


def test_what_is_no_mapping_is_not_written(client: Client) -> None:
    path = f"{SETS}/{client.mapping(client.schema(), ('Product_Id', '_id'))}"
    (only,) = client.get(f"{path}/mappings")
    for body in ({"source": "a"}, {"source": "a", "destination": "b", "sourceType": "MAGIC"}, {}):
        client.refused("POST", f"{path}/mappings", 400, json=body)
        client.refused("PUT", f"{path}/mappings/{only['id']}", 400, json=body)
    assert "1 to 5000" in client.refused("DELETE", f"{path}/mappings/{only['id']}", 400)["detail"]
    for method, body in (("PUT", {"source": "a", "destination": "b"}), ("DELETE", None)):
        assert "no mapping none" in client.refused(method, f"{path}/mappings/none", 404, json=body)["detail"]
        client.refused(method, f"{SETS}/none/mappings/{only['id']}", 404, json=body)
    assert client.get(path)["mappings"] == client.get(f"{path}/mappings") == [only]
    client.refused("GET", path, 404, params={"version": 1})


def test_a_dataflow_keeps_the_version_that_it_names(client: Client) -> None:
    body = client.prepared()
    path = f"{SETS}/{body['transformations'][1]['params']['mappingId']}"
    client.flow(body)
    (name,) = (line for line in client.get(f"{path}/mappings") if line["destination"] == "_emulator.product.name")
    assert client.ask("DELETE", f"{path}/mappings/{name['id']}").status_code == 200
    client.advance(70)
    (row,) = client.control("GET", f"datasets/{body['_dataset']}/rows?limit=1")["rows"]
    assert row["_emulator"]["product"]["name"]


def test_runs_fail_once_their_mapping_set_is_deleted(client: Client) -> None:
    body = client.prepared()
    identifier = body["transformations"][1]["params"]["mappingId"]
    flow = client.flow(body)["id"]
    answer = client.ask("DELETE", f"{SETS}/{identifier}")
    assert (answer.status_code, answer.json()["id"]) == (200, identifier)
    for method in ("GET", "DELETE"):
        assert client.refused(method, f"{SETS}/{identifier}", 404)["detail"] == f"There is no mapping set {identifier}."
    assert client.get(SETS, limit=9)["data"] == []
    client.advance(70)
    (run,) = client.runs(flow)
    assert run["metrics"]["statusSummary"]["status"] == "failed"
    assert "mapping set does not exist any more" in str(run)
    assert client.control("GET", f"datasets/{body['_dataset']}/rows")["count"] == 0
    later = edited(body, {"scheduleParams.startTime": client.now() + 60})
    assert "does not exist" in client.flow_problem("POST", f"{FLOW}/flows", "1419-400", json=later)


def test_mapping_sets_are_shown_without_the_schema_that_is_gone(client: Client) -> None:
    gone, kept = client.schema("gone"), client.schema("kept")
    sets = [client.mapping(schema) for schema in (gone, kept)]
    assert client.ask("DELETE", f"{REGISTRY}/tenant/schemas/{quote(gone, safe='')}").status_code == 204
    without, whole = client.get(SETS, limit=9, expandSchema="true")["data"]
    assert [without["id"], whole["id"]] == sets
    assert without["outputSchema"]["schemaRef"]["id"] == without["xdmSchema"] == gone
    assert "jsonSchema" not in without["outputSchema"]
    assert whole["outputSchema"]["jsonSchema"]["id"] == kept
    assert client.get(f"{SETS}/{sets[0]}", expandSchema="true") == without


def test_a_set_is_validated_before_it_is_made_when_asked(client: Client) -> None:
    body = mapping_body(client.schema(), ("Product_Id", "_id"), ("Product_Id", "nowhere.to.be.found"))
    for flag in ("true", "True"):
        detail = client.refused("POST", SETS, 400, json=body, params={"validate": flag})["detail"]
        assert "nowhere" in detail
    assert client.get(SETS, limit=9)["data"] == []
    assert client.ask("POST", SETS, json=body, params={"validate": "False"}).json()["version"] == 0
    sound = {**body, "mappings": body["mappings"][:1]}
    assert client.ask("POST", SETS, json=sound, params={"validate": "true"}).json()["version"] == 0


def test_a_suggestion_matches_attributes_of_a_batch_with_fields(client: Client) -> None:
    client.flow(client.prepared())
    client.advance(70)
    (batch,) = client.get(f"{CATALOG}/batches")
    other = client.dataset(client.schema("others", productName={}, create_time={}, label={}), "others")
    asked = {"datasetId": other, "batchId": batch}
    suggestion = client.get(f"{SETS}/suggestion", **asked)
    assert (suggestion["id"], suggestion["version"], suggestion["status"]) == (None, 0, "DRAFT")
    assert suggestion["outputSchema"]["schemaRef"]["id"] == suggestion["xdmSchema"] == suggestion["schemaRef"]["id"]
    found = {line["source"]: (line["destination"], line["matchScore"]) for line in suggestion["mappings"]}
    assert found == {
        "_id": ("_id", 1.0),
        "_emulator.product.name": ("_emulator.product.productName", 0.57),
        "_emulator.product.createTime": ("_emulator.product.create_time", 1.0),
    }
    assert client.get(SETS, limit=9, start=1)["data"] == []
    everything = client.get(f"{SETS}/suggestion", **asked, excludeUnmapped="false")["mappings"]
    rest = [line for line in everything if not line["destination"]]
    assert {line["source"] for line in rest} == {"_emulator.product.description", "_emulator.product.type"}
    assert {line["matchScore"] for line in rest} == {0.0}
    made = client.make(SETS, suggestion)
    assert client.get(f"{SETS}/{made['id']}")["xdmSchema"] == suggestion["xdmSchema"]


def test_a_suggestion_needs_a_batch_and_a_dataset_with_a_schema(client: Client) -> None:
    client.flow(client.prepared())
    client.advance(70)
    ((batch, shown),) = client.get(f"{CATALOG}/batches").items()
    dataset = shown["relatedObjects"][0]["id"]
    bare = client.dataset(client.schema("bare"))
    for params, named in (
        ({}, "datasetId"),
        ({"datasetId": dataset}, "batchId"),
        ({"batchId": batch}, "datasetId"),
        ({"datasetId": "none", "batchId": batch}, "dataset"),
        ({"datasetId": dataset, "batchId": "none"}, "batch"),
    ):
        assert named.lower() in client.refused("GET", f"{SETS}/suggestion", 400, params=params)["detail"].lower()
    assert client.ask("DELETE", f"{CATALOG}/dataSets/{dataset}").status_code == 200
    assert client.get(f"{SETS}/suggestion", datasetId=bare, batchId=batch)["mappings"] == []
