"""The sensor that waits for a flow run and returns what arrived."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

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

from airflow_provider_payments.aep.inputs import as_bool, as_duration, as_optional_id, as_time
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.judging import JudgesFlowRuns
from airflow_provider_payments.links import ExperiencePlatformLink, store_link
from airflow_provider_payments.rendering import TextStaysText
from airflow_provider_payments.versions import first_reschedule, honour_retry_after

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.runs.batch_polling import RunQueries

    # What runs loads with the first poll, not when a DAG is parsed.
    from airflow_provider_payments.aep.runs.flow_run import RunSelection
    from airflow_provider_payments.aep.runs.wait import Wait

__all__ = ["FlowRunSensor"]


#: Seconds between two polls of a deferred wait, however short the poke interval is.
MIN_POLL_INTERVAL_SECONDS = 1.0
#: Seconds that a poll may take though the time-out has passed: the run may have ended in time.
LAST_POLL_SECONDS = 5.0


class FlowRunSensor(JudgesFlowRuns, TextStaysText, BaseSensorOperator):
    """
    Wait for a flow run of a dataflow and return what it moved.

    Returns :class:`~airflow_provider_payments.operators.outputs.FlowRunSummary`.

    No run exists before the dataflow's start time, so none at all is normal. An undocumented status keeps the wait
    going until the run has a completion time, and then counts as failed.

    :param flow_id: the dataflow.
    :param run_id: one run by its id; ``since`` and ``pick`` then do not matter.
    :param since: only runs that began at or after it count; by default the start of the DAG run, which under
        ``airflow dags test DAG DATE`` is DATE. A timezone-aware time, ISO 8601 text or epoch seconds.
        ``CreateDataflowOperator`` returns ``runs_since``, which also accepts the latest past run.
    :param pick: ``first`` of these runs, or ``latest``, so that a retried run replaces the failed one.
    :param accept_partial: whether a run in which records failed is good enough.
    :param max_failed_ratio: accept a partial run up to this share of failed records, 0 to 1; implies
        ``accept_partial``.
    :param fail_if_disabled: whether to fail where the dataflow is disabled and has no such run; else it is waited for.
    :param unknown_counts: what a run is worth whose counts cannot be read, though it claims success: ``fail``
        (default) or ``accept``, which returns ``None`` for them. ``max_failed_ratio`` never accepts them.
    :param aep_conn_id: the Airflow connection.
    :param deferrable: wait in the triggerer instead of on a worker; by default ``[operators] default_deferrable``.
    :param timeout: how long to wait: seconds, ISO 8601 text such as ``PT2H``, or a timedelta; by default ``[sensors]
        default_timeout``.
    :param poke_interval: the time between two polls, in the same forms; by default 60 s.
    :raises InvalidInputError: where the DAG is parsed, for a time-out or interval that is no duration.

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
        "fail_if_disabled",
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
        pick: Literal["first", "latest"] | str = "first",
        accept_partial: bool | str = False,
        max_failed_ratio: float | str | None = None,
        fail_if_disabled: bool | str = True,
        unknown_counts: Literal["fail", "accept"] | str = "fail",
        aep_conn_id: str = ExperiencePlatformHook.default_conn_name,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        timeout: timedelta | float | str | None = None,
        poke_interval: timedelta | float | str = 60.0,
        **kwargs: Any,
    ) -> None:
        given = {"timeout": timeout, "poke_interval": poke_interval}
        waits = {name: seconds for name in given if (seconds := as_duration(name, given[name])) is not None}
        super().__init__(**{"multiple_outputs": True, **waits, **kwargs})
        honour_retry_after(self)
        self.flow_id = flow_id
        self.run_id = run_id
        self.since = since
        self.pick = pick
        self.accept_partial = accept_partial
        self.max_failed_ratio = max_failed_ratio
        self.fail_if_disabled = fail_if_disabled
        self.unknown_counts = unknown_counts
        self.aep_conn_id = aep_conn_id
        self.deferrable = deferrable
        self._wait: Wait | None = None
        self._asked: RunSelection | None = None
        self._queries: RunQueries | None = None
        #: When the wait times out, by this process's monotonic clock.
        self._ends = math.inf
        if self.execution_timeout is not None:
            # Airflow's own would limit one poll, the wait, or the return from it, depending on mode and version.
            self.timeout = min(self.timeout, self.execution_timeout.total_seconds())
            self.execution_timeout = None

    @cached_property
    def hook(self) -> ExperiencePlatformHook:
        """The hook; reads the connection with its first use."""
        return ExperiencePlatformHook(self.aep_conn_id)

    def execute(self, context: Context) -> Any:
        """Poll once on the worker; where the run has not ended, wait as the mode says."""
        from airflow_provider_payments.outcomes import deadline
        from airflow_provider_payments.triggers.flow_run import MAX_POLL_ERRORS, FlowRunTrigger

        with self._skipping():
            until = deadline(self.timeout)
            self._ends = time.monotonic() + self.timeout - self._waited(context)
            if not self.deferrable:
                return super().execute(context)
            seen = self._first_poke(context)
            if seen:
                return seen.xcom_value
            self.defer(
                trigger=FlowRunTrigger(
                    aep_conn_id=self.aep_conn_id,
                    poll_interval=max(self.poke_interval, MIN_POLL_INTERVAL_SECONDS),
                    deadline=until,
                    **self._wait_of(context).handover(),
                    max_errors=None if self.silent_fail else MAX_POLL_ERRORS,
                ),
                method_name="execute_complete",
                # Airflow's own time-out of a deferral would skip everything below; the trigger keeps the deadline.
                timeout=None,
            )
            return None

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after the deferral by the rules of the other modes; the base class has other rules in each version."""
        with self._skipping():
            return super(BaseSensorOperator, self).resume_execution(next_method, next_kwargs, context)

    @contextmanager
    def _skipping(self) -> Iterator[None]:
        """Skip the task where ``soft_fail`` or ``never_fail`` apply to what the block raises."""
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

    def _first_poke(self, context: Context) -> PokeReturnValue:
        """Poke once; with ``silent_fail`` an error that is not final is logged, as in the other modes."""
        try:
            return self.poke(context)
        except Exception as error:
            if not self.silent_fail or isinstance(error, (AirflowFailException, AirflowSkipException)):
                raise
            self.log.exception("Could not poll for the flow run")
            return PokeReturnValue(is_done=False)

    def _get_next_poke_interval(self, started_at: Any, run_duration: Callable[[], float], poke_count: int) -> float:
        """End the wait at its time-out in every mode; the base class would poll again an interval later."""
        interval: float = super()._get_next_poke_interval(started_at, run_duration, poke_count)
        return min(interval, max(0.0, self.timeout - run_duration()))

    def poke(self, context: Context) -> PokeReturnValue:
        """Poll for the run once."""
        with airflow_errors():
            tolerance = self._tolerance()  # a wrong argument shows before the first request
            run = self._poll(context).run
        self.run_log.note(run)
        if run is None or run.is_active:
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=tolerance.judge(run, self.log))

    def _wait_of(self, context: Context) -> Wait:
        """Return the wait; what one poll learns is kept for the next."""
        from airflow_provider_payments.aep.runs.flow_run import RunSelection
        from airflow_provider_payments.aep.runs.wait import Wait

        since = as_time("since", self.since)
        started = None if since else getattr(context.get("dag_run"), "start_date", None)
        asked = RunSelection(
            flow_id=as_optional_id("flow_id", self.flow_id),
            run_id=as_optional_id("run_id", self.run_id),
            since=moment.timestamp() if (moment := since or started) else 0.0,
            pick=self.pick,
        )
        if self._wait is None or self._asked != asked:
            fails = as_bool("fail_if_disabled", self.fail_if_disabled) is not False
            # The DAG run's start is a time of Airflow's clock.
            self._wait, self._asked = Wait(asked, fail_if_disabled=fails, by_own_clock=started is not None), asked
        return self._wait

    def _poll(self, context: Context) -> Wait:
        """Poll once, by this worker."""
        from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
        from airflow_provider_payments.aep.runs.batch_polling import RunQueries

        wait = self._wait_of(context)
        client = self.hook.client
        if wait.flow_id and self._queries is None:
            where = {"url": client.url, "sandbox": client.sandbox}
            store_link(context, page=DATAFLOW.page, object_id=wait.flow_id, **where)
        self._queries = self._queries or RunQueries(client)
        sent, left = client.transport.sent, self._seconds_left()
        try:
            with client.transport.within(max(left, LAST_POLL_SECONDS)):
                self._queries.poll([wait])
        finally:
            Stats.incr("payments.flow_run.poll.requests", client.transport.sent - sent)
        if wait.error and wait.error.retryable and left > 0 >= self._seconds_left():
            raise AirflowSensorTimeout(f"{wait.selection} timed out; {self.run_log.last}. {wait.error}") from wait.error
        if wait.error:
            raise wait.error
        return wait

    def _waited(self, context: Context) -> float:
        """Return the seconds that this wait took before it was rescheduled."""
        if not self.reschedule or self.deferrable:
            return 0.0
        first = first_reschedule(self, context)
        return (datetime.now(UTC) - first).total_seconds() if first else 0.0

    def _seconds_left(self) -> float:
        return self._ends - time.monotonic()

    def execute_complete(self, context: Context, event: dict[str, Any] | None) -> dict[str, Any]:
        """
        Judge what the trigger saw. Anything but a well-formed event fails the task.

        :raises AirflowSensorTimeout: if the deadline passed.
        :raises FlowRunFailedError: if the run failed, or the trigger was refused.
        :raises ExperiencePlatformUnavailableError: if the trigger could not poll; a retry may.
        """
        from airflow_provider_payments.outcomes import ended_run

        with airflow_errors():
            tolerance = self._tolerance()
        return tolerance.judge(ended_run(event, AirflowSensorTimeout), self.log)
