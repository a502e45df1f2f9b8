"""
Which data windows a dataflow's runs have covered, and what that means to a task that wants one.

The data lake appends: a window that is read twice adds its rows twice. So a run is held against those that have been:
:func:`decide` is a pure function of what they show. Nobody publishes what a run on demand shows of its window. What was
asked for is right, as this provider has kept it or the run's ``params`` repeat it; what the copying shows counts only
as long as it contradicts that nowhere.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api.patience import patiently
from airflow_provider_payments.aep.errors import PlatformError, UnsettledError
from airflow_provider_payments.aep.readers import iso
from airflow_provider_payments.aep.runs.data_window import Window
from airflow_provider_payments.aep.runs.flow_run import FlowRun, RunList, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_payments.aep.api.client import Client

log = logging.getLogger(__name__)

#: Runs to ask for at once, where all of a dataflow count.
RUNS_PER_PAGE = 500
#: Seconds by which clocks may differ without a warning.
CLOCK_SKEW_SECONDS = 1
#: In an error.
MAX_RUNS_NAMED = 5


@dataclass(frozen=True)
class Reading:
    """
    A run, and the data window that it reads.

    :param run: the run.
    :param asked: what it was asked to read, where that is known.
    """

    run: FlowRun
    asked: Window | None = None

    @property
    def copied(self) -> Window | None:
        """What its copying shows."""
        return Window.copied(self.run)

    @property
    def is_contradictory(self) -> bool:
        """Whether its copying shows another window than it was asked to read."""
        return self.asked is not None and self.copied is not None and not self.copied.is_like(self.asked)

    @property
    def may_hold_rows(self) -> bool:
        """
        Whether it has brought rows, or may have: it has not failed, and is not known to have moved none.

        One that ended with an unknown status may have.
        """
        run = self.run
        failed = run.status is Status.FAILED and run.known
        moved_none = run.input_records == 0 and run.output_records == 0 and not run.failed_records
        return run.is_active or not (failed or moved_none)

    def __str__(self) -> str:
        window = self.asked or self.copied
        return f"flow run {self.run.id}, {self.run.status}, reads {window or 'what it does not show yet'}"


@dataclass(frozen=True)
class Coverage:
    """
    What a dataflow's runs mean to a task that wants a window.

    :param runs: all of them.
    :param run: the one that makes another needless.
    :param contradictory: one that shows another window than it was asked to read: what runs show cannot be relied on.
    """

    runs: Sequence[FlowRun]
    run: FlowRun | None = None
    contradictory: Reading | None = None


@dataclass(frozen=True)
class Bring:
    """No run has read the window or a part of it."""


@dataclass(frozen=True)
class Reuse:
    """This run reads the window; one that is active is waited for."""

    run: FlowRun


@dataclass(frozen=True)
class Refuse:
    """These runs read a part of the window, or more than it."""

    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Unclear:
    """This run is active, and does not show yet whether it reads the window."""

    reading: Reading


Decision = Bring | Reuse | Refuse | Unclear


def decide(desired: Window, readings: Sequence[Reading], accepts: Callable[[FlowRun], bool]) -> Decision:
    """
    Decide whether a window is asked for.

    :param readings: all runs of the dataflow.
    :param accepts: whether the task takes an ended run as good enough. One that it does not take covers the window all
        the same: its rows are in.
    """
    trusts_copying = not any(reading.is_contradictory for reading in readings)
    same, others, unknown = list[FlowRun](), list[Reading](), list[Reading]()
    for reading in readings:
        window = reading.asked or (reading.copied if trusts_copying else None)
        if not reading.may_hold_rows:
            continue
        if window is None:
            unknown.append(reading)
        elif window.is_like(desired):
            same.append(reading.run)
        elif window.overlaps(desired):
            others.append(reading)
    if same:
        return Reuse(max(same, key=lambda run: (_merit(run, accepts), run.created_at)))
    if others:
        return Refuse(tuple(others))
    active = [reading for reading in unknown if reading.run.is_active]
    return Unclear(active[0]) if active and trusts_copying else Bring()


def _merit(run: FlowRun, accepts: Callable[[FlowRun], bool]) -> int:
    if run.is_active:
        return 1
    return 2 if accepts(run) else 0


class CoveredError(PlatformError):
    """
    Runs of the dataflow have read a part of the window, or more than it; nothing was asked for.

    :param run_ids: those runs.
    """

    def __init__(self, desired: Window, readings: Sequence[Reading]) -> None:
        self.run_ids = [reading.run.id for reading in readings]
        named = "; ".join(map(str, readings[:MAX_RUNS_NAMED]))
        more = f"; and {len(readings) - MAX_RUNS_NAMED} more" if len(readings) > MAX_RUNS_NAMED else ""
        super().__init__(
            f"{desired} overlaps what runs of the dataflow read: {named}{more}. Ask for a window that they leave out; "
            "if_covered='again' brings rows that are there once more"
        )


def read_runs(client: Client, flow_id: str, own: Reading | None) -> list[Reading]:
    """
    Return all runs of a dataflow: one request for every :data:`RUNS_PER_PAGE` of them.

    :param own: a run that this task has started; it need not show in the list.
    :raises UnreadableError: if a run may be there that cannot be read.
    """
    readings = [
        Reading(run, Window.asked(item)) for page in RunList(client, flow_id, page=RUNS_PER_PAGE) for run, item in page
    ]
    if own is None or own.run.flow_id != flow_id:
        return readings
    listed = next((reading for reading in readings if reading.run.id == own.run.id), own)
    return [Reading(own.run, own.asked or listed.asked), *(reading for reading in readings if reading is not listed)]


def read_coverage(
    client: Client, flow_id: str, desired: Window, accepts: Callable[[FlowRun], bool], own: Reading | None
) -> Coverage:
    """
    Return what a dataflow's runs have covered of a data window.

    :param accepts: as :func:`decide` has it.
    :param own: as :func:`read_runs` has it.
    :raises CoveredError: if runs have read a part of the window.
    :raises UnsettledError: if one may be reading it, which will show later.
    :raises UnreadableError: if a run may be there that cannot be read.
    """
    readings = patiently(client, lambda: read_runs(client, flow_id, own))
    decision = decide(desired, readings, accepts)
    _log(desired, decision)
    if isinstance(decision, Refuse):
        raise CoveredError(desired, decision.readings)
    if isinstance(decision, Unclear):
        raise UnsettledError(f"{decision.reading}; that may be rows of {desired}. The next attempt looks again")
    return Coverage(
        [reading.run for reading in readings],
        decision.run if isinstance(decision, Reuse) else None,
        next((reading for reading in readings if reading.is_contradictory), None),
    )


def _log(desired: Window, decision: Decision) -> None:
    """Log why a run is reused."""
    if not isinstance(decision, Reuse):
        return
    run = decision.run
    doing = "waiting for it" if run.is_active else "nothing is asked for"
    log.info("Flow run %s reads %s already; %s (if_covered is 'reuse')", run.id, desired, doing)
    if run.created_at < desired.end - CLOCK_SKEW_SECONDS:
        text = "Flow run %s was made at %s, before the window was over: rows that came later are not in it"
        log.warning(text, run.id, iso(run.created_at))
