"""When a dataflow runs: its moments on the clock's agenda, and the stages of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from airflow_provider_payments.emulator.core.identifiers import new_uuid
from airflow_provider_payments.emulator.flow_service import ingestion
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
from airflow_provider_payments.emulator.flow_service.ordered_outcomes import (
    CANCEL,
    FAIL_PROMOTION,
    LATE,
    STUCK,
    UNKNOWN_STATUS,
)
from airflow_provider_payments.emulator.flow_service.state import FlowService

Row = Mapping[str, Any]
Window = tuple[float, float]

# In seconds: how long a run waits, copies and promotes; it is over in under two.
WAITING = 0.2
COPYING = 0.6
PROMOTING = 0.6
# A scheduled dataflow whose runs have all failed for this long is disabled.
MAX_FAILING_SECONDS = 30 * 86400
# Runs that are due 30 days apart may end a little less than that apart.
FAILING_TOLERANCE_SECONDS = 60


def plan_first(service: FlowService, flow: Flow) -> None:
    """Plan the first run; what was planned before is void."""
    clock = service.clock
    assert flow.schedule is not None
    flow.plan += 1
    due = flow.schedule.first_due(clock.now(), at_once=clock.mode == "fast")
    clock.at(due, partial(_due, service, flow, flow.plan))


def plan_next(service: FlowService, flow: Flow) -> None:
    """Plan the next regular run after now; what was planned before is void."""
    flow.plan += 1
    _plan_after(service, flow)


def _plan_after(service: FlowService, flow: Flow) -> None:
    assert flow.schedule is not None
    due = flow.schedule.next_due(service.clock.now())
    if due is not None:
        service.clock.at(due, partial(_due, service, flow, flow.plan))


def _due(service: FlowService, flow: Flow, plan: int) -> None:
    if plan != flow.plan:
        return
    _plan_after(service, flow)
    # A moment that a disabled dataflow misses is not made up for; its rows come with the next run.
    if flow.state == ENABLED:
        _start_regular(service, flow)


def _start_regular(service: FlowService, flow: Flow) -> None:
    now, begin = service.clock.now(), flow.watermark
    if begin is None:
        assert flow.schedule is not None
        begin = 0.0 if flow.schedule.backfill else min(float(flow.schedule.start), now)
    run = _new(service, flow, (begin, now), first=flow.watermark is None)
    flow.watermark = now
    _launch(service, run, now)


def start_on_demand(service: FlowService, flow: Flow, request: Mapping[str, Any], start: float, window: Window) -> Run:
    """A run beside the schedule, whose next run still reads on from where its last one ended.

    :param request: what the client asked for, as the run shows it.
    :param start: epoch seconds; what lies in the past starts at once.
    """
    now = service.clock.now()
    run = _new(service, flow, window, first=False)
    run.request = request
    _launch(service, run, now if service.clock.mode == "fast" else max(start, now))
    return run


def start_again(service: FlowService, run: Run) -> Run:
    """Do a run's work again, now: the same window."""
    run.retry = again = _new(service, run.flow, (run.begin, run.end), first=run.first)
    again.request = run.request
    _launch(service, again, service.clock.now())
    return again


def finished_run(service: FlowService, flow: Flow, started: float, input_records: int, failed_records: int = 0) -> Run:
    """Add a run that has ended before now, as history. Its counts are given; no rows land and there is no batch.

    The dataflow's next regular run reads on from here.

    :param started: epoch seconds; call in the order of these.
    :param input_records: how many records it read.
    :param failed_records: how many of them failed; where all did, so did the run.
    """
    run = _new(service, flow, (flow.watermark or 0.0, started), first=flow.watermark is None)
    run.created = run.started = int(started * 1000)
    run.copied = run.created + int(COPYING * 1000)
    run.completed = run.updated = run.copied + int(PROMOTING * 1000) if input_records else run.copied
    run.status = ingestion.count(run, input_records, failed_records)
    flow.watermark = started
    _appear(service, run)
    return run


