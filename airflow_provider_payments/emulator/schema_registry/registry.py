"""The resources of a tenant and the rules for making, changing and deleting them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_payments.emulator.identifiers import new_hash, new_uuid
from airflow_provider_payments.emulator.refusals import RegistryRefusal
from airflow_provider_payments.emulator.schema_registry import fields
from airflow_provider_payments.emulator.schema_registry.global_resources import ADHOC, BEHAVIORS, GLOBAL_RESOURCES

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.world import Sandbox

Kind = Literal["schemas", "mixins", "classes", "behaviors"]
# A field group also needs 'meta:intendedToExtend', which has a refusal of its own.
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "schemas": ("type", "description", "allOf"),
    "classes": ("type", "description", "allOf"),
    "mixins": ("type",),
}
_BY_ID: Mapping[str, Mapping[str, Any]] = {resource["$id"]: resource for resource in GLOBAL_RESOURCES}
_BY_ALT_ID: Mapping[str, Mapping[str, Any]] = {resource["meta:altId"]: resource for resource in GLOBAL_RESOURCES}


@dataclass(slots=True)
class Resource:
    """A schema, class or field group of the tenant.

    :param number: its place in the order of creation.
    :param content: what the client sent, completed: title, description, own fields, references.
    :param references: the ``$ref`` targets, without duplicates, in order.
    :param properties: its own fields.
    :param minor: the minor version; the major one is always 1.
    """

    kind: Kind
    id: str
    alt_id: str
    number: int
    content: dict[str, Any]
    references: tuple[str, ...]
    properties: dict[str, Any]
    created: int
    updated: int
    minor: int = 0

    @property
    def title(self) -> str:
        return str(self.content["title"])

    @property
    def etag(self) -> str:
        return hashlib.sha256(f"{self.id} {self.minor} {self.updated}".encode()).hexdigest()


class Registry:
    """The registry of one sandbox.

    :param sandbox: whose clock and names it uses.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._resources: dict[str, Resource] = {}
        self._made = 0

    @property
    def tenant_field(self) -> str:
        """The name below which the tenant's own fields live."""
        return f"_{self.sandbox.options.tenant}"

    def of_kind(self, kind: Kind) -> Iterator[Resource]:
        """The tenant's resources of a kind, oldest first."""
        return (resource for resource in self._resources.values() if resource.kind == kind)

    def get(self, kind: Kind, identifier: str) -> Resource:
        """A resource of the tenant, or a refusal.

        :param identifier: ``$id`` or ``meta:altId``.
        """
        found = self.lookup(identifier)
        if found is None or found.kind != kind:
            raise not_found(identifier)
        return found

    def lookup(self, identifier: str) -> Resource | None:
        """A resource of the tenant, whatever its kind.

        :param identifier: ``$id`` or ``meta:altId``.
        """
        direct = self._resources.get(identifier)
        if direct is not None:
            return direct
        return next((resource for resource in self._resources.values() if resource.alt_id == identifier), None)

    def create(self, kind: Kind, body: Mapping[str, Any]) -> Resource:
        """Make a resource, or refuse.

        :param body: what the client sent.
        """
        identifier = f"https://ns.adobe.com/{self.sandbox.options.tenant}/{kind}/{new_hash()}"
        alt_id = f"_{self.sandbox.options.tenant}.{kind}.{identifier.rpartition('/')[2]}"
        self._check_title(body, None)
        content, references, properties = self._understand(kind, body, identifier, {})
        now = self.sandbox.clock.millis()
        self._made += 1
        resource = Resource(kind, identifier, alt_id, self._made, content, references, properties, now, now)
        self._resources[identifier] = resource
        return resource

    def replace(self, resource: Resource, body: Mapping[str, Any]) -> Resource:
        """Give a resource another content, or refuse.

        :param resource: stays as it is when refused.
        :param body: the whole new content.
        """
        self._check_title(body, resource)
        content, references, properties = self._understand(resource.kind, body, resource.id, resource.content)
        if self._carries_data(resource):
            gone = set(fields.leaves(resource.properties)) - set(fields.leaves(properties))
            gone |= {(reference, "", "") for reference in set(resource.references) - set(references)}
            if gone:
                raise RegistryRefusal(
                    "1409-400",
                    "Breaking change",
                    f"A dataset uses {resource.id}: '{min(gone)[0]}' can neither be removed nor change its type.",
                )
        before = (resource.content, resource.references, resource.properties)
        resource.content, resource.references, resource.properties = content, references, properties
        try:
            for schema in self._users(resource):
                self.resolve(schema)
        except RegistryRefusal:
            resource.content, resource.references, resource.properties = before
            raise
        resource.minor += 1
        resource.updated = self.sandbox.clock.millis()
        return resource

    def delete(self, resource: Resource) -> None:
        """Delete a resource that nothing uses, or refuse."""
        user = next((other for other in self._users(resource) if other is not resource), None)
        if user is not None:
            raise RegistryRefusal("1403-400", "Resource in use", f"{resource.id} is used by {user.id}.")
        if resource.kind == "schemas" and self._carries_data(resource):
            raise RegistryRefusal("1403-400", "Resource in use", f"{resource.id} is used by a dataset.")
        del self._resources[resource.id]

    def resolve(self, resource: Resource) -> tuple[dict[str, Any], tuple[str, ...]]:
        """All fields of a resource and the names of those that every record needs.

        :param resource: references are followed to their ends.
        """
        trees: list[fields.Tree] = []
        required: list[str] = list(resource.content.get("required", ()))
        # Not by recursion: what is reached on several ways counts once, or their number would double with each level.
        for reference in self.extends(resource):
            other = self._resources.get(reference)
            known = other.content if other is not None else _BY_ID[reference]
            trees.append(other.properties if other is not None else known["properties"])
            required += known.get("required", ())
        trees.append(resource.properties)
        return fields.merge(trees), tuple(dict.fromkeys(required))

    def class_of(self, resource: Resource) -> str | None:
        """The class of a schema; a class is its own."""
        if resource.kind == "classes":
            return resource.id
        return next((reference for reference in resource.references if self._kind_of(reference) == "classes"), None)

    def extends(self, resource: Resource) -> list[str]:
        """Everything that a resource builds on, with what that builds on, each once."""
        result: dict[str, None] = {}
        pending = list(reversed(resource.references))
        while pending:
            reference = pending.pop()
            if reference not in result:
                result[reference] = None
                other = self._resources.get(reference)
                deeper = other.references if other is not None else _BY_ID[reference].get("meta:extends", ())
                pending += reversed(deeper)
        return list(result)

    def _kind_of(self, reference: str) -> str | None:
        own = self._resources.get(reference)
        if own is not None:
            return own.kind
        known = _BY_ID.get(reference)
        return str(known["meta:resourceType"]) if known else None

    def _users(self, resource: Resource) -> list[Resource]:
        return [
            other
            for other in self._resources.values()
            if other is resource or resource.id in other.references or resource.id in self.extends(other)
        ]

    def _carries_data(self, resource: Resource) -> bool:
        ids = {other.id for other in self._users(resource)}
        return any(dataset.schema_id in ids for dataset in self.sandbox.catalog.datasets)

    def _check_title(self, body: Mapping[str, Any], itself: Resource | None) -> None:
        title = body.get("title")
        if not isinstance(title, str) or not title.strip():
            raise RegistryRefusal("1500-400", "Title missing", "A resource needs a 'title', which is text.")
        for other in self._resources.values():
            if other.title == title and other is not itself:
                raise RegistryRefusal(
                    "1521-400",
                    "Title not unique",
                    f"Titles of objects have to be unique: {other.id} bears this title already.",
                )

    def _understand(
        self, kind: Kind, body: Mapping[str, Any], identifier: str, before: Mapping[str, Any]
    ) -> tuple[dict[str, Any], tuple[str, ...], dict[str, Any]]:
        """What a body means: (completed content, references, own fields); raises what is wrong with it.

        :param before: the content until now, empty at the creation.
        """
        for member in _NEEDED[kind]:
            if body.get(member) is None:
                raise RegistryRefusal("1501-400", "Schema definition invalid", f"The body needs '{member}'.")
        if body["type"] != "object":
            raise RegistryRefusal("1501-400", "Type invalid", "The 'type' of a resource must be 'object'.")
        if not isinstance(body.get("description", ""), str):
            raise RegistryRefusal("1501-400", "Description invalid", "The 'description' must be text.")
        references, own, required = _take_apart(body)
        namespace = before.get("meta:datasetNamespace") or f"_{new_uuid().replace('-', '')}"
        adhoc = kind == "classes" and ADHOC in references
        if adhoc and "_adhoc" in own:
            own = {namespace if name == "_adhoc" else name: tree for name, tree in own.items()}
            required = [namespace if name == "_adhoc" else name for name in required]
        properties = self._own_fields(own, {namespace} if adhoc else {self.tenant_field})
        content: dict[str, Any] = {
            key: body[key]
            for key in ("title", "description", "meta:intendedToExtend", "meta:immutableTags")
            if key in body
        }
        if required:
            content["required"] = required
        if adhoc:
            content["meta:datasetNamespace"] = namespace
        check = {"schemas": self._check_schema, "mixins": self._check_field_group, "classes": self._check_class}[kind]
        check(body, references, properties)
        for reference in references:
            if self._kind_of(reference) is None:
                raise RegistryRefusal(
                    "1504-400", "Reference not found", f"The reference '{reference[:200]}' names no known resource."
                )
            other = self._resources.get(reference)
            if reference == identifier or (other is not None and identifier in self.extends(other)):
                raise RegistryRefusal("1504-400", "Reference circular", f"{identifier} would extend itself.")
        probe = Resource(kind, identifier, "", 0, content, references, properties, 0, 0)
        self.resolve(probe)
        return content, references, properties

    def _own_fields(self, own: Mapping[str, Any], allowed: set[str]) -> dict[str, Any]:
        for name in own:
            if name not in allowed:
                raise RegistryRefusal(
                    "1503-400",
                    "Field outside the tenant namespace",
                    f"The field '{name[:200]}' must stand below '{min(allowed)}'.",
                )
        return {name: fields.complete(tree, name) for name, tree in own.items()}

    def _check_schema(self, body: Mapping[str, Any], references: tuple[str, ...], _: Mapping[str, Any]) -> None:
        classes = [reference for reference in references if self._kind_of(reference) == "classes"]
        if len(classes) != 1:
            raise RegistryRefusal(
                "1502-400",
                "Class invalid",
                f"A schema refers to exactly one class in 'allOf'; this one refers to {len(classes)}.",
            )
        if body.get("meta:class", classes[0]) != classes[0]:
            raise RegistryRefusal("1502-400", "Class invalid", "'meta:class' and the class in 'allOf' differ.")
        for reference in references:
            if self._kind_of(reference) == "mixins":
                own = self._resources.get(reference)
                meant = (own.content if own else _BY_ID[reference]).get("meta:intendedToExtend", [])
                if classes[0] not in meant and not set(meant) & set(self._behind(classes[0])):
                    raise RegistryRefusal(
                        "1506-400", "Field group not compatible", f"{reference} is not meant to extend {classes[0]}."
                    )

    def _behind(self, class_id: str) -> list[str]:
        own = self._resources.get(class_id)
        return self.extends(own) if own else list(_BY_ID[class_id].get("meta:extends", []))

    def _check_field_group(self, body: Mapping[str, Any], _: tuple[str, ...], properties: Mapping[str, Any]) -> None:
        meant = body.get("meta:intendedToExtend")
        if not isinstance(meant, list) or not meant or not all(isinstance(name, str) for name in meant):
            raise RegistryRefusal(
                "1507-400",
                "meta:intendedToExtend missing",
                "A field group needs 'meta:intendedToExtend', a list of the classes that it extends.",
            )
        for name in meant:
            if self._kind_of(name) not in ("classes", "behaviors"):
                raise RegistryRefusal("1504-400", "Reference not found", f"'{name[:200]}' names no known class.")
        if not properties:
            raise RegistryRefusal("1505-400", "Schema definition invalid", "A field group needs at least one field.")

    def _check_class(self, _: Mapping[str, Any], references: tuple[str, ...], __: Mapping[str, Any]) -> None:
        if len([reference for reference in references if reference in BEHAVIORS]) != 1:
            raise RegistryRefusal(
                "1508-400",
                "Behaviour missing",
                "A class refers to exactly one behaviour in 'allOf': " + ", ".join(BEHAVIORS) + ".",
            )


