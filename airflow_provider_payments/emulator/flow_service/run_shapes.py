"""The wire form of a flow run: its metrics and activities."""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.emulator.catalog.batches import reported_failures
from airflow_provider_payments.emulator.flow_service.model import SCHEDULED, SUCCESS, Run
from airflow_provider_payments.emulator.flow_service.run_metrics import (
    COPY,
    FILES,
    PROMOTION,
    RECORDS,
    SIZES,
    copy_problem,
    errors,
    export_url,
    is_uncounted,
    metrics,
    present_members,
    times,
)
from airflow_provider_payments.emulator.flow_service.state import FlowService

Wire = dict[str, Any]


def run_to_wire(service: FlowService, run: Run) -> Wire:
    """Return the wire form of a flow run, with its metrics and activities; a run on demand also shows its request."""
    return {
        **service.audit(run),
        "flowId": run.flow_id,
        "flowSpec": {"id": run.flow.content["flowSpec"]["id"], "version": "1.0"},
        "providerRefId": f"M-{run.flow_id}-incremental-0:{run.id}",
        "etag": run.etag,
        **(run.request or {}),
        "metrics": metrics(service, run),
        "activities": _activities(service, run),
    }


def _activities(service: FlowService, run: Run) -> list[Wire]:
    if run.status == SCHEDULED:
        return []
    activities = [_copy_activity(run)]
    if run.has_promotion:
        activities.append(_promotion_activity(service, run))
    return activities


def _copy_activity(run: Run) -> Wire:
    status: Wire = {
        "status": SUCCESS if run.has_promotion else run.status,
        "extensions": {"type": "one-time" if run.is_first or run.request else "incremental"},
    }
    records: Wire = {}
    if run.copy_error:
        status["errors"] = errors(run) or []
        status["extensions"].update({"errorDetail": run.copy_error, "errors": [copy_problem(run)]})
        records["failedInfo"] = [copy_problem(run)]
    read = int(run.input_records > 0)
    return {
        "id": COPY,
        "name": "Copy Activity",
        "updatedAtUTC": run.copy_ended or run.updated,
        "durationSummary": {
            **times(run.started, run.copy_ended),
            "extensions": {"windowStart": int(run.window_begin * 1000), "windowEnd": int(run.window_end * 1000)},
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


def _promotion_activity(service: FlowService, run: Run) -> Wire:
    files: Wire = present_members(FILES, run)
    target: Wire = {"id": run.flow.target_id, "type": "TargetConnection"}
    if run.batch_id:
        files["extensions"] = {"manifest": {"fileInfo": export_url(service, run, "input_files")}}
        target["reference"] = {"type": "Batch", "ids": [run.batch_id]}
    return {
        "id": PROMOTION,
        "name": "Promotion Activity",
        "updatedAtUTC": run.updated,
        "durationSummary": times(run.copy_ended, run.completed),
        "latencySummary": {},
        "sizeSummary": present_members(SIZES, run),
        "recordSummary": present_members(RECORDS, run),
        "fileSummary": files,
        "statusSummary": {"status": run.status, "errors": errors(run) or [], "extensions": _diagnostics(service, run)},
        "targetInfo": [target],
    }


def _diagnostics(service: FlowService, run: Run) -> Wire:
    errors = [
        {
            "code": failure.code,
            "message": failure.message,
            **({"recordCount": failure.count} if failure.count else {}),
        }
        for failure in reported_failures(run.failures, run.has_diagnostics, run.failed_records, run.output_records)
    ]
    if not errors:
        return {}
    if not (run.batch_id and run.has_diagnostics) or is_uncounted(run):
        return {"errors": errors}
    manifest = {
        "failedRecords": export_url(service, run, "row_errors"),
        "sampleErrors": export_url(service, run, "row_error_samples.json"),
    }
    return {"manifest": manifest, "errors": errors}
