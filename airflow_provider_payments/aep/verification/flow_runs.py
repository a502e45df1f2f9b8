"""Flow runs: how one is asked for, when it shows, and what it shows until its end."""

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
from airflow_provider_payments.aep.verification.changes import switched
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.polled_run import ask_for, polled, requested, run_id_in, run_request
from airflow_provider_payments.aep.verification.probe import refused

if TYPE_CHECKING:
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

#: Seconds within which a run begins that is to begin at once.
MAX_QUEUE_SECONDS = 300.0
#: What a raw status looks like; anything else is not reported.
_WORD = re.compile(r"[A-Za-z_ ]{1,40}")


# ---- the request ---------------------------------------------------------------------------------------------------


def _names_run(trial: Trial) -> Finding:
    answer = requested(trial).answer
    forms = sorted(run_id_in(answer.body))
    return judged(answer.status == 201 and bool(forms), **answer.shown, id_in=forms)


def _refuses_other_delta_column(trial: Trial) -> Finding:
    source = trial.objects.require_source()
    if source.delta_column is None:
        raise NotTriedError("the source offers no tables")
    polled(trial)
    seen = ask_for(replace(run_request(trial), delta_column=source.text_column))
    return judged(seen.code == "FLOW-1382-400", **seen.shown)


def _refuses_scheduled(trial: Trial) -> Finding:
    request, objects = run_request(trial), trial.objects
    others = [made.existing.id for made in objects.of("dataflow") if made.existing.id != request.flow_id]
    scheduled = others[0] if others else objects.make_or_skip("dataflow").existing.id
    seen = ask_for(replace(request, flow_id=trial.read("dataflow", scheduled).id))
    return judged(seen.code == "FLOW-1386-400", **seen.shown)


def _refuses_disabled(trial: Trial) -> Finding:
    request = run_request(trial)
    _, is_disabled = switched(trial, request.flow_id, "disable", "disabled")
    if not is_disabled:
        raise NotTriedError("the dataflow cannot be disabled")
    seen = ask_for(request)
    return judged(seen.code == "FLOW-1380-400", **seen.shown)


# ---- when it shows -------------------------------------------------------------------------------------------------


def _is_listed(trial: Trial) -> Finding:
    return _within(polled(trial).listed, trial.client.dataflow_settle_seconds)


def _is_readable(trial: Trial) -> Finding:
    return _within(polled(trial).readable, trial.client.dataflow_settle_seconds)


def _within(seconds: float | None, limit: float) -> Finding:
    # So long at least a run is looked for that the service says it has made.
    return judged(seconds is not None and seconds <= max(limit, MIN_SEARCH_SECONDS), maximum=seconds)


def _begins(trial: Trial) -> Finding:
    found = polled(trial)
    if found.run is None:
        raise NotTriedError("no read by its id finds the flow run")
    return judged(found.began is not None and found.began <= MAX_QUEUE_SECONDS, seconds=found.began)


def _is_shown_active(trial: Trial) -> Finding:
    shown = polled(trial).active_shown
    if shown is None:
        raise NotTriedError("the flow run had ended before it was read")
    return judged(shown, shown=shown)


def _is_shown_ended(trial: Trial) -> Finding:
    shown = polled(trial).end_shown
    if shown is None:
        raise NotTriedError("the flow run was not seen to end")
    return judged(shown, shown=shown)


# ---- what it shows -------------------------------------------------------------------------------------------------


def _shows_window(trial: Trial) -> Finding:
    found = polled(trial)
    run = found.ended
    windows = {"asked": Window.requested(found.item), "copied": Window.copied(run)}
    shown = {name: window is not None and window.is_like(found.window) for name, window in windows.items()}
    window = Window.of(run)
    return judged(window is not None and window.is_like(found.window), **shown)


def _has_known_statuses(trial: Trial) -> Finding:
    found = polled(trial)
    seen = [state.raw_status if _WORD.fullmatch(state.raw_status) else "unreadable" for state in found.states]
    if all(state.has_known_status for state in found.states):
        return judged(
            found.ended.completed_at is not None, statuses=seen, completed=found.ended.completed_at is not None
        )
    return judged(False, statuses=seen)


def _adds_up(trial: Trial) -> Finding:
    run = polled(trial).with_rows
    came, went, failed = run.counts
    adds_up = came is not None and went is not None and failed is not None and came == went + failed
    return judged(adds_up, known=not run.unknown_counts, adds_up=adds_up)


