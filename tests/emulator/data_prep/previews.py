"""What expressions and attributes give for a row, by one preview."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from tests.emulator.client import Client
from tests.emulator.data_prep.test_data_prep import SETS, lines

#: The Schema Registry takes a title once.
_TITLES = map("schema {}".format, itertools.count())


def results(client: Client, expressions: Sequence[str], row: Mapping[str, Any] | None = None) -> list[Any]:
    """The values of expressions as JSON has them, None for nothing; raises where one is refused."""
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
    """What an attribute's values become in a field, each its own row; ``...`` where a value is refused."""
    body = lines(client.schema(next(_TITLES), v=field), ("ATTRIBUTE", "v", "_emulator.product.v"))
    answers = client.make(f"{SETS}/preview", {"data": [{"v": value} for value in values], "mappingSet": body})
    return [... if "errors" in answer else answer["data"]["_emulator"]["product"]["v"] for answer in answers]


def refusals(client: Client, expressions: Sequence[str]) -> list[str]:
    """Why expressions are refused without a row, one text for each; empty for one that is taken."""
    names = [f"r{place}" for place in range(len(expressions))]
    schema = client.schema(next(_TITLES), **{name: {"type": "object"} for name in names})
    body = lines(
        schema,
        *(("EXPRESSION", source, f"_emulator.product.{name}") for source, name in zip(expressions, names, strict=True)),
    )
    answers = client.make(f"{SETS}/validate", body)["validationResponse"]
    return [answer["errors"][0]["exception"] if answer["status"] == "FAILED" else "" for answer in answers]
