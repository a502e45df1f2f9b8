"""Any schema and any row: an independent JSON Schema validator accepts the same values as the emulator."""

from __future__ import annotations

import itertools
import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from tests.emulator.client import DATA_PREP, Client, mapping_body

EXAMPLES = int(os.environ.get("EMULATOR_FUZZ_EXAMPLES", "12"))
NAMES = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["", "a", "ab", "abc", "12", "1.5", "yes", "x@y.z", "2024-01-02"])
COUNTS = st.integers(0, 3)
NUMBERS = st.integers(-4, 4)
TITLES = itertools.count()


def some(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


def kind(name: str, members: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return members.map(lambda found: {"type": name, **found})


BOUNDS = some(
    minimum=NUMBERS, maximum=NUMBERS, exclusiveMinimum=NUMBERS, exclusiveMaximum=NUMBERS, multipleOf=st.just(2)
)
LEAVES = (
    kind("string", some(minLength=COUNTS, maxLength=COUNTS, pattern=st.sampled_from(["^a", "b$", "^[a-z]*$", "1"])))
    | kind("string", some(enum=st.lists(TEXTS, min_size=1, unique=True)))
    | kind("number", BOUNDS)
    | kind("integer", BOUNDS)
    | kind("integer", some(enum=st.lists(NUMBERS, min_size=1, unique=True)))
    | kind("boolean", st.just({}))
)


def holders(held: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    properties = st.dictionaries(NAMES, held, min_size=1)
    return (
        kind(
            "array",
            some(minItems=COUNTS, maxItems=COUNTS, uniqueItems=st.just(True)).flatmap(
                lambda found: held.map(lambda items: {**found, "items": items})
            ),
        )
        | kind("object", st.fixed_dictionaries({"properties": properties, "additionalProperties": st.booleans()}))
        | kind("object", st.fixed_dictionaries({"additionalProperties": held}))
    )


FIELDS = st.recursive(LEAVES, holders, max_leaves=5)
VALUES = st.recursive(
    TEXTS | NUMBERS | st.sampled_from([0.5, 2.0]) | st.booleans(),
    lambda held: st.lists(held, max_size=3) | st.dictionaries(NAMES, held, max_size=3),
    max_leaves=6,
)


def values_of_type(field: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a field's type, which may violate the field's constraints."""
    match field["type"]:
        case "string":
            return TEXTS
        case "boolean":
            return st.booleans()
        case "integer" | "number":
            return NUMBERS
        case "array":
            return st.lists(values_of_type(field["items"]), max_size=4)
    properties = field.get("properties", {})
    held = field.get("additionalProperties")
    others = st.dictionaries(NAMES, values_of_type(held) if isinstance(held, dict) else TEXTS, max_size=2)
    known = st.fixed_dictionaries({}, optional={name: values_of_type(child) for name, child in properties.items()})
    return st.builds(lambda first, second: {**first, **second}, others, known)


CASES = FIELDS.flatmap(
    lambda field: st.tuples(st.just(field), st.lists(values_of_type(field) | VALUES, min_size=8, max_size=8))
)


@given(st.lists(CASES, min_size=6, max_size=6))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_accepted_values_are_valid_and_valid_values_are_accepted(
    client: Client, cases: list[tuple[dict[str, Any], list[Any]]]
) -> None:
    names = [f"f{number}" for number in range(len(cases))]
    schema = client.schema(
        f"any {next(TITLES)}", **{name: field for name, (field, _) in zip(names, cases, strict=True)}
    )
    body = mapping_body(schema, *((name, f"_emulator.product.{name}") for name in names))
    rows = [dict(zip(names, values, strict=True)) for values in zip(*(values for _, values in cases), strict=True)]
    answers = client.make(f"{DATA_PREP}/mappingSets/preview", {"data": rows, "mappingSet": body})
    for row, answer in zip(rows, answers, strict=True):
        accepted = answer["data"].get("_emulator", {}).get("product", {})
        refused = {error["destination"].rpartition(".")[2] for error in answer.get("errors", ())}
        assert accepted.keys() == set(names) - refused
        for name, (field, _) in zip(names, cases, strict=True):
            validator = Draft7Validator(field)
            if name in accepted:
                assert list(validator.iter_errors(accepted[name])) == []
            if validator.is_valid(row[name]):
                assert accepted.get(name) == row[name], answer
