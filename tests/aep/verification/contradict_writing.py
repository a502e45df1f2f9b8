"""Emulator settings that contradict the checks of creations, changes and deletions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.conftest import Emulator

Contradict = Callable[[Emulator], object]
#: Flow Service's answer to a creation or a change.
RECEIPT = {"id": "an-id", "etag": '"an-etag"'}


def answer(method: str, path: str, status: int, body: Any, nth: int = 1) -> Contradict:
    """From the nth request on, answer with this status and body without applying the request."""
    return lambda emulator: emulator.fail(
        "status", method=method, path=path, nth=nth, times=None, status=status, body=body
    )


def refuse(method: str, path: str, code: str) -> Contradict:
    return lambda emulator: emulator.fail("status", method=method, path=path, times=None, code=code)


def answer_deletions_with(path: str, status: int) -> Contradict:
    return lambda emulator: emulator.fail(
        "apply_then_status", method="DELETE", path=path, times=None, status=status, body={}
    )


def refuse_with_status(method: str, path: str, status: int, nth: int = 1) -> Contradict:
    return lambda emulator: emulator.fail("status", method=method, path=path, nth=nth, times=None, status=status)


def require_no_if_match(emulator: Emulator) -> None:
    emulator.control("PUT", "options", json={"registry_requires_if_match": False})


FLOWS, TARGETS, FIELD_GROUPS = "*/flows", "*/targetConnections", "*/tenant/fieldgroups"
SCHEMAS, DATASETS, MAPPING_SETS = "*/tenant/schemas", "*/dataSets", "*/mappingSets"
PASSED = {"validationResponse": [{"status": "SUCCESS", "errors": []}]}

#: Contradictions by id of a check.
WRITING: dict[str, Contradict] = {
    "flow_service.creation": answer("POST", TARGETS, 200, RECEIPT),
    "flow_service.deletion": answer_deletions_with(f"{TARGETS}/*", 200),
    "schema_registry.creation": answer("POST", FIELD_GROUPS, 201, {"$id": "https://ns.adobe.com/t/fieldgroups/1"}),
    "schema_registry.deletion": answer_deletions_with(f"{FIELD_GROUPS}/*", 200),
    "catalog.creation": answer("POST", DATASETS, 201, {"id": "an-id"}),
    "catalog.deletion": answer_deletions_with(f"{DATASETS}/*", 202),
    "data_prep.creation": answer("POST", MAPPING_SETS, 201, {"id": "an-id", "version": 0}),
    "data_prep.deletion": answer_deletions_with(f"{MAPPING_SETS}/*", 202),
    "flow_service.wrapped_item": answer("GET", f"{TARGETS}/*", 200, RECEIPT),
    "catalog.keyed_item": answer("GET", f"{DATASETS}/*", 200, {"name": "bare"}),
    "schema_registry.title_taken": refuse_with_status("POST", FIELD_GROUPS, 409, nth=2),
    "flow_service.if_match": refuse("PATCH", f"{TARGETS}/*", "FLOW-1404-412"),
    "target_connection.description": answer("PATCH", f"{TARGETS}/*", 200, RECEIPT),
    "flow_service.if_match_without_quotes": answer("PATCH", f"{TARGETS}/*", 200, RECEIPT),
    "flow_service.if_match_absent": answer("PATCH", f"{TARGETS}/*", 200, RECEIPT, nth=2),
    "flow_service.if_match_stale": answer("PATCH", f"{TARGETS}/*", 200, RECEIPT, nth=2),
    "schema_registry.if_match": refuse("PATCH", f"{SCHEMAS}/*", "XDM-1012-412"),
    "schema.description": answer("PATCH", f"{SCHEMAS}/*", 200, {}),
    "schema_registry.if_match_absent": require_no_if_match,
    "schema_registry.if_match_stale": answer("PATCH", f"{SCHEMAS}/*", 200, {}, nth=2),
    "dataset.description": answer("PATCH", f"{DATASETS}/*", 200, ["@/dataSets/an-id"]),
    "field_group.new_field": answer("PATCH", f"{FIELD_GROUPS}/*", 200, {}),
    "dataflow.name": answer("PATCH", f"{FLOWS}/*", 200, RECEIPT),
    "dataflow.patch_absent": answer("PATCH", f"{FLOWS}/*", 200, RECEIPT),
    "dataflow.members": answer("PATCH", f"{FLOWS}/*", 200, RECEIPT),
    "dataflow.disabled": answer("POST", f"{FLOWS}/*/action", 200, RECEIPT),
    "data_prep.dialect_current": refuse_with_status("POST", MAPPING_SETS, 400),
    "data_prep.dialect_legacy": refuse_with_status("POST", MAPPING_SETS, 400),
    "data_prep.unknown_destination": refuse_with_status("POST", MAPPING_SETS, 400),
    "data_prep.validation": answer("POST", f"{MAPPING_SETS}/validate", 200, PASSED),
    "target_connection.data_lake_spec": answer("POST", TARGETS, 201, RECEIPT),
    "dataflow.interval_15_minutes": refuse("POST", FLOWS, "FLOW-1362-400"),
    "dataflow.once": refuse("POST", FLOWS, "FLOW-1367-400"),
    "dataflow.start_time_now": refuse("POST", FLOWS, "FLOW-1360-400"),
} | dict.fromkeys(
    (
        "dataflow.invalid_mapping",
        "dataflow.interval_14_minutes",
        "dataflow.without_delta_column",
        "dataflow.once_with_delta_column",
        "dataflow.once_with_interval",
        "dataflow.once_with_backfill",
        "dataflow.start_time_past",
    ),
    answer("POST", FLOWS, 201, RECEIPT),
)
