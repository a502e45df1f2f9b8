"""A sample record of a schema: one value for each field, always the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_TIMESTAMP = "2018-11-12T20:20:39+00:00"
_TEXTS = {
    "date": _TIMESTAMP[:10],
    "date-time": _TIMESTAMP,
    "email": "john.smith@example.com",
    "uri": "https://example.com/",
    "uri-reference": "/uri-reference",
}
#: The value of a number field, if it is within the bounds of the field.
_DEFAULT_NUMBER = 4862
# The longest text; a schema that requires a longer one gets an invalid sample.
MAX_TEXT_CHARACTERS = 100


def sample_of(node: Any) -> Any:
    """Return a value that is valid for a resolved field, except for the field's pattern. An array has one entry.

    :param node: the field; a value of any other type is treated as a field of text.
    """
    if not isinstance(node, Mapping):
        return "string"
    for member in ("const", "default"):
        if member in node:
            return node[member]
    if node.get("enum"):
        return node["enum"][0]
    match node.get("type"):
        case "object":
            return _object(node)
        case "array":
            return [sample_of(node.get("items"))]
        case "boolean":
            return False
        case "integer" | "number":
            return _number(node)
        case _:
            return _text(node)


def _object(node: Mapping[str, Any]) -> dict[str, Any]:
    properties, held = node.get("properties"), node.get("additionalProperties")
    if isinstance(properties, Mapping) and properties:
        return {name: sample_of(child) for name, child in properties.items()}
    return {"key": sample_of(held)} if isinstance(held, Mapping) and held else {}


def _number(node: Mapping[str, Any]) -> Any:
    low, high = node.get("minimum", -math.inf), node.get("maximum", math.inf)
    above, below = node.get("exclusiveMinimum", -math.inf), node.get("exclusiveMaximum", math.inf)
    candidates = (_DEFAULT_NUMBER, low, high, above + 1, below - 1)
    return next((number for number in candidates if low <= number <= high and above < number < below), 0)


def _text(node: Mapping[str, Any]) -> str:
    text = _TEXTS.get(str(node.get("format")), "string")
    text += "x" * (min(int(node.get("minLength", 0)), MAX_TEXT_CHARACTERS) - len(text))
    return text[: int(node.get("maxLength", MAX_TEXT_CHARACTERS))]
