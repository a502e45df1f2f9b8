"""Trees of XDM fields: checking what a client sends, completing it as the registry does, merging, looking up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_payments.emulator.refusals import RegistryRefusal

Tree = Mapping[str, Any]

_TYPES = frozenset({"string", "integer", "number", "boolean", "object", "array"})
_FIELD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_INT32 = (-2147483648, 2147483647)
_TEXT_FORMATS = frozenset({"date", "date-time"})
_TEXTS = ("title", "description")


def bad_field(where: str, problem: str) -> RegistryRefusal:
    """A refusal that names the place of a field.

    :param where: dotted path.
    """
    return RegistryRefusal("1505-400", "Schema definition invalid", f"The field '{where[:200]}' is invalid: {problem}.")


def complete(node: Any, where: str, *, free_names: bool = False) -> dict[str, Any]:
    """A checked copy of a field with what the registry adds: ``meta:xdmType`` everywhere, bounds on integers.

    :param where: dotted path, for refusals.
    :param free_names: names on this level may begin with an underscore (the tenant's own object, ``_adhoc``).
    """
    if not isinstance(node, dict):
        raise bad_field(where, "it must be an object")
    result = dict(node)
    kind = result.setdefault("type", "object" if "properties" in result else "string")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise bad_field(where, "its type is none of " + ", ".join(sorted(_TYPES)))
    for text in _TEXTS:
        if text in result and not isinstance(result[text], str):
            raise bad_field(where, f"'{text}' must be text")
    required_names(result, where)
    if kind == "object":
        properties = result.get("properties", {})
        if not isinstance(properties, dict):
            raise bad_field(where, "'properties' must be an object")
        if properties or "properties" in result:
            result["properties"] = {
                name: complete(child, f"{where}.{name}" if where else name)
                for name, child in _named(properties, where, free_names)
            }
    elif kind == "array":
        result["items"] = complete(result.get("items", {"type": "string"}), f"{where}[]")
    elif kind == "integer":
        result.setdefault("minimum", _INT32[0])
        result.setdefault("maximum", _INT32[1])
    result.setdefault("meta:xdmType", _xdm_type(kind, result.get("format")))
    return result


def required_names(node: Tree, where: str) -> list[str]:
    """What an object requires, or a refusal.

    :param where: dotted path, for refusals.
    """
    names = node.get("required", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise bad_field(where, "'required' must be a list of names")
    return names


def required_by_either(known: Tree, node: Tree) -> dict[str, list[str]]:
    """The ``required`` of an object that two declare; empty when neither requires anything."""
    names = dict.fromkeys((*required_names(known, ""), *required_names(node, "")))
    return {"required": list(names)} if names else {}


def _named(properties: Mapping[str, Any], where: str, free_names: bool) -> Iterator[tuple[str, Any]]:
    for name, child in properties.items():
        if not free_names and not _FIELD_NAME.fullmatch(name):
            raise bad_field(f"{where}.{name}" if where else name, "names begin with a letter or a digit")
        yield name, child


def _xdm_type(kind: str, form: Any) -> str:
    if kind == "string" and isinstance(form, str) and form in _TEXT_FORMATS:
        return form
    return "int" if kind == "integer" else kind


def merge(trees: list[Tree], where: str = "") -> dict[str, Any]:
    """Several property maps as one; a path with two types is refused.

    :param trees: maps of name to field.
    :param where: dotted path of the maps.
    """
    result: dict[str, Any] = {}
    for tree in trees:
        for name, node in tree.items():
            if name not in result:
                result[name] = node
                continue
            path = f"{where}.{name}" if where else name
            known = result[name]
            if known.get("type") != node.get("type") or known.get("format") != node.get("format"):
                raise RegistryRefusal(
                    "1413-400", "Field type conflict", f"The field '{path}' is declared twice, with different types."
                )
            if known.get("type") == "object":
                both = merge([known.get("properties", {}), node.get("properties", {})], path)
                result[name] = {**known, **node, "properties": both, **required_by_either(known, node)}
    return result


def find(properties: Tree, path: str) -> Tree | None:
    """The field at a dotted path, or None; ``name[*]`` and ``name[0]`` step into arrays.

    :param properties: the top-level map.
    """
    node: Tree = {"type": "object", "properties": properties}
    for step in path.split("."):
        name, bracket, _ = step.partition("[")
        child = node.get("properties", {}).get(name) if isinstance(node.get("properties"), Mapping) else None
        if child is None:
            if "additionalProperties" in node:
                return {"type": "object"}
            return None
        node = child
        if bracket:
            if node.get("type") != "array":
                return None
            node = node["items"]
    return node


def leaves(properties: Tree, where: str = "") -> Iterator[tuple[str, str, str]]:
    """All leaf paths with type and format.

    :param where: a prefix for the paths.
    """
    for name, node in properties.items():
        path = f"{where}.{name}" if where else name
        if node.get("type") == "object" and node.get("properties"):
            yield from leaves(node["properties"], path)
        else:
            yield path, str(node.get("type")), str(node.get("format", ""))


def without_texts(node: Any) -> Any:
    """A copy without titles and descriptions of fields.

    :param node: a field or a map of fields.
    """
    if not isinstance(node, Mapping):
        return node
    result = {key: value for key, value in node.items() if not (key in _TEXTS and isinstance(value, str))}
    if isinstance(node.get("properties"), Mapping):
        result["properties"] = {name: without_texts(child) for name, child in node["properties"].items()}
    if isinstance(node.get("items"), Mapping):
        result["items"] = without_texts(node["items"])
    return result
