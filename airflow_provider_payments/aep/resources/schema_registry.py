"""
XDM schemas, field groups, and the ad-hoc classes of the older documents.

Titles are unique over all kinds of resource in the registry, the only service that itself prevents a second object.
Sources: Adobe's "Schema Registry API guide", its page "Ad-hoc schema", and its OpenAPI file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import schema_registry
from airflow_provider_payments.aep.errors import Difference, InvalidInputError, RequestError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.inputs import as_list, as_mapping
from airflow_provider_payments.aep.resources.base import Change, Resource
from airflow_provider_payments.aep.resources.converters import named, to_id
from airflow_provider_payments.aep.resources.field_schema import FIELD_NAME, check_field
from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
from airflow_provider_payments.aep.resources.marks import Mark
from airflow_provider_payments.aep.resources.schema_fields import (
    FieldTree,
    find_tenant_object,
    has_external_references,
    resolved_properties,
)
from airflow_provider_payments.aep.services import ACCEPT_ONE, PAGE, PROFILE_CLASS, SCHEMA_REGISTRY, Json, segment

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client, Reads

XDM = "https://ns.adobe.com/xdm"
ADHOC_BEHAVIOUR = f"{XDM}/data/adhoc"
TITLE_TAKEN = "XDM-1521-400"
#: Maximum levels of nested JSON; no field that the registry accepts reaches this depth.
MAX_DEPTH = 200

_FORMATS = ("date", "date-time", "time", "uri", "email")
FIELD_TYPES = ("string", "integer", "number", "boolean", *_FORMATS)


@dataclass(frozen=True, kw_only=True, eq=False)
class RegistryKind(Kind):
    """A kind of the registry, which refuses a second resource of the same title regardless of the time between them."""

    page: str = "schema/overview"
    may_duplicate: bool = False

    name_key = "title"
    id_key = "$id"
    created_at = ("meta:registryMetadata", "repo:createdDate")
    etag_at = ("meta:registryMetadata", "eTag")

    def settle_seconds(self, reads: Reads) -> float:
        return 0.0

    def items(self, reads: Reads, name: str | None = None, limit: int = PAGE) -> Iterator[Json]:
        return schema_registry.resources(reads, self.collection, name, limit)

    def get(self, reads: Reads, object_id: str, version: int = 0) -> RemoteObject:
        item = schema_registry.resource(reads, self.collection, object_id, ACCEPT_ONE)
        return replace(self.read_item(self.fields_of_item(item)), id=object_id)

    def check_readable(self, reads: Reads, existing: RemoteObject) -> None:
        self.get(reads, existing.id)

    def patch(
        self, client: Client, existing: RemoteObject, operations: Sequence[Json], *, safe: bool | None = None
    ) -> RemoteObject:
        body, path = list(operations), f"{self.path}/{segment(existing.id)}"
        try:
            headers = {"If-Match": existing.etag} if existing.etag else {}
            answer = client.request("PATCH", path, body=body, headers=headers, safe=safe)
        except RequestError as error:
            if error.status != 412 or not existing.etag:
                raise
            if self.get(client, existing.id).etag != existing.etag:
                raise
            # The resource is unchanged, so the service expects another form of the header, which no source documents.
            answer = client.request("PATCH", path, body=body, safe=safe)
        return self.listed(dict(readers.mapping(answer.body))) or existing


SCHEMA = RegistryKind(name="schema", path=f"{SCHEMA_REGISTRY}/tenant/schemas")
FIELD_GROUP = RegistryKind(name="field group", path=f"{SCHEMA_REGISTRY}/tenant/fieldgroups")
AD_HOC_CLASS = RegistryKind(name="ad-hoc class", path=f"{SCHEMA_REGISTRY}/tenant/classes", page="source/overview")


def _fields(value: object) -> Json:
    return checked_fields("", value)


def _references(value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(to_id, as_list("", value) or ())))


class RegistryResource(Resource):
    """A resource of the registry: the refusal of a taken title names the existing object, and updates only add."""

    def differences(self, reads: Reads, existing: RemoteObject) -> list[Difference]:
        """
        Return the differences, compared by meaning.

        Lists may be out of date, so a resource that seems to differ is read by its id and compared once more.
        """
        found = super().differences(reads, existing)
        if not found or has_external_references(existing.item, ADHOC_BEHAVIOUR):
            return found
        return super().differences(reads, self.kind.get(reads, existing.id))

    def _resolved(self, reads: Reads, existing: RemoteObject, namespace: str) -> Fields:
        """
        Return the members of a resource with its references resolved.

        No request is needed if ``existing`` contains the tenant's fields and has no external references.

        :param namespace: the namespace of the tenant's fields.
        """
        listed = self.kind.fields_of(existing)
        if find_tenant_object(listed, namespace) and not has_external_references(existing.item, ADHOC_BEHAVIOUR):
            return listed
        return Fields(listed.what, schema_registry.resource(reads, self.kind.collection, existing.id))

    def object_named_by(self, client: Client, error: RequestError) -> RemoteObject | None:
        """Return the resource whose ``$id`` a "title taken" refusal contains, if it is of the same kind."""
        if error.code != TITLE_TAKEN:
            return None
        # Ids of field groups may still contain the older name of the kind, "mixins".
        kind = "(?:fieldgroups|mixins)" if self.kind.collection == "fieldgroups" else self.kind.collection
        named = re.search(rf"https://[^\s\"'<>]+/{kind}/[0-9a-zA-Z]+", error.problem.detail)
        if named is None:
            return None
        return self.kind.get(client, named.group())

    def outputs(self, existing: RemoteObject, at: float) -> Json:
        return registry_outputs(existing)


@attrs.frozen(kw_only=True, field_transformer=named)
class FieldGroup(RegistryResource):
    """
    A field group with fields of the tenant, under the tenant's namespace.

    :param fields: path below the namespace -> type, such as ``{"product.name": "string"}``; a type may be a JSON
        schema.
    :param class_id: ``$id`` of the class whose schemas may use the field group. Defaults to XDM Individual Profile.
    :param tenant_id: the tenant's namespace without its underscore. Defaults to ``None``: read from the registry.
    """

    kind = FIELD_GROUP

    fields: Mapping[str, Any] = attrs.field(converter=_fields)
    class_id: str = PROFILE_CLASS
    tenant_id: str | None = None

    def body(self) -> Json:
        namespace = f"_{(self.tenant_id or '').removeprefix('_')}"
        tree = {namespace: {"type": "object", "properties": field_tree(self.fields)}}
        return {
            "type": "object",
            "title": self.name,
            "description": self.description or "",
            "meta:intendedToExtend": [self.class_id],
            "definitions": {"customFields": {"type": "object", "properties": tree}},
            "allOf": [{"$ref": "#/definitions/customFields"}],
        }

    def ready(self, reads: Reads) -> Self:
        """Return this value with the tenant's namespace filled in."""
        return self if self.tenant_id else attrs.evolve(self, tenant_id=schema_registry.tenant_id(reads))

    def latest(self, reads: Reads, existing: RemoteObject) -> RemoteObject:
        latest = self.kind.get(reads, existing.id)
        namespace = self._namespace(reads, self.kind.fields_of(latest))
        return replace(latest, item=latest.item | {"meta:tenantNamespace": namespace})

    def obstacle(self, existing: RemoteObject, difference: Difference, now: float) -> str:
        return "" if self._patches(existing).get(difference.field) else self.fixed_advice

    def change(self, existing: RemoteObject, differences: Sequence[Difference]) -> Change:
        patches = self._patches(existing)
        return Change(tuple(step for d in differences for step in patches[d.field]))

    def _patches(self, existing: RemoteObject) -> dict[str, tuple[Json, ...]]:
        """Return the JSON Patch for each difference, by the difference's field; empty if no update removes it."""
        # `existing` is in the unresolved form, which is the one that a patch changes.
        live = self.kind.fields_of(existing)
        namespace = live.text("meta:tenantNamespace") or f"_{self.tenant_id}"
        pointer, node = find_tenant_object(live, namespace) or (None, live)
        tree = FieldTree(field_tree(self.fields))
        return {gap.difference.field: gap.patch for gap in tree.gaps("fields", node, pointer)}

    fixed_advice = "An update only adds fields, and values of an enum: choose another name."

    def _namespace(self, reads: Reads, resource: Fields) -> str:
        return resource.text("meta:tenantNamespace") or f"_{schema_registry.tenant_id(reads)}"

    def desired_fields(self) -> Json:
        return {"fields": FieldTree(field_tree(self.fields)), "class": frozenset([self.class_id])}

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        listed = self.kind.fields_of(existing)
        namespace = self._namespace(reads, listed)
        resolved = self._resolved(reads, existing, namespace)
        classes = resolved.texts("meta:intendedToExtend") or listed.texts("meta:intendedToExtend")
        return {"fields": resolved_properties(resolved).below(namespace), "class": set(classes)}


