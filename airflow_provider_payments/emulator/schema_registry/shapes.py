"""What the registry answers, in each of the forms that an ``Accept`` header can ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.refusals import RegistryRefusal
from airflow_provider_payments.emulator.schema_registry.fields import without_texts

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.schema_registry.registry import Registry, Resource

_ACCEPT = re.compile(
    r"application/vnd\.adobe\.(?P<format>xed|xdm)"
    r"(?P<full>-full)?(?P<id>-id)?(?P<notext>-notext)?(?P<desc>-desc)?(?P<deprecated>-deprecatefield)?\+json"
    r"(?:\s*;\s*version=(?P<version>\d+)(?:\.\d+)*)?"
)


@dataclass(frozen=True, slots=True)
class Form:
    """How much of a resource is asked for."""

    full: bool = False
    only_id: bool = False
    notext: bool = False


def list_form(accept: str) -> Form:
    """The form for a list: named, without a version.

    :param accept: the header.
    """
    match = _match(accept)
    if match is None or match["version"] is not None:
        raise RegistryRefusal(
            "1006-400",
            "Accept header invalid",
            f"A list cannot be had as '{accept[:200]}'; ask for application/vnd.adobe.xed+json or xed-id+json.",
        )
    return Form(only_id=bool(match["id"]))


def lookup_form(accept: str) -> Form:
    """The form for one resource: named, with a version.

    :param accept: the header.
    """
    match = _match(accept)
    if match is None or match["version"] is None:
        raise RegistryRefusal(
            "1007-400",
            "Accept header invalid",
            f"A resource cannot be had as '{accept[:200]}'; ask for application/vnd.adobe.xed+json;version=1.",
        )
    if match["version"] != "1":
        raise RegistryRefusal("1007-406", "Version not available", "Only major version 1 of a resource exists.")
    return Form(full=bool(match["full"]), only_id=bool(match["id"]), notext=bool(match["notext"]))


def _match(accept: str) -> re.Match[str] | None:
    for choice in accept.split(","):
        match = _ACCEPT.fullmatch(choice.strip().lower())
        if match is not None:
            return match
    return None


def resource_to_wire(resource: Resource, registry: Registry, form: Form = Form()) -> dict[str, Any]:
    """A resource of the tenant.

    :param registry: where its references lead.
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
        },
        "meta:containerId": "tenant",
        "meta:sandboxId": sandbox.id,
        "meta:sandboxType": "production" if sandbox.name == "prod" else "development",
        "meta:tenantNamespace": registry.tenant_field,
    }
    for key in ("meta:intendedToExtend", "meta:datasetNamespace", "meta:immutableTags"):
        if key in content:
            wire[key] = content[key]
    if resource.kind == "schemas" and class_id is not None:
        wire["meta:class"] = class_id
    return wire


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
        tree = without_texts({"properties": properties})["properties"] if form.notext else properties
        return {"properties": tree, **({"required": list(required)} if required else {})}
    own = resource.properties
    needed = {"required": resource.content["required"]} if "required" in resource.content else {}
    if form.notext:
        own = without_texts({"properties": own})["properties"]
    entries = [{"$ref": reference, "type": "object", "meta:xdmType": "object"} for reference in resource.references]
    if not own:
        return {"allOf": entries, "refs": list(resource.references), **needed}
    entries.append({"$ref": "#/definitions/customFields", "type": "object", "meta:xdmType": "object"})
    definition = {"type": "object", "properties": own, "meta:xdmType": "object"}
    return {
        "definitions": {"customFields": definition},
        "allOf": entries,
        "refs": list(resource.references),
        **needed,
    }


def global_to_wire(resource: Mapping[str, Any], form: Form = Form()) -> dict[str, Any]:
    """A global resource.

    :param resource: from the global ones; it has no references, so full and short forms show the same fields.
    """
    if form.only_id:
        return {key: resource[key] for key in ("$id", "meta:altId", "version", "title")}
    wire = {"meta:containerId": "global", **resource}
    return {**wire, **without_texts({"properties": wire["properties"]})} if form.notext else wire
