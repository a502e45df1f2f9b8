"""Fields given as JSON schema: differences from live fields, and the patches of an update."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_payments.aep.errors import ConflictError, Difference, InvalidInputError, UnreadableError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.resources.schema_fields import FieldTree
from airflow_provider_payments.aep.resources.schema_registry import FieldGroup
from tests.aep.chain import REGISTRY, Chain
from tests.conftest import Emulator

Node = dict[str, Any]

TEXT, WHOLE, DATE = {"type": "string"}, {"type": "integer"}, {"type": "string", "format": "date-time"}
PAID = {"type": "string", "enum": ["paid"]}


def obj(**properties: Node) -> Node:
    return {"type": "object", "properties": properties}


def lines(**properties: Node) -> Node:
    return {"type": "array", "items": obj(**properties)}


def map_of(node: Node) -> Node:
    return {"type": "object", "additionalProperties": node}


def differences(chain: Chain, live: Node, desired: Node) -> list[Difference]:
    chain.ensure(chain.field_group(fields={"f": live}))
    resource = chain.field_group(fields={"f": desired})
    (existing,) = resource.look_up(chain.client)
    return resource.differences(chain.client, existing)


#: Case -> live field, desired field, the path below `fields.f` that differs, desired and actual value there.
DIFFERENT: dict[str, tuple[Node, Node, str, Any, Any]] = {
    "a type": (TEXT, WHOLE, " (type)", "integer", "string"),
    "a date where text was": (TEXT, DATE, " (type)", "date-time", "string"),
    "text where a date was": (DATE, TEXT, " (type)", "string", "date-time"),
    "a format": (TEXT, TEXT | {"format": "uri"}, " (format)", "uri", None),
    "a field in an array's objects": (lines(a=TEXT), lines(a=TEXT, b=WHOLE), "[*].b", WHOLE, None),
    "a type in an array's objects": (lines(a=TEXT), lines(a=WHOLE), "[*].a (type)", "integer", "string"),
    "a field in arrays in arrays": (lines(a=lines(b=TEXT)), lines(a=lines(c=TEXT)), "[*].a[*].c", TEXT, None),
    "the type of items in an array": (
        {"type": "array", "items": TEXT},
        {"type": "array", "items": WHOLE},
        "[*] (type)",
        "integer",
        "string",
    ),
    "a minimum number of items": (
        lines(a=TEXT),
        lines(a=TEXT) | {"minItems": 1},
        " (minItems)",
        1,
        None,
    ),
    "values of an enum": (
        PAID,
        {"type": "string", "enum": ["paid", "void"]},
        " (enum)",
        ["paid", "void"],
        ["paid"],
    ),
    "an enum where none was": (TEXT, PAID, " (enum)", ["paid"], None),
    "values of an enum, of which 1 is not true": (
        {"type": "integer", "enum": [1, 2]},
        {"type": "integer", "enum": [True]},
        " (enum)",
        [True],
        [1, 2],
    ),
    "a label": (
        TEXT | {"meta:enum": {"a": "A"}},
        TEXT | {"meta:enum": {"a": "A", "b": "B"}},
        " (meta:enum)",
        {"a": "A", "b": "B"},
        {"a": "A"},
    ),
    "another label": (
        TEXT | {"meta:enum": {"a": "A"}},
        TEXT | {"meta:enum": {"a": "B"}},
        " (meta:enum)",
        {"a": "B"},
        {"a": "A"},
    ),
    "a maximum length": (TEXT | {"maxLength": 10}, TEXT | {"maxLength": 99}, " (maxLength)", 99, 10),
    "a minimum length": (TEXT, TEXT | {"minLength": 1}, " (minLength)", 1, None),
    "a pattern": (TEXT | {"pattern": "^a"}, TEXT | {"pattern": "^b"}, " (pattern)", "^b", "^a"),
    "a minimum": (WHOLE | {"minimum": 0}, WHOLE | {"minimum": 1}, " (minimum)", 1, 0),
    "a maximum": (WHOLE | {"maximum": 10}, WHOLE | {"maximum": 11}, " (maximum)", 11, 10),
    "an exclusive bound": (
        {"type": "number"},
        {"type": "number", "exclusiveMinimum": 0},
        " (exclusiveMinimum)",
        0,
        None,
    ),
    "the whole-number type of XDM": (
        WHOLE,
        WHOLE | {"meta:xdmType": "long"},
        " (meta:xdmType)",
        "long",
        "int",
    ),
    "a required field": (obj(a=TEXT), obj(a=TEXT) | {"required": ["a"]}, " (required)", ["a"], None),
    "a field that is no longer required": (
        obj(a=TEXT, b=TEXT) | {"required": ["a", "b"]},
        obj(a=TEXT) | {"required": ["a"]},
        " (required)",
        ["a"],
        ["a", "b"],
    ),
    "the type of members in a map": (map_of(TEXT), map_of(WHOLE), ".* (type)", "integer", "string"),
    "a field of a map's objects": (map_of(obj(a=TEXT)), map_of(obj(b=TEXT)), ".*.b", TEXT, None),
    "a map where an object was": (obj(a=TEXT), map_of(TEXT), " (additionalProperties)", TEXT, None),
    "an object that is closed": (
        obj(a=TEXT),
        obj(a=TEXT) | {"additionalProperties": False},
        " (additionalProperties)",
        False,
        None,
    ),
    "an object's fields where a map was": (map_of(TEXT), obj(a=TEXT), " (properties)", {"a": TEXT}, None),
    "a constant": (TEXT, TEXT | {"const": "EUR"}, " (const)", "EUR", None),
    "a default": (TEXT | {"default": "EUR"}, TEXT | {"default": "USD"}, " (default)", "USD", "EUR"),
}


@pytest.mark.parametrize(("live", "desired", "place", "ours", "theirs"), DIFFERENT.values(), ids=DIFFERENT)
def test_a_given_keyword_that_a_live_field_lacks_differs(
    live: Node, desired: Node, place: str, ours: Any, theirs: Any, chain: Chain
) -> None:
    assert differences(chain, live, desired) == [Difference(f"fields.f{place}", ours, theirs)]


BOUNDED = {"type": "integer", "minimum": 0, "maximum": 10}
SAME: dict[str, tuple[Node, Node]] = {
    "bounds that are not given": (BOUNDED, WHOLE),
    "an enum that is not given": (PAID, TEXT),
    "more values of an enum": ({"type": "string", "enum": ["void", "paid"]}, PAID),
    "more labels": (TEXT | {"meta:enum": {"a": "A", "b": "B"}}, TEXT | {"meta:enum": {"a": "A"}}),
    "a pattern that is not given": (TEXT | {"pattern": "^a", "maxLength": 3}, TEXT),
    "a format that makes no type": (TEXT | {"format": "email"}, TEXT),
    "required fields that are not given": (obj(a=TEXT) | {"required": ["a"]}, obj(a=TEXT)),
    "required fields in another order": (
        obj(a=TEXT, b=TEXT) | {"required": ["b", "a"]},
        obj(a=TEXT, b=TEXT) | {"required": ["a", "b"]},
    ),
    "nothing required": (obj(a=TEXT), obj(a=TEXT) | {"required": []}),
    "more fields in an array's objects": (lines(a=TEXT, b=TEXT), lines(a=TEXT)),
    "more fields in a map's objects": (map_of(obj(a=TEXT, b=TEXT)), map_of(obj(a=TEXT))),
    "an array that may hold anything": (lines(a=TEXT), {"type": "array"}),
    "an object that may hold anything": (obj(a=TEXT), {"type": "object"}),
    "an object that may hold more, as an explicit keyword": (obj(a=TEXT), obj(a=TEXT) | {"additionalProperties": True}),
    "titles": (TEXT | {"title": "A", "description": "B"}, TEXT | {"title": "C", "description": "D"}),
    "bounds that exclude nothing": (TEXT, TEXT | {"minLength": 0}),
    "an array that may be empty and hold a value twice": (
        lines(a=TEXT),
        lines(a=TEXT) | {"minItems": 0, "uniqueItems": False},
    ),
    "a map that may hold anything, as an explicit keyword": (
        {"type": "object", "additionalProperties": {}},
        {"type": "object", "additionalProperties": True},
    ),
    "a whole number as a fraction": (WHOLE | {"maximum": 10}, WHOLE | {"maximum": 10.0}),
}


@pytest.mark.parametrize(("live", "desired"), SAME.values(), ids=SAME)
def test_keywords_that_the_user_did_not_set_are_not_compared(live: Node, desired: Node, chain: Chain) -> None:
    assert differences(chain, live, desired) == []


@pytest.mark.parametrize("desired", [case[1] for case in (*DIFFERENT.values(), *SAME.values())])
def test_a_created_field_group_has_no_differences(desired: Node, chain: Chain) -> None:
    assert differences(chain, desired, desired) == []


def test_every_difference_names_the_path_of_its_field(chain: Chain) -> None:
    live = obj(type=TEXT, required=lines(sku=TEXT))
    desired = obj(type=WHOLE, required=lines(sku=WHOLE, qty=WHOLE), new=TEXT) | {"required": ["type"]}
    assert [d.field for d in differences(chain, live, desired)] == [
        "fields.f (required)",
        "fields.f.type (type)",
        "fields.f.required[*].sku (type)",
        "fields.f.required[*].qty",
        "fields.f.new",
    ]


GARBLED: dict[str, Node] = {
    "type": {"type": []},
    "format": {"type": "string", "format": 5},
    "a length": {"type": "string", "maxLength": {}},
    "an enum": {"type": "string", "enum": "paid"},
    "labels": {"type": "string", "meta:enum": []},
    "required names": {"type": "string", "required": [5]},
    "fields": {"type": "string", "properties": []},
    "the type of items in an array": {"type": "string", "items": [TEXT]},
    "the type of members in a map": {"type": "string", "additionalProperties": "text"},
}


@pytest.mark.parametrize("live", GARBLED.values(), ids=GARBLED)
def test_a_garbled_keyword_of_a_live_field_is_no_difference(live: Node) -> None:
    every = TEXT | {"maxLength": 5, "enum": ["paid"], "meta:enum": {"paid": "Paid"}, "required": [], "format": "uri"}
    desired = FieldTree({"f": every | {"properties": {"a": TEXT}, "items": TEXT, "additionalProperties": TEXT}})
    with pytest.raises(UnreadableError, match="cannot be read: its"):
        list(desired.differences("fields", Fields("field group x", {"properties": {"f": live}})))


def test_an_absent_keyword_equals_its_default() -> None:
    node = {"type": "array", "meta:xdmType": "array", "minItems": 0, "uniqueItems": False, "additionalProperties": True}
    desired = FieldTree({"f": node})
    assert list(desired.differences("fields", Fields("field group x", {"properties": {"f": {"type": "array"}}}))) == []


def test_missing_labels_of_values_other_than_text_differ() -> None:
    live = TEXT | {"enum": [{"odd": 1}, ["odd"]]}
    desired = FieldTree({"f": TEXT | {"meta:enum": {"paid": "Paid"}}})
    (gap,) = desired.gaps("fields", Fields("field group x", {"properties": {"f": live}}), "")
    assert (gap.difference.field, gap.patch) == ("fields.f (meta:enum)", ())


# ---- updates ---------------------------------------------------------------------------------------------------------

OWN = "/definitions/customFields/properties/_emulator/properties/f"
#: Case -> live field, desired field, the JSON Patch below the field, the field after the update.
GROWN: dict[str, tuple[Node, Node, list[tuple[str, Any]], Node]] = {
    "a field in an array's objects": (
        lines(a=TEXT),
        lines(b=WHOLE),
        [("/items/properties/b", WHOLE)],
        lines(a=TEXT, b=WHOLE),
    ),
    "a field in arrays in arrays": (
        lines(a=lines(b=TEXT)),
        lines(a=lines(c=TEXT)),
        [("/items/properties/a/items/properties/c", TEXT)],
        lines(a=lines(b=TEXT, c=TEXT)),
    ),
    "a field in a map's objects": (
        map_of(obj(a=TEXT)),
        map_of(obj(b=TEXT)),
        [("/additionalProperties/properties/b", TEXT)],
        map_of(obj(a=TEXT, b=TEXT)),
    ),
    "the first fields of an object": (
        {"type": "object"},
        obj(a=TEXT, b=TEXT),
        [("/properties", {"a": TEXT, "b": TEXT})],
        obj(a=TEXT, b=TEXT),
    ),
    "values of an enum": (
        {"type": "string", "enum": ["paid", "open"]},
        {"type": "string", "enum": ["void", "paid", "late"]},
        [("/enum/-", "void"), ("/enum/-", "late")],
        {"type": "string", "enum": ["paid", "open", "void", "late"]},
    ),
    "a value of an enum and its label": (
        PAID | {"meta:enum": {"paid": "Paid"}},
        {"type": "string", "enum": ["paid", "a/b~c"], "meta:enum": {"a/b~c": "Odd"}},
        [("/enum/-", "a/b~c"), ("/meta:enum/a~1b~0c", "Odd")],
        {"type": "string", "enum": ["paid", "a/b~c"], "meta:enum": {"paid": "Paid", "a/b~c": "Odd"}},
    ),
    "labels of numbers": (
        {"type": "number", "enum": [1, 2.5]},
        {"type": "number", "enum": [1], "meta:enum": {"1": "One", "2.5": "More"}},
        [("/meta:enum", {"1": "One", "2.5": "More"})],
        {"type": "number", "enum": [1, 2.5], "meta:enum": {"1": "One", "2.5": "More"}},
    ),
    "the first labels": (
        TEXT,
        TEXT | {"meta:enum": {"a": "A"}},
        [("/meta:enum", {"a": "A"})],
        TEXT | {"meta:enum": {"a": "A"}},
    ),
}


def patched(emulator: Emulator) -> list[Any]:
    return [request["body"] for request in emulator.requests(method="PATCH")]


def without_xdm_types(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    return {key: without_xdm_types(value) for key, value in node.items() if key not in ("meta:xdmType", *BOUNDS)}


BOUNDS = ("minimum", "maximum")


@pytest.mark.parametrize(("live", "desired", "patch", "after"), GROWN.values(), ids=GROWN)
def test_an_update_adds_missing_fields_although_a_dataset_uses_them(
    live: Node, desired: Node, patch: list[tuple[str, Any]], after: Node, chain: Chain, emulator: Emulator
) -> None:
    group = chain.ensure(chain.field_group(fields={"f": live})).existing.id
    schema = chain.ensure(chain.schema(field_groups=(group,))).existing.id
    chain.ensure(chain.dataset(schema_id=schema))
    resource = chain.field_group(fields={"f": desired})
    assert chain.ensure(resource, if_exists="update").updated
    assert patched(emulator) == [[{"op": "add", "path": OWN + path, "value": value} for path, value in patch]]
    (item,) = (item for item in emulator.objects("fieldgroups") if item["$id"] == group)
    assert without_xdm_types(item["definitions"]["customFields"]["properties"]["_emulator"]["properties"]["f"]) == after
    assert not chain.ensure(resource).updated


FIXED = {name: case for name, case in DIFFERENT.items() if not isinstance(case[3], dict) and "values" not in name}
FIXED["labels beyond the enum"] = (
    PAID,
    TEXT | {"meta:enum": {"void": "Void"}},
    " (meta:enum)",
    {"void": "Void"},
    None,
)
FIXED["a map where an object was"] = DIFFERENT["a map where an object was"]


@pytest.mark.parametrize(("live", "desired", "place", "ours", "theirs"), FIXED.values(), ids=FIXED)
def test_an_update_refuses_and_names_differences_it_cannot_remove(
    live: Node, desired: Node, place: str, ours: Any, theirs: Any, chain: Chain, emulator: Emulator
) -> None:
    chain.ensure(chain.field_group(fields={"f": live}))
    with pytest.raises(ConflictError) as conflict:
        chain.ensure(chain.field_group(fields={"f": desired, "new": TEXT}), if_exists="update")
    assert conflict.value.differences == (Difference(f"fields.f{place}", ours, theirs),)
    assert patched(emulator) == []


def test_fields_are_added_to_the_definition_that_contains_the_tenants_fields(chain: Chain, emulator: Emulator) -> None:
    """In Adobe's sample the definition has another name than `customFields`."""
    body = chain.field_group(tenant_id="emulator").payload()
    chain.post(
        f"{REGISTRY}/tenant/fieldgroups",
        body
        | {
            "definitions": {"property": body["definitions"]["customFields"]},
            "allOf": [{"$ref": "#/definitions/property"}],
        },
    )
    chain.ensure(chain.field_group(fields={"city": "string"}), if_exists="update")
    place = "/definitions/property/properties/_emulator/properties/city"
    assert patched(emulator) == [[{"op": "add", "path": place, "value": TEXT}]]


