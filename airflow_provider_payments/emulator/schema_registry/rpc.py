"""The registry's RPC operations: export and import, sample data, and the audit log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.identifiers import new_hash, new_uuid
from airflow_provider_payments.emulator.schema_registry import fields
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal
from airflow_provider_payments.emulator.schema_registry.registry import Registry
from airflow_provider_payments.emulator.schema_registry.resources import Kind, Resource, State, no_resource
from airflow_provider_payments.emulator.schema_registry.sample_data import sample_of
from airflow_provider_payments.emulator.schema_registry.shapes import resource_to_wire

TENANT_PLACEHOLDER = "<XDM_TENANTID_PLACEHOLDER>"
# Members that describe the origin of a resource, or that its new registry sets.
_NOT_EXPORTED = (
    *("imsOrg", "refs", "meta:registryMetadata", "meta:containerId", "meta:tenantNamespace", "meta:immutableTags"),
)
_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


def _resource(call: Call[Registry]) -> Resource:
    """Return the tenant's resource that the path names, or refuse."""
    found = call.state.read(call.params["id"])
    if found is None:
        raise no_resource(f"resource {call.params['id'][:300]}")
    return found


def export(call: Call[Registry]) -> Answer:
    """Return a resource and its dependencies, dependencies first, in a form that another tenant can import."""
    registry, needed = call.state, _with_dependencies(call.state, _resource(call))
    wires = [resource_to_wire(resource, registry) for resource in needed]
    text = json.dumps([{key: wire[key] for key in wire if key not in _NOT_EXPORTED} for wire in wires])
    tenant = re.escape(call.state.sandbox.options.tenant)
    return Answer(json.loads(re.sub(rf"(?<=ns\.adobe\.com/){tenant}(?=/)|(?<=_){tenant}\b", TENANT_PLACEHOLDER, text)))


def _with_dependencies(registry: Registry, resource: Resource) -> list[Resource]:
    """Return a resource and its dependencies, each once, dependencies first."""
    result: dict[str, Resource] = {}
    pending = [(resource, False)]
    while pending:
        current, is_done = pending.pop()
        if is_done:
            result.setdefault(current.id, current)
        elif current.id not in result:
            pending.append((current, True))
            references = (*current.references, *fields.references(current.properties))
            own = (registry.store.get(reference) for reference in references)
            pending.extend((other, False) for other in own if other is not None)
    return list(result.values())


def import_resources(call: Call[Registry]) -> Answer:
    """Create the resources of an export under their ids: all of them or none."""
    registry, document = call.state, call.json()
    if not isinstance(document, list) or not document or not all(isinstance(entry, dict) for entry in document):
        raise _import_failed("The body is a list of at least one resource.")
    entries = json.loads(json.dumps(document).replace(TENANT_PLACEHOLDER, call.state.sandbox.options.tenant))
    created: list[Resource] = []
    try:
        for entry in entries:
            created.append(_import_resource(registry, entry))  # noqa: PERF401 -- deleted if a later one fails
    except RegistryRefusal as refusal:
        for resource in reversed(created):
            registry.delete(resource)
        raise _import_failed(refusal.detail) from refusal
    return Answer([resource_to_wire(resource, registry) for resource in created])


def _import_resource(registry: Registry, entry: Mapping[str, Any]) -> Resource:
    kind = next((kind for kind in get_args(Kind) if kind == entry.get("meta:resourceType")), None)
    key = str(entry.get("$id", new_hash())).rpartition("/")[2]
    if kind is None or kind == "behaviors" or not _KEY.fullmatch(key):
        raise _import_failed("A resource needs 'meta:resourceType', and an '$id' that ends in letters and digits.")
    if registry.lookup(f"https://ns.adobe.com/{registry.sandbox.options.tenant}/{kind}/{key}") is not None:
        raise _import_failed(f"Id must be unique. An object {entry.get('$id')} already exists.")
    return registry.create(kind, entry, key)


def _import_failed(detail: str) -> RegistryRefusal:
    return RegistryRefusal("3005-400", "Import Resource Failed", f"Failed to import resources. Error: {detail}")


def show_sample(call: Call[Registry]) -> Answer:
    """Return a record that is valid for a schema."""
    schema = _resource(call)
    if schema.kind != "schemas":
        raise no_resource(f"schema resource {schema.id}")
    return Answer(sample_of({"type": "object", "properties": call.state.resolve(schema)[0]}))


def show_log(call: Call[Registry]) -> Answer:
    """Return the changes of each write of a resource, newest first."""
    resource, options = _resource(call), call.state.sandbox.options
    states = [*resource.earlier, State(resource.updated, resource.content, resource.composition)]
    log, before = [], dict[str, Any]()
    for state in states:
        after = _writable_members(state)
        about = {"id": resource.id, "xdmType": resource.kind}
        log.append(
            {
                "id": resource.id,
                "updatedUser": options.user_id,
                "imsOrg": options.org,
                "updatedTime": datetime.fromtimestamp(state.at / 1000, UTC).strftime("%m-%d-%Y %H:%M:%S"),
                "requestId": new_uuid(),
                "clientId": options.client_id,
                "sandBoxId": call.state.sandbox.id,
                "updates": [{**about, **change} for change in _changes(before, after, "")],
            }
        )
        before = after
    return Answer(log[::-1])


def _writable_members(state: State) -> dict[str, Any]:
    """Return the members that a write can change, in their wire form."""
    composition = state.composition
    wire: dict[str, Any] = {**state.content, "allOf": [{"$ref": reference} for reference in composition.references]}
    if composition.properties:
        wire["definitions"] = {composition.own_name: {"type": "object", "properties": composition.properties}}
    return {**wire, "required": list(composition.required)} if composition.required else wire


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    """Yield the changed members, at any depth, with their JSON pointers."""
    for name in dict.fromkeys((*before, *after)):
        path = f"{where}/{name.replace('~', '~0').replace('/', '~1')}"
        old, new = before.get(name), after.get(name)
        if name not in after:
            yield {"action": "remove", "path": path, "value": _as_text(old)}
        elif name not in before:
            yield {"action": "add", "path": path, "value": _as_text(new)}
        elif isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changes(old, new, path)
        elif old != new:
            yield {"action": "replace", "path": path, "value": _as_text(new)}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


ROUTES: Routes[Registry] = (
    ("GET", "/rpc/export/{id:path}", export),
    ("POST", "/rpc/import", import_resources),
    ("GET", "/rpc/sampledata/{id:path}", show_sample),
    ("GET", "/rpc/auditlog/{id:path}", show_log),
)
