"""Constraints of fields: whether they are well formed, and whether they have become stricter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

_LEAST = ("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum")
_MOST = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
_FIXED = ("pattern", "const", "multipleOf", "uniqueItems")
# The values of ``additionalProperties`` that allow anything.
_ANYTHING: tuple[Any, ...] = (True, {})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_labels(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(label, str) for label in value.values())


_FORMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys((*_LEAST[:3], *_MOST[:3]), (_is_count, "a number from 0 on")),
    **dict.fromkeys((*_LEAST[3:], *_MOST[3:]), (_is_number, "a number")),
    "multipleOf": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "uniqueItems": (lambda value: isinstance(value, bool), "true or false"),
    "pattern": (lambda value: isinstance(value, str), "text"),
    "enum": (lambda value: isinstance(value, list) and bool(value), "a list of at least one value"),
    "meta:enum": (_are_labels, "an object of texts"),
    "additionalProperties": (lambda value: isinstance(value, bool | dict), "true, false or a field"),
}


def problem(node: Mapping[str, Any]) -> str | None:
    """Return the first problem in the constraints of a field, or None."""
    for member, (fits, form) in _FORMS.items():
        if member in node and not fits(node[member]):
            return f"'{member}' must be {form}"
    if "enum" in node and not set(node.get("meta:enum", ())) <= set(map(str, node["enum"])):
        return "'meta:enum' must not extend beyond the values of 'enum'"
    return None


def stricter(known: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[str]:
    """Yield the constraints of a field that are stricter than before."""
    for members, sign in ((_LEAST, 1), (_MOST, -1)):
        for member in members:
            if member in node and (member not in known or sign * node[member] > sign * known[member]):
                yield member
    for member in _FIXED:
        if member in node and node[member] != known.get(member):
            yield member
    if "enum" in node and not ("enum" in known and all(value in node["enum"] for value in known["enum"])):
        yield "enum"
    if node.get("additionalProperties", True) not in _ANYTHING and known.get("additionalProperties", True) in _ANYTHING:
        yield "additionalProperties"
