"""The sensor that waits for a flow run and tells what arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    Stats,
    conf,
)

from airflow_provider_payments.aep.flow_runs import RunSelection, State
from airflow_provider_payments.aep.inputs import as_optional_id, as_time
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.links import ExperiencePlatformLink, store_link
from airflow_provider_payments.outcomes import RunLog, Tolerance, deadline, ended_run
from airflow_provider_payments.triggers.flow_run import MAX_POLL_ERRORS, FlowRunTrigger
from airflow_provider_payments.versions import honour_retry_after

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.waits import Wait


#: Seconds between two looks of a deferred wait, however short the poke interval is.
SHORTEST_INTERVAL = 1.0


class FlowRunSensor(BaseSensorOperator):
    """
    Wait for a flow run of a dataflow and return what it moved.

    Returns ``run_id``, ``status`` (``succeeded`` or ``partial``), ``input_records``, ``output_records``,
    ``failed_records``, ``batch_ids``, ``started_at`` and ``completed_at``.

    No run exists before the dataflow's start time, so none at all is normal. A status nobody documented keeps the wait
    going until the run has a completion time, and then counts as failed.

    :param flow_id: the dataflow.
    :param run_id: one run by its id; ``since`` and ``pick`` then do not matter.
    :param since: only runs that began at or after it count; by default the start of the DAG run. A timezone-aware
        time, ISO 8601 text or epoch seconds. ``CreateDataflowOperator`` returns ``runs_since``, which also accepts the
        latest past run.
    :param pick: ``first`` of these runs, or ``latest``, so that a retried run replaces the failed one.
    :param accept_partial: whether a run in which records failed is good enough.
    :param max_failed_ratio: accept a partial run up to this share of failed records, 0 to 1; implies
        ``accept_partial``.
    :param unknown_counts: what a run is worth whose counts cannot be read, though it claims success: ``fail``
        (default) or ``accept``, which returns ``None`` for them. ``max_failed_ratio`` never accepts them.
    :param aep_conn_id: the Airflow connection.
    :param deferrable: wait in the triggerer instead of on a worker; by default ``[operators] default_deferrable``.

    Airflow's own arguments mean the same in every mode, which they do not in other sensors. ``timeout`` and
    ``execution_timeout`` both limit the whole wait, and the shorter one ends it, without a retry. ``soft_fail`` skips
    what is final: a time-out, a failed run, a refusal. What may pass is still retried. ``never_fail`` skips that too.
    With ``silent_fail`` what may pass does not end the wait. Only ``exponential_backoff`` and ``max_wait`` mean nothing
    to a deferred wait.
    """

    template_fields: Sequence[str] = (
        "aep_conn_id",
        "flow_id",
        "run_id",
        "since",
        "pick",
        "accept_partial",
        "max_failed_ratio",
        "unknown_counts",
    )
    operator_extra_links = (ExperiencePlatformLink(),)
    ui_color = "#f5e6e6"

    def __init__(
        self,
        *,
        flow_id: str | None = None,
        run_id: str | None = None,
        since: datetime | float | str | None = None,
        pick: str = "first",
        accept_partial: bool | str = False,
        max_failed_ratio: float | str | None = None,
        unknown_counts: str = "fail",
        aep_conn_id: str = ExperiencePlatformHook.default_conn_name,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"multiple_outputs": True, **kwargs})
        honour_retry_after(self)
        self.flow_id = flow_id
        self.run_id = run_id
        self.since = since
        self.pick = pick
        self.accept_partial = accept_partial
        self.max_failed_ratio = max_failed_ratio
        self.unknown_counts = unknown_counts
        self.aep_conn_id = aep_conn_id
        self.deferrable = deferrable
        self._wait: Wait | None = None
        if self.execution_timeout is not None:
            # Left to Airflow it would limit one look, or the wait, or the return from it, as mode and version have it.
            self.timeout = min(self.timeout, self.execution_timeout.total_seconds())
            self.execution_timeout = None

    @cached_property
    def run_log(self) -> RunLog:
        """What tells of the run in the task's log."""
        return RunLog(self.log)

    @cached_property
    def hook(self) -> ExperiencePlatformHook:
        """The hook; reads the connection with its first use."""
        return ExperiencePlatformHook(self.aep_conn_id)

    def execute(self, context: Context) -> Any:
        """Look once on the worker; where the run has not ended, wait as the mode says."""
        with self._skipping():
            if not self.deferrable:
                return super().execute(context)
            seen = self._first_look(context)
            if seen:
                return seen.xcom_value
            self.defer(
                trigger=FlowRunTrigger(
                    aep_conn_id=self.aep_conn_id,
                    selection=asdict(self._selection(context)),
                    created_since=self._wait.cursor if self._wait else None,
                    poll_interval=max(self.poke_interval, SHORTEST_INTERVAL),
                    deadline=deadline(self.timeout),
                    max_errors=None if self.silent_fail else MAX_POLL_ERRORS,
                ),
                method_name="execute_complete",
                # Airflow's own time-out of a deferral would skip everything below; the trigger keeps the deadline.
                timeout=None,
            )
            return None

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after the deferral by the rules of the other modes; the base class has others, one for each version."""
        with self._skipping():
            return super(BaseSensorOperator, self).resume_execution(next_method, next_kwargs, context)

    @contextmanager
    def _skipping(self) -> Iterator[None]:
        """Skip the task where ``soft_fail`` or ``never_fail`` forgive what the block raises."""
        try:
            yield
        except AirflowRescheduleException:
            raise
        except AirflowSkipException as skip:
            # The base class only says that it skips, not why.
            raise AirflowSkipException(str(skip.__cause__ or skip)) from skip.__cause__
        except Exception as error:
            final = isinstance(error, (AirflowFailException, AirflowSensorTimeout))
            if self.never_fail or (self.soft_fail and final):
                raise AirflowSkipException(str(error)) from error
            raise

    def _first_look(self, context: Context) -> PokeReturnValue:
        """Poke once; what is not final goes by where failures are silent, as in the other modes."""
        try:
            return self.poke(context)
        except Exception as error:
            if not self.silent_fail or isinstance(error, (AirflowFailException, AirflowSkipException)):
                raise
            self.log.exception("Could not look for the flow run")
            return PokeReturnValue(is_done=False)

    def _get_next_poke_interval(self, started_at: Any, run_duration: Callable[[], float], poke_count: int) -> float:
        """End the wait at its time-out in every mode; the base class would look again an interval later."""
        interval: float = super()._get_next_poke_interval(started_at, run_duration, poke_count)
        return min(interval, max(0.0, self.timeout - run_duration()))

    def poke(self, context: Context) -> PokeReturnValue:
        """Look for the run once."""
        with airflow_errors():
            tolerance = self._tolerance()  # a wrong argument shows before the first request
            run = self._look(context).run
        self.run_log.note(run)
        if run is None or run.state is State.ACTIVE:
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=tolerance.judge(run, self.log))

    def _look(self, context: Context) -> Wait:
        """Ask once, by this worker; what is learnt about the wait is kept for the next time."""
        from airflow_provider_payments.aep.run_queries import RunQueries
        from airflow_provider_payments.aep.waits import Wait

        client = self.hook.client
        selection = self._selection(context)
        if self._wait is None or self._wait.selection != selection:
            self._wait = Wait(selection, selection.created_since)
            if selection.flow_id:
                where = {"url": client.url, "sandbox": client.sandbox}
                store_link(context, kind="dataflow", object_id=selection.flow_id, **where)
        sent = client.transport.sent
        try:
            RunQueries(client).look([self._wait])
        finally:
            Stats.incr("payments.flow_run.poll.requests", client.transport.sent - sent)
        if self._wait.error:
            raise self._wait.error
        return self._wait

    def execute_complete(self, context: Context, event: dict[str, Any] | None) -> dict[str, Any]:
        """
        Judge what the trigger saw. Anything but a well-formed event fails the task.

        :raises AirflowSensorTimeout: if the deadline passed.
        :raises FlowRunFailedError: if the run failed, or the trigger was refused.
        :raises ExperiencePlatformUnavailableError: if the trigger could not look; a retry may.
        """
        with airflow_errors():
            tolerance = self._tolerance()
        return tolerance.judge(ended_run(event, AirflowSensorTimeout), self.log)

    def _selection(self, context: Context) -> RunSelection:
        since = as_time("since", self.since) or getattr(context.get("dag_run"), "start_date", None)
        return RunSelection(
            flow_id=as_optional_id("flow_id", self.flow_id),
            run_id=as_optional_id("run_id", self.run_id),
            since=since.timestamp() if since else 0.0,
            pick=self.pick,
        )

    def _tolerance(self) -> Tolerance:
        return Tolerance.read(self.accept_partial, self.max_failed_ratio, self.unknown_counts)
