"""What a task that starts a flow run keeps from one try to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.versions import keep_at_least, task_store

if TYPE_CHECKING:
    from datetime import datetime

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

    :param found: whether it was found in lists, because the answer to its request was lost.
    :param reused: whether it existed before this task requested one.
    :param run: its current state, if it has been read.
    """

    run_id: str
    found: bool = False
    reused: bool = False
    run: FlowRun | None = None


class TaskRunState:
    """
    What the earlier tries of a task have kept.

    From Airflow 3.3 on they keep it in the task's store. Before, nothing outlives a try, and a run can only be found
    among those created since the DAG run began. The same holds if the store is empty although there was an earlier
    try: Airflow may discard it when the task is cleared, and so may people and retention.

    :param context: the task's context.
    :param retries: the task's number of retries.
    :param window: the data window of the run, if it is known.
    :param seconds: minimum seconds for which the store keeps it.
    """

    def __init__(self, context: Context, retries: int, window: Window | None, seconds: float) -> None:
        task: Any = context.get("ti")
        self._store = task_store(context)
        #: Airflow raises it when the task is cleared, and only then: it distinguishes a retry from a cleared task.
        self._generation = getattr(task, "max_tries", None)
        self._try = int(getattr(task, "try_number", 1) or 1)
        self._retries, self._requested, self._seconds = retries, window, seconds
        self._since: datetime | None = getattr(context.get("dag_run"), "start_date", None)
        self._kept: dict[str, Any] = (self._store.get(STORE_KEY) if self._store is not None else None) or {}
        #: Whether an earlier try may have started a run of which nothing was kept.
        self._is_blind = not self._kept and (self._try > 1 or (self._generation or 0) > retries)
        if not self._kept and not self._is_blind:
            self.keep()  # so that a later try can tell an empty store from a discarded one

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
        """The window that the run was started for, if that was kept."""
        from airflow_provider_payments.aep.runs.data_window import Window

        kept = self._kept.get("window")
        return Window(*kept) if kept else None

    def own(self, run: FlowRun) -> Reading:
        """Return that run as the service shows it now, with the window that it was started for."""
        from airflow_provider_payments.aep.runs.coverage import Reading
        from airflow_provider_payments.aep.runs.data_window import Window

        shown = Window.of(run)
        # A run that was found in lists may have shown its window only later, and may be another task's.
        is_other = self.started.found and shown and self.window and not shown.is_like(self.window)
        return Reading(run, shown if is_other else self.window)

    @property
    def baseline(self) -> RunBaseline | None:
        """The runs that existed before an earlier try may have started one."""
        from airflow_provider_payments.aep.runs.on_demand import RunBaseline

        if self._is_blind and self._since is not None:
            # A cleared DAG run begins anew, possibly after the run was started.
            return RunBaseline(self._since.timestamp(), by_own_clock=True, allow_older=True)
        return RunBaseline.from_json(self._kept["baseline"]) if "baseline" in self._kept else None

    @property
    def was_cleared(self) -> bool:
        """Whether the task was cleared since it had its run; a run whose answer may be lost is searched first."""
        if self._is_blind:
            return self._generation is not None and 1 < self._try == self._generation - self._retries + 1
        return self.run_id is not None and self._kept["generation"] != self._generation

    def keep(self, **values: Any) -> None:
        """Keep the baseline, or the run's id, for a later try."""
        if self._store is not None:
            window = [self._requested.start, self._requested.end] if self._requested else None
            kept = {"generation": self._generation, "window": window, **values}
            keep_at_least(self._store, STORE_KEY, kept, self._seconds)

    def keep_run(self, started: Started) -> Started:
        """Keep a run's id, and return the run."""
        self.keep(run_id=started.run_id, found=started.found, reused=started.reused)
        return started
