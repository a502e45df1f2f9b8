"""Emulator settings that contradict the checks of its guesses: expressions, unusual queries and invalid headers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from airflow_provider_payments.aep.verification.samples import PREVIEWS
from tests.aep.verification.contradict_list_parameters import answer
from tests.conftest import Emulator

FLOW_SERVICE = "/data/foundation/flowservice"
CATALOG = "/data/foundation/catalog/dataSets"
MAPPING_SETS = "/data/foundation/conversion/mappingSets"
REGISTRY = "/data/foundation/schemaregistry"


def post(path: str, status: int, body: Any, emulator: Emulator) -> None:
    emulator.fail("status", method="POST", path=path, times=None, status=status, body=body)


def preview(fields: dict[str, Any], emulator: Emulator) -> None:
    """Answer previews with these values of the field group's fields."""
    tenant = {"_emulator": {"paymentsVerify": {"reference": "1", **fields}}}
    post(f"{MAPPING_SETS}/preview", 200, [{"data": tenant, "errors": None}], emulator)


def validate(*results: dict[str, Any], emulator: Emulator) -> None:
    post(f"{MAPPING_SETS}/validate", 200, {"validationResponse": list(results)}, emulator)


def refuse(case: str, emulator: Emulator) -> None:
    emulator.behave(refusals={case: {"status": 403, "code": "403010"}})


def refuse_drafts_otherwise(emulator: Emulator) -> None:
    emulator.fail("status", method="POST", path=f"{FLOW_SERVICE}/flows", times=None, code="FLOW-1360-400")


#: A value for each sample that differs from the assumed one.
LANDED: dict[str, Any] = {
    "special_attribute": None,
    "split_empty_parts": 2,
    "explode_empty_parts": 5,
    "whole_division": 12.34,
    "blanks": None,
    "nested_null": {"one": "1", "two": None},
    "whole_object": {"one": "1", "two": "1"},
    "zone_letters": "2019-07-15T19:00:00Z",
    "other_zone": "2019-01-15T13:00:00Z",
    "milliseconds": "2016-04-09T11:44:44Z",
    "absent_day": "2019-03-02T00:00:00Z",
    "midnight": "2019-10-24T00:00:00Z",
    "undocumented_time": "2019-10-23T11:24:35Z",
    "undocumented_number": 1234,
    "undocumented_truth": True,
}
PASSED, FAILED = {"status": "SUCCESS", "errors": []}, {"status": "FAILED", "errors": [{}]}
LIST_ITEM = {"items": [{"id": "1"}]}

CONTRADICTIONS: dict[str, Callable[[Emulator], object]] = {
    **{
        f"data_prep.{one.id}": partial(preview, {one.id: LANDED[one.id]})
        for samples in PREVIEWS.values()
        for one in samples
    },
    "data_prep.function_name": lambda emulator: validate(PASSED, FAILED, FAILED, emulator=emulator),
    "data_prep.array_as_value": lambda emulator: validate(PASSED, PASSED, PASSED, emulator=emulator),
    "data_prep.validation_errors": lambda emulator: validate(
        PASSED | {"errors": None}, PASSED, FAILED, emulator=emulator
    ),
    "data_prep.preview_list": partial(post, f"{MAPPING_SETS}/preview", 200, {"data": {}}),
    "data_prep.expression_validation": partial(
        post, "*/languages/el/validate", 200, {"validationStatus": "succeeded", "error": "none"}
    ),
    "data_prep.list_without_start": partial(answer, MAPPING_SETS, 400, {"title": "start is missing"}),
    "data_prep.mappings": partial(answer, f"{MAPPING_SETS}/*/mappings", 200, {"id": "1"}),
    "data_prep.mapping_dates": partial(answer, f"{MAPPING_SETS}/*/mappings", 200, [{"id": "1", "createdDate": 1}]),
    "flow_service.default_page": lambda emulator: emulator.behave(page_limits={"flow_service": {"default": 1}}),
    "flow_service.unknown_field": partial(answer, f"{FLOW_SERVICE}/targetConnections", 200, {"items": []}),
    "flow_service.group_by_property": partial(post, f"{FLOW_SERVICE}/flows/search", 200, LIST_ITEM),
    "schema_registry.list_without_order": partial(
        answer, f"{REGISTRY}/tenant/fieldgroups", 400, {"title": "orderby is missing"}, nth=2
    ),
    "schema_registry.start_without_order": partial(
        answer, f"{REGISTRY}/tenant/fieldgroups", 200, {"results": [{"$id": "1"}]}, nth=2
    ),
    "schema_registry.unknown_reference": partial(post, f"{REGISTRY}/tenant/schemas", 400, {"title": "No such $ref"}),
    "schema_registry.without_type": partial(post, f"{REGISTRY}/tenant/schemas", 400, {"title": "type is missing"}),
    **{
        f"schema_registry.accept_{form}": partial(answer, f"{REGISTRY}/global/classes/*", 200, {"$id": "1"})
        for form in ("flat", "deprecated")
    },
    # Lists: the search for objects of earlier runs, the filter by a schema, and the filter by an unknown schema.
    "catalog.filter_schema": partial(answer, CATALOG, 200, {"1": {"schemaRef": {"id": "2"}}}, nth=3),
    "catalog.observable_schemas": partial(answer, CATALOG, 200, {}),
    **{
        case: partial(refuse, case)
        for case in (
            "flow_service.empty_organisation",
            "catalog.empty_organisation",
            "flow_service.malformed_organisation",
            "flow_service.unknown_path",
        )
    },
    **{
        f"flow_service.{case}": partial(answer, f"{FLOW_SERVICE}/targetConnections", 200, {"items": []})
        for case in ("sandbox_id", "every_sandbox")
    },
    "dataflow.draft_used": refuse_drafts_otherwise,
}
