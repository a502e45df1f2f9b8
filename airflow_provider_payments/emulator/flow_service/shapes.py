"""What Flow Service shows of its resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.flow_service.flow_runs import FAILED, SCHEDULED, SUCCESS, Run
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


def _audit(sandbox: Sandbox, item: Resource | Run) -> Wire:
    options = sandbox.options
    return {
        "id": item.id,
        "createdAt": item.created,
        "updatedAt": item.updated,
        "createdBy": options.user_id,
        "updatedBy": options.user_id,
        "createdClient": options.client_id,
        "updatedClient": options.client_id,
        "sandboxId": sandbox.id,
        "sandboxName": sandbox.name,
        "imsOrgId": options.org,
    }


def _resource(sandbox: Sandbox, item: Resource) -> Wire:
    return {
        **_audit(sandbox, item),
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
        wire["lastRunDetails"] = {"id": run.id, "state": run.status, **_times(run.started, run.completed)}
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


def _times(started: int, completed: int) -> Wire:
    return {
        **({"startedAtUTC": started} if started else {}),
        **({"completedAtUTC": completed} if completed else {}),
    }


def run_to_wire(sandbox: Sandbox, run: Run) -> Wire:
    """A flow run with its metrics and activities."""
    return {
        **_audit(sandbox, run),
        "flowId": run.flow_id,
        "flowSpec": {"id": run.flow_spec_id, "version": "1.0"},
        "providerRefId": f"M-{run.flow_id}-incremental-{run.number}:{run.id}",
        "etag": run.etag,
        "metrics": _metrics(sandbox, run),
        "activities": _activities(sandbox, run),
    }


def _metrics(sandbox: Sandbox, run: Run) -> Wire:
    status: Wire = {"status": run.status}
    errors = _errors(run)
    if errors:
        status["errors"] = errors
        status["activityRefs"] = [_latest_activity(run)]
    if run.status == SCHEDULED:
        return {"durationSummary": {}, "statusSummary": status}
    return {
        "durationSummary": _times(run.started, run.completed),
        "sizeSummary": {"inputBytes": -1 if run.copy_error else run.input_bytes, "outputBytes": run.output_bytes},
        "recordSummary": _records(run),
        "fileSummary": {**_files(run), "activityRefs": [_latest_activity(run)], **_manifest(sandbox, run)},
        "statusSummary": status,
    }


def _latest_activity(run: Run) -> str:
    return "promotionActivity" if run.copied and not run.copy_error else "copyActivity"


def _records(run: Run) -> Wire:
    if not run.completed:
        return {"inputRecordCount": run.input_records}
    failed = [{"code": code, "message": message, "recordCount": count} for code, message, count in run.failures]
    return {
        "inputRecordCount": run.input_records,
        "outputRecordCount": run.output_records,
        "failedRecordCount": run.failed_records,
        "createdRecordCount": run.output_records,
        **({"failedInfo": failed} if failed and run.diagnostics else {}),
    }


def _files(run: Run) -> Wire:
    if run.copy_error:
        return {"inputFileCount": -1, "outputFileCount": -1}
    return {"inputFileCount": int(run.input_records > 0), "outputFileCount": int(run.output_records > 0)}


def _manifest(sandbox: Sandbox, run: Run) -> Wire:
    if not run.batch_id:
        return {}
    return {"manifest": {"fileInfo": [{"path": _export(sandbox, run, "input_files")}]}}


def _export(sandbox: Sandbox, run: Run, path: str) -> str:
    return f"{sandbox.world.origin}/data/foundation/export/batches/{run.batch_id}/meta?path={path}"


def _errors(run: Run) -> list[Wire]:
    if run.copy_error:
        return [{"code": "CONNECTOR-1001-500", "message": run.copy_error}]
    if run.failures:
        return [{"code": "CONNECTOR-2001-500", "message": "Errors occurred while the data was promoted."}]
    return []


def _activities(sandbox: Sandbox, run: Run) -> list[Wire]:
    if run.status == SCHEDULED:
        return []
    activities = [_copy_activity(run)]
    if run.copied and not run.copy_error:
        activities.append(_promotion_activity(sandbox, run))
    return activities


def _copy_activity(run: Run) -> Wire:
    begin, end = run.window
    windows = {"windowStart": int(begin * 1000), "windowEnd": int(end * 1000)}
    status: Wire = {
        "status": FAILED if run.copy_error else SUCCESS if run.copied else run.status,
        "extensions": {"type": "one-time" if run.first else "incremental"},
    }
    if run.copy_error:
        status["errors"] = _errors(run)
    return {
        "id": "copyActivity",
        "name": "Copy Activity",
        "updatedAtUTC": run.copied or run.updated,
        "durationSummary": {**_times(run.started, run.copied), "extensions": windows},
        "sizeSummary": {"inputBytes": run.input_bytes, "outputBytes": run.input_bytes},
        "recordSummary": {},
        "fileSummary": {"inputFileCount": int(run.input_records > 0), "outputFileCount": int(run.input_records > 0)},
        "statusSummary": status,
        "sourceInfo": [
            {"id": run.source_id, "type": "SourceConnection", "reference": {"type": "AdfRunId", "ids": [run.id]}}
        ],
    }


def _promotion_activity(sandbox: Sandbox, run: Run) -> Wire:
    status: Wire = {"status": run.status, "errors": _errors(run), "extensions": _diagnostics(sandbox, run)}
    target: Wire = {"id": run.target_id, "type": "TargetConnection"}
    if run.batch_id:
        target["reference"] = {"type": "Batch", "ids": [run.batch_id]}
    return {
        "id": "promotionActivity",
        "name": "Promotion Activity",
        "updatedAtUTC": run.updated,
        "durationSummary": _times(run.copied, run.completed),
        "sizeSummary": {"inputBytes": run.input_bytes, "outputBytes": run.output_bytes},
        "recordSummary": _records(run),
        "fileSummary": _files(run),
        "statusSummary": status,
        "targetInfo": [target],
    }


def _diagnostics(sandbox: Sandbox, run: Run) -> Wire:
    if not run.failures:
        return {}
    if not run.diagnostics:
        message = "There were errors, and error diagnostics were not enabled."
        return {"errors": [{"code": "INGEST-1211-400", "message": message}]}
    summary = f"{run.failed_records} records failed, {run.output_records} were ingested."
    errors: list[Wire] = [{"code": "INGEST-1212-400", "message": summary}]
    errors += [{"code": code, "recordCount": count, "message": message} for code, message, count in run.failures]
    if not run.batch_id:
        return {"errors": errors}
    manifest = {
        "failedRecords": _export(sandbox, run, "row_errors"),
        "sampleErrors": _export(sandbox, run, "row_error_samples.json"),
    }
    return {"manifest": manifest, "errors": errors}


SHAPES: Mapping[str, Callable[[Sandbox, Any], Wire]] = {
    "connections": connection_to_wire,
    "sourceConnections": source_to_wire,
    "targetConnections": target_to_wire,
    "flows": flow_to_wire,
    "runs": run_to_wire,
}