def data_type(chain: Chain, **properties: Node) -> str:
    body = {"type": "object", "title": "money", "description": "", "properties": properties}
    data_type_id: str = chain.post(f"{REGISTRY}/tenant/datatypes", body)["$id"]
    return data_type_id


def test_a_reference_is_compared_by_its_target(chain: Chain) -> None:
    live = {"type": "object", "$ref": data_type(chain, amount={"type": "number"})}
    assert differences(chain, live, live) == []
    other = live | {"$ref": "https://ns.adobe.com/emulator/datatypes/other"}
    (existing,) = chain.field_group().look_up(chain.client)
    shown = chain.field_group(fields={"f": other}).differences(chain.client, existing)
    assert shown == [Difference("fields.f ($ref)", other["$ref"], live["$ref"])]


def test_fields_behind_a_reference_are_compared_but_never_patched(chain: Chain, emulator: Emulator) -> None:
    live = {"type": "object", "$ref": data_type(chain, amount={"type": "number"})}
    assert differences(chain, live, obj(amount={"type": "number"})) == []
    with pytest.raises(ConflictError) as conflict:
        chain.ensure(chain.field_group(fields={"f": obj(currency=TEXT), "new": TEXT}), if_exists="update")
    assert conflict.value.differences == (Difference("fields.f.currency", TEXT, None),)
    assert patched(emulator) == []


