"""The control interface under ``/__emulator__/``: for tests and people, never for clients of the platform."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.catalog.shapes import batch_to_wire, dataset_to_wire
from airflow_provider_payments.emulator.data_prep.shapes import mapping_set_to_wire
from airflow_provider_payments.emulator.exchange import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.flow_service.shapes import SHAPES
from airflow_provider_payments.emulator.refusals import ControlRefusal, Refusal
from airflow_provider_payments.emulator.schema_registry.registry import Kind
from airflow_provider_payments.emulator.schema_registry.shapes import resource_to_wire
from airflow_provider_payments.emulator.world import Sandbox

MAX_ADVANCE_SECONDS = 366 * 86400
DEFAULT_ROWS = 100


def reset(call: Call) -> Answer:
    call.world.reset()
    return Answer({"now": call.world.clock.now()})


def show_state(call: Call) -> Answer:
    world = call.world
    return Answer(
        {
            "now": world.clock.now(),
            "mode": world.clock.mode,
            "sandboxes": {name: _sandbox_to_wire(sandbox) for name, sandbox in world.sandboxes.items()},
        }
    )


def _sandbox_to_wire(sandbox: Sandbox) -> Mapping[str, Any]:
    flow_service = {
        kind: [SHAPES[kind](sandbox, item) for item in store] for kind, store in sandbox.flow_service.stores.items()
    }
    kinds: Mapping[str, Kind] = {"schemas": "schemas", "fieldgroups": "mixins", "classes": "classes"}
    registry = {
        name: [resource_to_wire(resource, sandbox.registry) for resource in sandbox.registry.of_kind(kind)]
        for name, kind in kinds.items()
    }
    catalog = sandbox.catalog
    return {
        **flow_service,
        **registry,
        "dataSets": [{"id": dataset.id, **dataset_to_wire(dataset, sandbox)} for dataset in catalog.datasets],
        "batches": [{"id": batch.id, **batch_to_wire(batch, sandbox)} for batch in catalog.batches],
        "mappingSets": [mapping_set_to_wire(item, item.latest) for item in sandbox.mapping_sets.store],
    }


def show_requests(call: Call) -> Answer:
    entries = call.world.log.select(call.first("method"), call.first("path"), call.first("status"))
    return Answer({"requests": [entry.to_wire() for entry in entries]})


def move_clock(call: Call) -> Answer:
    clock = call.world.clock
    if clock.mode != "manual":
        raise ControlRefusal(400, f"The clock moves by itself in mode {clock.mode!r}; start with --time manual.")
    seconds = call.json_object().get("advance")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not math.isfinite(seconds):
        raise ControlRefusal(400, "'advance' must be a number of seconds.")
    if not 0 <= seconds <= MAX_ADVANCE_SECONDS:
        raise ControlRefusal(400, f"'advance' must lie between 0 and {MAX_ADVANCE_SECONDS}.")
    clock.advance(seconds)
    return Answer({"now": clock.now()})


def show_rows(call: Call) -> Answer:
    for sandbox in call.world.sandboxes.values():
        dataset = sandbox.catalog.datasets.get(call.params["id"])
        if dataset is not None:
            start, limit = _count(call, "start", 0), _count(call, "limit", DEFAULT_ROWS)
            return Answer({"count": len(dataset.rows), "rows": dataset.rows[start : start + limit]})
    raise ControlRefusal(404, f"No dataset {call.params['id']!r} in any sandbox.")


def _count(call: Call, name: str, default: int) -> int:
    text = call.first(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ControlRefusal(400, f"'{name}' must be a whole number, 0 or more.")
    return int(text)


def _unreadable(detail: str) -> Refusal:
    return ControlRefusal(400, detail)


def _no_sandboxes(*_: str) -> Refusal:
    return ControlRefusal(404, "The control interface spans all sandboxes.")


def _failed() -> Refusal:
    return ControlRefusal(500, "The emulator failed; its process has written the cause to stderr.")


DIALECT = Dialect(_unreadable, _no_sandboxes, _no_sandboxes, _failed)
ROUTES: Routes = (
    ("POST", "/reset", reset),
    ("GET", "/state", show_state),
    ("GET", "/requests", show_requests),
    ("POST", "/clock", move_clock),
    ("GET", "/datasets/{id}/rows", show_rows),
)
