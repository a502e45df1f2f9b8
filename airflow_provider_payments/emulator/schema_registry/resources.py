"""The resources of the registry, and the refusals of unknown ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from airflow_provider_payments.emulator.schema_registry.composition import Composition, Reference
from airflow_provider_payments.emulator.schema_registry.global_resources import GLOBAL_RESOURCES
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal

Kind = Literal["schemas", "mixins", "classes", "datatypes", "behaviors"]
UNION = "union"
#: The names of kinds in the emulator's options (lags, rules for names).
OBJECT_KINDS: Mapping[Kind, str] = {"schemas": "schema", "mixins": "field_group"}
# By kind: the number in the code of its "not found" refusal, and its name there.
_NAMES: Mapping[Kind, tuple[str, str]] = {
    "classes": ("1010", "class"),
    "mixins": ("1011", "field group"),
    "schemas": ("1012", "schema"),
    "datatypes": ("1013", "data type"),
    "behaviors": ("1015", "behavior"),
}


@dataclass(frozen=True, slots=True)
class State:
    """The state of a resource after a write.

    :param at: epoch milliseconds of the write.
    """

    at: int
    content: Mapping[str, Any]
    composition: Composition


@dataclass(slots=True)
class Resource:
    """A schema, class, field group, data type or behaviour, of the tenant or global.

    :param content: title, description and tags as the client sent them; the whole wire form of a global resource.
    :param composition: with completed fields.
    :param minor: the minor version; the major one is always 1.
    :param earlier: the states before each later write, oldest first.
    """

    kind: Kind
    id: str
    alt_id: str
    content: dict[str, Any]
    composition: Composition
    created: int
    updated: int
    minor: int = 0
    number: int = -1
    earlier: list[State] = field(default_factory=list)

    @property
    def title(self) -> str:
        return str(self.content["title"])

    @property
    def references(self) -> tuple[str, ...]:
        return self.composition.references

    @property
    def properties(self) -> dict[str, Any]:
        return self.composition.properties

    @property
    def in_union(self) -> bool:
        """Whether the resource is enabled for Profile."""
        return UNION in self.content.get("meta:immutableTags", ())

    @property
    def etag(self) -> str:
        return hashlib.sha256(f"{self.id} {self.minor} {self.updated}".encode()).hexdigest()


def _global(wire: Mapping[str, Any]) -> Resource:
    extends, required = tuple(wire.get("meta:extends", ())), tuple(wire.get("required", ()))
    composition = Composition(tuple(map(Reference, extends)), wire["properties"], required, ())
    return Resource(wire["meta:resourceType"], wire["$id"], wire["meta:altId"], dict(wire), composition, 0, 0)


GLOBALS: Mapping[str, Resource] = {wire["$id"]: _global(wire) for wire in GLOBAL_RESOURCES}


def not_found(kind: Kind, identifier: str) -> RegistryRefusal:
    """Return the refusal of an unknown id of a kind."""
    number, name = _NAMES[kind]
    return no_resource(f"{name} resource {identifier[:300]}", number)


def no_resource(name: str, number: str = "1012") -> RegistryRefusal:
    """Return the refusal of an unknown resource.

    :param number: the number of the kind; the default is a schema's, which the documents print if no kind is named.
    """
    detail = f"The requested {name} with version 1 is not found."
    return RegistryRefusal(f"{number}-404", "Resource not found", detail).in_case("unknown_id")


def reference_not_found(reference: str, expected: Kind) -> RegistryRefusal:
    """Return the refusal of a reference to an unknown resource, the same as for a read of the resource.

    :param expected: the kind to assume if the id contains none.
    """
    return not_found(next((kind for kind in _NAMES if f"/{kind}/" in reference), expected), reference)


def find_global(kind: Kind, identifier: str) -> Resource | None:
    """Return a global resource, or None.

    :param identifier: ``$id`` or ``meta:altId``.
    """
    known = (resource for resource in GLOBALS.values() if resource.kind == kind)
    return next((resource for resource in known if identifier in (resource.id, resource.alt_id)), None)
