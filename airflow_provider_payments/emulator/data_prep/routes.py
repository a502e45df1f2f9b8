"""Data Prep's operations."""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.emulator.data_prep.mapping_sets import MappingVersion, invalid
from airflow_provider_payments.emulator.data_prep.shapes import (
    finding_to_wire,
    mapping_set_to_wire,
    receipt_to_wire,
)
from airflow_provider_payments.emulator.data_prep.transform import RowRefused, Transform, problems
from airflow_provider_payments.emulator.exchange import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.refusals import DataPrepRefusal, Refusal

MAX_PAGE = 1000
MAX_PREVIEW_ROWS = 1000
_ORDERS = ("createdDate", "updatedDate", "modifiedDate")


def create(call: Call) -> Answer:
    return Answer(receipt_to_wire(call.sandbox.mapping_sets.create(call.json_object())))


def listing(call: Call) -> Answer:
    limit, start = _whole(call, "limit"), _whole(call, "start")
    name = call.first("name")
    items = [item for item in call.sandbox.mapping_sets.store if name is None or item.latest.name == name]
    order = call.first("orderBy")
    if order:
        field = order.lstrip("+- ")
        if field not in _ORDERS:
            raise invalid(f"'orderBy' must be one of {', '.join(_ORDERS)}, with + or - before it.")
        items.sort(
            key=lambda item: item.created if field == "createdDate" else item.latest.modified,
            reverse=order.startswith("-"),
        )
    page = items[start : start + min(limit, MAX_PAGE)]
    links: dict[str, Any] = {}
    if start + len(page) < len(items) and page:
        links["next"] = {"href": f"/mappingSets?start={start + len(page)}&limit={limit}"}
    data = [mapping_set_to_wire(item, item.latest) for item in page]
    return Answer({"data": data, "_page": {"count": len(page), "limit": limit}, "_links": links})


def show(call: Call) -> Answer:
    mapping_set = call.sandbox.mapping_sets.get(call.params["id"])
    version = _whole(call, "version", 0)
    found = next((item for item in mapping_set.versions if item.version == version), None)
    if found is None:
        raise DataPrepRefusal("1404-404", "Not Found", f"Mapping set {mapping_set.id} has no version {version}.")
    return Answer(mapping_set_to_wire(mapping_set, found))


def replace(call: Call) -> Answer:
    mapping_sets = call.sandbox.mapping_sets
    mapping_set = mapping_sets.get(call.params["id"])
    return Answer(mapping_set_to_wire(mapping_set, mapping_sets.replace(mapping_set, call.json_object())))


def validate(call: Call) -> Answer:
    # Adobe's documents show `null` where there are no errors, its published interface a list: an empty one suits both.
    version = call.sandbox.mapping_sets.understand(call.json_object(), 0)
    found = zip(version.mappings, problems(version.mappings, _fields(call, version)[0]), strict=True)
    return Answer(
        {
            "validationResponse": [
                {"status": "SUCCESS", "errors": []}
                if problem is None
                else {"status": "FAILED", "errors": [finding_to_wire(mapping, problem)]}
                for mapping, problem in found
            ]
        }
    )


def preview(call: Call) -> Answer:
    body = call.json_object()
    rows, mapping_set = body.get("data"), body.get("mappingSet")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or len(rows) > MAX_PREVIEW_ROWS:
        raise invalid(f"'data' must be a list of at most {MAX_PREVIEW_ROWS} rows, which are objects.")
    if not isinstance(mapping_set, dict):
        raise invalid("'mappingSet' must be an object.")
    version = call.sandbox.mapping_sets.understand(mapping_set, 0)
    properties, _ = _fields(call, version)
    findings = zip(version.mappings, problems(version.mappings, properties), strict=True)
    errors = [finding_to_wire(mapping, problem) for mapping, problem in findings if problem is not None]
    # A preview shows what the mapping makes of a row, not whether the dataset would take it: nothing is required.
    transform = None if errors else Transform(version.mappings, properties, None)
    previews = [_previewed(transform, row) if transform else {"data": {}, "errors": errors} for row in rows]
    # The published interface models one object, the documentation prints a list.
    return Answer(previews[0] if len(previews) == 1 else previews)


def _previewed(transform: Transform, row: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"data": transform.apply(row)}
    except RowRefused as refused:
        return {"data": {}, "errors": [{"exception": refused.message}]}


def _fields(call: Call, version: MappingVersion) -> tuple[dict[str, Any], tuple[str, ...]]:
    registry = call.sandbox.registry
    return registry.resolve(registry.get("schemas", version.schema_id))


def _whole(call: Call, name: str, default: int | None = None) -> int:
    text = call.first(name)
    if text is None and default is not None:
        return default
    if text is None or not (text.isascii() and text.isdigit()):
        raise invalid(f"The query parameter '{name}' is required and must be a whole number, 0 or more.")
    return int(text[:9])


def _unreadable(detail: str) -> Refusal:
    return invalid(detail)


def _sandbox_missing() -> Refusal:
    return invalid("The header x-sandbox-name is missing.")


def _sandbox_unknown(name: str) -> Refusal:
    return DataPrepRefusal("1404-404", "Not Found", f"There is no sandbox '{name[:100]}' in this organisation.")


def _failed() -> Refusal:
    return DataPrepRefusal("1000-500", "Internal Server Error", "The service failed unexpectedly.")


DIALECT = Dialect(_unreadable, _sandbox_missing, _sandbox_unknown, _failed)
ROUTES: Routes = (
    ("POST", "/mappingSets", create),
    ("GET", "/mappingSets", listing),
    ("POST", "/mappingSets/validate", validate),
    ("POST", "/mappingSets/preview", preview),
    ("GET", "/mappingSets/{id}", show),
    ("PUT", "/mappingSets/{id}", replace),
)
