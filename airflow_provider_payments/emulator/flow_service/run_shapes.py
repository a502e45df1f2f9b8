"""What Flow Service shows of a flow run: its metrics and activities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.flow_service.audit import audit
from airflow_provider_payments.emulator.flow_service.flow_runs import FAILED, SCHEDULED, SUCCESS, Run

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.world import Sandbox

Wire = dict[str, Any]


def run_to_wire(sandbox: Sandbox, run: Run) -> Wire:
    """A flow run with its metrics and activities."""
    return {
        **audit(sandbox, run),
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
        "durationSummary": times(run.started, run.completed),
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
        "durationSummary": {**times(run.started, run.copied), "extensions": windows},
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
        "durationSummary": times(run.copied, run.completed),
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


def times(started: int, completed: int) -> Wire:
    """Those that have come, in epoch milliseconds."""
    return {
        **({"startedAtUTC": started} if started else {}),
        **({"completedAtUTC": completed} if completed else {}),
    }
