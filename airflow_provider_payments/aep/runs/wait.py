"""A wait for a flow run: which run it selects, and what polls have found so far."""

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

#: Maximum number of ids in one URL; each adds 37 characters, or 39 if its comma is escaped.
IDS_PER_REQUEST = 100


@dataclass(eq=False)
class Wait:
    """
    One wait for a flow run, and what polls have found so far.

    :param selection: which run to wait for.
    :param created_since: epoch seconds; a run that was created earlier does not match. Defaults to ``None``: a day
        before ``selection.since``, because a run may be queued that long.
    :param known_run_id: id of the matching run, if an earlier poll found one.
    :param quiet_since: the platform's time, in epoch seconds, up to which polls have shown that no matching run began;
        ``None`` before the first poll.
    :param fail_if_disabled: whether a disabled dataflow without a matching run is an error.
    :param by_own_clock: whether ``selection.since`` is a time of this machine's clock instead of the platform's.
    """

    selection: RunSelection
    created_since: float | None = None
    known_run_id: str | None = None
    quiet_since: float | None = None
    fail_if_disabled: bool = True
    by_own_clock: bool = False
    #: The matching run, as the last successful poll read it.
    run: FlowRun | None = field(default=None, init=False)
    #: The error of the last poll; ``None`` if the poll succeeded.
    error: PlatformError | None = field(default=None, init=False)
    #: Whether an active run is queued that may yet begin late enough to match.
    is_queued: bool = field(default=False, init=False)
    #: When the known run was first not found by its id, in seconds of the monotonic clock.
    missing_since: float | None = field(default=None, init=False)
    #: Failed polls in a row.
    failures: int = field(default=0, init=False)
    #: Maximum number of waits in a request that includes this wait; smaller after a failed request.
    group_size: int = field(default=IDS_PER_REQUEST, init=False)

    def __post_init__(self) -> None:
        #: Like ``created_since``, but advanced by each poll that listed all runs.
        self.cursor = self.selection.created_since if self.created_since is None else self.created_since

    @property
    def flow_id(self) -> str:
        """The dataflow's id; empty if the selection names only a run."""
        return self.selection.flow_id or ""

    @property
    def run_id(self) -> str | None:
        """The id of the matching run, if known; with ``pick="latest"``, of the latest matching run so far."""
        return self.selection.run_id or self.known_run_id

    @property
    def may_match_unknown_run(self) -> bool:
        """Whether a run that is not known yet may match."""
        return not self.selection.run_id and (self.selection.pick == "latest" or not self.known_run_id)

    def convert_to_platform_time(self, clock: PlatformClock) -> None:
        """
        Convert ``selection.since`` to the platform's time once; a difference of up to two ticks is ignored.

        :param clock: the platform's clock, which must have read an answer already.
        """
        ahead = clock.ahead()
        if self.by_own_clock and abs(ahead) > 2 * TICK_SECONDS:
            self.selection = replace(self.selection, since=self.selection.since + ahead)
        self.by_own_clock = False

    def select(self, runs: Iterable[FlowRun], listed_at: float) -> None:
        """
        Select the matching run among all runs of the dataflow that were created since the cursor.

        :param runs: the runs; they are read one by one, because there may be many.
        :param listed_at: when they were listed, in epoch seconds of the platform.
        """
        chosen, newest, oldest_pending = None, 0.0, math.inf
        for run in runs:
            chosen = self.selection.select([run] if chosen is None else [chosen, run]) or chosen
            newest = max(newest, run.created_at)
            # A run that began too early never matches; a run that has not begun yet may still match.
            if run.is_active and not self.selection.is_too_early(run):
                oldest_pending = min(oldest_pending, run.created_at)
        if chosen:
            self.run, self.known_run_id = chosen, chosen.id
        else:
            self.quiet_since = listed_at
        self.is_queued = oldest_pending < math.inf
        self.cursor = max(self.cursor, min(newest, oldest_pending, listed_at) - LIST_MARGIN_SECONDS)

    def trigger_arguments(self) -> Json:
        """Return the arguments, as plain JSON, with which a ``FlowRunTrigger`` continues this wait."""
        return {
            "selection": asdict(self.selection),
            "created_since": self.cursor,
            "known_run_id": self.known_run_id,
            "quiet_since": self.quiet_since,
            "fail_if_disabled": self.fail_if_disabled,
            "by_own_clock": self.by_own_clock,
        }
