"""Parsing the body of a resource: its references, its own fields and required names, anywhere in the body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.schema_registry import fields
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal

LOCAL_PREFIX = "#/definitions/"
OWN_FIELDS = "customFields"
REF_PROPERTY = "meta:refProperty"


@dataclass(frozen=True, slots=True)
class Reference:
    """An entry of ``allOf`` that refers to a resource outside the body.

    :param selected: the only fields of the target to use, as the client wrote them: a pointer or a list; None for all.
    """

    target: str
    selected: str | tuple[str, ...] | None = None

    @property
    def pointers(self) -> tuple[str, ...]:
        """The pointers of the target's fields to use; the empty pointer means all fields."""
        return ("",) if self.selected is None else (self.selected,) if isinstance(self.selected, str) else self.selected

    def to_wire(self) -> dict[str, Any]:
        """Return the wire form of the entry."""
        selected = list(self.selected) if isinstance(self.selected, tuple) else self.selected
        return {**reference_to_wire(self.target), **({} if selected is None else {REF_PROPERTY: selected})}


def reference_to_wire(target: str) -> dict[str, Any]:
    """Return the wire form of a reference in ``allOf``."""
    return {"$ref": target, "type": "object", "meta:xdmType": "object"}


@dataclass(frozen=True, slots=True)
class Composition:
    """The references and the own fields of a resource.

    :param entries: the references outside the body, without duplicates, in order.
    :param properties: the own fields of the resource.
    :param required: the required top-level names.
    :param parts: the names of the body's own definitions.
    """

    entries: tuple[Reference, ...]
    properties: dict[str, Any]
    required: tuple[str, ...]
    parts: tuple[str, ...]

    @property
    def references(self) -> tuple[str, ...]:
        """The ``$ref`` targets outside the body, each once, in order."""
        return tuple(dict.fromkeys(entry.target for entry in self.entries))

    def pointers(self, target: str) -> frozenset[str]:
        """Return the :attr:`Reference.pointers` of a target; empty if the resource does not refer to the target."""
        return frozenset(pointer for entry in self.entries if entry.target == target for pointer in entry.pointers)

    @property
    def own_name(self) -> str:
        """The name of the own fields in ``definitions``: the client's name if the body has exactly one definition."""
        return self.parts[0] if len(self.parts) == 1 else OWN_FIELDS


def malformed(detail: str) -> RegistryRefusal:
    """Return the refusal of a malformed body."""
    return RegistryRefusal("1501-400", "Schema definition invalid", detail)


def unknown_reference(detail: str) -> RegistryRefusal:
    """Return the refusal of a reference that cannot be resolved."""
    return RegistryRefusal("1504-400", "Reference not found", detail)


def parse_composition(body: Mapping[str, Any]) -> Composition:
    """Parse a body, or refuse."""
    definitions, entries = body.get("definitions", {}), body.get("allOf", [])
    if not isinstance(definitions, dict) or not isinstance(entries, list):
        raise malformed("'definitions' must be an object and 'allOf' a list.")
    own: list[fields.Tree] = [_properties(body, "properties")]
    own += [_properties(definition, name) for name, definition in definitions.items()]
    required = [name for node in (body, *definitions.values()) for name in fields.required_names(node, "required")]
    references: dict[Reference, None] = {}
    for entry in entries:
        reference = entry.get("$ref") if isinstance(entry, dict) else None
        if isinstance(reference, str) and reference:
            if not reference.startswith(LOCAL_PREFIX):
                references[Reference(reference, _selected(entry))] = None
            elif reference.removeprefix(LOCAL_PREFIX) not in definitions:
                raise unknown_reference(f"The reference '{reference[:200]}' leads nowhere.")
        elif isinstance(entry, dict) and "properties" in entry:
            own.append(_properties(entry, "allOf"))
            required += fields.required_names(entry, "allOf")
        else:
            raise malformed("Each entry of 'allOf' has a '$ref' or 'properties'.")
    merged: dict[str, Any] = {}
    for tree in own:
        for name, node in tree.items():
            merged[name] = _merged_field(merged[name], node) if name in merged else node
    return Composition(tuple(references), merged, tuple(dict.fromkeys(required)), tuple(definitions))


def _selected(entry: Mapping[str, Any]) -> str | tuple[str, ...] | None:
    selected = entry.get(REF_PROPERTY)
    pointers = [selected] if isinstance(selected, str) else selected
    if pointers is None:
        return None
    if not isinstance(pointers, list) or not pointers or not all(isinstance(one, str) for one in pointers):
        raise malformed(f"'{REF_PROPERTY}' must be a JSON pointer, or a list of at least one.")
    for pointer in pointers:
        if not pointer.startswith("/"):
            raise malformed(f"'{REF_PROPERTY}' holds '{pointer[:200]}', which does not begin with a slash.")
    return selected if isinstance(selected, str) else tuple(pointers)


def _properties(node: Any, where: str) -> dict[str, Any]:
    properties = node.get("properties", {}) if isinstance(node, dict) else None
    if not isinstance(properties, dict):
        raise fields.invalid_field(where, "its 'properties' must be an object")
    return properties


def _merged_field(known: Any, node: Any) -> Any:
    if isinstance(known, dict) and isinstance(node, dict):
        both = {**_properties(known, "properties"), **_properties(node, "properties")}
        return {**known, **node, "properties": both, **fields.required_by_either(known, node)}
    return node
