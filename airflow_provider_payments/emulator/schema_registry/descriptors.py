"""Descriptors: the meaning of a schema's fields beyond their type, such as an identity or a relation."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.schema_registry import fields
from airflow_provider_payments.emulator.schema_registry.library import Library
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal
from airflow_provider_payments.emulator.schema_registry.resources import Resource

IDENTITY = "xdm:descriptorIdentity"
REFERENCE = "xdm:descriptorReferenceIdentity"
ONE_TO_ONE = "xdm:descriptorOneToOne"
DEPRECATED = "xdm:descriptorDeprecated"
# The members that each type requires besides '@type', 'xdm:sourceSchema' and 'xdm:sourceProperty'.
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    IDENTITY: ("xdm:namespace", "xdm:property"),
    REFERENCE: ("xdm:identityNamespace",),
    ONE_TO_ONE: ("xdm:destinationSchema",),
    "xdm:descriptorRelationship": ("xdm:destinationSchema", "xdm:cardinality"),
    "xdm:alternateDisplayInfo": (),
    "xdm:descriptorPrimaryKey": (),
    "xdm:descriptorVersion": (),
    "xdm:descriptorTimestamp": (),
    DEPRECATED: (),
}
# The types whose 'xdm:sourceProperty' may be a list of paths.
_WITH_SEVERAL_PROPERTIES = ("xdm:descriptorPrimaryKey", DEPRECATED)
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "xdm:property": ("xdm:id", "xdm:code"),
    "xdm:cardinality": ("1:1", "1:0", "M:1", "M:0"),
}
MAX_DESCRIPTORS = 4000


@dataclass(slots=True)
class Descriptor:
    """One descriptor.

    :param content: the members that the client sent.
    :param created: in epoch milliseconds, like ``updated``.
    """

    id: str
    content: dict[str, Any]
    created: int
    updated: int
    number: int = -1

    @property
    def type(self) -> str:
        return str(self.content["@type"])

    @property
    def schema_id(self) -> str:
        return str(self.content["xdm:sourceSchema"])

    @property
    def properties(self) -> list[str]:
        """The paths of the described fields, such as ``/person/name``."""
        named = self.content["xdm:sourceProperty"]
        return list(named) if isinstance(named, list) else [named]

    @property
    def is_primary(self) -> bool:
        return self.type == IDENTITY and self.content.get("xdm:isPrimary") is True


class Descriptors:
    """The descriptors of one sandbox."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.store: Store[Descriptor] = Store(
            keys={"schema": lambda descriptor: (descriptor.schema_id,)}, lag=library.sandbox.lag
        )

    def get(self, identifier: str) -> Descriptor:
        """Return the descriptor with an id, or refuse."""
        found = self.store.read(identifier)
        if found is None:
            raise RegistryRefusal(
                "1014-404", "Resource not found", f"The requested descriptor {identifier[:100]} is not found."
            )
        return found

    def of(self, schema: Resource) -> list[Descriptor]:
        """Return all descriptors of a schema."""
        return self.store.find("schema", (schema.id,))

    def create(self, body: Mapping[str, Any]) -> Descriptor:
        """Create a descriptor, or refuse."""
        if len(self.store) >= MAX_DESCRIPTORS:
            raise _invalid(f"A sandbox holds at most {MAX_DESCRIPTORS} descriptors.")
        content, now = self._parse(body, None), self.library.sandbox.clock.millis()
        return self.store.add(Descriptor(secrets.token_hex(20), content, now, now))

    def replace(self, descriptor: Descriptor, body: Mapping[str, Any]) -> None:
        """Replace the content of a descriptor, or refuse."""
        descriptor.content = self._parse(body, descriptor)
        descriptor.updated = self.library.sandbox.clock.millis()
        self.store.reindex(descriptor)

    def drop_all(self, schema: Resource) -> None:
        """Remove all descriptors of a schema that is being deleted."""
        for descriptor in self.of(schema):
            self.store.remove(descriptor)

    def has_primary(self, schema: Resource) -> bool:
        """Return whether one of the schema's fields is the primary identity."""
        return any(descriptor.is_primary for descriptor in self.of(schema))

    def relation_without_identity(self, schema: Resource) -> str | None:
        """Return the path of a field that has a one-to-one relation but no reference identity, or None."""
        known = self.of(schema)
        referring = {path for descriptor in known if descriptor.type == REFERENCE for path in descriptor.properties}
        related = (path for descriptor in known if descriptor.type == ONE_TO_ONE for path in descriptor.properties)
        return next((path for path in related if path not in referring), None)

    def _parse(self, body: Mapping[str, Any], current: Descriptor | None) -> dict[str, Any]:
        kind = body.get("@type")
        if not isinstance(kind, str) or kind not in _REQUIRED:
            raise _invalid(f"'@type' must be one of {', '.join(_REQUIRED)}.")
        content = {key: value for key, value in body.items() if key.startswith(("xdm:", "meta:enum", "meta:exclude"))}
        for member in ("xdm:sourceSchema", *_REQUIRED[kind]):
            _check_text(content, member)
        source = self._schema(content, "source")
        self._check_properties(kind, content, source)
        if "xdm:destinationSchema" in _REQUIRED[kind]:
            destination = self._schema(content, "destination")
            if content.get("xdm:destinationProperty") is not None:
                self._field(destination, content["xdm:destinationProperty"], "xdm:destinationProperty")
        if not isinstance(content.get("xdm:isPrimary", False), bool):
            raise _invalid("'xdm:isPrimary' must be true or false.")
        primary = kind == IDENTITY and content.get("xdm:isPrimary")
        if primary and any(other.is_primary and other is not current for other in self.of(source)):
            raise _invalid(f"{source.id} has a primary identity already.")
        return {"@type": kind, **content, "xdm:sourceSchema": source.id}

    def _schema(self, content: Mapping[str, Any], end: str) -> Resource:
        identifier = content[f"xdm:{end}Schema"]
        found = self.library.read(identifier)
        if found is None or found.kind != "schemas":
            raise _invalid(f"'xdm:{end}Schema' names no schema of the tenant: {identifier[:200]}.")
        if content.get(f"xdm:{end}Version", 1) not in (1, "1") or content.get(f"xdm:{end}Version") is True:
            raise _invalid(f"'xdm:{end}Version' must be 1, the only major version of {found.id}.")
        return found

    def _check_properties(self, kind: str, content: Mapping[str, Any], source: Resource) -> None:
        named = content.get("xdm:sourceProperty")
        if isinstance(named, list) and (kind not in _WITH_SEVERAL_PROPERTIES or not named):
            raise _invalid("'xdm:sourceProperty' must be one path for this type of descriptor.")
        for path in named if isinstance(named, list) else [named]:
            field = self._field(source, path, "xdm:sourceProperty")
            if kind == IDENTITY and field.get("type") in ("object", "array"):
                raise _invalid(f"'{str(path)[:200]}' holds other fields: it cannot be an identity.")

    def _field(self, schema: Resource, path: Any, member: str) -> fields.Tree:
        if not isinstance(path, str) or not path.startswith("/") or path.endswith("/"):
            raise _invalid(f"'{member}' is a path that begins with a slash and does not end with one.")
        # Standard field names have a prefix that the registry's own form omits.
        names = path[1:].replace("xdm:", "").split("/")
        steps = (step for name in names for step in (name.partition("[")[0], *[0] * name.count("[")))
        found = fields.find(self.library.resolve(schema)[0], steps)
        if found is None:
            raise _invalid(f"The schema {schema.id} has no field at '{path[:200]}'.")
        return found


def _check_text(content: Mapping[str, Any], member: str) -> None:
    value = content.get(member)
    if not isinstance(value, str) or not value:
        raise _invalid(f"This type of descriptor needs '{member}', which is text.")
    choices = _CHOICES.get(member)
    if choices is not None and value not in choices:
        raise _invalid(f"'{member}' must be one of {', '.join(choices)}.")


def _invalid(detail: str) -> RegistryRefusal:
    return RegistryRefusal("1520-400", "Descriptor invalid", detail)
