"""The scheduler of flow runs: due times on the emulator's clock, and the stages of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from airflow_provider_payments.emulator.core.identifiers import new_uuid
from airflow_provider_payments.emulator.flow_service import ingestion
from airflow_provider_payments.emulator.flow_service.forced_outcomes import (
    CANCEL,
    FAIL_PROMOTION,
    LATE,
    STUCK,
    UNKNOWN_STATUS,
)
from airflow_provider_payments.emulator.flow_service.model import (
    CANCELLED,
    DISABLED,
    ENABLED,
    FAILED,
    IN_PROGRESS,
    SUCCESS,
    Flow,
    Run,
)
from airflow_provider_payments.emulator.flow_service.state import FlowService

Row = Mapping[str, Any]
Window = tuple[float, float]

# The durations of the stages of a run.
QUEUE_SECONDS = 0.2
COPY_SECONDS = 0.6
PROMOTION_SECONDS = 0.6
# A scheduled dataflow is disabled after all its runs of this period have failed.
MAX_FAILING_SECONDS = 30 * 86400
# Runs that are due 30 days apart may end slightly less than 30 days apart.
FAILING_TOLERANCE_SECONDS = 60


def plan_first(service: FlowService, flow: Flow) -> None:
    """Plan the first run of a dataflow, in place of any run that was planned before."""
    clock = service.clock
    assert flow.schedule is not None
    flow.schedule_version += 1
    due = flow.schedule.first_due(clock.now(), at_once=clock.mode == "fast")
    clock.call_at(due, partial(_run_if_planned, service, flow, flow.schedule_version))


def plan_next(service: FlowService, flow: Flow) -> None:
    """Plan the next scheduled run of a dataflow, in place of any run that was planned before."""
    flow.schedule_version += 1
    _plan_after(service, flow)


def _plan_after(service: FlowService, flow: Flow) -> None:
    assert flow.schedule is not None
    due = flow.schedule.next_due(service.clock.now())
    if due is not None:
        service.clock.call_at(due, partial(_run_if_planned, service, flow, flow.schedule_version))


def _run_if_planned(service: FlowService, flow: Flow, plan: int) -> None:
    if plan != flow.schedule_version:
        return
    _plan_after(service, flow)
    # A disabled dataflow does not make up for missed runs; the next run reads their rows.
    if flow.state == ENABLED:
        _start_scheduled(service, flow)


def _start_scheduled(service: FlowService, flow: Flow) -> None:
    now, begin = service.clock.now(), flow.watermark
    if begin is None:
        assert flow.schedule is not None
        begin = 0.0 if flow.schedule.backfill else min(float(flow.schedule.start), now)
    run = _new_run(service, flow, (begin, now), is_first=flow.watermark is None)
    flow.watermark = now
    _launch(service, run, now)


def start_on_demand(service: FlowService, flow: Flow, request: Mapping[str, Any], start: float, window: Window) -> Run:
    """Start a run outside the schedule, which does not change the data window of the next scheduled run.

    :param request: the members of the client's request that the run shows.
    :param start: the start time, in epoch seconds; a time in the past starts the run at once, as does a fast clock.
    :param window: the begin and the end of the data window, in epoch seconds.
    """
    now = service.clock.now()
    run = _new_run(service, flow, window, is_first=False)
    run.request = request
    _launch(service, run, now if service.clock.mode == "fast" else max(start, now))
    return run


def start_retry(service: FlowService, run: Run) -> Run:
    """Repeat a run now, with the same data window."""
    run.retry = again = _new_run(service, run.flow, (run.window_begin, run.window_end), is_first=run.is_first)
    again.request = run.request
    _launch(service, again, service.clock.now())
    return again


def finished_run(service: FlowService, flow: Flow, started: float, input_records: int, failed_records: int = 0) -> Run:
    """Add a run that ended in the past, with given counts. The run ingests no rows and has no batch.

    The data window of the next scheduled run begins at the start of this run.

    :param started: the start of the run, in epoch seconds; several calls must be in the order of their starts.
    :param input_records: the number of records that the run read.
    :param failed_records: the number of records that failed; if all failed, the run failed.
    """
    run = _new_run(service, flow, (flow.watermark or 0.0, started), is_first=flow.watermark is None)
    run.created = run.started = int(started * 1000)
    run.copy_ended = run.created + int(COPY_SECONDS * 1000)
    run.completed = run.updated = run.copy_ended + int(PROMOTION_SECONDS * 1000) if input_records else run.copy_ended
    run.status = ingestion.set_counts(run, input_records, failed_records)
    flow.watermark = started
    _add_to_lists(service, run)
    return run


def _new_run(service: FlowService, flow: Flow, window: Window, *, is_first: bool) -> Run:
    now = service.clock.millis()
    return Run(
        id=new_uuid(),
        flow=flow,
        created=now,
        updated=now,
        window_begin=window[0],
        window_end=window[1],
        is_first=is_first,
    )


def _launch(service: FlowService, run: Run, due: float) -> None:
    clock = service.clock
    run.outcome = service.outcomes.take(service.sandbox.name, run.flow_id, run.flow.content.get("name"))
    if run.outcome_kind == STUCK:
        service.outcomes.expect(run.id, run.flow_id)
    if run.outcome is not None and run.outcome.kind == LATE:
        clock.call_at(clock.now() + run.outcome.seconds, partial(_add_to_lists, service, run))
    else:
        _add_to_lists(service, run)
    clock.call_at(due + QUEUE_SECONDS, partial(_begin, service, run))


def _add_to_lists(service: FlowService, run: Run) -> None:
    flow = run.flow
    service.runs.add(run)
    if service.flows.is_hidden(flow.id):
        service.runs.hide(run)
    if _is_newest(run, flow.last_run):
        flow.last_run = run
    _update_last_ended_run(run)


def _is_newest(run: Run, last: Run | None) -> bool:
    return last is None or last.created <= run.created


def _update_last_ended_run(run: Run) -> None:
    flow = run.flow
    # A run with the outcome LATE may end before lists show it, which is when it gets a number.
    if run.has_ended and run.number >= 0 and _is_newest(run, flow.last_ended_run):
        flow.last_ended_run = run


def _begin(service: FlowService, run: Run) -> None:
    clock = service.clock
    run.status, run.started = IN_PROGRESS, clock.millis()
    _record_change(service, run)

    def resume() -> None:
        clock.call_at(clock.now() + COPY_SECONDS, partial(_copy, service, run))

    if run.outcome_kind == STUCK:
        service.outcomes.hold(run.id, resume)
    else:
        resume()


def _copy(service: FlowService, run: Run) -> None:
    clock = service.clock
    run.copy_ended = clock.millis()
    if run.outcome_kind == CANCEL:
        _end(service, run, CANCELLED)
        return
    try:
        rows = ingestion.copy_rows(service, run)
    except ingestion.CopyFailed as error:
        run.copy_error = str(error)
        _end(service, run, FAILED)
        return
    run.has_promotion = bool(rows) or run.outcome_kind == FAIL_PROMOTION
    if not run.has_promotion:
        _end(service, run, SUCCESS)
        return
    _record_change(service, run)
    clock.call_at(clock.now() + PROMOTION_SECONDS, partial(_promote, service, run, rows))


def _promote(service: FlowService, run: Run, rows: Sequence[Row]) -> None:
    _end(service, run, ingestion.promote_rows(service, run, rows))


def _end(service: FlowService, run: Run, status: str) -> None:
    outcome = run.outcome
    run.status = outcome.status if outcome is not None and outcome.kind == UNKNOWN_STATUS else status
    if outcome is None or outcome.completed:
        run.completed = service.clock.millis()
    _record_change(service, run)
    _update_last_ended_run(run)
    _count_failure(service, run)


def _count_failure(service: FlowService, run: Run) -> None:
    """Disable a scheduled dataflow whose runs have all failed for too long; any other status resets the time."""
    flow, now, flows = run.flow, service.clock.now(), service.flows
    if run.status != FAILED:
        flow.failing_since = 0
        return
    flow.failing_since = flow.failing_since or now
    is_scheduled = flow.schedule is not None and flow.schedule.period is not None
    # The dataflow of a run may have been deleted or disabled since the run started.
    is_enabled = flow.state == ENABLED and flows.get(flow.id) is flow
    if is_scheduled and is_enabled and now - flow.failing_since >= MAX_FAILING_SECONDS - FAILING_TOLERANCE_SECONDS:
        flow.state, flow.operation = DISABLED, ("disable", None)
        service.write("flows", flow)


def _record_change(service: FlowService, run: Run) -> None:
    run.updated = service.clock.millis()
    run.writes += 1