@attrs.frozen(kw_only=True, field_transformer=named)
class AdHocClass(RegistryResource):
    """
    An ad-hoc class that describes the columns of one table, as in the older documents.

    :param fields: column -> type.
    """

    kind = AD_HOC_CLASS

    fields: Mapping[str, Any] = attrs.field(converter=_fields)

    def body(self) -> Json:
        fields = {"type": "object", "properties": field_tree(self.fields)}
        return {
            "type": "object",
            "title": self.name,
            "description": self.description or "",
            "allOf": [{"$ref": ADHOC_BEHAVIOUR}, {"properties": {"_adhoc": fields}}],
        }

    def desired_fields(self) -> Json:
        return {"fields": FieldTree(field_tree(self.fields))}

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        # The service renames `_adhoc` to a namespace that it generates for the class.
        namespace = self.kind.fields_of(existing).text("meta:datasetNamespace") or "_adhoc"
        resolved = self._resolved(reads, existing, namespace)
        namespace = resolved.text("meta:datasetNamespace") or namespace
        return {"fields": resolved_properties(resolved).below(namespace)}


@attrs.frozen(kw_only=True, field_transformer=named)
class Schema(RegistryResource):
    """
    A schema: one class and any number of field groups.

    :param class_id: ``$id`` of the class. Defaults to XDM Individual Profile.
    :param field_groups: ``$id`` of each field group; repeated ids count once. Defaults to none.
    """

    kind = SCHEMA

    class_id: str = attrs.field(default=PROFILE_CLASS, converter=to_id)
    field_groups: tuple[str, ...] = attrs.field(default=(), converter=_references)

    @property
    def _references(self) -> tuple[str, ...]:
        return (self.class_id, *self.field_groups)

    def body(self) -> Json:
        return {
            "type": "object",
            "title": self.name,
            "description": self.description or "",
            "allOf": [{"$ref": reference} for reference in self._references],
        }

    changeable: ClassVar[tuple[str, ...]] = ("allOf", "description")

    def obstacle(self, existing: RemoteObject, difference: Difference, now: float) -> str:
        if difference.field == "allOf" and self.class_id not in self._composed_of(existing):
            return "A schema's class is fixed: choose another name."
        return super().obstacle(existing, difference, now)

    def change(self, existing: RemoteObject, differences: Sequence[Difference]) -> Change:
        changed, there = {d.field for d in differences}, self._composed_of(existing)
        missing = [reference for reference in self._references if "allOf" in changed and reference not in there]
        operations = [{"op": "add", "path": "/allOf/-", "value": {"$ref": reference}} for reference in missing]
        if "description" in changed and self.description:
            text = Mark.described(self.kind.fields_of(existing).text("description"), self.description)
            operations.append({"op": "add", "path": "/description", "value": text})
        return Change(tuple(operations))

    def desired_fields(self) -> Json:
        described = {"description": self.description} if self.description else {}
        return {"allOf": frozenset(self._references)} | described

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        description = Mark.without(self.kind.fields_of(existing).text("description"))
        return {"allOf": self._composed_of(existing), "description": description}

    def _composed_of(self, existing: RemoteObject) -> set[str | None]:
        return {entry.text("$ref") for entry in self.kind.fields_of(existing).each("allOf")}


