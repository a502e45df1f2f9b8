"""
The metrics of a flow run, each member with the function that reads it from the run.

The wire form, filters and sort orders use the same table, so that lists of 100,000 runs can be filtered by any member
without building the wire form of each run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.flow_service.model import Run
from airflow_provider_payments.emulator.flow_service.state import FlowService

Wire = dict[str, Any]
# Returns None if a run lacks the member.
Reader = Callable[[Run], Any]

COPY, PROMOTION = "copyActivity", "promotionActivity"
# The error code of the service that copies data on the platform's behalf.
_COPY_PROBLEM = "2200"
_NOT_COUNTED = -1


def is_uncounted(run: Run) -> bool:
    """Return whether a stage failed as a whole, so that bytes and files were not counted."""
    if not run.failures:
        return run.copy_error != ""
    return any(not failure.count for failure in run.failures)


def _failed_info(run: Run) -> list[Wire]:
    if run.copy_error:
        return [copy_problem(run)]
    if not run.has_diagnostics:
        return []
    return [
        {"code": failure.code, "message": failure.message, "details": {"recordCount": failure.count}}
        for failure in run.failures
    ]


def copy_problem(run: Run) -> Wire:
    """Return the wire form of the reason for which copying failed."""
    return {"code": _COPY_PROBLEM, "message": run.copy_error}


# The errors of a run whose copy or promotion stage failed.
_COPY_ERRORS = [{"code": "CONNECTOR-1001-500", "message": "Errors occurred while the data was copied from the source."}]
_PROMOTION_ERRORS = [{"code": "CONNECTOR-2001-500", "message": "Errors occurred while the data was promoted."}]


def errors(run: Run) -> list[Wire] | None:
    """Return the errors of a run; None if there are none."""
    if run.failures:
        return _COPY_ERRORS if run.copy_error else _PROMOTION_ERRORS
    return _COPY_ERRORS if run.copy_error else None


def _stages(run: Run) -> list[str]:
    return [PROMOTION if run.has_promotion else COPY]


SIZES: Mapping[str, Reader] = {
    "inputBytes": lambda run: _NOT_COUNTED if is_uncounted(run) else run.input_bytes if run.has_started else None,
    "outputBytes": lambda run: run.output_bytes if run.has_started else None,
}
RECORDS: Mapping[str, Reader] = {
    "inputRecordCount": lambda run: run.input_records if run.has_started else None,
    "outputRecordCount": lambda run: run.output_records if run.has_ended else None,
    "failedRecordCount": lambda run: run.input_records - run.output_records if run.has_ended else None,
    "createdRecordCount": lambda run: run.output_records if run.has_ended else None,
    "updatedRecordCount": lambda run: 0 if run.has_ended else None,
    "skippedRecordCount": lambda run: 0 if run.has_ended else None,
    "deletedRecordCount": lambda run: 0 if run.has_ended else None,
    "warningRecordCount": lambda run: 0 if run.has_ended else None,
    "skippedInfo": lambda run: [] if run.has_ended else None,
    "failedInfo": lambda run: _failed_info(run) if run.has_ended else None,
}
FILES: Mapping[str, Reader] = {
    "inputFileCount": lambda run: (
        _NOT_COUNTED if is_uncounted(run) else int(run.input_records > 0) if run.has_started else None
    ),
    "outputFileCount": lambda run: (
        _NOT_COUNTED if is_uncounted(run) else int(run.output_records > 0) if run.has_started else None
    ),
}
_SECTIONS: Mapping[str, Mapping[str, Reader]] = {
    "durationSummary": {
        "startedAtUTC": lambda run: run.started or None,
        "completedAtUTC": lambda run: run.completed or None,
    },
    "sizeSummary": SIZES,
    "recordSummary": RECORDS,
    "fileSummary": {**FILES, "activityRefs": lambda run: _stages(run) if run.has_started else None},
    "statusSummary": {
        "status": lambda run: run.status,
        "errors": errors,
        "activityRefs": lambda run: _stages(run) if errors(run) else None,
    },
}
_READERS: Mapping[str, Reader] = {
    f"metrics.{section}.{name}": read for section, readers in _SECTIONS.items() for name, read in readers.items()
}


def present_members(readers: Mapping[str, Reader], run: Run) -> Wire:
    """Return the wire form of the members that a run has: those whose readers do not return None."""
    return {name: value for name, read in readers.items() if (value := read(run)) is not None}


def metrics(service: FlowService, run: Run) -> Wire:
    """Return all metrics of a run; a queued run has only a few."""
    wire: Wire = {section: present_members(readers, run) for section, readers in _SECTIONS.items()}
    if run.batch_id:
        wire["fileSummary"]["manifest"] = _manifest(service, run)
    return {section: members for section, members in wire.items() if members or section == "durationSummary"}


def metric_readers(service: FlowService) -> Mapping[str, Reader]:
    """Return the readers of all metrics by path; any other path below ``metrics`` has no value."""
    return {
        "metrics": lambda run: None,
        **_READERS,
        "metrics.fileSummary.manifest": lambda run: _manifest(service, run) if run.batch_id else None,
    }


def _manifest(service: FlowService, run: Run) -> Wire:
    return {"fileInfo": [{"path": export_url(service, run, "input_files")}]}


def export_url(service: FlowService, run: Run, path: str) -> str:
    """Return the URL of a part of a run's batch in Data Access.

    :param path: the path of the part below the batch.
    """
    return f"{service.sandbox.origin}/data/foundation/export/batches/{run.batch_id}/meta?path={path}"


def times(started: int, completed: int) -> Wire:
    """Return the wire form of those times that are known.

    :param started: epoch milliseconds; 0 if not known.
    :param completed: epoch milliseconds; 0 if not known.
    """
    return {
        **({"startedAtUTC": started} if started else {}),
        **({"completedAtUTC": completed} if completed else {}),
    }
