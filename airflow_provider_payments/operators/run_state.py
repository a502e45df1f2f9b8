"""The state that a task which starts a flow run keeps from one try to the next."""

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
    A flow run that became a task's run.

    :param run_id: id of the run.
    :param found: whether the run was found in lists, because the answer to its request was lost.
    :param reused: whether the run existed before this task requested one.
    :param run: the run as it was last read; ``None`` if it has not been read.
    """

    run_id: str
    found: bool = False
    reused: bool = False
    run: FlowRun | None = None


class TaskRunState:
    """
    The state that earlier tries of a task have kept, and that this try keeps for later ones.

    From Airflow 3.3 on the state is in the task's store. In earlier versions no state outlives a try, and a run can be
    found only among those created since the DAG run began. The same holds if the store is empty although there was an
    earlier try: the state may be discarded when the task is cleared, by a user, or after the retention period.

    :param context: the task's context.
    :param retries: the task's number of retries.
    :param window: the data window of the run, if known.
    :param seconds: minimum seconds for which the store keeps the state.
    """

    def __init__(self, context: Context, retries: int, window: Window | None, seconds: float) -> None:
        task: Any = context.get("ti")
        self._store = task_store(context)
        #: Airflow raises `max_tries` only when the task is cleared, which distinguishes a cleared task from a retry.
        self._generation = getattr(task, "max_tries", None)
        self._try = int(getattr(task, "try_number", 1) or 1)
        self._retries, self._requested, self._seconds = retries, window, seconds
        self._since: datetime | None = getattr(context.get("dag_run"), "start_date", None)
        self._kept: dict[str, Any] = (self._store.get(STORE_KEY) if self._store is not None else None) or {}
        #: Whether an earlier try may have started a run of which no state was kept.
        self._is_blind = not self._kept and (self._try > 1 or (self._generation or 0) > retries)
        if not self._kept and not self._is_blind:
            self.keep()  # so that a later try can distinguish a first try from a discarded store

    @property
    def run_id(self) -> str | None:
        """Id of the run that an earlier try has started, ``None`` if unknown."""
        return self._kept.get("run_id")

    @property
    def started(self) -> Started:
        """The run that an earlier try has started, as it was kept."""
        return Started(str(self.run_id), bool(self._kept.get("found")), bool(self._kept.get("reused")))

    @property
    def window(self) -> Window | None:
        """The data window for which the run was started, ``None`` if it was not kept."""
        from airflow_provider_payments.aep.runs.data_window import Window

        kept = self._kept.get("window")
        return Window(*kept) if kept else None

    def reading_of(self, run: FlowRun) -> Reading:
        """
        Return the run that an earlier try has started, with the data window for which it was started.

        :param run: the run as it was just read.
        """
        from airflow_provider_payments.aep.runs.coverage import Reading
        from airflow_provider_payments.aep.runs.data_window import Window

        reported = Window.of(run)
        # A run that was found in lists may have reported its window only later; then it may be another task's run.
        is_other = self.started.found and reported and self.window and not reported.is_like(self.window)
        return Reading(run, reported if is_other else self.window)

    @property
    def baseline(self) -> RunBaseline | None:
        """The runs that existed before an earlier try may have started one."""
        from airflow_provider_payments.aep.runs.on_demand import RunBaseline

        if self._is_blind and self._since is not None:
            # Clearing resets the start date of the DAG run, so the flow run may be older than that.
            return RunBaseline(self._since.timestamp(), by_own_clock=True, allow_older=True)
        return RunBaseline.from_json(self._kept["baseline"]) if "baseline" in self._kept else None

    @property
    def was_cleared(self) -> bool:
        """
        Whether the task was cleared after an earlier try started its run.

        If no state was kept, this is true only for the first try after clearing: a later try may be a retry whose run
        must be searched for first.
        """
        if self._is_blind:
            return self._generation is not None and 1 < self._try == self._generation - self._retries + 1
        return self.run_id is not None and self._kept["generation"] != self._generation

    def keep(self, **values: Any) -> None:
        """Keep values, such as the baseline or the run's id, for later tries; earlier values are replaced."""
        if self._store is not None:
            window = [self._requested.start, self._requested.end] if self._requested else None
            kept = {"generation": self._generation, "window": window, **values}
            keep_at_least(self._store, STORE_KEY, kept, self._seconds)

    def keep_run(self, started: Started) -> Started:
        """Keep a run for later tries, and return it."""
        self.keep(run_id=started.run_id, found=started.found, reused=started.reused)
        return started