def registry_outputs(existing: RemoteObject) -> Json:
    """Return the version of a resource, and the tenant's namespace without ``_``, which the next steps need."""
    namespace, alt_id = (readers.text(existing.item.get(name)) for name in ("meta:tenantNamespace", "meta:altId"))
    return {
        "version": readers.text(existing.item.get("version")) or "1.0",
        "tenant_id": (namespace or (alt_id or "").split(".", 1)[0]).removeprefix("_") or None,
    }


def checked_fields(argument: str, value: object) -> Json:
    """
    Return fields as path -> type.

    :param argument: the user's name of the argument, for errors.
    :raises InvalidInputError: if there is no field, or one has an invalid path or type.
    """
    fields = as_mapping(argument, value)
    if not fields:
        raise InvalidInputError(argument, value, "at least one field")
    for path, kind in fields.items():
        if not all(re.fullmatch(FIELD_NAME, step) for step in path.split(".")):
            allowed = (
                "names joined by dots, of letters, digits and underscores, none of which begins with an underscore"
            )
            raise InvalidInputError(argument, path, allowed)
        if kind not in FIELD_TYPES and not (isinstance(kind, Mapping) and kind.get("type")):
            raise InvalidInputError(f"{argument}.{path}", kind, f"one of {', '.join(FIELD_TYPES)}, or a JSON schema")
        if isinstance(kind, Mapping):
            if _is_deeper(kind, MAX_DEPTH):
                raise InvalidInputError(argument, path, f"at most {MAX_DEPTH} levels of nested JSON")
            check_field(f"{argument}.{path}", kind)
        if any(path.startswith(f"{other}.") for other in fields):
            raise InvalidInputError(argument, path, "a field that has a type cannot contain other fields")
    if _is_deeper(field_tree(fields), MAX_DEPTH):
        raise InvalidInputError(argument, sorted(fields), f"at most {MAX_DEPTH} levels of nested JSON")
    return fields


def _is_deeper(value: object, levels: int) -> bool:
    members = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return levels < 0 or any(_is_deeper(member, levels - 1) for member in members)


def field_tree(fields: Mapping[str, Any]) -> Json:
    """Return the JSON schema ``properties`` of fields that are given as path -> type."""
    tree: Json = {}
    for path, kind in fields.items():
        *parents, last = path.split(".")
        node = tree
        for step in parents:
            node = node.setdefault(step, {"type": "object", "properties": {}})["properties"]
        node[last] = dict(kind) if isinstance(kind, Mapping) else _typed(kind)
    return tree


def _typed(kind: str) -> Json:
    return {"type": "string", "format": kind} if kind in _FORMATS else {"type": kind}
