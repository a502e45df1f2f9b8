"""The registry of a sandbox: creating, changing and deleting a tenant's resources."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_payments.emulator.core.identifiers import new_hash, new_uuid
from airflow_provider_payments.emulator.core.sandbox import Sandbox
from airflow_provider_payments.emulator.schema_registry import rules
from airflow_provider_payments.emulator.schema_registry.compatibility import check_compatible
from airflow_provider_payments.emulator.schema_registry.composition import Composition, parse_composition
from airflow_provider_payments.emulator.schema_registry.descriptors import Descriptors
from airflow_provider_payments.emulator.schema_registry.global_resources import ADHOC
from airflow_provider_payments.emulator.schema_registry.library import Library
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal
from airflow_provider_payments.emulator.schema_registry.resources import Kind, Resource, State

_KEPT_MEMBERS = ("title", "description", "meta:intendedToExtend", "meta:immutableTags")


class Registry(Library):
    """The registry of one sandbox.

    :param has_dataset: returns whether any dataset has one of the schemas with these ids.
    """

    def __init__(self, sandbox: Sandbox, has_dataset: Callable[[Collection[str]], bool]) -> None:
        super().__init__(sandbox)
        self.descriptors = Descriptors(self)
        self._has_dataset = has_dataset

    def create(self, kind: Kind, body: Mapping[str, Any], key: str = "") -> Resource:
        """Create a resource, or refuse.

        :param key: the last part of the resource's id; empty to generate one.
        """
        tenant, key = self.sandbox.options.tenant, key or new_hash()
        identifier, alt_id = f"https://ns.adobe.com/{tenant}/{kind}/{key}", f"_{tenant}.{kind}.{key}"
        now = self.sandbox.clock.millis()
        rules.check_title(self, kind, body, None)
        content, composition = self._parse(kind, body, identifier, {})
        resource = Resource(kind, identifier, alt_id, content, composition, now, now)
        if resource.in_union:
            rules.check_union(self.descriptors, resource)
        # A removed resource with the same id may have been read, and cached, after its removal.
        self._resolved.pop(identifier, None)
        return self.store.add(resource)

    def replace(self, resource: Resource, body: Mapping[str, Any]) -> Resource:
        """Replace the content of a resource, or refuse and leave it unchanged."""
        rules.check_title(self, resource.kind, body, resource)
        before = resource.content, resource.composition
        content, composition = self._parse(resource.kind, body, resource.id, resource.content)
        if self._carries_data(resource):
            check_compatible(resource, content, composition)
        joins_union = not resource.in_union
        resource.content, resource.composition = content, composition
        self._resolved.clear()
        try:
            if joins_union and resource.in_union:
                rules.check_union(self.descriptors, resource)
            for user in self._users(resource):
                self.resolve_uncached(user)
        except RegistryRefusal:
            resource.content, resource.composition = before
            raise
        resource.earlier.append(State(resource.updated, *before))
        resource.minor += 1
        resource.updated = self.sandbox.clock.millis()
        self.store.reindex(resource)
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
        self._removed[resource.id] = self._removed[resource.alt_id] = resource
        self.store.remove(resource)

    def _users(self, resource: Resource) -> list[Resource]:
        """Return a resource and all resources that refer to the resource, directly or indirectly."""
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
        return self._has_dataset([user.id for user in users])

    def _parse(
        self, kind: Kind, body: Mapping[str, Any], identifier: str, before: Mapping[str, Any]
    ) -> tuple[dict[str, Any], Composition]:
        """Return the completed content and composition of a body, or refuse.

        :param before: the current content; empty for a new resource.
        """
        rules.check_form(kind, body)
        composition = parse_composition(body)
        content: dict[str, Any] = {key: body[key] for key in _KEPT_MEMBERS if key in body}
        namespace = self.tenant_field
        if kind == "classes" and ADHOC in composition.references:
            namespace = before.get("meta:datasetNamespace") or f"_{new_uuid().replace('-', '')}"
            content["meta:datasetNamespace"] = namespace
            composition = _with_renamed_field(composition, "_adhoc", namespace)
        composition = rules.completed(composition, None if kind == "datatypes" else namespace)
        rules.CHECKS[kind](self, body, composition)
        rules.check_references(self, kind, identifier, composition)
        self.resolve_uncached(Resource(kind, identifier, "", content, composition, 0, 0))
        return content, composition


def _with_renamed_field(composition: Composition, name: str, new: str) -> Composition:
    properties = {new if key == name else key: tree for key, tree in composition.properties.items()}
    required = tuple(new if key == name else key for key in composition.required)
    return replace(composition, properties=properties, required=required)
