"""The registry's operations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from airflow_provider_payments.emulator.exchange import Answer, Call, Dialect, Handler, Routes
from airflow_provider_payments.emulator.json_patch import PatchError, apply_patch, parse_patch
from airflow_provider_payments.emulator.refusals import PlainRefusal, Refusal, RegistryRefusal
from airflow_provider_payments.emulator.schema_registry.global_resources import GLOBAL_RESOURCES
from airflow_provider_payments.emulator.schema_registry.registry import Kind, global_resource
from airflow_provider_payments.emulator.schema_registry.shapes import (
    Form,
    global_to_wire,
    list_form,
    lookup_form,
    resource_to_wire,
)

MAX_PAGE = 500
DEFAULT_PAGE = 300
_PROPERTY = re.compile(r"(?P<field>[^=!<>~]+)(?:(?P<sign>==|!=|<=|>=|<|>|~)(?P<value>.*))?", re.DOTALL)
_LAST = "\U0010ffff"
# The path names a resource's kind in more ways than the resource itself does.
_KINDS: Mapping[str, Kind] = {
    "schemas": "schemas",
    "fieldgroups": "mixins",
    "mixins": "mixins",
    "classes": "classes",
}


def show_stats(call: Call) -> Answer:
    registry, options = call.sandbox.registry, call.sandbox.options
    kinds: dict[str, Kind] = {"schemas": "schemas", "mixins": "mixins", "classes": "classes"}
    counts = {name: len(list(registry.of_kind(kind))) for name, kind in kinds.items()}
    everything = sorted(
        (resource for kind in kinds.values() for resource in registry.of_kind(kind)),
        key=lambda resource: resource.number,
        reverse=True,
    )
    recent = [resource_to_wire(resource, registry, Form(only_id=True)) for resource in everything[:10]]
    return Answer(
        {
            "imsOrg": options.org,
            "tenantId": options.tenant,
            "counts": {**counts, "datatypes": 0, "unions": 0},
            "recentlyCreatedResources": recent,
            "recentlyUpdatedResources": recent,
        }
    )


def _tenant_handlers(name: str, kind: Kind) -> Routes:
    def listing(call: Call) -> Answer:
        form = list_form(call.headers.get("accept", ""))
        registry = call.sandbox.registry
        full = [resource_to_wire(resource, registry) for resource in registry.of_kind(kind)]
        return _page(call, f"/tenant/{name}", full, form)

    def show(call: Call) -> Answer:
        form = lookup_form(call.headers.get("accept", ""))
        registry = call.sandbox.registry
        return Answer(resource_to_wire(registry.get(kind, call.params["id"]), registry, form))

    def create(call: Call) -> Answer:
        registry = call.sandbox.registry
        return Answer(resource_to_wire(registry.create(kind, call.json_object()), registry), 201)

    def replace(call: Call) -> Answer:
        registry = call.sandbox.registry
        resource = registry.get(kind, call.params["id"])
        return Answer(resource_to_wire(registry.replace(resource, call.json_object()), registry))

    def patch(call: Call) -> Answer:
        registry = call.sandbox.registry
        resource = registry.get(kind, call.params["id"])
        # Patches address the resource as the registry shows it, not as it once was sent.
        shown = resource_to_wire(resource, registry)
        try:
            body = apply_patch(shown, parse_patch(call.json()))
        except PatchError as error:
            raise RegistryRefusal("1010-400", "Patch invalid", error.detail) from error
        return Answer(resource_to_wire(registry.replace(resource, body), registry))

    def delete(call: Call) -> Answer:
        registry = call.sandbox.registry
        registry.delete(registry.get(kind, call.params["id"]))
        return Answer(None, 204)

    path = f"/tenant/{name}"
    return (
        ("GET", path, listing),
        ("POST", path, create),
        ("GET", path + "/{id:path}", show),
        ("PUT", path + "/{id:path}", replace),
        ("PATCH", path + "/{id:path}", patch),
        ("DELETE", path + "/{id:path}", delete),
    )


def _global_handlers(name: str, kind: str) -> Routes:
    def listing(call: Call) -> Answer:
        form = list_form(call.headers.get("accept", ""))
        full = [global_to_wire(resource) for resource in GLOBAL_RESOURCES if resource["meta:resourceType"] == kind]
        return _page(call, f"/global/{name}", full, form)

    def show(call: Call) -> Answer:
        form = lookup_form(call.headers.get("accept", ""))
        return Answer(global_to_wire(global_resource(kind, call.params["id"]), form))

    path = f"/global/{name}"
    return (("GET", path, listing), ("GET", path + "/{id:path}", show))


def _page(call: Call, path: str, items: Sequence[dict[str, Any]], form: Form) -> Answer:
    orderby = call.first("orderby") or "title"
    field, descending = orderby.lstrip("+- "), orderby.startswith("-")
    matching = [item for item in items if all(test(item) for test in _tests(call))]

    def place(item: Mapping[str, Any]) -> tuple[str, str]:
        return _sort_text(_value(item, field)), str(item["$id"])

    matching.sort(key=place, reverse=descending)
    start = call.first("start")
    if start is not None:
        first = _place_of(start, descending)
        matching = [item for item in matching if (place(item) <= first if descending else place(item) >= first)]
    limit = _limit(call)
    page, rest = matching[:limit], matching[limit:]
    following = _start_of(place(page[-1]), place(rest[0])) if rest else None
    links: dict[str, Any] = {"global_schemas": {"href": "/data/foundation/schemaregistry/global/schemas"}}
    if following is not None:
        query = [(name, value) for name, value in call.query if name != "start"]
        links["next"] = {"href": f"{path}?{urlencode([*query, ('start', following)])}"}
    results = [_listed(item) for item in page] if form.only_id else list(page)
    return Answer(
        {
            "results": results,
            "_page": {"orderby": orderby, "next": following, "count": len(page)},
            "_links": links,
        }
    )


def _start_of(last: tuple[str, str], following: tuple[str, str]) -> str:
    """What ``start`` must be for the page that begins behind ``last``: a value of the field that orders the list.

    Where that value does not tell the two apart, the id does: the next page would else begin where this one did.
    """
    value, identifier = following
    return value if value != last[0] else f"{value}|{identifier}"


def _place_of(start: str, descending: bool) -> tuple[str, str]:
    value, bar, identifier = start.rpartition("|")
    if bar and identifier.startswith("https://"):
        return value, identifier
    return start, _LAST if descending else ""


def _listed(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item[key] for key in ("$id", "meta:altId", "version", "title")}


def _limit(call: Call) -> int:
    text = call.first("limit")
    if text is None:
        return DEFAULT_PAGE
    if not (text.isascii() and text.isdigit()):
        raise RegistryRefusal("1011-400", "Query parameter invalid", "'limit' must be a whole number from 0 to 500.")
    limit = int(text[:9])
    return min(limit, MAX_PAGE) or DEFAULT_PAGE


def _tests(call: Call) -> list[Callable[[Mapping[str, Any]], bool]]:
    return [_test(value) for name, value in call.query if name == "property"]


def _test(expression: str) -> Callable[[Mapping[str, Any]], bool]:
    match = _PROPERTY.fullmatch(expression)
    if match is None:
        raise RegistryRefusal(
            "1011-400", "Query parameter invalid", f"The filter '{expression[:100]}' cannot be understood."
        )
    field, sign, wanted = match["field"].strip(), match["sign"], match["value"]

    def passes(item: Mapping[str, Any]) -> bool:
        value = _value(item, field)
        if sign is None:
            return value is not None
        values = [_sort_text(entry) for entry in (value if isinstance(value, list) else [value])]
        match sign:
            case "==":
                return wanted in values
            case "!=":
                return wanted not in values
            case "~":
                return any(wanted in text for text in values)
            case "<":
                return any(text < wanted for text in values)
            case ">":
                return any(text > wanted for text in values)
            case "<=":
                return any(text <= wanted for text in values)
            case _:
                return any(text >= wanted for text in values)

    return passes


def _value(item: Mapping[str, Any], field: str) -> Any:
    if field in item:
        return item[field]
    return item.get("meta:registryMetadata", {}).get(field)


def _sort_text(value: Any) -> str:
    return "" if value is None else str(value)


def _unreadable(detail: str) -> Refusal:
    return PlainRefusal(400, "BadRequestError", detail)


def _sandbox_missing() -> Refusal:
    return PlainRefusal(400, "BadRequestError", "The header x-sandbox-name is missing.")


def _sandbox_unknown(name: str) -> Refusal:
    return PlainRefusal(404, "NotFoundError", f"There is no sandbox '{name[:100]}' in this organisation.")


def _failed() -> Refusal:
    return PlainRefusal(500, "InternalServerError", "The service failed unexpectedly.")


DIALECT = Dialect(_unreadable, _sandbox_missing, _sandbox_unknown, _failed)
_STATS: tuple[str, str, Handler] = ("GET", "/stats", show_stats)
ROUTES: Routes = (
    _STATS,
    *(route for name, kind in _KINDS.items() for route in _tenant_handlers(name, kind)),
    *(route for name, kind in _KINDS.items() for route in _global_handlers(name, kind)),
    *_global_handlers("behaviors", "behaviors"),
)
