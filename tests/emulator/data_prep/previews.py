"""The results of expressions, conversions and validations, computed by one preview or validation."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from tests.emulator.client import Client
from tests.emulator.data_prep.test_data_prep import SETS, lines

#: A new title for each schema: the Schema Registry refuses duplicate titles.
_TITLES = map("schema {}".format, itertools.count())


def results(client: Client, expressions: Sequence[str], row: Mapping[str, Any] | None = None) -> list[Any]:
    """Return the JSON values of expressions for a row; raise an error if an expression is refused."""
    names = [f"r{place}" for place in range(len(expressions))]
    schema = client.schema(next(_TITLES), **{name: {"type": "object"} for name in names})
    sources = [f'to_object("r", {expression})' for expression in expressions]
    body = lines(
        schema,
        *(("EXPRESSION", source, f"_emulator.product.{name}") for source, name in zip(sources, names, strict=True)),
    )
    answer = client.make(f"{SETS}/preview", {"data": row or {}, "mappingSet": body})
    assert "errors" not in answer, answer["errors"]
    found = answer["data"]["_emulator"]["product"]
    return [found.get(name, {}).get("r") for name in names]


def converted(client: Client, values: Sequence[Any], field: Mapping[str, Any]) -> list[Any]:
    """Return an attribute's values converted to a field, one value a row; ``...`` for a value that is refused."""
    body = lines(client.schema(next(_TITLES), v=field), ("ATTRIBUTE", "v", "_emulator.product.v"))
    answers = client.make(f"{SETS}/preview", {"data": [{"v": value} for value in values], "mappingSet": body})
    return [... if "errors" in answer else answer["data"]["_emulator"]["product"]["v"] for answer in answers]


def refusals(client: Client, expressions: Sequence[str]) -> list[str]:
    """Return why validation refuses each expression; the text is empty for an accepted expression."""
    names = [f"r{place}" for place in range(len(expressions))]
    schema = client.schema(next(_TITLES), **{name: {"type": "object"} for name in names})
    body = lines(
        schema,
        *(("EXPRESSION", source, f"_emulator.product.{name}") for source, name in zip(expressions, names, strict=True)),
    )
    answers = client.make(f"{SETS}/validate", body)["validationResponse"]
    return [answer["errors"][0]["exception"] if answer["status"] == "FAILED" else "" for answer in answers]
