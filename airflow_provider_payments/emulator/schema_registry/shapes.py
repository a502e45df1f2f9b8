"""The wire form of resources and descriptors, in each requested form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_payments.emulator.core.sandbox import DEFAULT_SANDBOX, Sandbox
from airflow_provider_payments.emulator.schema_registry.accept import Form
from airflow_provider_payments.emulator.schema_registry.composition import LOCAL_PREFIX, reference_to_wire
from airflow_provider_payments.emulator.schema_registry.descriptors import DEPRECATED, Descriptor
from airflow_provider_payments.emulator.schema_registry.fields import without_texts
from airflow_provider_payments.emulator.schema_registry.registry import Registry
from airflow_provider_payments.emulator.schema_registry.resources import Resource

LIBRARY_VERSION = "1.27.4"
_PLAIN = Form()
_SHORT = ("$id", "meta:altId", "version", "title")


def resource_to_wire(resource: Resource, registry: Registry, form: Form = _PLAIN) -> dict[str, Any]:
    """Return the wire form of a resource of the tenant.

    :param registry: resolves the references of the resource.
    """
    short = _short(resource)
    if form.only_id:
        return short
    sandbox, content = registry.sandbox, resource.content
    class_id = registry.class_of(resource)
    wire: dict[str, Any] = {
        **short,
        "meta:resourceType": resource.kind,
        "type": "object",
        "description": content.get("description", ""),
        **_definition(resource, registry, form),
        "imsOrg": sandbox.options.org,
        "meta:extensible": resource.kind != "schemas",
        "meta:abstract": resource.kind != "schemas",
        "meta:extends": registry.extends(resource),
        "meta:xdmType": "object",
        "meta:registryMetadata": {
            "repo:createdDate": resource.created,
            "repo:lastModifiedDate": resource.updated,
            "xdm:createdClientId": sandbox.options.client_id,
            "xdm:lastModifiedClientId": sandbox.options.client_id,
            "xdm:createdUserId": sandbox.options.user_id,
            "xdm:lastModifiedUserId": sandbox.options.user_id,
            "eTag": resource.etag,
            "meta:globalLibVersion": LIBRARY_VERSION,
        },
        "meta:containerId": "tenant",
        **_place(sandbox),
        "meta:tenantNamespace": registry.tenant_field,
    }
    for key in ("meta:intendedToExtend", "meta:datasetNamespace", "meta:immutableTags"):
        if key in content:
            wire[key] = content[key]
    if resource.kind == "schemas" and class_id is not None:
        wire["meta:class"] = class_id
    if form.descriptors:
        wire["meta:descriptors"] = [descriptor_to_wire(item, sandbox) for item in registry.descriptors.of(resource)]
    return wire


def _place(sandbox: Sandbox) -> dict[str, str]:
    kind = "production" if sandbox.name == DEFAULT_SANDBOX else "development"
    return {"meta:sandboxId": sandbox.id, "meta:sandboxType": kind}


def _short(resource: Resource) -> dict[str, Any]:
    return {
        "$id": resource.id,
        "meta:altId": resource.alt_id,
        "version": f"1.{resource.minor}",
        "title": resource.title,
    }


def _definition(resource: Resource, registry: Registry, form: Form) -> dict[str, Any]:
    if form.full:
        properties, required = registry.resolve(resource)
        if form.deprecated:
            properties = _with_marks(properties, registry.descriptors.of(resource))
        tree = without_texts({"properties": properties})["properties"] if form.notext else properties
        return {"properties": tree, **({"required": list(required)} if required else {})}
    own = resource.properties
    if form.notext:
        own = without_texts({"properties": own})["properties"]
    wire: dict[str, Any] = {}
    entries = [entry.to_wire() for entry in resource.composition.entries]
    if own:
        name = resource.composition.own_name
        entries.append(reference_to_wire(LOCAL_PREFIX + name))
        wire["definitions"] = {name: {"type": "object", "properties": own, "meta:xdmType": "object"}}
    wire |= {"allOf": entries, "refs": list(resource.references)}
    required = resource.composition.required
    return {**wire, "required": list(required)} if required else wire


def _with_marks(properties: Mapping[str, Any], descriptors: Iterable[Descriptor]) -> dict[str, Any]:
    """Return the fields, with a mark on each field that a descriptor deprecates."""
    result = dict(properties)
    for descriptor in descriptors:
        if descriptor.type == DEPRECATED:
            for path in descriptor.properties:
                result = _marked(result, path[1:].replace("xdm:", "").split("/"))
    return result


def _marked(properties: Mapping[str, Any], steps: list[str]) -> dict[str, Any]:
    name, *deeper = steps
    if name not in properties:
        return dict(properties)
    node = dict(properties[name])
    if deeper:
        node["properties"] = _marked(node.get("properties", {}), deeper)
    else:
        node["meta:status"] = "deprecated"
    return {**properties, name: node}


def global_to_wire(resource: Resource, form: Form) -> dict[str, Any]:
    """Return the wire form of a global resource; full and short forms are the same, because it has no references."""
    if form.only_id:
        return {key: resource.content[key] for key in _SHORT}
    wire = {"meta:containerId": "global", **resource.content}
    return {**wire, **without_texts({"properties": wire["properties"]})} if form.notext else wire


def descriptor_to_wire(descriptor: Descriptor, sandbox: Sandbox) -> dict[str, Any]:
    """Return the wire form of a descriptor."""
    options = sandbox.options
    return {
        "@id": descriptor.id,
        **descriptor.content,
        "imsOrg": options.org,
        "version": "1",
        "created": descriptor.created,
        "updated": descriptor.updated,
        "createdClient": options.client_id,
        "createdUser": options.user_id,
        "updatedUser": options.user_id,
        "meta:containerId": "tenant",
        **_place(sandbox),
    }