def not_found(identifier: str) -> RegistryRefusal:
    """The refusal of an id that names no resource.

    :param identifier: as it was asked for.
    """
    return RegistryRefusal(
        "1012-404", "Resource Not Found", f"There is no resource {identifier[:300]} with version 1 in this container."
    )


def global_resource(kind: str, identifier: str) -> Mapping[str, Any]:
    """A global resource, or a refusal.

    :param identifier: ``$id`` or ``meta:altId``.
    """
    found = _BY_ID.get(identifier) or _BY_ALT_ID.get(identifier)
    if found is None or found["meta:resourceType"] != kind:
        raise not_found(identifier)
    return found


def _take_apart(body: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any], list[str]]:
    """The outer references, the own fields and the required ones of a body, wherever it has put them."""
    definitions, entries = body.get("definitions", {}), body.get("allOf", [])
    own: list[fields.Tree] = [_properties(body, "properties")]
    if not isinstance(definitions, dict) or not isinstance(entries, list):
        raise RegistryRefusal(
            "1501-400", "Schema definition invalid", "'definitions' must be an object and 'allOf' a list."
        )
    own += [_properties(definition, name) for name, definition in definitions.items()]
    required = [name for node in (body, *definitions.values()) for name in fields.required_names(node, "required")]
    references: list[str] = []
    for entry in entries:
        reference = entry.get("$ref") if isinstance(entry, dict) else None
        if isinstance(reference, str) and reference:
            if reference.startswith("#/definitions/"):
                if reference.removeprefix("#/definitions/") not in definitions:
                    raise RegistryRefusal(
                        "1504-400", "Reference not found", f"The reference '{reference[:200]}' leads nowhere."
                    )
            elif reference not in references:
                references.append(reference)
        elif isinstance(entry, dict) and "properties" in entry:
            own.append(_properties(entry, "allOf"))
            required += fields.required_names(entry, "allOf")
        else:
            raise RegistryRefusal(
                "1501-400", "Schema definition invalid", "Each entry of 'allOf' has a '$ref' or 'properties'."
            )
    merged: dict[str, Any] = {}
    for tree in own:
        for name, node in tree.items():
            merged[name] = _joined(merged[name], node) if name in merged else node
    return tuple(references), merged, list(dict.fromkeys(required))


def _properties(node: Any, where: str) -> dict[str, Any]:
    properties = node.get("properties", {}) if isinstance(node, dict) else None
    if not isinstance(properties, dict):
        raise fields.bad_field(where, "its 'properties' must be an object")
    return properties


def _joined(known: Any, node: Any) -> Any:
    if isinstance(known, dict) and isinstance(node, dict):
        both = {**_properties(known, "properties"), **_properties(node, "properties")}
        return {**known, **node, "properties": both, **fields.required_by_either(known, node)}
    return node