# ---- arguments -------------------------------------------------------------------------------------------------------

BAD: dict[str, tuple[Node, str]] = {
    "an enum that is not a list": (TEXT | {"enum": "paid"}, "enum"),
    "an enum without values": (TEXT | {"enum": []}, "enum"),
    "a label that is not text": (TEXT | {"meta:enum": {"a": 1}}, "a"),
    "a length that is not a number": (TEXT | {"maxLength": "9"}, "maxLength"),
    "a length below 0": (TEXT | {"minLength": -1}, "minLength"),
    "a pattern that is not text": (TEXT | {"pattern": 5}, "pattern"),
    "a map of an unknown type": (map_of({"type": "money"}), "additionalProperties"),
}


@pytest.mark.parametrize(("node", "named"), BAD.values(), ids=BAD)
def test_a_field_that_the_registry_would_refuse_is_refused_without_request(node: Node, named: str) -> None:
    with pytest.raises(InvalidInputError, match=f"fields[.]f[.].*{named}"):
        FieldGroup(name="g", fields={"f": node})


@pytest.mark.parametrize("levels", [150, 400, 5000])
def test_fields_nested_too_deeply_are_refused_before_any_request(levels: int) -> None:
    with pytest.raises(InvalidInputError, match="fields="):
        FieldGroup(name="g", fields={".".join(["a"] * levels): "string"})
