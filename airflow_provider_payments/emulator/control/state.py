"""Operations to show and to reset the emulator's state."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.catalog.shapes import batch_to_wire, dataset_to_wire
from airflow_provider_payments.emulator.control.refusals import ControlRefusal
from airflow_provider_payments.emulator.control.values import body_of, count_in, number, one_of, query_of
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.data_prep.shapes import mapping_set_to_wire
from airflow_provider_payments.emulator.flow_service.shapes import TO_WIRE
from airflow_provider_payments.emulator.organisation import Organisation, SandboxServices
from airflow_provider_payments.emulator.schema_registry.resources import Kind
from airflow_provider_payments.emulator.schema_registry.shapes import descriptor_to_wire, resource_to_wire

DEFAULT_ROWS = 100
# The year 3000: times that are computed from this start are still valid dates.
MAX_START_SECONDS = 32_503_680_000


def reset(call: Call[Organisation]) -> Answer:
    """Reset to the state and options of the start; {"clock": epoch seconds} sets a manual clock."""
    body = body_of(call, ("clock",), "a reset", needed=False)
    start = number("clock", body["clock"], 0, MAX_START_SECONDS) if "clock" in body else None
    if start is not None and call.state.clock.mode != "manual":
        raise ControlRefusal(400, "'clock' requires a manual clock: start the emulator with --time manual.")
    call.state.reset(start)
    return Answer({"now": call.state.clock.now()})


def show_state(call: Call[Organisation]) -> Answer:
    """Show all objects; ?sandbox= and ?kind= select some."""
    query = query_of(call, ("sandbox", "kind"))
    organisation = call.state
    known = organisation.services
    names = [one_of("sandbox", query["sandbox"], known)] if "sandbox" in query else list(known)
    kinds = [one_of("kind", query["kind"], _KINDS)] if "kind" in query else list(_KINDS)
    shown = {name: {kind: _KINDS[kind](known[name]) for kind in kinds} for name in names}
    return Answer({"now": organisation.clock.now(), "mode": organisation.clock.mode, "sandboxes": shown})


def _of_flow_service(kind: str, services: SandboxServices) -> list[Any]:
    return [TO_WIRE[kind](services.flow_service, item) for item in services.flow_service.stores[kind]]


def _of_registry(kind: Kind, services: SandboxServices) -> list[Any]:
    return [resource_to_wire(resource, services.registry) for resource in services.registry.of_kind(kind)]


def _descriptors(services: SandboxServices) -> list[Any]:
    return [descriptor_to_wire(descriptor, services.sandbox) for descriptor in services.registry.descriptors.store]


def _datasets(services: SandboxServices) -> list[Any]:
    return [{"id": dataset.id, **dataset_to_wire(dataset, services.catalog)} for dataset in services.catalog.datasets]


def _batches(services: SandboxServices) -> list[Any]:
    return [{"id": batch.id, **batch_to_wire(batch, services.catalog)} for batch in services.catalog.batches]


def _mapping_sets(services: SandboxServices) -> list[Any]:
    return [mapping_set_to_wire(item, item.latest) for item in services.mapping_sets.store]


_KINDS: Mapping[str, Callable[[SandboxServices], list[Any]]] = {
    **{kind: functools.partial(_of_flow_service, kind) for kind in TO_WIRE},
    "schemas": functools.partial(_of_registry, "schemas"),
    "fieldgroups": functools.partial(_of_registry, "mixins"),
    "classes": functools.partial(_of_registry, "classes"),
    "datatypes": functools.partial(_of_registry, "datatypes"),
    "descriptors": _descriptors,
    "dataSets": _datasets,
    "batches": _batches,
    "mappingSets": _mapping_sets,
}


def show_rows(call: Call[Organisation]) -> Answer:
    """Show the rows of a dataset; ?start and limit select a page."""
    query = query_of(call, ("start", "limit"))
    start, limit = count_in(query, "start") or 0, count_in(query, "limit")
    for services in call.state.services.values():
        dataset = services.catalog.datasets.get(call.params["id"])
        if dataset is not None:
            rows = dataset.rows[start : start + (DEFAULT_ROWS if limit is None else limit)]
            return Answer({"count": len(dataset.rows), "rows": rows})
    raise ControlRefusal(404, f"There is no dataset '{call.params['id'][:100]}' in any sandbox.")


ROUTES: Routes[Organisation] = (
    ("POST", "/reset", reset),
    ("GET", "/state", show_state),
    ("GET", "/datasets/{id}/rows", show_rows),
)
