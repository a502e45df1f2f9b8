"""Trees of XDM fields: checking and completing what a client sends, merging, looking up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_payments.emulator.core.parsing import MAX_DEPTH
from airflow_provider_payments.emulator.schema_registry import constraints
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal

Tree = Mapping[str, Any]

_TYPES = frozenset({"string", "integer", "number", "boolean", "object", "array"})
_FIELD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,127}")
# The whole-number types of XDM by their bounds, narrowest first.
_BOUNDS = {
    "byte": (-128, 127),
    "short": (-32768, 32767),
    "int": (-2147483648, 2147483647),
    "long": (-9007199254740992, 9007199254740992),
}
# The registry's limit for a schema; it also ends the expansion of data types that contain each other.
MAX_FIELDS = 6000
_TEXT_FORMATS = frozenset({"date", "date-time"})
_TEXTS = ("title", "description")
# Members of a field that contain other fields.
_HOLDERS = ("properties", "items", "additionalProperties")


def invalid_field(where: str, problem: str) -> RegistryRefusal:
    """Return the refusal of an invalid field."""
    return RegistryRefusal("1505-400", "Schema definition invalid", f"The field '{where[:200]}' is invalid: {problem}.")


def complete(node: Any, where: str, *, free_names: bool = False) -> dict[str, Any]:
    """Return a checked copy of a field, completed with ``meta:xdmType`` and the bounds of integers.

    :param where: dotted path, for refusals.
    :param free_names: whether the field's direct members may have any name, as in ``_adhoc`` and the tenant's object.
    """
    if not isinstance(node, dict):
        raise invalid_field(where, "it must be an object")
    result = dict(node)
    if problem := constraints.problem(result):
        raise invalid_field(where, problem)
    required_names(result, where)
    if "$ref" in result:
        if not isinstance(result["$ref"], str):
            raise invalid_field(where, "'$ref' must be the id of a data type")
        return {**result, "type": "object", "meta:xdmType": "object"}
    kind = _type_of(result, where)
    if kind == "object":
        _complete_members(result, where, free_names)
    elif kind == "array":
        result["items"] = complete(result.get("items", {"type": "string"}), f"{where}[]")
    elif kind == "integer":
        _bound(result)
    result.setdefault("meta:xdmType", _xdm_type(kind, result.get("format")))
    return result


def _type_of(node: dict[str, Any], where: str) -> str:
    """Return the type of a field, set to its default if missing; refuse unknown types and titles that are not text."""
    kind = node.setdefault("type", "object" if "properties" in node else "string")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise invalid_field(where, "its type is none of " + ", ".join(sorted(_TYPES)))
    for text in _TEXTS:
        if text in node and not isinstance(node[text], str):
            raise invalid_field(where, f"'{text}' must be text")
    return kind


def _complete_members(node: dict[str, Any], where: str, free_names: bool) -> None:
    properties = node.get("properties", {})
    if not isinstance(properties, dict):
        raise invalid_field(where, "'properties' must be an object")
    if properties or "properties" in node:
        node["properties"] = complete_all(properties, where, free_names=free_names)
    if isinstance(held := node.get("additionalProperties"), dict) and held:
        node["additionalProperties"] = complete(held, f"{where}.*")
        node.setdefault("meta:xdmType", "map")


def complete_all(properties: Mapping[str, Any], where: str, *, free_names: bool = False) -> dict[str, Any]:
    """Return checked copies of fields, see :func:`complete`.

    :param where: dotted path of the object that contains the fields; empty at the top.
    """
    return {
        name: complete(child, f"{where}.{name}" if where else name)
        for name, child in _named(properties, where, free_names)
    }


def _bound(node: dict[str, Any]) -> None:
    """Set the bounds of an integer by its type, or its type by its bounds."""
    named = node.get("meta:xdmType")
    if not isinstance(named, str) or named not in _BOUNDS:
        low, high = node.get("minimum", 0), node.get("maximum", 0)
        named = next((name for name in ("int", "long") if _BOUNDS[name][0] <= low and high <= _BOUNDS[name][1]), "long")
        node["meta:xdmType"] = named
    node.setdefault("minimum", _BOUNDS[named][0])
    node.setdefault("maximum", _BOUNDS[named][1])


def required_names(node: Tree, where: str) -> list[str]:
    """Return the required names of an object, or refuse.

    :param where: dotted path, for refusals.
    """
    names = node.get("required", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise invalid_field(where, "'required' must be a list of names")
    return names


def required_by_either(known: Tree, node: Tree) -> dict[str, list[str]]:
    """Return the union of ``required`` in two declarations of an object; empty if neither requires a field."""
    names = dict.fromkeys((*required_names(known, ""), *required_names(node, "")))
    return {"required": list(names)} if names else {}


def _named(properties: Mapping[str, Any], where: str, free_names: bool) -> Iterator[tuple[str, Any]]:
    for name, child in properties.items():
        if not free_names and not _FIELD_NAME.fullmatch(name):
            path = f"{where}.{name}" if where else name
            raise invalid_field(path, "its name holds letters, digits and underscores, the first no underscore")
        yield name, child


def _xdm_type(kind: str, form: Any) -> str:
    if kind == "string" and isinstance(form, str) and form in _TEXT_FORMATS:
        return form
    return kind


def references(node: Any) -> Iterator[str]:
    """Yield the ids of the data types to which a completed field, or a mapping of fields, refers."""
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)


def expand(properties: Tree, look_up: Callable[[str], Tree | None]) -> dict[str, Any]:
    """Return fields with their data types expanded; refuse more than :data:`MAX_FIELDS` expanded fields.

    :param look_up: returns the data type of a reference, or None.
    """
    return _Expansion(look_up).of(properties, 0)


class _Expansion:
    def __init__(self, look_up: Callable[[str], Tree | None]) -> None:
        self.look_up = look_up
        self.remaining = MAX_FIELDS

    def of(self, properties: Tree, depth: int, *, referred: bool = False) -> dict[str, Any]:
        result = {}
        for name, node in properties.items():
            self.remaining -= referred
            if self.remaining < 0 or depth > MAX_DEPTH:
                raise invalid_field(name, f"with its data types it would hold more than {MAX_FIELDS} fields, or itself")
            result[name] = self._field(node, depth, referred)
        return result

    def _field(self, node: Any, depth: int, referred: bool) -> Any:
        if not isinstance(node, Mapping):  # the registry does not check 'properties' of a field that is not an object
            return node
        result = dict(node)
        reference = result.pop("$ref", None)
        if reference is not None:
            result |= {**(self.look_up(reference) or {}), "meta:referencedFrom": reference}
            referred = True
        if isinstance(result.get("properties"), Mapping):
            result["properties"] = self.of(result["properties"], depth + 1, referred=referred)
        for member in ("items", "additionalProperties"):
            if isinstance(result.get(member), Mapping):
                result[member] = self._field(result[member], depth + 1, referred)
        return result


def merge(trees: Sequence[Tree], where: str = "") -> dict[str, Any]:
    """Return merged property maps; refuse a path with two types.

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
                    "1413-400",
                    "Merge Schema Error",
                    f"Cannot merge incompatible data types: the path /{path.replace('.', '/')} is declared twice, "
                    f"as {known.get('type')} and as {node.get('type')}.",
                )
            if known.get("type") == "object":
                both = merge([known.get("properties", {}), node.get("properties", {})], path)
                result[name] = {**known, **node, "properties": both, **required_by_either(known, node)}
    return result


