"""What a tenant keeps in the registry, and how to name and find it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_payments.emulator.refusals import RegistryRefusal
from airflow_provider_payments.emulator.schema_registry.composition import Composition
from airflow_provider_payments.emulator.schema_registry.global_resources import GLOBAL_RESOURCES

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
GLOBAL_BY_ID: Mapping[str, Mapping[str, Any]] = {resource["$id"]: resource for resource in GLOBAL_RESOURCES}
_BY_ALT_ID: Mapping[str, Mapping[str, Any]] = {resource["meta:altId"]: resource for resource in GLOBAL_RESOURCES}


@dataclass(slots=True)
class Resource:
    """A schema, class, field group or data type of the tenant.

    :param number: its place in the order of creation.
    :param content: what the client sent, completed: title, description, tags.
    :param made_of: what it is composed of, completed.
    :param minor: the minor version; the major one is always 1.
    """

    kind: Kind
    id: str
    alt_id: str
    number: int
    content: dict[str, Any]
    made_of: Composition
    created: int
    updated: int
    minor: int = 0

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


def not_found(kind: Kind, identifier: str) -> RegistryRefusal:
    """The refusal of an id that names no resource of a kind.

    :param identifier: as it was asked for.
    """
    number, name = _NAMES[kind]
    return RegistryRefusal(
        f"{number}-404",
        "Resource not found",
        f"The requested {name} resource {identifier[:300]} with version 1 is not found.",
    )


def global_resource(kind: Kind, identifier: str) -> Mapping[str, Any]:
    """A global resource, or a refusal.

    :param identifier: ``$id`` or ``meta:altId``.
    """
    found = GLOBAL_BY_ID.get(identifier) or _BY_ALT_ID.get(identifier)
    if found is None or found["meta:resourceType"] != kind:
        raise not_found(kind, identifier)
    return found
