"""Compatible changes of a resource with data: fields can only be added, and constraints only be relaxed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from airflow_provider_payments.emulator.schema_registry import constraints
from airflow_provider_payments.emulator.schema_registry.composition import Composition
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal
from airflow_provider_payments.emulator.schema_registry.resources import Resource

Tree = Mapping[str, Any]


def check_compatible(resource: Resource, content: Mapping[str, Any], composition: Composition) -> None:
    """Refuse a change that is not compatible with existing data.

    :param content: the new content.
    :param composition: the new composition.
    """
    for problem in _breaking_changes(resource, content, composition):
        raise RegistryRefusal("1409-400", "Breaking change", f"Data depends on {resource.id}: {problem}")


def _breaking_changes(resource: Resource, content: Mapping[str, Any], composition: Composition) -> Iterator[str]:
    removed = set(resource.references) - set(composition.references)
    removed |= set(resource.content.get("meta:immutableTags", ())) - set(content.get("meta:immutableTags", ()))
    for name in sorted(removed):
        yield _cannot_be_removed(name)
    for target in resource.references:
        yield from _dropped_fields(target, resource.composition.pointers(target), composition.pointers(target))
    for name in sorted(set(composition.required) - set(resource.composition.required)):
        yield _cannot_become_required(name)
    yield from _breaking_changes_in_fields(resource.properties, composition.properties, "")


def _dropped_fields(target: str, known: Collection[str], pointers: Collection[str]) -> Iterator[str]:
    """Yield a problem for each field of a field group that the resource used and no longer uses."""
    for pointer in sorted(known):
        if pointers and not any(pointer == other or pointer.startswith(f"{other}/") for other in pointers):
            yield _cannot_be_removed(pointer or f"{target} as a whole")


def _breaking_changes_in_fields(known: Any, fields: Any, where: str) -> Iterator[str]:
    if not isinstance(known, Mapping):  # the registry does not check 'properties' of a field that is not an object
        return
    fields = fields if isinstance(fields, Mapping) else {}
    for name, node in known.items():
        yield from _breaking_changes_in_field(node, fields.get(name), f"{where}.{name}" if where else name)


def _breaking_changes_in_field(known: Any, node: Any, where: str) -> Iterator[str]:
    if not isinstance(known, Mapping):
        return
    if not isinstance(node, Mapping) or _type(node) != _type(known):
        yield _cannot_be_removed(where)
        return
    for constraint in constraints.stricter(known, node):
        yield f"'{where}' cannot become stricter in '{constraint}'."
    for name in sorted(set(node.get("required", ())) - set(known.get("required", ()))):
        yield _cannot_become_required(f"{where}.{name}")
    yield from _breaking_changes_in_fields(known.get("properties"), node.get("properties"), where)
    for member, step in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(known.get(member), Mapping) and known[member] and node.get(member) is not True:
            yield from _breaking_changes_in_field(known[member], node.get(member), where + step)


def _type(node: Tree) -> tuple[Any, ...]:
    return node.get("$ref"), node.get("type"), node.get("format")


def _cannot_be_removed(name: str) -> str:
    return f"'{name}' can neither be removed nor change its type."


def _cannot_become_required(name: str) -> str:
    return f"'{name}' cannot become required."
