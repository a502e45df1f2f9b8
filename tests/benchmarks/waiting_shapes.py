"""Templates of the waiting benchmark's answers, in the shapes and sizes of the real services."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

# Placeholders without quotes: numbers, and values that are JSON already.
_BARE = re.compile(r'"(%\(\w+\)d|%\(\w+_json\)s)"')
_AUDIT = {
    "createdAt": "%(created)d",
    "updatedAt": "%(started)d",
    "createdBy": "9F8A4D2061B4E2F10A495E3C@techacct.adobe.com",
    "updatedBy": "9F8A4D2061B4E2F10A495E3C@techacct.adobe.com",
    "createdClient": "benchmark",
    "updatedClient": "benchmark",
    "sandboxId": "1bd86660-c5da-11e9-93d4-6d5fc3a66a8e",
    "sandboxName": "dev",
    "imsOrgId": "BENCHMARK@AdobeOrg",
}


def _text(shape: Mapping[str, Any]) -> str:
    return _BARE.sub(r"\1", json.dumps(shape))


def _run(status: str) -> str:
    times = {"startedAtUTC": "%(started)d"} | ({"completedAtUTC": "%(ended)d"} if status == "success" else {})
    sizes = {"inputBytes": 96340, "outputBytes": 91227}
    files = {"inputFileCount": 1, "outputFileCount": 1, "activityRefs": ["promotionActivity"]}
    records = {
        "inputRecordCount": 412,
        "outputRecordCount": 412,
        "createdRecordCount": 412,
        **{f"{kind}RecordCount": 0 for kind in ("updated", "skipped", "deleted", "failed", "warning")},
        "skippedInfo": [],
        "failedInfo": [],
    }
    summaries = {"durationSummary": times, "sizeSummary": sizes, "recordSummary": records, "fileSummary": files}
    activities = [
        {
            "id": "copyActivity",
            "name": "Copy Activity",
            "updatedAtUTC": "%(started)d",
            **summaries,
            "recordSummary": {},
            "latencySummary": {},
            "statusSummary": {"status": "success", "extensions": {"type": "incremental"}},
            "sourceInfo": [
                {"id": "%(flow)s", "type": "SourceConnection", "reference": {"type": "AdfRunId", "ids": ["%(run)s"]}}
            ],
        },
        {
            "id": "promotionActivity",
            "name": "Promotion Activity",
            "updatedAtUTC": "%(started)d",
            **summaries,
            "latencySummary": {},
            "statusSummary": {"status": status, "errors": [], "extensions": {}},
            "targetInfo": [
                {"id": "%(flow)s", "type": "TargetConnection", "reference": {"type": "Batch", "ids": ["%(run)s"]}}
            ],
        },
    ]
    waiting = status == "scheduled"
    return _text(
        {
            "id": "%(run)s",
            **_AUDIT,
            "flowId": "%(flow)s",
            "flowSpec": {"id": "14518937-270c-4525-bdec-c2ba7cce3860", "version": "1.0"},
            "providerRefId": "M-%(flow)s-incremental-0:%(run)s",
            "etag": '"2d3b3142-0000-0200-0000-68e1c5f10000"',
            "metrics": {**({"durationSummary": {}} if waiting else summaries), "statusSummary": {"status": status}},
            "activities": [] if waiting else activities,
        }
    )


#: An item of the list of runs, by status.
RUN = {status: _run(status) for status in ("scheduled", "inProgress", "success")}

#: An item of the list of dataflows; ``details_json`` is a comma and the last run, or empty.
FLOW = (
    _text(
        {
            "id": "%(flow)s",
            **_AUDIT,
            "createdAt": 1760000000000,
            "updatedAt": "%(updated)d",
            "name": "dataflow %(flow)s",
            "description": "Inbound data to Platform",
            "state": "enabled",
            "etag": '"2d3b3142-0000-0200-0000-68e1c5f10000"',
            "flowSpec": {"id": "14518937-270c-4525-bdec-c2ba7cce3860", "version": "1.0"},
            "sourceConnectionIds": ["%(flow)s"],
            "targetConnectionIds": ["%(flow)s"],
            "scheduleParams": "%(schedule_json)s",
            "transformations": [{"name": "Mapping", "params": {"mappingId": "%(flow)s", "mappingVersion": "0"}}],
            "runs": "/runs?property=flowId==%(flow)s",
        }
    ).removesuffix("}")
    + "%(details_json)s}"
)

#: A run of a dbt Cloud job; status 3 is running, 10 success.
JOB_RUN = _text(
    {
        "status": {"code": 200, "is_success": True, "user_message": "Success!", "developer_message": ""},
        "data": {
            "id": "%(run)d",
            "trigger_id": "%(run)d",
            "account_id": 1,
            "environment_id": 7,
            "project_id": 5,
            "job_definition_id": "%(run)d",
            "status": "%(status)d",
            "dbt_version": "1.9.0-latest",
            "git_branch": "main",
            "git_sha": "9f5e1a7c2d8b4f60a3e1d2c4b5a697887766554",
            "status_message": None,
            "owner_thread_id": None,
            "executed_by_thread_id": "scheduler-run-%(run)d-mh8sv",
            "artifacts_saved": True,
            "has_docs_generated": False,
            "has_sources_generated": False,
            "created_at": "2026-11-22 09:00:00.000000+00:00",
            "updated_at": "2026-11-22 09:00:00.000000+00:00",
            "started_at": "2026-11-22 09:00:00.000000+00:00",
            "dequeued_at": "2026-11-22 09:00:00.000000+00:00",
            "finished_at": None,
            "trigger": None,
            "job": None,
            "environment": None,
            "run_steps": [],
            "status_humanized": "Running",
            "in_progress": True,
            "is_complete": False,
            "is_success": False,
            "is_error": False,
            "is_cancelled": False,
            "href": "https://cloud.getdbt.com/deploy/1/projects/5/runs/%(run)d/",
            "duration": "00:00:10",
            "queued_duration": "00:00:01",
            "run_duration": "00:00:09",
        },
    }
)

#: A job of Airbyte.
JOB = _text(
    {
        "jobId": "%(job)d",
        "status": "%(status)s",
        "jobType": "sync",
        "startTime": "2026-11-22T09:00:00Z",
        "connectionId": "18dccc91-0ab1-4f72-9ed7-0b8fc27c5826",
        "lastUpdatedAt": "2026-11-22T09:00:00Z",
        "duration": "PT10S",
        "bytesSynced": 96340,
        "rowsSynced": 412,
    }
)

#: A connector of Fivetran.
CONNECTOR = _text(
    {
        "code": "Success",
        "data": {
            "id": "%(connector)d",
            "group_id": "benchmark",
            "service": "paypal",
            "service_version": 4,
            "schema": "paypal.payments",
            "connected_by": "benchmark",
            "created_at": "2026-01-01T09:00:00.000000Z",
            "succeeded_at": "%(succeeded_json)s",
            "failed_at": None,
            "paused": False,
            "pause_after_trial": False,
            "sync_frequency": 360,
            "data_delay_sensitivity": "NORMAL",
            "data_delay_threshold": 0,
            "schedule_type": "auto",
            "status": {
                "setup_state": "connected",
                "schema_status": "ready",
                "sync_state": "%(state)s",
                "update_state": "on_schedule",
                "is_historical_sync": False,
                "tasks": [],
                "warnings": [],
            },
            "setup_tests": [],
            "config": {"account": "benchmark", "sync_mode": "AllAccounts"},
        },
    }
)
