"""When a dataflow runs: its moments on the clock's agenda, and the stages of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from airflow_provider_payments.emulator.flow_service import movement
from airflow_provider_payments.emulator.flow_service.flow_runs import FAILED, IN_PROGRESS, Run
from airflow_provider_payments.emulator.flow_service.state import Flow
from airflow_provider_payments.emulator.identifiers import new_etag, new_uuid
from airflow_provider_payments.emulator.world import Sandbox

# From the moment a run is due, in seconds: it waits, copies, promotes, and is over in under two.
COPY_AFTER = 0.2
PROMOTE_AFTER = 0.8
END_AFTER = 1.4


def plan_first(sandbox: Sandbox, flow: Flow) -> None:
    """Plan the first run; what was planned before is void."""
    clock = sandbox.clock
    assert flow.schedule is not None
    flow.plan += 1
    due = flow.schedule.first_due(clock.now(), at_once=clock.mode == "fast")
    clock.at(due, partial(_due, sandbox, flow, flow.plan))


def plan_next(sandbox: Sandbox, flow: Flow) -> None:
    """Plan the next regular run after now; what was planned before is void."""
    flow.plan += 1
    _plan_after(sandbox, flow)


def _plan_after(sandbox: Sandbox, flow: Flow) -> None:
    assert flow.schedule is not None
    due = flow.schedule.next_due(sandbox.clock.now())
    if due is not None:
        sandbox.clock.at(due, partial(_due, sandbox, flow, flow.plan))


def _due(sandbox: Sandbox, flow: Flow, plan: int) -> None:
    if plan != flow.plan:
        return
    _plan_after(sandbox, flow)
    if flow.state == "enabled":
        start_run(sandbox, flow)


def start_run(sandbox: Sandbox, flow: Flow) -> Run:
    """Begin a run now; the clock takes it through its stages."""
    clock, runs, schedule = sandbox.clock, sandbox.flow_service.runs, flow.schedule
    assert schedule is not None
    now = clock.now()
    begin = flow.watermark
    if begin is None:
        begin = 0.0 if schedule.backfill else min(float(schedule.start), now)
    run = Run(
        id=new_uuid(),
        number=runs.next_number,
        flow_id=flow.id,
        flow_spec_id=str(flow.content["flowSpec"]["id"]),
        source_id=flow.source_id,
        target_id=flow.target_id,
        created=clock.millis(),
        updated=clock.millis(),
        etag=new_etag(now),
        window=(begin, now),
        first=flow.watermark is None,
    )
    flow.watermark = now
    flow.last_run = run
    runs.add(run)
    clock.at(now + COPY_AFTER, partial(_copy, sandbox, flow, run))
    return run


def _copy(sandbox: Sandbox, flow: Flow, run: Run) -> None:
    run.status = IN_PROGRESS
    run.started = sandbox.clock.millis()
    _touch(sandbox, run)
    sandbox.clock.at(run.window[1] + PROMOTE_AFTER, partial(_promote, sandbox, flow, run))


def _promote(sandbox: Sandbox, flow: Flow, run: Run) -> None:
    run.copied = sandbox.clock.millis()
    try:
        rows = movement.copy_rows(sandbox, flow, run)
    except movement.CopyFailed as error:
        run.status = FAILED
        run.completed = run.copied
        run.copy_error = str(error)
    else:
        sandbox.clock.at(run.window[1] + END_AFTER, partial(_end, sandbox, flow, run, rows))
    _touch(sandbox, run)


def _end(sandbox: Sandbox, flow: Flow, run: Run, rows: Sequence[Mapping[str, Any]]) -> None:
    run.completed = sandbox.clock.millis()
    movement.promote_rows(sandbox, flow, run, rows)
    _touch(sandbox, run)


def _touch(sandbox: Sandbox, run: Run) -> None:
    run.updated = sandbox.clock.millis()
    run.etag = new_etag(sandbox.clock.now())
