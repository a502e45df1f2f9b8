"""The registry's operations on resources."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_payments.emulator.core.call import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.core.comparisons import one_of
from airflow_provider_payments.emulator.core.json_patch import Instruction, PatchError, apply_patch, parse_patch
from airflow_provider_payments.emulator.core.query import Filter, Listing
from airflow_provider_payments.emulator.core.refusals import PlainRefusal, Refusal
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.schema_registry import descriptor_routes, listing, rpc, unions
from airflow_provider_payments.emulator.schema_registry.accept import Form, list_form, lookup_form
from airflow_provider_payments.emulator.schema_registry.composition import OWN_FIELDS
from airflow_provider_payments.emulator.schema_registry.listing import PREFIX
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal
from airflow_provider_payments.emulator.schema_registry.registry import Registry
from airflow_provider_payments.emulator.schema_registry.resources import (
    GLOBALS,
    Kind,
    Resource,
    find_global,
    not_found,
)
from airflow_provider_payments.emulator.schema_registry.shapes import global_to_wire, resource_to_wire

# The kinds by their names in paths.
_KINDS: Mapping[str, Kind] = {
    "schemas": "schemas",
    "fieldgroups": "mixins",
    "mixins": "mixins",
    "classes": "classes",
    "datatypes": "datatypes",
}
_COUNTED: tuple[Kind, ...] = ("schemas", "mixins", "datatypes", "classes")
_MAX_RECENT = 10
# Readers of the members that lists use most often: they avoid building the whole wire form.
_READERS: Mapping[str, Callable[[Resource], Any]] = {
    "$id": lambda resource: resource.id,
    "meta:altId": lambda resource: resource.alt_id,
    "meta:resourceType": lambda resource: resource.kind,
    "title": lambda resource: resource.title,
    "description": lambda resource: resource.content.get("description", ""),
    "version": lambda resource: f"1.{resource.minor}",
    "meta:intendedToExtend": lambda resource: resource.content.get("meta:intendedToExtend"),
    "meta:immutableTags": lambda resource: resource.content.get("meta:immutableTags"),
    "created": lambda resource: resource.created,
    "updated": lambda resource: resource.updated,
}
# The same members by the names under which the store finds resources.
_KEYS = {"$id": "id", "meta:altId": "alt_id", "meta:resourceType": "kind", "title": "title"}


def show_stats(call: Call[Registry]) -> Answer:
    registry, options = call.state, call.state.sandbox.options
    resources = list(registry.store.select().after(None))
    counts = {kind: sum(resource.kind == kind for resource in resources) for kind in _COUNTED}
    unions = {registry.class_of(resource) for resource in resources if resource.in_union}

    def recent(time_of: Callable[[Resource], int]) -> list[dict[str, Any]]:
        latest = heapq.nlargest(_MAX_RECENT, resources, key=lambda resource: (time_of(resource), resource.number))
        return [resource_to_wire(resource, registry, Form(only_id=True)) for resource in latest]

    return Answer(
        {
            "imsOrg": options.org,
            "tenantId": options.tenant,
            "counts": {**counts, "unions": len(unions)},
            "recentlyCreatedResources": recent(lambda resource: resource.created),
            "recentlyUpdatedResources": recent(lambda resource: resource.updated),
            "classUsage": _class_usage(registry, resources),
        }
    )


def _class_usage(registry: Registry, resources: Iterable[Resource]) -> list[dict[str, Any]]:
    usage: dict[str, list[dict[str, Any]]] = {}
    for resource in resources:
        if resource.kind == "schemas":
            entry = {key: read(resource) for key, read in _READERS.items() if key in ("$id", "title", "description")}
            usage.setdefault(str(registry.class_of(resource)), []).append(entry)
    return [
        {"$id": class_id, "title": registry.known(class_id).title, "numberOfSchemas": len(schemas), "schemas": schemas}
        for class_id, schemas in usage.items()
    ]


def _tenant_handlers(name: str, kind: Kind) -> Routes[Registry]:
    path = f"/tenant/{name}"

    def named(call: Call[Registry]) -> Resource:
        return call.state.get(kind, call.params["id"])

    def list_all(call: Call[Registry]) -> Answer:
        form = list_form(call.headers.get("accept", ""))
        registry = call.state
        return listing.answer(
            call,
            Listing(registry.store, lambda resource: _readable_members(resource, registry), _READERS, _KEYS),
            path,
            lambda resource: resource_to_wire(resource, registry, form),
            [Filter("meta:resourceType", one_of((kind,)), equals=(kind,))],
        )

    def show(call: Call[Registry]) -> Answer:
        form = lookup_form(call.headers.get("accept", ""))
        # Global resources are found here too: Adobe's own client never reads the global container.
        shared = find_global(kind, call.params["id"])
        if shared is not None:
            return Answer(global_to_wire(shared, form))
        registry = call.state
        union = unions.find_union(registry, call.params["id"], form) if kind == "schemas" else None
        return Answer(union or resource_to_wire(registry.get(kind, call.params["id"], removed=True), registry, form))

    def create(call: Call[Registry]) -> Answer:
        registry = call.state
        return Answer(resource_to_wire(registry.create(kind, call.json_object()), registry), 201)

    def put(call: Call[Registry]) -> Answer:
        registry, resource = call.state, named(call)
        _check_match(call, resource, required=False)
        return Answer(resource_to_wire(registry.replace(resource, call.json_object()), registry))

    def patch(call: Call[Registry]) -> Answer:
        registry, resource = call.state, named(call)
        _check_match(call, resource, required=call.state.sandbox.runtime_options.registry_requires_if_match)
        # The paths of a patch refer to the wire form of the resource.
        wire = resource_to_wire(resource, registry)
        try:
            instructions = [_with_registry_names(instruction, resource) for instruction in parse_patch(call.json())]
            body = apply_patch(wire, instructions)
        except PatchError as error:
            raise RegistryRefusal("1010-400", "Patch invalid", error.detail) from error
        return Answer(resource_to_wire(registry.replace(resource, body), registry))

    def delete(call: Call[Registry]) -> Answer:
        call.state.delete(named(call))
        return Answer(None, 204)

    return (
        ("GET", path, list_all),
        ("POST", path, create),
        ("GET", path + "/{id:path}", show),
        ("PUT", path + "/{id:path}", put),
        ("PATCH", path + "/{id:path}", patch),
        ("DELETE", path + "/{id:path}", delete),
    )


def _check_match(call: Call[Registry], resource: Resource, *, required: bool) -> None:
    """Refuse a change whose ``If-Match`` names another version, with quotes or without, or is missing if required."""
    given = call.headers.get("if-match", "").strip().strip('"')
    if not given and required:
        raise RegistryRefusal("1018-428", "", "The header If-Match must name the version that is to be changed.")
    if given and given not in ("*", resource.etag):
        raise RegistryRefusal(
            "1012-412",
            "Precondition failed",
            f"{resource.id} has changed: it is not the version {given[:80]} any more.",
        )


def _readable_members(resource: Resource, registry: Registry) -> dict[str, Any]:
    """Return the members that filters and orders can read: the wire form, with its registry metadata at the top."""
    wire = resource_to_wire(resource, registry)
    return {**wire["meta:registryMetadata"], **wire}


def _with_registry_names(instruction: Instruction, resource: Resource) -> Instruction:
    """Return an instruction whose paths have the registry's name of a definition instead of the client's."""
    steps, source = (_path_with_registry_names(steps, resource) for steps in (instruction.steps, instruction.source))
    return replace(instruction, steps=steps, source=source)


def _path_with_registry_names(steps: tuple[str, ...], resource: Resource) -> tuple[str, ...]:
    composition = resource.composition
    match steps:
        case ("definitions", name, *rest) if name in (OWN_FIELDS, *composition.parts):
            return ("definitions", composition.own_name, *rest)
        case ("properties", *_) if resource.properties:
            return ("definitions", composition.own_name, *steps)
    return steps


def _global_handlers(name: str, kind: Kind) -> Routes[Registry]:
    path = f"/global/{name}"
    store: Store[Resource] = Store()
    for resource in GLOBALS.values():
        if resource.kind == kind:
            store.add(resource)
    shared = Listing(store, lambda resource: resource.content, {"updated": lambda resource: resource.updated})

    def list_all(call: Call[Registry]) -> Answer:
        form = list_form(call.headers.get("accept", ""))
        return listing.answer(call, shared, path, lambda resource: global_to_wire(resource, form))

    def show(call: Call[Registry]) -> Answer:
        form, found = lookup_form(call.headers.get("accept", "")), find_global(kind, call.params["id"])
        if found is None:
            raise not_found(kind, call.params["id"])
        return Answer(global_to_wire(found, form))

    return (("GET", path, list_all), ("GET", path + "/{id:path}", show))


def refuse_unknown_path(call: Call[Registry]) -> Answer:
    container, name = call.params["container"], call.params["name"]
    what = f"collection '{name[:60]}' in it" if container in ("tenant", "global") else "such container"
    raise RegistryRefusal("1017-404", "Resource not found", f"'{container[:60]}': there is no {what}.")


def _refusal_of_status(status: int, detail: str) -> Refusal:
    return RegistryRefusal("2010-403", "", detail) if status == 403 else PlainRefusal(status, detail)


__all__ = ["DIALECT", "PREFIX", "ROUTES"]

DIALECT = Dialect(_refusal_of_status)
ROUTES: Routes[Registry] = (
    ("GET", "/stats", show_stats),
    *(route for name, kind in _KINDS.items() for route in _tenant_handlers(name, kind)),
    *(route for name, kind in _KINDS.items() for route in _global_handlers(name, kind)),
    *_global_handlers("behaviors", "behaviors"),
    *descriptor_routes.ROUTES,
    *unions.ROUTES,
    *rpc.ROUTES,
    # These match only if no route above does.
    ("GET", "/{container}/{name}", refuse_unknown_path),
    ("GET", "/{container}/{name}/{id:path}", refuse_unknown_path),
)
