"""What a tenant keeps in the registry, and how to name and find it."""

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
# A kind's number among the refusals of what is not there, and what the refusals call it.
_NAMES: Mapping[Kind, tuple[str, str]] = {
    "classes": ("1010", "class"),
    "mixins": ("1011", "field group"),
    "schemas": ("1012", "schema"),
    "datatypes": ("1013", "data type"),
    "behaviors": ("1015", "behavior"),
}


@dataclass(frozen=True, slots=True)
class State:
    """What a resource was after a write.

    :param at: when it was written, in epoch milliseconds.
    """

    at: int
    content: Mapping[str, Any]
    made_of: Composition


@dataclass(slots=True)
class Resource:
    """A schema, class, field group or data type of the tenant, or a global one, or a behaviour.

    :param content: what the client sent, completed: title, description, tags; all that a global one shows.
    :param made_of: what it is composed of, completed.
    :param minor: the minor version; the major one is always 1.
    :param earlier: what it was before each later write, oldest first.
    """

    kind: Kind
    id: str
    alt_id: str
    content: dict[str, Any]
    made_of: Composition
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
        return self.made_of.references

    @property
    def properties(self) -> dict[str, Any]:
        return self.made_of.properties

    @property
    def in_union(self) -> bool:
        """Whether Profile may use its data."""
        return UNION in self.content.get("meta:immutableTags", ())

    @property
    def etag(self) -> str:
        return hashlib.sha256(f"{self.id} {self.minor} {self.updated}".encode()).hexdigest()


def _global(wire: Mapping[str, Any]) -> Resource:
    extends, required = tuple(wire.get("meta:extends", ())), tuple(wire.get("required", ()))
    made_of = Composition(tuple(map(Reference, extends)), wire["properties"], required, ())
    return Resource(wire["meta:resourceType"], wire["$id"], wire["meta:altId"], dict(wire), made_of, 0, 0)


GLOBALS: Mapping[str, Resource] = {wire["$id"]: _global(wire) for wire in GLOBAL_RESOURCES}


def not_found(kind: Kind, identifier: str) -> RegistryRefusal:
    """The refusal of an id that names no resource of a kind."""
    number, name = _NAMES[kind]
    return no_resource(f"{name} resource {identifier[:300]}", number)


def no_resource(what: str, number: str = "1012") -> RegistryRefusal:
    """The refusal of what names nothing.

    :param number: the kind's; where any kind would do, the documents print a schema's.
    """
    return RegistryRefusal(f"{number}-404", "Resource not found", f"The requested {what} with version 1 is not found.")


def reference_not_found(reference: str, expected: Kind) -> RegistryRefusal:
    """The refusal of a reference to nothing, as of the resource itself.

    :param expected: the kind that is meant where the id names none.
    """
    return not_found(next((kind for kind in _NAMES if f"/{kind}/" in reference), expected), reference)


def find_global(kind: Kind, identifier: str) -> Resource | None:
    """A global resource, None when there is no such one.

    :param identifier: ``$id`` or ``meta:altId``.
    """
    known = (resource for resource in GLOBALS.values() if resource.kind == kind)
    return next((resource for resource in known if identifier in (resource.id, resource.alt_id)), None)
