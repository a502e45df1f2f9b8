"""Records: single values, whole objects and arrays are converted and checked in the same way."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.emulator.client import DATA_PREP, Client, mapping_body
from tests.emulator.records import AT, PLAN_ROWS, ingest, messages, row_errors
from tests.emulator.samples.test_samples import base_connection

MAPPER, MISSING, NULL, TYPE = "MAPPER-3700-400", "DCVS-1111-400", "DCVS-1101-400", "DCVS-1104-400"
FORMAT, ENUM, RULE = "DCVS-1105-400", "DCVS-1106-400", "INGEST-1554-400"
Field = dict[str, Any]

# A field, an expression whose value the field refuses, the error code, and a part of the message.
REFUSED: tuple[tuple[Field, str, str, str], ...] = (
    ({"type": "number"}, '"n/a"', MAPPER, "expected data type was: NUMBER, the actual data type was: STRING."),
    ({"type": "integer"}, "1.5", MAPPER, "was: INTEGER, the actual data type was: NUMBER."),
    ({"type": "boolean"}, '"maybe"', MAPPER, "was: BOOLEAN, the actual data type was: STRING."),
    ({"type": "string", "format": "date-time"}, '"soon"', MAPPER, "was: DATETIME, "),
    ({"type": "string", "format": "date"}, '"soon"', MAPPER, "was: DATE, "),
    ({"type": "number"}, 'to_object("a", 1)', MAPPER, "the actual data type was: OBJECT."),
    ({"type": "string"}, 'to_object("a", 1)', TYPE, "expected type: String, found: JSONObject"),
    ({"type": "string"}, "to_array(true, 1)", TYPE, "expected type: String, found: JSONArray"),
    ({"type": "object", "properties": {"a": {}}}, '"text"', TYPE, "expected type: JSONObject, found: String"),
    ({"type": "array", "items": {"type": "string"}}, '"text"', TYPE, "expected type: JSONArray, found: String"),
    ({"type": "array", "items": {"type": "string"}}, "to_array(true, 1, null)", NULL, "found: Null"),
    ({"type": "string", "enum": ["USD"]}, '"US$"', ENUM, "'US$' is not a valid enum value"),
    ({"type": "integer", "enum": [1, 2]}, "3", ENUM, "'3' is not a valid enum value"),
    ({"type": "string", "const": "a"}, '"b"', ENUM, "'b' is not the only valid value"),
    ({"type": "string", "format": "email"}, '"nobody"', FORMAT, "'nobody' is not a valid email"),
    ({"type": "string", "format": "ipv4"}, '"1.2.3.400"', FORMAT, "not a valid ipv4"),
    ({"type": "string", "format": "ipv6"}, '"::g"', FORMAT, "not a valid ipv6"),
    ({"type": "string", "format": "hostname"}, '"-a-"', FORMAT, "not a valid hostname"),
    ({"type": "string", "format": "uri"}, '"no scheme"', FORMAT, "not a valid uri"),
    ({"type": "string", "format": "uri-reference"}, '"a b"', FORMAT, "not a valid uri-reference"),
    ({"type": "string", "format": "json-pointer"}, '"a"', FORMAT, "not a valid json-pointer"),
    ({"type": "string", "maxLength": 3}, '"abcd"', RULE, "expected maxLength: 3, actual: 4"),
    ({"type": "string", "minLength": 3}, '"ab"', RULE, "expected minLength: 3, actual: 2"),
    ({"type": "string", "pattern": "^[A-Z]+$"}, '"Ab"', RULE, "pattern ^[A-Z]+$"),
    ({"type": "number", "minimum": 1}, "0", RULE, "'0.0' is not greater or equal to 1"),
    ({"type": "number", "maximum": 1}, "2", RULE, "not less or equal to 1"),
    ({"type": "number", "exclusiveMinimum": 1}, "1", RULE, "not greater than 1"),
    ({"type": "number", "exclusiveMaximum": 1}, "1", RULE, "not less than 1"),
    ({"type": "integer"}, "3000000000", RULE, "not less or equal to 2147483647"),
    ({"type": "number", "multipleOf": 0.1}, "0.25", RULE, "not a multiple of 0.1"),
    ({"type": "array", "items": {"type": "integer"}, "maxItems": 1}, "to_array(true, 1, 2)", RULE, "maxItems: 1"),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 3}, "to_array(true, 1, 2)", RULE, "minItems: 3"),
    ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, "to_array(true, 1, 1)", RULE, "unique"),
    ({"type": "object", "properties": {"a": {}}}, 'to_object("b", 1)', RULE, "extraneous key [b] is not permitted"),
)


@pytest.mark.parametrize("where", ["alone", "object", "array", "map"])
def test_values_that_a_field_does_not_allow_are_refused_at_every_level(client: Client, where: str) -> None:
    for number, (field, value, code, text) in enumerate(REFUSED):
        around: Field
        around, expression = {
            "alone": (field, value),
            "object": (
                {"type": "object", "properties": {"in": {"type": "object", "properties": {"v": field}}}},
                f'to_object("in", to_object("v", {value}))',
            ),
            "array": (
                {"type": "array", "items": {"type": "object", "properties": {"v": field}}},
                f'to_array(true, to_object("v", {value}))',
            ),
            "map": ({"type": "object", "additionalProperties": field}, f'to_object("v", {value})'),
        }[where]
        schema = client.schema(f"{where} {number}", value=around)
        outcome = ingest(client, schema, ("EXPRESSION", expression, f"{AT}.value"))
        assert (outcome.codes, outcome.rows) == ({code: PLAN_ROWS}, []), field
        place = {"alone": "value", "object": "value.in.v", "array": "value[0].v", "map": "value.v"}[where]
        if code != MAPPER:
            place = "#/_emulator/product/" + re.sub(r"\[(\d)\]|\.", r"/\1", place).replace("//", "/")
        (message,) = messages(outcome)
        assert text in message
        assert place in message


def test_values_in_objects_and_arrays_are_converted(client: Client) -> None:
    inner: Field = {
        "n": {"type": "number"},
        "i": {"type": "integer"},
        "b": {"type": "boolean"},
        "t": {"type": "string"},
        "d": {"type": "string", "format": "date-time"},
        "m": {"type": "object", "additionalProperties": {"type": "integer"}},
    }
    whole: Field = {"type": "object", "properties": inner}
    schema = client.schema("converted", whole=whole, many={"type": "array", "items": whole}, free={"type": "object"})
    text = r"{\"n\":\"1.5\",\"i\":\"2\",\"b\":\"yes\",\"t\":3,\"d\":\"2024-05-06 07:08:09Z\",\"m\":{\"k\":\"4\"}}"
    created = {"n": 1.5, "i": 2, "b": True, "t": "3", "d": "2024-05-06T07:08:09Z", "m": {"k": 4}}
    outcome = ingest(
        client,
        schema,
        ("EXPRESSION", f'json_to_object("{text}")', f"{AT}.whole"),
        ("EXPRESSION", f'to_array(false, json_to_object("{text}"), to_object("i", "5", "n", null))', f"{AT}.many"),
        ("EXPRESSION", 'to_object("a", to_object("b", 1), "c", "d")', f"{AT}.free"),
    )
    assert outcome.codes == {}
    product = outcome.rows[0]["_emulator"]["product"]
    assert product == {"whole": created, "many": [created, {"i": 5}], "free": {"a": {"b": 1}, "c": "d"}}


def test_rows_with_wrong_types_enums_or_lengths_are_not_ingested(client: Client) -> None:
    whole = {
        "amount": {"type": "integer"},
        "kind": {"type": "string", "enum": ["PHYSICAL"]},
        "text": {"type": "string", "maxLength": 5},
    }
    schema = client.schema("whole", whole={"type": "object", "properties": whole})
    expression = 'to_object("amount", Product_Name, "kind", Type, "text", Description)'
    outcome = ingest(
        client,
        schema,
        ("ATTRIBUTE", "Product_Id", "_id"),
        ("EXPRESSION", expression, f"{AT}.whole"),
        table="PayPal.Catalog_Products",
    )
    assert (outcome.rows, outcome.codes) == ([], {MAPPER: 1200})
    counts = outcome.run["metrics"]["recordSummary"]
    assert (counts["inputRecordCount"], counts["failedRecordCount"]) == (1200, 1200)


def test_required_fields_must_be_present_and_not_null(client: Client) -> None:
    whole = {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]}
    schema = client.schema("required", whole=whole, many={"type": "array", "items": whole})
    for expression, code, text in (
        ('to_object("b", 1)', MISSING, "#/_emulator/product/whole: required key [a] not found"),
        ('to_object("a", "")', MISSING, "#/_emulator/product/whole: required key [a] not found"),
        ('to_object("a", null)', NULL, "#/_emulator/product/whole/a: expected type: String, found: Null"),
    ):
        outcome = ingest(client, schema, ("EXPRESSION", expression, f"{AT}.whole"))
        assert outcome.codes == {code: PLAN_ROWS}
        assert text in messages(outcome)[0]
    outcome = ingest(client, schema, ("EXPRESSION", 'to_array(true, to_object("b", 1))', f"{AT}.many"))
    assert outcome.codes == {MISSING: PLAN_ROWS}
    assert "#/_emulator/product/many/0: required key [a] not found" in messages(outcome)[0]
    # An object that two mappings write is checked as a whole.
    assert ingest(client, schema, ("STATIC", "1", f"{AT}.whole.a"), ("STATIC", "2", f"{AT}.whole.b")).codes == {}


def test_an_attribute_that_is_an_object_is_checked_like_a_single_field(client: Client) -> None:
    base, spec = base_connection(client, "charges")
    source = client.source(
        baseConnectionId=base,
        data={"format": "json"},
        params={"resourcePath": "charges"},
        connectionSpec={"id": spec, "version": "1.0"},
    )
    assert source
    card = {"type": "object", "properties": {"card": {"type": "object", "properties": {"brand": {"type": "integer"}}}}}
    schema = client.schema("card", details=card)
    body = mapping_body(schema, ("data.details", f"{AT}.details"))
    rows = [
        {"data": {"details": {"card": {"brand": "visa"}}}},
        {"data": {"details": {"card": {"brand": "4", "network": "x"}}}},
        {"data": {"details": {"card": {"brand": "4"}}}},
    ]
    first, second, third = client.make(f"{DATA_PREP}/mappingSets/preview", {"data": rows, "mappingSet": body})
    assert "details.card.brand. " in first["errors"][0]["exception"]
    assert "extraneous key [network]" in second["errors"][0]["exception"]
    assert third == {"data": {"_emulator": {"product": {"details": {"card": {"brand": 4}}}}}}


def test_array_entries_without_the_mapped_attribute_are_kept(client: Client) -> None:
    line = {"type": "object", "properties": {"sku": {"type": "string"}}}
    schema = client.schema("gaps", lines={"type": "array", "items": line})
    body = mapping_body(schema, ("items[*].sku", f"{AT}.lines[*].sku"))
    row = {"items": [{"sku": "a"}, {}, {"sku": "c"}, {}]}
    created = client.make(f"{DATA_PREP}/mappingSets/preview", {"data": row, "mappingSet": body})
    assert created == {"data": {"_emulator": {"product": {"lines": [{"sku": "a"}, {}, {"sku": "c"}, {}]}}}}


def test_values_mapped_to_array_entries_are_converted_and_checked_singly(client: Client) -> None:
    line = {"type": "object", "properties": {"n": {"type": "integer"}, "t": {"type": "string", "enum": ["1", "2"]}}}
    schema = client.schema(
        "dealt",
        tags={"type": "array", "items": {"type": "number"}, "maxItems": 3},
        lines={"type": "array", "items": line},
    )
    outcome = ingest(
        client,
        schema,
        ("EXPRESSION", 'explode("1,2.5", ",")', f"{AT}.tags[*]"),
        ("EXPRESSION", 'explode("1,2", ",")', f"{AT}.lines[*].n"),
        ("EXPRESSION", 'explode("2,1", ",")', f"{AT}.lines[*].t"),
    )
    created = {"tags": [1, 2.5], "lines": [{"n": 1, "t": "2"}, {"n": 2, "t": "1"}]}
    assert (outcome.codes, outcome.rows[0]["_emulator"]["product"]) == ({}, created)
    for source, destination, code, text in (
        ("1,x", "tags[*]", MAPPER, f"destination path {AT}.tags[*]. "),
        ("1,2,3,4", "tags[*]", RULE, "#/_emulator/product/tags: expected maxItems: 3, actual: 4"),
        ("1,2.5", "lines[*].n", MAPPER, f"destination path {AT}.lines[*].n. "),
        ("1,3", "lines[*].t", ENUM, "#/_emulator/product/lines/1/t: '3' is not a valid enum value"),
    ):
        outcome = ingest(client, schema, ("EXPRESSION", f'explode("{source}", ",")', f"{AT}.{destination}"))
        assert outcome.codes == {code: PLAN_ROWS}
        assert text in messages(outcome)[0]


@pytest.mark.parametrize("form", ["integer", "money", ["date"], {}, None, 5], ids=str)
def test_an_unknown_format_of_a_text_is_ignored(client: Client, form: Any) -> None:
    schema = client.schema("format", value={"type": "string", "format": form})
    outcome = ingest(client, schema, ("STATIC", "any", f"{AT}.value"))
    assert outcome.rows == [{"_emulator": {"product": {"value": "any"}}}] * PLAN_ROWS


def test_patterns_that_cannot_be_compiled_are_ignored(client: Client) -> None:
    patterns = ("(", "a{99999999999}", "(?:" * 60 + ")" * 60, "^[A-Z]" * 50, r"\p{Lu}+")
    fields = {f"f{number}": {"type": "string", "pattern": pattern} for number, pattern in enumerate(patterns)}
    schema = client.schema("patterns", **fields, long={"type": "string", "pattern": "^b"})
    lines = [("STATIC", "1", f"{AT}.{name}") for name in fields if name != "f2"]
    outcome = ingest(client, schema, *lines, ("STATIC", "a" * 1001, f"{AT}.long"))
    assert (outcome.codes, len(outcome.rows)) == ({}, PLAN_ROWS)
    assert ingest(client, schema, ("STATIC", "a" * 1000, f"{AT}.long")).codes == {RULE: PLAN_ROWS}


def test_row_error_files_are_grouped_by_stage_and_have_bare_numbers(client: Client) -> None:
    for field, value, stage, number in (
        ({"type": "number"}, "n/a", "conversion", "3700"),
        ({"type": "string", "enum": ["a"]}, "b", "validation", "1106"),
        ({"type": "string", "maxLength": 1}, "bb", "validation", "1554"),
        ({"type": "string", "format": "email"}, "b", "validation", "1105"),
    ):
        schema = client.schema(f"files {number}", value=field)
        outcome = ingest(client, schema, ("STATIC", value, f"{AT}.value"))
        files = row_errors(client, outcome)
        assert list(files) == [f"{stage}_errors_0.json"]
        (lines,) = files.values()
        assert {line["_errors"][0]["code"] for line in lines} == {number}
        assert {line["_errors"][0]["message"] for line in lines} == set(messages(outcome))
        extensions = outcome.run["activities"][1]["statusSummary"]["extensions"]["errors"]
        (entry,) = (error for error in extensions if "recordCount" in error)
        assert entry == {"code": next(iter(outcome.codes)), "message": messages(outcome)[0], "recordCount": PLAN_ROWS}


def parsed_message(message: str) -> dict[str, str]:
    """Return the parts of a mapper's message that Adobe's Python client extracts."""
    parts = {
        "path": r"destination path (?P<found>.+?)\. ",
        "expected": r"expected data type was: (?P<found>[A-Z]+?), ",
        "actual": r"actual data type was: (?P<found>[A-Z]+?)\. ",
        "source": r"sourceField: (?P<found>.+?) destinationField",
        "destination": r"destinationField: (?P<found>.+?)$",
    }
    found = {name: re.search(pattern, message) for name, pattern in parts.items()}
    return {name: match["found"] for name, match in found.items() if match}


def test_adobes_client_can_parse_the_messages_of_the_mapper(client: Client) -> None:
    whole = {"type": "object", "properties": {"n": {"type": "number"}}}
    schema = client.schema(
        "mapper", at={"type": "string", "format": "date-time"}, many={"type": "array", "items": whole}
    )
    for line, path, expected, actual in (
        (("ATTRIBUTE", "Name", f"{AT}.at"), f"{AT}.at", "DATETIME", "STRING"),
        (("STATIC", "not yet. Or so", f"{AT}.at"), f"{AT}.at", "DATETIME", "STRING"),
        (("EXPRESSION", 'concat(Name,\n  "x")', f"{AT}.at"), f"{AT}.at", "DATETIME", "STRING"),
        (("EXPRESSION", 'to_array(true, to_object("n", "x"))', f"{AT}.many"), f"{AT}.many[0].n", "NUMBER", "STRING"),
        (("EXPRESSION", "1 == 1", f"{AT}.many[0].n"), f"{AT}.many[0].n", "NUMBER", "BOOLEAN"),
    ):
        outcome = ingest(client, schema, line, percent=None)
        assert outcome.batch["status"] == "failed"
        (message,) = messages(outcome)
        assert parsed_message(message) == {
            "path": path,
            "expected": expected,
            "actual": actual,
            "source": " ".join(line[1].split()),
            "destination": line[2],
        }
    outcome = ingest(client, schema, ("EXPRESSION", "1 / 0", f"{AT}.many[0].n"))
    parts = parsed_message(messages(outcome)[0])
    assert (parts["path"], parts["source"], parts["destination"]) == (f"{AT}.many[0].n", "1 / 0", f"{AT}.many[0].n")
