"""Mapping suggestions: fields of a dataset for the attributes of a batch, by the similarity of their names."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from airflow_provider_payments.emulator.core.call import Answer, Call
from airflow_provider_payments.emulator.core.refusals import Refusal
from airflow_provider_payments.emulator.data_prep.mapping_sets import (
    ATTRIBUTE,
    MAX_MAPPINGS,
    FieldMapping,
    MappingSet,
    MappingSets,
    MappingVersion,
)
from airflow_provider_payments.emulator.data_prep.refusals import invalid
from airflow_provider_payments.emulator.data_prep.shapes import mapping_set_to_wire

#: Maximum number of records that are read to find the attributes.
MAX_SAMPLE_ROWS = 1000
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")


def show_suggestion(call: Call[MappingSets]) -> Answer:
    """Suggest a mapping set from the attributes of a batch's records to the fields of a dataset, without storing it."""
    registry = call.state.registry
    named = {name: call.parameter(name) for name in ("datasetId", "batchId")}
    for name, value in named.items():
        if not value:
            raise invalid(f"The query parameter '{name}' is required.")
    try:
        reference, rows = call.state.read_sample(str(named["datasetId"]), str(named["batchId"]), MAX_SAMPLE_ROWS)
        schema = registry.get("schemas", reference["id"])
    except Refusal as refusal:
        raise invalid(refusal.detail) from refusal
    sources = list(dict.fromkeys(path for row in rows for path in _attributes(row)))[:MAX_MAPPINGS]
    found = suggest(sources, list(_fields(registry.resolve(schema)[0])))
    if (call.parameter("excludeUnmapped") or "true").lower() != "false":
        found = [line for line in found if line[1]]
    now, author = call.state.sandbox.clock.millis(), call.state.sandbox.options.user_id
    lines = tuple(_mapping(*line) for line in found)
    version = MappingVersion(0, None, reference["id"], reference["contentType"], lines, {}, now, author)
    wire = mapping_set_to_wire(MappingSet("", now, [version]), version)
    return Answer({**wire, "id": None, "status": "DRAFT", "outputSchema": {"schemaRef": wire["schemaRef"]}})


def _mapping(source: str, destination: str, score: float) -> FieldMapping:
    extras = {"identity": False, "primaryIdentity": False, "matchScore": score}
    return FieldMapping(uuid.uuid4().hex, ATTRIBUTE, source, destination, extras)


def suggest(sources: Sequence[str], destinations: Sequence[str]) -> list[tuple[str, str, float]]:
    """Return for each source the most similar destination, and a score from 0 to 1.

    :param sources: dotted paths.
    :param destinations: dotted paths; each is used once, for the most similar source.
    :returns: in the order of the sources; the destination is empty for a source without a similar one.
    """
    by_last_word: dict[str, list[tuple[str, list[str]]]] = {}
    for path in destinations:
        if words := _words(path):
            by_last_word.setdefault(words[-1], []).append((path, words))
    candidates = [
        (_score(words, others), source, destination)
        for source in sources
        if (words := _words(source))
        for destination, others in by_last_word.get(words[-1], ())
    ]
    # The sort is stable: of equal candidates the first one wins.
    candidates.sort(key=lambda candidate: (-candidate[0], candidate[1] != candidate[2]))
    chosen: dict[str, tuple[str, float]] = {}
    used = set()
    for score, source, destination in candidates:
        if source not in chosen and destination not in used:
            chosen[source] = destination, score
            used.add(destination)
    return [(source, *chosen.get(source, ("", 0.0))) for source in sources]


def _score(words: Sequence[str], others: Sequence[str]) -> float:
    """Return the share of common words at the end of two paths."""
    pairs = zip(reversed(words), reversed(others), strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return round(2 * shared / (len(words) + len(others)), 2)


def _words(path: str) -> list[str]:
    """Return the words of a dotted path: the same for ``order.createTime`` and ``Order_Create_Time``."""
    return [word.lower() for word in _WORD.findall(path)]


def _attributes(row: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """Yield the dotted paths of a record's values; an array is one value."""
    for name, value in row.items():
        path = f"{within}.{name}" if within else name
        if isinstance(value, Mapping):
            yield from _attributes(value, path)
        else:
            yield path


def _fields(properties: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """Yield the dotted paths of the leaf fields of a tree."""
    for name, node in properties.items():
        path = f"{within}.{name}" if within else name
        inner = node.get("properties") if isinstance(node, Mapping) else None
        if isinstance(inner, Mapping) and inner:
            yield from _fields(inner, path)
        else:
            yield path
