"""A wait for a flow run: which one is meant, and what is known of it so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from airflow_provider_payments.aep.errors import PlatformError
from airflow_provider_payments.aep.flow_runs import FlowRun, RunSelection, State

#: Seconds by which lists may lag and clocks differ.
MARGIN = 300.0
#: After so many empty answers it is worth asking whether the dataflow is there.
PROOF_EVERY = 5


@dataclass(eq=False)
class Wait:
    """
    One wait for a flow run, and what is known of it.

    :param selection: which run is meant.
    :param created_since: epoch seconds; runs that were made earlier cannot be it. By default a day before it may
        begin, for a run may stand in the queue so long.
    :param run: as it was seen last.
    :param error: how the last look ended, where it brought nothing.
    """

    selection: RunSelection
    created_since: float
    run: FlowRun | None = None
    error: PlatformError | None = None
    #: As ``created_since``, but it moves on with each look that saw all there is.
    cursor: float = field(init=False)
    _empty: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.cursor = self.created_since

    @property
    def flow_id(self) -> str:
        """The dataflow, empty where only the run is named."""
        return self.selection.flow_id or ""

    @property
    def run_id(self) -> str | None:
        """The run's id, once it is clear which one it is."""
        if self.selection.run_id or self.selection.pick == "latest":
            return self.selection.run_id
        return self.run.id if self.run else None

    def wants_proof(self) -> bool:
        """Count an empty list; whether it is time to ask if the dataflow is there at all."""
        self._empty += 1
        return self._empty % PROOF_EVERY == 0

    def take(self, runs: Sequence[FlowRun], at: float) -> None:
        """
        Choose among the dataflow's runs that were made since the cursor.

        :param at: when they were asked for, in epoch seconds of the service.
        """
        known = self.run_id
        if known:
            self.run = next((run for run in runs if run.id == known), self.run)
            return
        self.run = self.selection.choose(runs) or self.run
        # One that has begun too early stays so; one that is still to begin may yet be the one.
        unsettled = [r.created_at for r in runs if r.state is State.ACTIVE and not self.selection.is_too_early(r)]
        self.cursor = max(self.cursor, min([at - MARGIN, *unsettled]))
