"""The resources of a tenant: making, changing and deleting them, and following what they refer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.core.identifiers import new_hash, new_uuid
from airflow_provider_payments.emulator.core.refusals import RegistryRefusal
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.schema_registry import fields, rules
from airflow_provider_payments.emulator.schema_registry.composition import Composition, take_apart
from airflow_provider_payments.emulator.schema_registry.descriptors import Descriptors
from airflow_provider_payments.emulator.schema_registry.global_resources import ADHOC, BEHAVIORS
from airflow_provider_payments.emulator.schema_registry.growth import check_growth
from airflow_provider_payments.emulator.schema_registry.resources import GLOBALS, Kind, Resource, State, not_found

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.organisation import Sandbox

_KEPT = ("title", "description", "meta:intendedToExtend", "meta:immutableTags")


class Registry:
    """The registry of one sandbox."""

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
        )
        self.descriptors = Descriptors(self)
        self._resolved: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {}

    @property
    def tenant_field(self) -> str:
        """The name below which the tenant's own fields live."""
        return f"_{self.sandbox.options.tenant}"

    def of_kind(self, kind: Kind) -> Iterator[Resource]:
        """The tenant's resources of a kind, oldest first."""
        return iter(self.store.find("kind", (kind,)))

    def get(self, kind: Kind, identifier: str) -> Resource:
        """A resource of the tenant as a request finds it, or a refusal.

        :param identifier: ``$id`` or ``meta:altId``.
        """
        found = self.read(identifier)
        if found is None or found.kind != kind:
            raise not_found(kind, identifier)
        return found

    def lookup(self, identifier: str) -> Resource | None:
        """A resource of the tenant, whatever its kind.

        :param identifier: ``$id`` or ``meta:altId``.
        """
        return self.store.get(identifier) or next(iter(self.store.find("alt_id", (identifier,))), None)

    def read(self, identifier: str) -> Resource | None:
        """The same as a request finds it that names it: None where reads are behind."""
        found = self.lookup(identifier)
        return self.store.read(found.id) if found else None

    def create(self, kind: Kind, body: Mapping[str, Any], key: str = "") -> Resource:
        """Make a resource, or refuse.

        :param key: the last part of its id, empty for a new one.
        """
        tenant, key = self.sandbox.options.tenant, key or new_hash()
        identifier, alt_id = f"https://ns.adobe.com/{tenant}/{kind}/{key}", f"_{tenant}.{kind}.{key}"
        now = self.sandbox.clock.millis()
        rules.check_title(self, body, None)
        content, made_of = self._understand(kind, body, identifier, {})
        resource = Resource(kind, identifier, alt_id, content, made_of, now, now)
        if resource.in_union:
            rules.check_union(self, resource)
        return self.store.add(resource)

    def replace(self, resource: Resource, body: Mapping[str, Any]) -> Resource:
        """Give a resource another content, or refuse.

        :param resource: stays as it is when refused.
        """
        rules.check_title(self, body, resource)
        before = resource.content, resource.made_of
        content, made_of = self._understand(resource.kind, body, resource.id, resource.content)
        if self._carries_data(resource):
            check_growth(resource, content, made_of)
        joins_union = not resource.in_union
        resource.content, resource.made_of = content, made_of
        self._resolved.clear()
        try:
            if joins_union and resource.in_union:
                rules.check_union(self, resource)
            for user in self._users(resource):
                self._resolve(user)
        except RegistryRefusal:
            resource.content, resource.made_of = before
            raise
        resource.earlier.append(State(resource.updated, *before))
        resource.minor += 1
        resource.updated = self.sandbox.clock.millis()
        self.store.changed(resource)
        return resource

    def delete(self, resource: Resource) -> None:
        """Delete a resource that nothing uses, or refuse."""
        user = next((other for other in self._users(resource) if other is not resource), None)
        if user is not None:
            raise RegistryRefusal("1403-400", "Resource in use", f"{resource.id} is used by {user.id}.")
        if resource.kind == "schemas" and self._carries_data(resource):
            raise RegistryRefusal(
                "1403-400", "Resource in use", f"{resource.id} is used by a dataset or enabled for Profile."
            )
        self.descriptors.drop_all(resource)
        self._resolved.pop(resource.id, None)
        self.store.remove(resource)

    def resolve(self, resource: Resource) -> tuple[dict[str, Any], tuple[str, ...]]:
        """All fields of a resource and the names of those that every record needs.

        :param resource: references are followed to their ends.
        """
        if resource.id not in self._resolved:
            self._resolved[resource.id] = self._resolve(resource)
        return self._resolved[resource.id]

    def _resolve(self, resource: Resource) -> tuple[dict[str, Any], tuple[str, ...]]:
        # Not by recursion: what is reached on several ways counts once, or their number would double with each level.
        made_of = resource.made_of
        whole = [target for target in made_of.references if "" in made_of.pointers(target)]
        parts = [*map(self.known, self._closure(whole)), resource]
        required = dict.fromkeys(name for part in (resource, *parts) for name in part.made_of.required)
        trees = [fields.expand(part.properties, self._data_type) for part in parts]
        for target in made_of.references:
            if target not in whole:
                properties, needed = self._resolve(self.known(target))
                group = {"properties": properties, "required": needed}
                picked = fields.pick(group, sorted(made_of.pointers(target)))
                trees.append(picked["properties"])
                required |= dict.fromkeys(picked["required"])
        return fields.merge(trees), tuple(required)

    def _data_type(self, reference: str) -> fields.Tree | None:
        if self.kind_of(reference) != "datatypes":
            return None
        found = self.known(reference)
        trees = [part.properties for part in (*map(self.known, self.extends(found)), found)]
        needed = {"required": list(found.made_of.required)} if found.made_of.required else {}
        return {"properties": fields.merge(trees), **needed}

    def class_of(self, resource: Resource) -> str | None:
        """The class of a schema; a class is its own."""
        if resource.kind == "classes":
            return resource.id
        return next((reference for reference in resource.references if self.kind_of(reference) == "classes"), None)

    def behaviour_of(self, schema: Resource) -> str:
        """How the data of a schema behaves: ``record``, ``time-series`` or ``adhoc``."""
        behaviour = next(reference for reference in self.extends(schema) if reference in BEHAVIORS)
        return behaviour.rpartition("/")[2]

    def extends(self, resource: Resource) -> list[str]:
        """Everything that a resource builds on, with what that builds on, each once."""
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

    def find(self, reference: str) -> Resource | None:
        """A resource of the tenant or a global one, None when there is none."""
        return self.store.get(reference) or GLOBALS.get(reference)

    def known(self, reference: str) -> Resource:
        """A resource that exists, see :meth:`find`."""
        found = self.find(reference)
        assert found is not None
        return found

    def kind_of(self, reference: str) -> Kind | None:
        """What an ``$id`` names, None when it names nothing."""
        found = self.find(reference)
        return found.kind if found else None

    def _users(self, resource: Resource) -> list[Resource]:
        """A resource and all that build on it, near or far."""
        found = {resource.id: resource}
        pending = [resource.id]
        while pending:
            for user in self.store.find("used", (pending.pop(),)):
                if user.id not in found:
                    found[user.id] = user
                    pending.append(user.id)
        return list(found.values())

    def _carries_data(self, resource: Resource) -> bool:
        users = [user for user in self._users(resource) if user.kind == "schemas"]
        if any(user.in_union for user in users):
            return True
        return bool(self.sandbox.catalog.datasets.find("schema", [user.id for user in users]))

    def _understand(
        self, kind: Kind, body: Mapping[str, Any], identifier: str, before: Mapping[str, Any]
    ) -> tuple[dict[str, Any], Composition]:
        """What a body means: (content, composition), both completed; raises what is wrong with it.

        :param before: the content until now, empty at the creation.
        """
        rules.check_form(kind, body)
        made_of = take_apart(body)
        content: dict[str, Any] = {key: body[key] for key in _KEPT if key in body}
        namespace = self.tenant_field
        if kind == "classes" and ADHOC in made_of.references:
            namespace = before.get("meta:datasetNamespace") or f"_{new_uuid().replace('-', '')}"
            content["meta:datasetNamespace"] = namespace
            made_of = _renamed(made_of, "_adhoc", namespace)
        made_of = rules.completed(made_of, None if kind == "datatypes" else namespace)
        rules.CHECKS[kind](self, body, made_of)
        rules.check_references(self, kind, identifier, made_of)
        self._resolve(Resource(kind, identifier, "", content, made_of, 0, 0))
        return content, made_of


def _renamed(made_of: Composition, name: str, new: str) -> Composition:
    properties = {new if key == name else key: tree for key, tree in made_of.properties.items()}
    required = tuple(new if key == name else key for key in made_of.required)
    return replace(made_of, properties=properties, required=required)
