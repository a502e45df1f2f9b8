"""Union schemas: for each class, the fields of its schemas that are enabled for Profile. They are read-only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.query import Listing
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.schema_registry import fields, listing
from airflow_provider_payments.emulator.schema_registry.accept import Form, list_form, lookup_form
from airflow_provider_payments.emulator.schema_registry.global_resources import IDENTITY_MAP
from airflow_provider_payments.emulator.schema_registry.registry import Registry
from airflow_provider_payments.emulator.schema_registry.resources import Resource, no_resource

SUFFIX = "__union"
PATH = "/tenant/unions"
_MAP = {"type": "object", "meta:xdmType": "map", "additionalProperties": {}}
#: The fields that every union has besides those of its schemas.
_OWN = {
    "identityMap": _MAP,
    "segmentMembership": _MAP,
    "timeSeriesEvents": {"type": "array", "meta:xdmType": "array", "items": {"type": "object"}},
}


def unions(registry: Registry, schemas: Iterable[Resource]) -> dict[str, list[Resource]]:
    """Return the schemas that are in a union, by the id of their class.

    :param schemas: the candidates.
    """
    found: dict[str, list[Resource]] = {}
    for schema in schemas:
        if schema.kind == "schemas" and schema.in_union:
            found.setdefault(str(registry.class_of(schema)), []).append(schema)
    return found


def find_union(registry: Registry, identifier: str, form: Form) -> dict[str, Any] | None:
    """Return the wire form of the union with an id, or None.

    :param identifier: ``$id`` or ``meta:altId``.
    """
    # The id of a schema must not cost a scan of all schemas.
    if not identifier.endswith(SUFFIX):
        return None
    for class_id, schemas in unions(registry, registry.of_kind("schemas")).items():
        if identifier in (class_id + SUFFIX, registry.known(class_id).alt_id + SUFFIX):
            return union_to_wire(registry, class_id, schemas, form)
    return None


def union_to_wire(registry: Registry, class_id: str, schemas: list[Resource], form: Form) -> dict[str, Any]:
    """Return the wire form of a union.

    :param schemas: the schemas in the union.
    """
    its_class = registry.known(class_id)
    short = {"$id": class_id + SUFFIX, "meta:altId": its_class.alt_id + SUFFIX, "version": "1.0"}
    if form.only_id:
        return {**short, "title": its_class.title}
    parts = dict.fromkeys((class_id, IDENTITY_MAP, *(part for schema in schemas for part in schema.references)))
    extended = dict.fromkeys(whole for schema in schemas for whole in registry.extends(schema))
    wire: dict[str, Any] = {
        **short,
        "meta:resourceType": "unions",
        "title": f"Union object for {class_id}",
        "type": "object",
        "description": f"Union view of all schemas that extend {class_id}",
        "meta:class": class_id,
        "meta:extends": list(dict.fromkeys((*parts, *extended))),
        "meta:containerId": "tenant",
        "meta:xdmType": "object",
        "meta:registryMetadata": {},
        "imsOrg": registry.sandbox.options.org,
    }
    if not form.full:
        return {**wire, "allOf": [{"$ref": part} for part in parts]}
    held = fields.merge([registry.resolve(schema)[0] for schema in schemas])
    properties = {**_OWN, **held}
    return {
        **wire,
        "properties": fields.without_texts({"properties": properties})["properties"] if form.notext else properties,
    }


@dataclass(slots=True)
class _Union:
    """A union in a list.

    :param content: the wire form in the list.
    :param number: the position in the store, which sets it.
    """

    id: str
    content: dict[str, Any]
    number: int = -1


def list_unions(call: Call[Registry]) -> Answer:
    registry, form = call.state, list_form(call.headers.get("accept", ""))
    store: Store[_Union] = Store()
    for class_id, schemas in unions(registry, registry.store.select("kind", ("schemas",)).after(None)).items():
        store.add(_Union(class_id + SUFFIX, union_to_wire(registry, class_id, schemas, form)))
    found = Listing(store, lambda union: union.content, {"updated": lambda union: 0})
    return listing.answer(call, found, PATH, lambda union: union.content)


def show_union(call: Call[Registry]) -> Answer:
    form = lookup_form(call.headers.get("accept", ""))
    wire = find_union(call.state, call.params["id"], form)
    if wire is None:
        raise no_resource(f"union resource {call.params['id'][:300]}")
    return Answer(wire)


ROUTES: Routes[Registry] = (("GET", PATH, list_unions), ("GET", PATH + "/{id:path}", show_union))
