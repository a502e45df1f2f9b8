"""What Flow Service shows of a flow run: its metrics and activities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.catalog.batches import summed
from airflow_provider_payments.emulator.flow_service.audit import audit
from airflow_provider_payments.emulator.flow_service.flow_runs import SCHEDULED, SUCCESS, Run

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.world import Sandbox

Wire = dict[str, Any]

_COPY, _PROMOTION = "copyActivity", "promotionActivity"
# The code of whoever copies on the platform's behalf.
_COPY_PROBLEM = "2200"
_NOT_COUNTED = -1


def run_to_wire(sandbox: Sandbox, run: Run) -> Wire:
    """A flow run with its metrics and activities; one that runs on demand also shows what was asked for."""
    return {
        **audit(sandbox, run),
        "flowId": run.flow_id,
        "flowSpec": {"id": run.flow.content["flowSpec"]["id"], "version": "1.0"},
        "providerRefId": f"M-{run.flow_id}-incremental-0:{run.id}",
        "etag": run.etag,
        **(run.request or {}),
        "metrics": _metrics(sandbox, run),
        "activities": _activities(sandbox, run),
    }


def _metrics(sandbox: Sandbox, run: Run) -> Wire:
    status: Wire = {"status": run.status}
    refs = {"activityRefs": [_PROMOTION if run.promotes else _COPY]}
    errors = _errors(run)
    if errors:
        status = {**status, "errors": errors, **refs}
    if run.status == SCHEDULED:
        return {"durationSummary": {}, "statusSummary": status}
    return {
        "durationSummary": times(run.started, run.completed),
        "sizeSummary": _sizes(run),
        "recordSummary": _records(run),
        "fileSummary": {**_files(run), **refs, **_manifest(sandbox, run)},
        "statusSummary": status,
    }


def _uncounted(run: Run) -> bool:
    """A stage failed as a whole: nobody counted bytes and files."""
    return bool(run.copy_error) or any(not failure.count for failure in run.failures)


def _sizes(run: Run) -> Wire:
    return {"inputBytes": _NOT_COUNTED if _uncounted(run) else run.input_bytes, "outputBytes": run.output_bytes}


def _records(run: Run) -> Wire:
    if not run.ended:
        return {"inputRecordCount": run.input_records}
    return {
        "inputRecordCount": run.input_records,
        "outputRecordCount": run.output_records,
        "failedRecordCount": run.failed_records,
        "createdRecordCount": run.output_records,
        "updatedRecordCount": 0,
        "skippedRecordCount": 0,
        "deletedRecordCount": 0,
        "warningRecordCount": 0,
        "skippedInfo": [],
        "failedInfo": _failed_info(run),
    }


def _failed_info(run: Run) -> list[Wire]:
    if run.copy_error:
        return [_copy_problem(run)]
    if not run.diagnosed:
        return []
    return [
        {"code": failure.code, "message": failure.message, "details": {"recordCount": failure.count}}
        for failure in run.failures
    ]


def _copy_problem(run: Run) -> Wire:
    return {"code": _COPY_PROBLEM, "message": run.copy_error}


def _files(run: Run) -> Wire:
    if _uncounted(run):
        return {"inputFileCount": _NOT_COUNTED, "outputFileCount": _NOT_COUNTED}
    return {"inputFileCount": int(run.input_records > 0), "outputFileCount": int(run.output_records > 0)}


def _manifest(sandbox: Sandbox, run: Run) -> Wire:
    if not run.batch_id:
        return {}
    return {"manifest": {"fileInfo": [{"path": _export(sandbox, run, "input_files")}]}}


def _export(sandbox: Sandbox, run: Run, path: str) -> str:
    return f"{sandbox.world.origin}/data/foundation/export/batches/{run.batch_id}/meta?path={path}"


def _errors(run: Run) -> list[Wire]:
    if run.copy_error:
        return [{"code": "CONNECTOR-1001-500", "message": "Errors occurred while the data was copied from the source."}]
    if run.failures:
        return [{"code": "CONNECTOR-2001-500", "message": "Errors occurred while the data was promoted."}]
    return []


def _activities(sandbox: Sandbox, run: Run) -> list[Wire]:
    if run.status == SCHEDULED:
        return []
    activities = [_copy_activity(run)]
    if run.promotes:
        activities.append(_promotion_activity(sandbox, run))
    return activities


def _copy_activity(run: Run) -> Wire:
    status: Wire = {
        "status": SUCCESS if run.promotes else run.status,
        "extensions": {"type": "one-time" if run.first or run.request else "incremental"},
    }
    records: Wire = {}
    if run.copy_error:
        status["errors"] = _errors(run)
        status["extensions"].update({"errorDetail": run.copy_error, "errors": [_copy_problem(run)]})
        records["failedInfo"] = [_copy_problem(run)]
    read = int(run.input_records > 0)
    return {
        "id": _COPY,
        "name": "Copy Activity",
        "updatedAtUTC": run.copied or run.updated,
        "durationSummary": {
            **times(run.started, run.copied),
            "extensions": {"windowStart": int(run.begin * 1000), "windowEnd": int(run.end * 1000)},
        },
        "latencySummary": {},
        "sizeSummary": {"inputBytes": run.input_bytes, "outputBytes": run.input_bytes},
        "recordSummary": records,
        "fileSummary": {"inputFileCount": read, "outputFileCount": read},
        "statusSummary": status,
        "sourceInfo": [
            {"id": run.flow.source_id, "type": "SourceConnection", "reference": {"type": "AdfRunId", "ids": [run.id]}}
        ],
    }


def _promotion_activity(sandbox: Sandbox, run: Run) -> Wire:
    files: Wire = _files(run)
    target: Wire = {"id": run.flow.target_id, "type": "TargetConnection"}
    if run.batch_id:
        files["extensions"] = {"manifest": {"fileInfo": _export(sandbox, run, "input_files")}}
        target["reference"] = {"type": "Batch", "ids": [run.batch_id]}
    return {
        "id": _PROMOTION,
        "name": "Promotion Activity",
        "updatedAtUTC": run.updated,
        "durationSummary": times(run.copied, run.completed),
        "latencySummary": {},
        "sizeSummary": _sizes(run),
        "recordSummary": _records(run),
        "fileSummary": files,
        "statusSummary": {"status": run.status, "errors": _errors(run), "extensions": _diagnostics(sandbox, run)},
        "targetInfo": [target],
    }


def _diagnostics(sandbox: Sandbox, run: Run) -> Wire:
    errors = [
        {
            "code": failure.code,
            "message": failure.message,
            **({"recordCount": failure.count} if failure.count else {}),
        }
        for failure in summed(run.failures, run.diagnosed, run.failed_records, run.output_records)
    ]
    if not errors:
        return {}
    if not (run.batch_id and run.diagnosed) or _uncounted(run):
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