def _new(service: FlowService, flow: Flow, window: Window, *, first: bool) -> Run:
    now = service.clock.millis()
    return Run(
        id=new_uuid(),
        flow=flow,
        created=now,
        updated=now,
        begin=window[0],
        end=window[1],
        first=first,
    )


def _launch(service: FlowService, run: Run, due: float) -> None:
    clock = service.clock
    run.outcome = service.outcomes.take(service.sandbox.name, run.flow_id, run.flow.content.get("name"))
    if run.ordered == STUCK:
        service.outcomes.expect(run.id, run.flow_id)
    if run.outcome is not None and run.outcome.kind == LATE:
        clock.at(clock.now() + run.outcome.seconds, partial(_appear, service, run))
    else:
        _appear(service, run)
    clock.at(due + WAITING, partial(_begin, service, run))


def _appear(service: FlowService, run: Run) -> None:
    service, flow = service, run.flow
    service.runs.add(run)
    if service.flows.is_hidden(flow.id):
        service.runs.hide(run)
    if _is_newer(run, flow.last_run):
        flow.last_run = run
    _note_end(run)


def _is_newer(run: Run, last: Run | None) -> bool:
    return last is None or last.created <= run.created


def _note_end(run: Run) -> None:
    flow = run.flow
    # A late run may end before lists know it.
    if run.ended and run.number >= 0 and _is_newer(run, flow.last_ended_run):
        flow.last_ended_run = run


def _begin(service: FlowService, run: Run) -> None:
    clock = service.clock
    run.status, run.started = IN_PROGRESS, clock.millis()
    _touch(service, run)

    def go_on() -> None:
        clock.at(clock.now() + COPYING, partial(_copy, service, run))

    if run.ordered == STUCK:
        service.outcomes.hold(run.id, go_on)
    else:
        go_on()


def _copy(service: FlowService, run: Run) -> None:
    clock = service.clock
    run.copied = clock.millis()
    if run.ordered == CANCEL:
        _end(service, run, CANCELLED)
        return
    try:
        rows = ingestion.copy_rows(service, run)
    except ingestion.CopyFailed as error:
        run.copy_error = str(error)
        _end(service, run, FAILED)
        return
    run.promotes = bool(rows) or run.ordered == FAIL_PROMOTION
    if not run.promotes:
        _end(service, run, SUCCESS)
        return
    _touch(service, run)
    clock.at(clock.now() + PROMOTING, partial(_promote, service, run, rows))


def _promote(service: FlowService, run: Run, rows: Sequence[Row]) -> None:
    _end(service, run, ingestion.promote_rows(service, run, rows))


def _end(service: FlowService, run: Run, status: str) -> None:
    order = run.outcome
    run.status = order.status if order is not None and order.kind == UNKNOWN_STATUS else status
    if order is None or order.completed:
        run.completed = service.clock.millis()
    _touch(service, run)
    _note_end(run)
    _count_failure(service, run)


def _count_failure(service: FlowService, run: Run) -> None:
    """Disable a scheduled dataflow whose runs have all failed for too long. What is not a failure resets the count."""
    flow, now, flows = run.flow, service.clock.now(), service.flows
    if run.status != FAILED:
        flow.failing_since = 0
        return
    flow.failing_since = flow.failing_since or now
    scheduled = flow.schedule is not None and flow.schedule.period is not None
    # A run outlives its dataflow when that is deleted.
    stands = flow.state == ENABLED and flows.get(flow.id) is flow
    if scheduled and stands and now - flow.failing_since >= MAX_FAILING_SECONDS - FAILING_TOLERANCE_SECONDS:
        flow.state, flow.operation = DISABLED, ("disable", None)
        service.write("flows", flow)


def _touch(service: FlowService, run: Run) -> None:
    run.updated = service.clock.millis()
    run.writes += 1
