"""A wait for a flow run: which one is meant, and what is known of it so far."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.http.retries import TICK_SECONDS
from airflow_provider_payments.aep.runs.flow_run import LIST_MARGIN_SECONDS, FlowRun, RunSelection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_payments.aep.errors import PlatformError
    from airflow_provider_payments.aep.http.clock import PlatformClock
    from airflow_provider_payments.aep.services import Json

#: Ids in one URL; each takes 37 characters, or 39 where the comma is escaped.
IDS_PER_REQUEST = 100


@dataclass(eq=False)
class Wait:
    """
    One wait for a flow run, and what is known of it.

    :param selection: which run is meant.
    :param created_since: epoch seconds; runs that were made earlier cannot be it. By default a day before it may
        begin, for a run may be queued so long.
    :param known_run_id: the run that is meant, as an earlier poll found it.
    :param quiet_since: the platform's time, in epoch seconds, up to which a poll has shown that no run began that may
        be meant; ``None`` before the first.
    :param fail_if_disabled: whether a disabled dataflow without such a run is an error.
    :param by_own_clock: whether ``selection.since`` is this machine's time, and not the platform's.
    """

    selection: RunSelection
    created_since: float | None = None
    known_run_id: str | None = None
    quiet_since: float | None = None
    fail_if_disabled: bool = True
    by_own_clock: bool = False
    #: The run as it was seen last.
    run: FlowRun | None = field(default=None, init=False)
    #: How the last poll failed; ``None`` where it did not.
    error: PlatformError | None = field(default=None, init=False)
    #: Whether a run is in the queue that may yet begin late enough to be meant.
    is_queued: bool = field(default=False, init=False)
    #: When its known run was first not found by its id, by the clock's ``monotonic``.
    missing_since: float | None = field(default=None, init=False)
    #: Failed polls in a row.
    failures: int = field(default=0, init=False)
    #: Waits that may be asked about in one question: fewer after a question that was not answered.
    group_size: int = field(default=IDS_PER_REQUEST, init=False)

    def __post_init__(self) -> None:
        #: As ``created_since``, but it moves on with each poll that listed all runs.
        self.cursor = self.selection.created_since if self.created_since is None else self.created_since

    @property
    def flow_id(self) -> str:
        """The dataflow, empty where only the run is named."""
        return self.selection.flow_id or ""

    @property
    def run_id(self) -> str | None:
        """The run's id, once it is clear which one it is; where the latest is meant, the latest so far."""
        return self.selection.run_id or self.known_run_id

    @property
    def may_be_another(self) -> bool:
        """Whether a run that is not known yet may be the one."""
        return not self.selection.run_id and (self.selection.pick == "latest" or not self.known_run_id)

    def by_platform(self, clock: PlatformClock) -> None:
        """Bring ``selection.since`` to the platform's clock, which has answered by now; a tick is no difference."""
        ahead = clock.ahead()
        if self.by_own_clock and abs(ahead) > 2 * TICK_SECONDS:
            self.selection = replace(self.selection, since=self.selection.since + ahead)
        self.by_own_clock = False

    def take(self, runs: Iterable[FlowRun], at: float) -> None:
        """
        Choose among all runs of the dataflow made since the cursor, one after the other: they may be many.

        :param at: when they were listed, in epoch seconds of the platform.
        """
        chosen, newest, oldest_open = None, 0.0, math.inf
        for run in runs:
            chosen = self.selection.choose([run] if chosen is None else [chosen, run]) or chosen
            newest = max(newest, run.created_at)
            # A run that began too early stays so; one that is still to begin may yet be the one.
            if run.is_active and not self.selection.is_too_early(run):
                oldest_open = min(oldest_open, run.created_at)
        if chosen:
            self.run, self.known_run_id = chosen, chosen.id
        else:
            self.quiet_since = at
        self.is_queued = oldest_open < math.inf
        self.cursor = max(self.cursor, min(newest, oldest_open, at) - LIST_MARGIN_SECONDS)

    def handover(self) -> Json:
        """Return what a trigger needs to go on, as plain JSON: its arguments of the same names."""
        return {
            "selection": asdict(self.selection),
            "created_since": self.cursor,
            "known_run_id": self.known_run_id,
            "quiet_since": self.quiet_since,
            "fail_if_disabled": self.fail_if_disabled,
            "by_own_clock": self.by_own_clock,
        }
