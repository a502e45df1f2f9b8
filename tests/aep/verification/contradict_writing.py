"""How the emulator contradicts the checks of creations, changes and deletions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.conftest import Emulator

Contradict = Callable[[Emulator], None]
#: What Flow Service answers to a creation or a change.
RECEIPT = {"id": "an-id", "etag": '"an-etag"'}


def answers(method: str, path: str, status: int, body: Any, nth: int = 1) -> Contradict:
    """From the request number ``nth`` on, answer so and apply nothing."""
    return lambda emulator: void(
        emulator.fail("status", method=method, path=path, nth=nth, times=None, status=status, body=body)
    )


def refuses(method: str, path: str, code: str) -> Contradict:
    return lambda emulator: void(emulator.fail("status", method=method, path=path, times=None, code=code))


def deletes_with(path: str, status: int) -> Contradict:
    return lambda emulator: void(
        emulator.fail("apply_then_status", method="DELETE", path=path, times=None, status=status, body={})
    )


def refuses_status(method: str, path: str, status: int, nth: int = 1) -> Contradict:
    return lambda emulator: void(emulator.fail("status", method=method, path=path, nth=nth, times=None, status=status))


def needs_no_if_match(emulator: Emulator) -> None:
    emulator.control("PUT", "options", json={"registry_requires_if_match": False})


def void(_: object) -> None:
    """Forget a fault's id."""


FLOWS, TARGETS, FIELD_GROUPS = "*/flows", "*/targetConnections", "*/tenant/fieldgroups"
SCHEMAS, DATASETS, MAPPING_SETS = "*/tenant/schemas", "*/dataSets", "*/mappingSets"
PASSED = {"validationResponse": [{"status": "SUCCESS", "errors": []}]}

#: By id of a check.
WRITING: dict[str, Contradict] = {
    "flow_service.creation": answers("POST", TARGETS, 200, RECEIPT),
    "flow_service.deletion": deletes_with(f"{TARGETS}/*", 200),
    "schema_registry.creation": answers("POST", FIELD_GROUPS, 201, {"$id": "https://ns.adobe.com/t/fieldgroups/1"}),
    "schema_registry.deletion": deletes_with(f"{FIELD_GROUPS}/*", 200),
    "catalog.creation": answers("POST", DATASETS, 201, {"id": "an-id"}),
    "catalog.deletion": deletes_with(f"{DATASETS}/*", 202),
    "data_prep.creation": answers("POST", MAPPING_SETS, 201, {"id": "an-id", "version": 0}),
    "data_prep.deletion": deletes_with(f"{MAPPING_SETS}/*", 202),
    "flow_service.wrapped_item": answers("GET", f"{TARGETS}/*", 200, RECEIPT),
    "catalog.keyed_item": answers("GET", f"{DATASETS}/*", 200, {"name": "bare"}),
    "schema_registry.title_taken": refuses_status("POST", FIELD_GROUPS, 409, nth=2),
    "flow_service.if_match": refuses("PATCH", f"{TARGETS}/*", "FLOW-1404-412"),
    "target_connection.description": answers("PATCH", f"{TARGETS}/*", 200, RECEIPT),
    "flow_service.if_match_without_quotes": answers("PATCH", f"{TARGETS}/*", 200, RECEIPT),
    "flow_service.if_match_absent": answers("PATCH", f"{TARGETS}/*", 200, RECEIPT, nth=2),
    "flow_service.if_match_stale": answers("PATCH", f"{TARGETS}/*", 200, RECEIPT, nth=2),
    "schema_registry.if_match": refuses("PATCH", f"{SCHEMAS}/*", "XDM-1012-412"),
    "schema.description": answers("PATCH", f"{SCHEMAS}/*", 200, {}),
    "schema_registry.if_match_absent": needs_no_if_match,
    "schema_registry.if_match_stale": answers("PATCH", f"{SCHEMAS}/*", 200, {}, nth=2),
    "dataset.description": answers("PATCH", f"{DATASETS}/*", 200, ["@/dataSets/an-id"]),
    "field_group.new_field": answers("PATCH", f"{FIELD_GROUPS}/*", 200, {}),
    "dataflow.name": answers("PATCH", f"{FLOWS}/*", 200, RECEIPT),
    "dataflow.patch_absent": answers("PATCH", f"{FLOWS}/*", 200, RECEIPT),
    "dataflow.members": answers("PATCH", f"{FLOWS}/*", 200, RECEIPT),
    "dataflow.disabled": answers("POST", f"{FLOWS}/*/action", 200, RECEIPT),
    "data_prep.dialect_current": refuses_status("POST", MAPPING_SETS, 400),
    "data_prep.dialect_legacy": refuses_status("POST", MAPPING_SETS, 400),
    "data_prep.unknown_destination": refuses_status("POST", MAPPING_SETS, 400),
    "data_prep.validation": answers("POST", f"{MAPPING_SETS}/validate", 200, PASSED),
    "target_connection.data_lake_spec": answers("POST", TARGETS, 201, RECEIPT),
    "dataflow.interval_15_minutes": refuses("POST", FLOWS, "FLOW-1362-400"),
    "dataflow.once": refuses("POST", FLOWS, "FLOW-1367-400"),
    "dataflow.start_time_now": refuses("POST", FLOWS, "FLOW-1360-400"),
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
    answers("POST", FLOWS, 201, RECEIPT),
)
