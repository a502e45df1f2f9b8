"""Checks of flow runs: the request for one, its visibility, and its members until its end."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api import catalog, data_access
from airflow_provider_payments.aep.api.settling import MIN_SEARCH_SECONDS
from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.readers import text
from airflow_provider_payments.aep.runs.data_window import Window
from airflow_provider_payments.aep.runs.row_errors import NO_CODE, LineReader
from airflow_provider_payments.aep.verification.changes import switch_state
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.polled_run import (
    polled_run,
    requested_run,
    run_ids_by_form,
    run_request,
    send_run_request,
)
from airflow_provider_payments.aep.verification.probe import as_answer

if TYPE_CHECKING:
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

#: Maximum seconds from the request until the begin of a run whose start time is the present.
MAX_QUEUE_SECONDS = 300.0
#: The raw statuses that a report may contain.
_RAW_STATUS = re.compile(r"[A-Za-z_ ]{1,40}")


# ---- the request ---------------------------------------------------------------------------------------------------


def _returns_run_id(trial: Trial) -> Finding:
    answer = requested_run(trial).answer
    forms = sorted(run_ids_by_form(answer.body))
    return judged(answer.status == 201 and bool(forms), **answer.summary, id_in=forms)


def _refuses_other_delta_column(trial: Trial) -> Finding:
    source = trial.objects.require_source()
    if source.delta_column is None:
        raise NotTriedError("the source offers no tables")
    polled_run(trial)
    answer = send_run_request(replace(run_request(trial), delta_column=source.text_column))
    return judged(answer.code == "FLOW-1382-400", **answer.summary)


def _refuses_scheduled(trial: Trial) -> Finding:
    request, objects = run_request(trial), trial.objects
    others = [created.id for created in objects.of_kind("dataflow") if created.id != request.flow_id]
    scheduled = others[0] if others else objects.create_or_skip("dataflow").id
    answer = send_run_request(replace(request, flow_id=trial.read("dataflow", scheduled).id))
    return judged(answer.code == "FLOW-1386-400", **answer.summary)


def _refuses_disabled(trial: Trial) -> Finding:
    request = run_request(trial)
    _, is_disabled = switch_state(trial, request.flow_id, "disable", "disabled")
    if not is_disabled:
        raise NotTriedError("the dataflow cannot be disabled")
    answer = send_run_request(request)
    return judged(answer.code == "FLOW-1380-400", **answer.summary)


# ---- visibility ----------------------------------------------------------------------------------------------------


def _is_listed_in_time(trial: Trial) -> Finding:
    return _within(polled_run(trial).listed_seconds, trial.client.dataflow_settle_seconds)


def _is_readable_in_time(trial: Trial) -> Finding:
    return _within(polled_run(trial).readable_seconds, trial.client.dataflow_settle_seconds)


def _within(seconds: float | None, limit: float) -> Finding:
    # The client searches for a run that the service has accepted for at least MIN_SEARCH_SECONDS.
    return judged(seconds is not None and seconds <= max(limit, MIN_SEARCH_SECONDS), maximum=seconds)


def _begins_in_time(trial: Trial) -> Finding:
    polled = polled_run(trial)
    if polled.run is None:
        raise NotTriedError("no read by its id finds the flow run")
    return judged(
        polled.queued_seconds is not None and polled.queued_seconds <= MAX_QUEUE_SECONDS, seconds=polled.queued_seconds
    )


def _dataflow_shows_active_run(trial: Trial) -> Finding:
    is_shown = polled_run(trial).shows_active
    if is_shown is None:
        raise NotTriedError("the flow run had ended before it was read")
    return judged(is_shown, shown=is_shown)


def _dataflow_shows_ended_run(trial: Trial) -> Finding:
    is_shown = polled_run(trial).shows_end
    if is_shown is None:
        raise NotTriedError("the flow run did not end while it was polled")
    return judged(is_shown, shown=is_shown)


# ---- members -------------------------------------------------------------------------------------------------------


def _shows_requested_window(trial: Trial) -> Finding:
    polled = polled_run(trial)
    run = polled.ended
    windows = {"asked": Window.requested(polled.item), "copied": Window.copied(run)}
    is_shown = {name: window is not None and window.is_like(polled.window) for name, window in windows.items()}
    window = Window.of(run)
    return judged(window is not None and window.is_like(polled.window), **is_shown)


def _has_known_statuses(trial: Trial) -> Finding:
    polled = polled_run(trial)
    statuses = [s.raw_status if _RAW_STATUS.fullmatch(s.raw_status) else "unreadable" for s in polled.states]
    if not all(state.has_known_status for state in polled.states):
        return judged(False, statuses=statuses)
    is_completed = polled.ended.completed_at is not None
    return judged(is_completed, statuses=statuses, completed=is_completed)


def _counts_add_up(trial: Trial) -> Finding:
    run = polled_run(trial).with_rows
    read, written, failed = run.counts
    adds_up = read is not None and written is not None and failed is not None and read == written + failed
    return judged(adds_up, known=not run.unknown_counts, adds_up=adds_up)


def _names_batch(trial: Trial) -> Finding:
    batches = polled_run(trial).with_rows.batch_ids
    is_read = bool(batches) and text(catalog.batch(trial.client, batches[0]).get("status")) is not None
    return judged(is_read, batches=len(batches), status=is_read)


def _has_readable_row_errors(trial: Trial) -> Finding:
    run = polled_run(trial).with_rows
    if not run.failed_records or not run.batch_ids:
        raise NotTriedError("no record of the flow run has failed")
    batch_id, client = run.batch_ids[0], trial.client
    try:
        files = list(data_access.row_error_files(client, batch_id))
        if not files:
            return judged(False, files=0)
        errors = data_access.read_file(client, batch_id, files[0], LineReader().read, attempts=1)
    except RequestError as error:
        return judged(False, **as_answer(error).summary)
    is_readable = errors.rows > 0 and not errors.unreadable and NO_CODE not in errors.codes
    return judged(is_readable, files=len(files), unreadable=errors.unreadable, codes=list(errors.codes))


# ---- the checks ----------------------------------------------------------------------------------------------------

_NEEDS = (Need.SOURCE, Need.INGEST)
_ON_DEMAND = '`aep/runs/on_demand.py`; Adobe\'s guide "On-demand ingestion"'
_LOOKUPS = "`aep/runs/lookups.py`; Adobe publishes no time"
_MONITOR = '`aep/runs/flow_run.py`; Adobe\'s guide "Monitor dataflows"'

CHECKS = (
    Check(
        "flow_run.on_demand",
        "A request for a run on demand is answered with 201 and the run's id, in an object or in a list of one under "
        "`items`.",
        _ON_DEMAND,
        "request a run of a dataflow that runs once, over a data window of about ten rows",
        _returns_run_id,
        _NEEDS,
    ),
    Check(
        "flow_run.listed",
        f"A list contains a new flow run within `dataflow_settle_seconds`, but at least {MIN_SEARCH_SECONDS:g} s.",
        _LOOKUPS,
        "request a run, then poll the runs of its dataflow",
        _is_listed_in_time,
        _NEEDS,
    ),
    Check(
        "flow_run.readable",
        f"A read by id finds a new flow run within `dataflow_settle_seconds`, but at least {MIN_SEARCH_SECONDS:g} s.",
        _LOOKUPS,
        "request a run, then poll reads by id",
        _is_readable_in_time,
        _NEEDS,
    ),
    Check(
        "flow_run.begins",
        f"A run on demand whose start time is the present begins within {MAX_QUEUE_SECONDS:g} s.",
        "`aep/runs/on_demand.py`; undocumented",
        "request a run, read the time of its begin",
        _begins_in_time,
        _NEEDS,
    ),
    Check(
        "flow_run.shown_active",
        "A dataflow shows a run that is in progress in `lastRunDetails`.",
        "`aep/runs/batch_polling.py`; Adobe's OpenAPI file lists states of ended runs only",
        "read the dataflow while the run is in progress",
        _dataflow_shows_active_run,
        _NEEDS,
    ),
    Check(
        "flow_run.shown_ended",
        "A dataflow shows its last run in `lastRunDetails`, with the time of the run's end.",
        "`aep/runs/batch_polling.py`; Adobe's OpenAPI file",
        "read the dataflow after the end of the run",
        _dataflow_shows_ended_run,
        _NEEDS,
    ),
    Check(
        "flow_run.statuses",
        "A flow run has raw statuses that this package knows, and a completion time after its end.",
        f"{_MONITOR}; no list of raw statuses is published",
        "read the run until its end",
        _has_known_statuses,
        _NEEDS,
    ),
    Check(
        "flow_run.window",
        "A run on demand shows the requested data window, in the members of its request or in those of its copy step.",
        "`aep/runs/data_window.py`; a published sample of each",
        "read the run after its end",
        _shows_requested_window,
        _NEEDS,
    ),
    Check(
        "flow_run.counts",
        "The number of records that a flow run has read is the sum of those that it has written and those that failed.",
        f"`aep/runs/record_counts.py`; {_MONITOR}",
        "read the run after its end",
        _counts_add_up,
        _NEEDS,
    ),
    Check(
        "flow_run.batch",
        "A flow run that has read rows names their batch, and the Catalog returns the batch's status.",
        "`aep/runs/flow_run.py`, `aep/api/catalog.py`; published samples of both",
        "read the batch that the run names",
        _names_batch,
        _NEEDS,
    ),
    Check(
        "flow_run.row_errors",
        "Data Access lists files of row errors if records failed; they are JSON Lines with a code for each error.",
        '`aep/runs/row_errors.py`; Adobe\'s guide "Retrieve error diagnostics"',
        "read the first file, if a record of the run has failed",
        _has_readable_row_errors,
        _NEEDS,
    ),
    Check(
        "flow_run.other_delta_column",
        "A later run on demand with another delta column is refused with FLOW-1382-400.",
        _ON_DEMAND,
        "request a second run with another column",
        _refuses_other_delta_column,
        _NEEDS,
    ),
    Check(
        "flow_run.scheduled_dataflow",
        "A run on demand of a dataflow that runs daily is refused with FLOW-1386-400.",
        _ON_DEMAND,
        "request a run of a daily dataflow",
        _refuses_scheduled,
        _NEEDS,
    ),
    Check(
        "flow_run.disabled_dataflow",
        "A run on demand of a disabled dataflow is refused with FLOW-1380-400.",
        "`aep/runs/on_demand.py`; the documented text of the error code",
        "disable a dataflow that runs once, then request a run",
        _refuses_disabled,
        _NEEDS,
    ),
)
