"""Reading the resources of a sandbox: finding them, and following their references."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airflow_provider_payments.emulator.core.sandbox import Sandbox
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.schema_registry import fields
from airflow_provider_payments.emulator.schema_registry.global_resources import BEHAVIORS
from airflow_provider_payments.emulator.schema_registry.resources import (
    GLOBALS,
    OBJECT_KINDS,
    Kind,
    Resource,
    not_found,
)


class Library:
    """The resources of one sandbox, and the global ones."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.store: Store[Resource] = Store(
            keys={
                "kind": lambda resource: (resource.kind,),
                "title": lambda resource: (resource.title,),
                "alt_id": lambda resource: (resource.alt_id,),
                "used": lambda resource: {*resource.references, *fields.references(resource.properties)},
            },
            lag=sandbox.lag,
            kind=lambda resource: OBJECT_KINDS.get(resource.kind, ""),
        )
        # By both ids. While lists and reads lag, resources that refer to a removed one can still be read.
        self._removed: dict[str, Resource] = {}
        self._resolved: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {}

    @property
    def tenant_field(self) -> str:
        """The top-level field that contains all fields of the tenant."""
        return f"_{self.sandbox.options.tenant}"

    def of_kind(self, kind: Kind) -> Iterator[Resource]:
        """Return the tenant's resources of a kind, oldest first."""
        return iter(self.store.find("kind", (kind,)))

    def get(self, kind: Kind, identifier: str, *, removed: bool = False) -> Resource:
        """Return a resource of the tenant that requests can read, or refuse.

        :param identifier: ``$id`` or ``meta:altId``.
        :param removed: whether to find a removed resource too, as long as reads lag.
        """
        found = self.read(identifier, removed=removed)
        if found is None or found.kind != kind:
            raise not_found(kind, identifier)
        return found

    def lookup(self, identifier: str) -> Resource | None:
        """Return a stored resource of the tenant, of any kind, or None.

        :param identifier: ``$id`` or ``meta:altId``.
        """
        return self.store.get(identifier) or next(iter(self.store.find("alt_id", (identifier,))), None)

    def read(self, identifier: str, *, removed: bool = False) -> Resource | None:
        """Return a resource of the tenant, of any kind, that requests can read; None while reads lag.

        :param identifier: ``$id`` or ``meta:altId``.
        :param removed: whether to find a removed resource too, as long as reads lag.
        """
        found = self.lookup(identifier) or self._removed.get(identifier)
        return self.store.read(found.id, removed=removed) if found else None

    def find(self, reference: str) -> Resource | None:
        """Return a resource of the tenant or a global one, or None."""
        return self.store.get(reference) or GLOBALS.get(reference)

    def known(self, reference: str) -> Resource:
        """Return a resource that exists, see :meth:`find`, or one that was removed."""
        found = self.find(reference) or self._removed.get(reference)
        assert found is not None
        return found

    def kind_of(self, reference: str) -> Kind | None:
        """Return the kind of the resource with an ``$id``, or None."""
        found = self.find(reference)
        return found.kind if found else None

    def class_of(self, resource: Resource) -> str | None:
        """Return the id of a schema's class; for a class, its own id."""
        if resource.kind == "classes":
            return resource.id
        return next((reference for reference in resource.references if self.known(reference).kind == "classes"), None)

    def behaviour_of(self, schema: Resource) -> str:
        """Return the behaviour of a schema: ``record``, ``time-series`` or ``adhoc``."""
        behaviour = next(reference for reference in self.extends(schema) if reference in BEHAVIORS)
        return behaviour.rpartition("/")[2]

    def extends(self, resource: Resource) -> list[str]:
        """Return the ids of all resources that a resource refers to, directly or indirectly, each once."""
        return self._closure(resource.references)

    def _closure(self, references: Sequence[str]) -> list[str]:
        result: dict[str, None] = {}
        pending = list(reversed(references))
        while pending:
            reference = pending.pop()
            if reference not in result:
                result[reference] = None
                pending += reversed(self.known(reference).references)
        return list(result)

    def resolve(self, resource: Resource) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return all fields of a resource, with references resolved, and the required names."""
        if resource.id not in self._resolved:
            self._resolved[resource.id] = self.resolve_uncached(resource)
        return self._resolved[resource.id]

    def resolve_uncached(self, resource: Resource) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Resolve a resource, stored or not, without the cache; refuse fields that cannot be merged."""
        # Not recursive: a resource that is reached in several ways counts once, else work would double with each level.
        composition = resource.composition
        whole = [target for target in composition.references if "" in composition.pointers(target)]
        parts = [*map(self.known, self._closure(whole)), resource]
        required = dict.fromkeys(name for part in (resource, *parts) for name in part.composition.required)
        trees = [fields.expand(part.properties, self._data_type) for part in parts]
        for target in composition.references:
            if target not in whole:
                properties, needed = self.resolve_uncached(self.known(target))
                group = {"properties": properties, "required": needed}
                picked = fields.pick(group, sorted(composition.pointers(target)))
                trees.append(picked["properties"])
                required |= dict.fromkeys(picked["required"])
        return fields.merge(trees), tuple(required)

    def _data_type(self, reference: str) -> fields.Tree | None:
        if self.kind_of(reference) != "datatypes":
            return None
        found = self.known(reference)
        trees = [part.properties for part in (*map(self.known, self.extends(found)), found)]
        needed = {"required": list(found.composition.required)} if found.composition.required else {}
        return {"properties": fields.merge(trees), **needed}
