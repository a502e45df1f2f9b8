"""What the tries of a task that starts a flow run leave to each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.versions import task_store

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.flow_runs import FlowRun
    from airflow_provider_payments.aep.on_demand import Notes

STORE_KEY = "payments_flow_run"


@dataclass(frozen=True)
class Started:
    """
    A run that is there.

    :param found: whether it was looked for because no answer named it.
    :param run: as it stands, where the service has been asked.
    """

    run_id: str
    found: bool = False
    run: FlowRun | None = None


class Memory:
    """
    What the earlier tries of a task have left.

    From Airflow 3.3 on they keep it in the task's store. Before, nothing outlives a try, and a run can only be looked
    for among those made since the DAG run began.

    :param retries: of the task.
    """

    def __init__(self, context: Context, retries: int) -> None:
        task: Any = context.get("ti")
        self._store = task_store(context)
        #: Airflow raises it when somebody clears the task, and never else: it tells a retry from a new beginning.
        self._life = getattr(task, "max_tries", None)
        self._try = int(getattr(task, "try_number", 1) or 1)
        self._retries = retries
        self._since: datetime | None = getattr(context.get("dag_run"), "start_date", None)
        self._kept: dict[str, Any] = (self._store.get(STORE_KEY) if self._store is not None else None) or {}

    @property
    def run_id(self) -> str | None:
        """The run that an earlier try has started."""
        return self._kept.get("run_id")

    @property
    def found(self) -> bool:
        """Whether that run was looked for because no answer named it."""
        return bool(self._kept.get("found"))

    @property
    def notes(self) -> Notes | None:
        """What an earlier try has noted before it may have asked for a run."""
        from airflow_provider_payments.aep.on_demand import Notes

        if self._store is None and self._try > 1 and self._since is not None:
            # A DAG run that is cleared begins anew, maybe after the run that is looked for.
            return Notes(self._since.timestamp(), by_own_clock=True, may_be_older=True)
        return Notes.from_json(self._kept["notes"]) if "notes" in self._kept else None

    @property
    def cleared(self) -> bool:
        """Whether somebody has cleared the task since it had its run; a run that may be lost is looked for first."""
        if self._store is not None:
            return self.run_id is not None and self._kept["life"] != self._life
        return self._life is not None and 1 < self._try == self._life - self._retries + 1

    def keep(self, **what: Any) -> None:
        """Keep the notes, or the run's id, for a later try."""
        if self._store is not None:
            self._store.set(STORE_KEY, {"life": self._life, **what})
