"""What a task that starts a flow run keeps from one try to the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.versions import keep_at_least, task_store

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.runs.coverage import Reading
    from airflow_provider_payments.aep.runs.data_window import Window
    from airflow_provider_payments.aep.runs.flow_run import FlowRun
    from airflow_provider_payments.aep.runs.on_demand import RunBaseline

STORE_KEY = "payments_flow_run"


@dataclass(frozen=True)
class Started:
    """
    A flow run that exists.

    :param found: whether it was found in lists because no answer named it.
    :param reused: whether it was there before this task asked for one.
    :param run: its current state, where the service has been asked.
    """

    run_id: str
    found: bool = False
    reused: bool = False
    run: FlowRun | None = None


class TaskRunState:
    """
    What the earlier tries of a task have kept.

    From Airflow 3.3 on they keep it in the task's store. Before, nothing outlives a try, and a run can only be found
    among those created since the DAG run began. The same holds where the store is empty although there was an earlier
    try: Airflow may discard it when somebody clears the task, and so may people and retention.

    :param retries: of the task.
    :param window: the data window of the run, where it is known.
    :param seconds: minimum time for which it is kept.
    """

    def __init__(self, context: Context, retries: int, window: Window | None, seconds: float) -> None:
        task: Any = context.get("ti")
        self._store = task_store(context)
        #: Airflow raises it when somebody clears the task, and only then: it distinguishes a retry from a cleared task.
        self._generation = getattr(task, "max_tries", None)
        self._try = int(getattr(task, "try_number", 1) or 1)
        self._retries, self._wanted, self._seconds = retries, window, seconds
        self._since: datetime | None = getattr(context.get("dag_run"), "start_date", None)
        self._kept: dict[str, Any] = (self._store.get(STORE_KEY) if self._store is not None else None) or {}
        #: Whether an earlier try may have started a run of which nothing was kept.
        self._is_blind = not self._kept and (self._try > 1 or (self._generation or 0) > retries)
        if not self._kept and not self._is_blind:
            self.keep()  # a later try then knows that the store was not discarded

    @property
    def run_id(self) -> str | None:
        """The run that an earlier try has started."""
        return self._kept.get("run_id")

    @property
    def started(self) -> Started:
        """That run, and how it came to be the task's."""
        return Started(str(self.run_id), bool(self._kept.get("found")), bool(self._kept.get("reused")))

    @property
    def window(self) -> Window | None:
        """The window that run was started for, where that was kept."""
        from airflow_provider_payments.aep.runs.data_window import Window

        kept = self._kept.get("window")
        return Window(*kept) if kept else None

    def own(self, run: FlowRun) -> Reading:
        """Return that run as the service shows it now, with the window it was started for."""
        from airflow_provider_payments.aep.runs.coverage import Reading
        from airflow_provider_payments.aep.runs.data_window import Window

        shown = Window.of(run)
        # A run that was found in lists may not have shown its window by then, and may be another task's.
        is_other = self.started.found and shown and self.window and not shown.is_like(self.window)
        return Reading(run, shown if is_other else self.window)

    @property
    def notes(self) -> RunBaseline | None:
        """What an earlier try noted before it may have started a run."""
        from airflow_provider_payments.aep.runs.on_demand import RunBaseline

        if self._is_blind and self._since is not None:
            # A cleared DAG run begins anew, maybe after the run in question.
            return RunBaseline(self._since.timestamp(), by_own_clock=True, allow_older=True)
        return RunBaseline.from_json(self._kept["notes"]) if "notes" in self._kept else None

    @property
    def was_cleared(self) -> bool:
        """Whether somebody has cleared the task since it had its run; a run that may be lost is looked for first."""
        if self._is_blind:
            return self._generation is not None and 1 < self._try == self._generation - self._retries + 1
        return self.run_id is not None and self._kept["generation"] != self._generation

    def keep(self, **what: Any) -> None:
        """Keep the notes, or the run's id, for a later try."""
        if self._store is not None:
            window = [self._wanted.start, self._wanted.end] if self._wanted else None
            keep_at_least(
                self._store, STORE_KEY, {"generation": self._generation, "window": window, **what}, self._seconds
            )

    def keep_run(self, started: Started) -> Started:
        """Keep a run's id, and return the run."""
        self.keep(run_id=started.run_id, found=started.found, reused=started.reused)
        return started
