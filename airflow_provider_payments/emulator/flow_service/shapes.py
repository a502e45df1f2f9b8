"""The wire form of Flow Service's resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.flow_service.listing import Listing
from airflow_provider_payments.emulator.flow_service.model import (
    COPIED_MEMBERS,
    END_KINDS,
    KNOWN_FIELDS,
    RUN_STATUS,
    SOURCES,
    TARGETS,
    Flow,
    Resource,
    Run,
)
from airflow_provider_payments.emulator.flow_service.run_metrics import metric_readers, times
from airflow_provider_payments.emulator.flow_service.run_shapes import run_to_wire
from airflow_provider_payments.emulator.flow_service.specs import SECRETS
from airflow_provider_payments.emulator.flow_service.state import FlowService

Wire = dict[str, Any]
Reader = Callable[[Any], Any]
# Readers of single members, with which lists filter and sort without building wire forms.
_RESOURCE_READERS: Mapping[str, Reader] = {
    "id": lambda item: item.id,
    "name": lambda item: item.content.get("name"),
    "createdAt": lambda item: item.created,
    "updatedAt": lambda item: item.updated,
    "state": lambda item: item.state,
}
_RUN_READERS: Mapping[str, Reader] = {
    "id": lambda run: run.id,
    "flowId": lambda run: run.flow_id,
    "createdAt": lambda run: run.created,
    "updatedAt": lambda run: run.updated,
}
# A short name by which a run's status can be filtered too.
_RUN_ALIASES = {"state": RUN_STATUS}

PREFIX = "/data/foundation/flowservice"


def receipt_to_wire(item: Resource | Run) -> Wire:
    """Return the body of the answer to a write."""
    return {"id": item.id, "etag": item.etag}


def listing_of(service: FlowService, kind: str) -> Listing:
    """Return the listing of one kind of resource.

    :param kind: the kind of resource, as in the path.
    """
    shape, store = TO_WIRE[kind], service.stores[kind]
    readers, aliases = _RESOURCE_READERS, {}
    if kind == "runs":
        readers, aliases = {**_RUN_READERS, **metric_readers(service)}, _RUN_ALIASES
    elif kind == "flows":
        readers = _flow_readers(service)
    keys, known = {key: key for key in store.keys}, KNOWN_FIELDS[kind]
    return Listing(store, lambda item: shape(service, item), readers, keys, path=kind, known=known, aliases=aliases)


def _resource(service: FlowService, item: Resource) -> Wire:
    return {
        **service.audit(item),
        **{key: item.content[key] for key in ("name", "description") if key in item.content},
        "state": item.state,
        "version": item.etag,
        "etag": item.etag,
    }


def connection_to_wire(service: FlowService, connection: Resource) -> Wire:
    """Return the wire form of a base connection, without the secrets of its credential."""
    wire = {**_resource(service, connection), "connectionSpec": connection.content["connectionSpec"]}
    auth = connection.content.get("auth")
    if auth is not None:
        shown = {name: value for name, value in (auth.get("params") or {}).items() if name not in SECRETS}
        wire["auth"] = {"specName": auth.get("specName"), "params": shown}
    return wire


def source_to_wire(service: FlowService, source: Resource) -> Wire:
    """Return the wire form of a source connection; absent members of its data are null."""
    wire = target_to_wire(service, source)
    return {**wire, "data": {"schema": None, "properties": None, **wire.get("data", {})}}


def target_to_wire(service: FlowService, end: Resource) -> Wire:
    """Return the wire form of a target connection, and the part of a source connection that is the same."""
    content = end.content
    members = ("baseConnectionId", "data", "params", "connectionSpec")
    wire = {**_resource(service, end), **{key: content[key] for key in members if key in content}}
    base = _base_of(service, end)
    return wire if base is None else {**wire, "inheritedAttributes": {"baseConnection": base}}


def flow_to_wire(service: FlowService, flow: Flow) -> Wire:
    """Return the wire form of a dataflow, with the attributes of its connections and its last run."""
    content = flow.content
    operation, patch = flow.operation
    wire: Wire = {
        **_resource(service, flow),
        **{key: content[key] for key in COPIED_MEMBERS if key in content},
        "inheritedAttributes": _inherited(service, flow),
        "options": {"isSampleDataflow": False, **(content.get("options") or {})},
        "runs": f"/runs?property=flowId=={flow.id}",
        "lastOperation": {
            "started": flow.updated,
            "updated": flow.updated,
            "percentCompleted": 100.0,
            "status": {"value": "completed", "errors": []},
            "operation": operation,
            **({"ops": patch} if patch is not None else {}),
        },
    }
    run = last_run(service, flow)
    if run is not None:
        wire["lastRunDetails"] = {"id": run.id, "state": run.status, **times(run.started, run.completed)}
    return wire


def last_run(service: FlowService, flow: Flow) -> Run | None:
    """Return the run that a dataflow shows as its last run; None if there is none."""
    return flow.last_run if service.sandbox.runtime_options.last_run_shows_active else flow.last_ended_run


def _flow_readers(service: FlowService) -> Mapping[str, Reader]:
    def of_last_run(read: Reader) -> Reader:
        def value(flow: Flow) -> Any:
            run = last_run(service, flow)
            return None if run is None else read(run) or None

        return value

    return {
        **_RESOURCE_READERS,
        "lastRunDetails.id": of_last_run(lambda run: run.id),
        "lastRunDetails.state": of_last_run(lambda run: run.status),
        "lastRunDetails.startedAtUTC": of_last_run(lambda run: run.started),
        "lastRunDetails.completedAtUTC": of_last_run(lambda run: run.completed),
    }


def _inherited(service: FlowService, flow: Flow) -> Wire:
    stores = service.stores
    wire: Wire = {"properties": {"isSourceFlow": True}}
    for member, kind in END_KINDS.items():
        ends = (stores[kind].get(identifier) for identifier in flow.content.get(member) or ())
        wire[kind] = [_end_with_base(service, end) for end in ends if end is not None]
    return wire


def _end_with_base(service: FlowService, end: Resource) -> Wire:
    base = _base_of(service, end)
    wire: Wire = {"id": end.id, "connectionSpec": end.content["connectionSpec"]}
    return wire if base is None else {**wire, "baseConnection": base}


def _base_of(service: FlowService, end: Resource) -> Wire | None:
    base = service.connections.get(end.base_id or "")
    return None if base is None else {"id": base.id, "connectionSpec": base.content["connectionSpec"]}


TO_WIRE: Mapping[str, Callable[[FlowService, Any], Wire]] = {
    "connections": connection_to_wire,
    SOURCES: source_to_wire,
    TARGETS: target_to_wire,
    "flows": flow_to_wire,
    "runs": run_to_wire,
}
