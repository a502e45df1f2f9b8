"""
Decide whether a data window still has to be read, from the windows that a dataflow's runs have read.

The data lake appends: a window that is read twice adds its rows twice. So the desired window is compared with those of
the dataflow's earlier runs; :func:`decide` is a pure function of them. No document says which window a run on demand
shows. The requested window is reliable, whether this provider has stored it or the run's ``params`` repeat it. The
window that a copy activity reports counts only as long as no run's copy activity contradicts its requested window.
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

#: Number of runs in a page, when all runs of a dataflow are listed.
RUNS_PER_PAGE = 500
#: Seconds by which clocks may differ without a warning.
CLOCK_SKEW_SECONDS = 1
#: Maximum number of runs that an error names.
MAX_RUNS_NAMED = 5


@dataclass(frozen=True)
class Reading:
    """
    A run and the data window that it reads.

    :param run: the run.
    :param requested: the window that was requested for the run, if known.
    """

    run: FlowRun
    requested: Window | None = None

    @property
    def copied(self) -> Window | None:
        """The window that the run's copy activity reports."""
        return Window.copied(self.run)

    @property
    def is_contradictory(self) -> bool:
        """Whether the run's copy activity reports another window than the requested one."""
        return self.requested is not None and self.copied is not None and not self.copied.is_like(self.requested)

    @property
    def may_hold_rows(self) -> bool:
        """
        Whether the run has ingested rows, or may have.

        Only a run that failed with a known raw status, or that reports no records at all, has ingested none.
        """
        run = self.run
        failed = run.status is Status.FAILED and run.has_known_status
        is_empty = run.input_records == 0 and run.output_records == 0 and not run.failed_records
        return run.is_active or not (failed or is_empty)

    def __str__(self) -> str:
        window = self.requested or self.copied or "a window that it does not show yet"
        return f"flow run {self.run.id} ({self.run.status}) reads {window}"


@dataclass(frozen=True)
class Coverage:
    """
    A dataflow's runs, as far as they matter to a task that is to read a data window.

    :param runs: the runs.
    :param run: the run that reads the window already, so that no other is needed.
    :param contradictory: a run that shows another window than the requested one, so windows that runs show are not
        reliable.
    """

    runs: Sequence[FlowRun]
    run: FlowRun | None = None
    contradictory: Reading | None = None


@dataclass(frozen=True)
class Start:
    """The decision to start a run: no run is known to hold rows of the window."""


@dataclass(frozen=True)
class Reuse:
    """The decision to use a run that reads the window; if the run is active, the task waits for it."""

    run: FlowRun


@dataclass(frozen=True)
class Refuse:
    """The decision to start no run, because these runs read a part of the window, or more than the window."""

    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Unclear:
    """The decision to start no run yet: this active run does not show yet whether it reads the window."""

    reading: Reading


Decision = Start | Reuse | Refuse | Unclear


def decide(desired: Window, readings: Sequence[Reading], accepts: Callable[[FlowRun], bool]) -> Decision:
    """
    Decide whether a run over a window is started.

    :param readings: all runs of the dataflow.
    :param accepts: returns whether the task accepts an ended run. An unaccepted run covers the window all the same,
        because its rows are in the dataset.
    """
    trusts_copying = not any(reading.is_contradictory for reading in readings)
    same, others, unknown = list[FlowRun](), list[Reading](), list[Reading]()
    for reading in readings:
        window = reading.requested or (reading.copied if trusts_copying else None)
        if not reading.may_hold_rows:
            continue
        if window is None:
            unknown.append(reading)
        elif window.is_like(desired):
            same.append(reading.run)
        elif window.overlaps(desired):
            others.append(reading)
    if same:
        return Reuse(max(same, key=lambda run: (_preference(run, accepts), run.created_at)))
    if others:
        return Refuse(tuple(others))
    active = [reading for reading in unknown if reading.run.is_active]
    return Unclear(active[0]) if active and trusts_copying else Start()


def _preference(run: FlowRun, accepts: Callable[[FlowRun], bool]) -> int:
    if run.is_active:
        return 1
    return 2 if accepts(run) else 0


class CoveredError(PlatformError):
    """
    Runs of the dataflow have read a part of the window, or more than the window; no run was requested.

    :param desired: the window of the task.
    :param readings: the runs that overlap it.
    """

    def __init__(self, desired: Window, readings: Sequence[Reading]) -> None:
        self.run_ids = [reading.run.id for reading in readings]
        named = "; ".join(map(str, readings[:MAX_RUNS_NAMED]))
        more = f"; and {len(readings) - MAX_RUNS_NAMED} more" if len(readings) > MAX_RUNS_NAMED else ""
        super().__init__(
            f"{desired} overlaps the data windows of earlier runs: {named}{more}. Choose a window that overlaps none, "
            "or set if_covered='again' to ingest the overlapping rows a second time"
        )


def read_runs(client: Client, flow_id: str, own: Reading | None) -> list[Reading]:
    """
    Return all runs of a dataflow, with one request for every :data:`RUNS_PER_PAGE` runs.

    :param own: a run that this task has started; it may not be listed yet.
    :raises UnreadableError: if an item that may be a run of the dataflow cannot be read.
    """
    listing = RunList(client, flow_id, page=RUNS_PER_PAGE)
    readings = [Reading(run, Window.requested(item)) for page in listing for run, item in page]
    if own is None or own.run.flow_id != flow_id:
        return readings
    listed = next((reading for reading in readings if reading.run.id == own.run.id), own)
    others = [reading for reading in readings if reading is not listed]
    return [Reading(own.run, own.requested or listed.requested), *others]


def read_coverage(
    client: Client, flow_id: str, desired: Window, accepts: Callable[[FlowRun], bool], own: Reading | None
) -> Coverage:
    """
    Read a dataflow's runs and decide whether they cover a data window.

    :param accepts: see :func:`decide`.
    :param own: see :func:`read_runs`.
    :raises CoveredError: if runs have read a part of the window.
    :raises UnsettledError: if an active run may be reading the window and does not show it yet.
    :raises UnreadableError: if an item that may be a run of the dataflow cannot be read.
    """
    readings = patiently(client, lambda: read_runs(client, flow_id, own))
    decision = decide(desired, readings, accepts)
    _log(desired, decision)
    if isinstance(decision, Refuse):
        raise CoveredError(desired, decision.readings)
    if isinstance(decision, Unclear):
        raise UnsettledError(f"{decision.reading}, which may overlap {desired}. The next attempt checks again")
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
    consequence = "waiting for it" if run.is_active else "no run is requested"
    log.info("Flow run %s reads %s already; %s (if_covered is 'reuse')", run.id, desired, consequence)
    if run.created_at < desired.end - CLOCK_SKEW_SECONDS:
        text = "Flow run %s was created at %s, before its data window ended: rows that were added later are missing"
        log.warning(text, run.id, iso(run.created_at))
