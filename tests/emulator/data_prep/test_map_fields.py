"""Fields below a map have the type of the map's values: as destinations, in rows, and in Adobe's own schemas."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import DATA_PREP, PROFILE, Client, mapping_body
from tests.emulator.records import AT, PLAN_ROWS, ingest
from tests.emulator.schema_registry.registry import SCHEMAS, schema_body

IDENTITIES = "https://ns.adobe.com/xdm/context/identitymap"


def map_of(held: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": held, "meta:xdmType": "map"}


PERSON = {"type": "object", "properties": {"age": {"type": "integer"}, "name": {"type": "string"}}}
MAPS = {
    "whole": map_of({"type": "integer"}),
    "nested": map_of(map_of({"type": "boolean"})),
    "people": map_of(PERSON),
    "lists": map_of({"type": "array", "items": PERSON}),
    "free": map_of({}),
    "any": map_of(True),
    "bare": {"type": "object", "meta:xdmType": "map"},
}


def validated(client: Client, schema: str, *destinations: str) -> list[str]:
    body = mapping_body(schema, *(("x", destination) for destination in destinations))
    answer = client.make(f"{DATA_PREP}/mappingSets/validate", body)
    return [entry["status"] for entry in answer["validationResponse"]]


def test_destinations_below_maps_are_checked_by_the_type_of_values(client: Client) -> None:
    schema = client.schema("maps", **MAPS)
    known = (
        *("whole", "whole.k", "whole.first\\.name", "nested.a.b", "people.ann.age", "people.ann", "lists.k[0].name"),
        *("lists.k[*].name", "free.k", "free.k.deeper.still[3].x", "any.k.deeper", "bare.k.deeper"),
    )
    unknown = ("whole.k.deeper", "whole.k[0]", "nested.a.b.c", "people.ann.size", "lists.k.name", "lists.k[0].size")
    statuses = validated(client, schema, *(f"{AT}.{path}" for path in (*known, *unknown)))
    assert statuses == ["SUCCESS"] * len(known) + ["FAILED"] * len(unknown)


def test_values_below_maps_are_converted_to_the_type_of_values(client: Client) -> None:
    schema = client.schema("converted", **MAPS)
    outcome = ingest(
        client,
        schema,
        ("STATIC", "7", f"{AT}.whole.k"),
        ("STATIC", "8", f"{AT}.whole.first\\.name"),
        ("STATIC", "yes", f"{AT}.nested.a.b"),
        ("STATIC", "31", f"{AT}.people.ann.age"),
        ("EXPRESSION", 'to_array(true, to_object("age", "5"))', f"{AT}.lists.k"),
        ("EXPRESSION", 'to_object("x", 1)', f"{AT}.free.k"),
        ("STATIC", "text", f"{AT}.free.l"),
        ("STATIC", "deep", f"{AT}.any.k.deeper"),
    )
    assert outcome.codes == {}
    assert outcome.rows[0]["_emulator"]["product"] == {
        "whole": {"k": 7, "first.name": 8},
        "nested": {"a": {"b": True}},
        "people": {"ann": {"age": 31}},
        "lists": {"k": [{"age": 5}]},
        "free": {"k": {"x": 1}, "l": "text"},
        "any": {"k": {"deeper": "deep"}},
    }


@pytest.mark.parametrize(
    ("source", "destination", "code"),
    [
        ('"many"', "whole.k", "MAPPER-3700-400"),
        ('to_object("k", "many")', "whole", "MAPPER-3700-400"),
        ("3000000000", "whole.k", "INGEST-1554-400"),
        ('to_object("k", to_object("l", "perhaps"))', "nested", "MAPPER-3700-400"),
        ('to_object("ann", to_object("size", 1))', "people", "INGEST-1554-400"),
        ('to_object("ann", "text")', "people", "DCVS-1104-400"),
        ('"text"', "people.ann", "DCVS-1104-400"),
    ],
)
def test_values_that_a_map_does_not_allow_are_refused(client: Client, source: str, destination: str, code: str) -> None:
    outcome = ingest(client, client.schema("refused", **MAPS), ("EXPRESSION", source, f"{AT}.{destination}"))
    assert (outcome.codes, outcome.rows) == ({code: PLAN_ROWS}, [])


@pytest.mark.parametrize("value", ["many", 1], ids=["conversion", "validation"])
def test_messages_shorten_long_keys(client: Client, value: Any) -> None:
    schema = client.schema("long", m=map_of(map_of({"type": "integer"}) if isinstance(value, str) else PERSON))
    row = {"m": {"k" * 5000: {"l" * 5000: value}}}
    body = {"data": row, "mappingSet": mapping_body(schema, ("m", f"{AT}.m"))}
    (error,) = client.make(f"{DATA_PREP}/mappingSets/preview", body)["errors"]
    assert "k" * 100 in error["exception"]
    assert "l" * 100 in error["exception"]
    assert len(error["exception"]) < 500


def test_the_global_identity_map_accepts_lists_of_identities(client: Client) -> None:
    schema = client.make(SCHEMAS, schema_body("identified", PROFILE, IDENTITIES))["$id"]
    paths = ("identityMap.Email[0].id", "identityMap.Email[0].primary", "identityMap.Email", "identityMap")
    assert validated(client, schema, *paths, "identityMap.Email.id", "identityMap.Email[0].address") == [
        *["SUCCESS"] * 4,
        *["FAILED"] * 2,
    ]
    outcome = ingest(
        client, schema, ("ATTRIBUTE", "Id", "identityMap.Plan[0].id"), ("STATIC", "yes", "identityMap.Plan[0].primary")
    )
    (identity,) = outcome.rows[0]["identityMap"]["Plan"]
    assert (outcome.codes, identity["primary"], len(outcome.rows)) == ({}, True, PLAN_ROWS)
    state = ("STATIC", "unknown", "identityMap.Plan[0].authenticatedState")
    assert ingest(client, schema, state).codes == {"DCVS-1106-400": PLAN_ROWS}