def _names_batch(trial: Trial) -> Finding:
    batches = polled(trial).with_rows.batch_ids
    is_read = bool(batches) and text(catalog.batch(trial.client, batches[0]).get("status")) is not None
    return judged(is_read, batches=len(batches), status=is_read)


def _keeps_row_errors(trial: Trial) -> Finding:
    run = polled(trial).with_rows
    if not run.failed_records or not run.batch_ids:
        raise NotTriedError("no record of the flow run has failed")
    batch_id, client = run.batch_ids[0], trial.client
    try:
        files = list(data_access.row_error_files(client, batch_id))
        if not files:
            return judged(False, files=0)
        errors = data_access.read_file(client, batch_id, files[0], LineReader().read, attempts=1)
    except RequestError as error:
        return judged(False, **refused(error).shown)
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
        "A run on demand is answered with 201 and its id, in an object or in a list of one under `items`.",
        _ON_DEMAND,
        "ask for a run of a dataflow that runs once, over a window of about ten rows",
        _names_run,
        _NEEDS,
    ),
    Check(
        "flow_run.listed",
        "A list shows a new flow run within `dataflow_settle_seconds`, or 10 s.",
        _LOOKUPS,
        "ask for a run, then poll the runs of its dataflow",
        _is_listed,
        _NEEDS,
    ),
    Check(
        "flow_run.readable",
        "A read by its id finds a new flow run within `dataflow_settle_seconds`, or 10 s.",
        _LOOKUPS,
        "ask for a run, then poll by id",
        _is_readable,
        _NEEDS,
    ),
    Check(
        "flow_run.begins",
        f"A run on demand whose start time is the present begins within {MAX_QUEUE_SECONDS:g} s.",
        "`aep/runs/on_demand.py`; undocumented",
        "ask for a run, read when it began",
        _begins,
        _NEEDS,
    ),
    Check(
        "flow_run.shown_active",
        "A dataflow shows a run that is in progress in `lastRunDetails`.",
        "`aep/runs/batch_polling.py`; the OpenAPI file names ended states only",
        "read the dataflow while the run is in progress",
        _is_shown_active,
        _NEEDS,
    ),
    Check(
        "flow_run.shown_ended",
        "A dataflow shows its last run with the time of its end in `lastRunDetails`.",
        "`aep/runs/batch_polling.py`; Adobe's OpenAPI file",
        "read the dataflow after the end of the run",
        _is_shown_ended,
        _NEEDS,
    ),
    Check(
        "flow_run.statuses",
        "A flow run has raw statuses that this package knows, and a completion time in the end.",
        f"{_MONITOR}; no list of them is published",
        "read the run until its end",
        _has_known_statuses,
        _NEEDS,
    ),
    Check(
        "flow_run.window",
        "A run on demand shows the data window that was asked for, as its request or as its copying has it.",
        "`aep/runs/data_window.py`; a sample of each",
        "read the run after its end",
        _shows_window,
        _NEEDS,
    ),
    Check(
        "flow_run.counts",
        "The records that a flow run has read are those that it has written and those that failed.",
        f"`aep/runs/record_counts.py`; {_MONITOR}",
        "read the run after its end",
        _adds_up,
        _NEEDS,
    ),
    Check(
        "flow_run.batch",
        "A flow run that has read rows names their batch, and the Catalog shows its status.",
        "`aep/runs/flow_run.py`, `aep/api/catalog.py`; samples of both",
        "read the batch that the run names",
        _names_batch,
        _NEEDS,
    ),
    Check(
        "flow_run.row_errors",
        "Data Access lists files of row errors where records failed; they are JSON Lines with a code for each error.",
        '`aep/runs/row_errors.py`; Adobe\'s guide "Retrieve error diagnostics"',
        "read the first file, if a record of the run has failed",
        _keeps_row_errors,
        _NEEDS,
    ),
    Check(
        "flow_run.other_delta_column",
        "A later run on demand with another delta column is refused with FLOW-1382-400.",
        _ON_DEMAND,
        "ask for a second run with another column",
        _refuses_other_delta_column,
        _NEEDS,
    ),
    Check(
        "flow_run.scheduled_dataflow",
        "A run on demand of a dataflow that runs daily is refused with FLOW-1386-400.",
        _ON_DEMAND,
        "ask for one",
        _refuses_scheduled,
        _NEEDS,
    ),
    Check(
        "flow_run.disabled_dataflow",
        "A run on demand of a disabled dataflow is refused with FLOW-1380-400.",
        "`aep/runs/on_demand.py`; the number's text",
        "disable a dataflow that runs once, ask for a run",
        _refuses_disabled,
        _NEEDS,
    ),
)
