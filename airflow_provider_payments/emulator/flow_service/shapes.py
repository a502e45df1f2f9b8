"""What Flow Service shows of its resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.flow_service.audit import audit
from airflow_provider_payments.emulator.flow_service.run_shapes import run_to_wire, times
from airflow_provider_payments.emulator.flow_service.specs import SECRETS

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.flow_service.state import Flow, Resource
    from airflow_provider_payments.emulator.world import Sandbox

Wire = dict[str, Any]
_AUDIT = (
    "id",
    "createdAt",
    "updatedAt",
    "createdBy",
    "updatedBy",
    "createdClient",
    "updatedClient",
    "sandboxId",
    "sandboxName",
    "imsOrgId",
    "state",
    "version",
    "etag",
)
_BODY = ("name", "description", "connectionSpec")
_FLOW = (
    "flowSpec",
    "sourceConnectionIds",
    "targetConnectionIds",
    "inheritedAttributes",
    "transformations",
    "scheduleParams",
    "options",
    "labels",
    "runs",
    "lastOperation",
    "lastRunDetails",
)
# What each kind of resource can be filtered and sorted by: its top-level attributes.
KNOWN_FIELDS: Mapping[str, frozenset[str]] = {
    "connections": frozenset((*_AUDIT, *_BODY, "auth")),
    "sourceConnections": frozenset((*_AUDIT, *_BODY, "baseConnectionId", "data", "params")),
    "targetConnections": frozenset((*_AUDIT, *_BODY, "baseConnectionId", "data", "params")),
    "flows": frozenset((*_AUDIT, *_BODY, *_FLOW)),
    "runs": frozenset((*_AUDIT, "flowId", "flowSpec", "providerRefId", "metrics", "activities", "params")),
    "connectionSpecs": frozenset(("id", "name", "providerId", "version", "attributes")),
    "flowSpecs": frozenset(
        ["id", "name", "providerId", "version", "sourceConnectionSpecIds", "targetConnectionSpecIds", "attributes"]
    ),
}


def _resource(sandbox: Sandbox, item: Resource) -> Wire:
    return {
        **audit(sandbox, item),
        **{key: item.content[key] for key in ("name", "description") if key in item.content},
        "state": item.state,
        "version": item.etag,
        "etag": item.etag,
    }


def connection_to_wire(sandbox: Sandbox, connection: Resource) -> Wire:
    """A base connection; of its credential only what is no secret."""
    wire = {**_resource(sandbox, connection), "connectionSpec": connection.content["connectionSpec"]}
    auth = connection.content.get("auth")
    if auth is not None:
        shown = {name: value for name, value in auth["params"].items() if name not in SECRETS}
        wire["auth"] = {"specName": auth["specName"], "params": shown}
    return wire


def source_to_wire(sandbox: Sandbox, source: Resource) -> Wire:
    """A source connection; what its data could hold besides the format shows as null."""
    wire = target_to_wire(sandbox, source)
    return {**wire, "data": {"schema": None, "properties": None, **wire["data"]}}


def target_to_wire(sandbox: Sandbox, end: Resource) -> Wire:
    """A target connection, and what a source connection has in common with it."""
    content = end.content
    members = ("baseConnectionId", "data", "params", "connectionSpec")
    return {**_resource(sandbox, end), **{key: content[key] for key in members if key in content}}


def flow_to_wire(sandbox: Sandbox, flow: Flow) -> Wire:
    """A dataflow with what its ends and its last run add."""
    content = flow.content
    operation, patch = flow.operation
    copied = (
        "flowSpec",
        "sourceConnectionIds",
        "targetConnectionIds",
        "scheduleParams",
        "transformations",
        "labels",
        "policy",
        "recordTypes",
    )
    wire: Wire = {
        **_resource(sandbox, flow),
        **{key: content[key] for key in copied if key in content},
        "inheritedAttributes": _inherited(sandbox, flow),
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
    run = flow.last_run
    if run is not None:
        wire["lastRunDetails"] = {"id": run.id, "state": run.status, **times(run.started, run.completed)}
    return wire


def _inherited(sandbox: Sandbox, flow: Flow) -> Wire:
    service = sandbox.flow_service
    source = service.source_connections.get(flow.source_id)
    target = service.target_connections.get(flow.target_id)
    return {
        "sourceConnections": [_end_with_base(sandbox, source)] if source else [],
        "targetConnections": [_end_with_base(sandbox, target)] if target else [],
    }


def _end_with_base(sandbox: Sandbox, end: Resource) -> Wire:
    wire: Wire = {"id": end.id, "connectionSpec": end.content["connectionSpec"]}
    base = sandbox.flow_service.connections.get(end.base_id or "")
    if base is not None:
        wire["baseConnection"] = {"id": base.id, "connectionSpec": base.content["connectionSpec"]}
    return wire


SHAPES: Mapping[str, Callable[[Sandbox, Any], Wire]] = {
    "connections": connection_to_wire,
    "sourceConnections": source_to_wire,
    "targetConnections": target_to_wire,
    "flows": flow_to_wire,
    "runs": run_to_wire,
}