def pick(node: Tree, pointers: Sequence[str]) -> dict[str, Any]:
    """Return an object reduced to the fields that pointers name; refuse a pointer to no field.

    :param node: the object, with its data types expanded.
    :param pointers: JSON pointers without the steps into ``properties``, such as ``/person/name``.
    """
    paths = [tuple(step.replace("~1", "/").replace("~0", "~") for step in one.split("/")[1:]) for one in pointers]
    return _picked(node, paths, "")


def _picked(node: Tree, paths: Sequence[tuple[str, ...]], where: str) -> dict[str, Any]:
    result = {member: value for member, value in node.items() if member not in _HOLDERS}
    children = node.get("properties", {})
    for name in dict.fromkeys(path[0] for path in paths if path):
        deeper = [path[1:] for path in paths if path[:1] == (name,)]
        place = f"{where}/{name}"
        if name in children:
            result.setdefault("properties", {})[name] = _picked(children[name], deeper, place)
        elif name in _HOLDERS and isinstance(node.get(name), Mapping):
            result[name] = _picked(node[name], deeper, place)
        else:
            raise invalid_field(place, "the field group has no such field")
    if () in paths:
        return dict(node)
    if "required" in node:
        result["required"] = [name for name in node["required"] if name in result.get("properties", ())]
    return result


def find(properties: Tree, steps: Iterable[object]) -> Tree | None:
    """Return the field at a path, or None. An entry of a map has the type of the map's values.

    :param steps: the names on the path; a step that is not text enters an array.
    :returns: the field; an empty tree if it may have any value.
    """
    node: Tree = {"properties": properties}
    for step in steps:
        child = _member(node, step) if isinstance(step, str) else _entry(node)
        if child is None:
            return None
        node = child
    return node


def _member(node: Tree, name: str) -> Tree | None:
    children = node.get("properties")
    held = children.get(name) if isinstance(children, Mapping) else None
    if held is None:
        held = node.get("additionalProperties", not node or node.get("meta:xdmType") == "map")
    return {} if held is True else held if isinstance(held, Mapping) else None


def _entry(node: Tree) -> Tree | None:
    if not node:
        return {}
    return node.get("items", {"type": "string"}) if node.get("type") == "array" else None


def without_texts(node: Any) -> Any:
    """Return a copy of a field without titles and descriptions."""
    if not isinstance(node, Mapping):
        return node
    result = {key: value for key, value in node.items() if not (key in _TEXTS and isinstance(value, str))}
    if isinstance(node.get("properties"), Mapping):
        result["properties"] = {name: without_texts(child) for name, child in node["properties"].items()}
    for member in ("items", "additionalProperties"):
        if member in node:
            result[member] = without_texts(node[member])
    return result
