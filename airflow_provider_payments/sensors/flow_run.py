"""The sensor that waits for a flow run and returns its status and record counts."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
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
from airflow_provider_payments.judging import MIN_POLL_SECONDS, JudgesFlowRuns
from airflow_provider_payments.links import ExperiencePlatformLink, store_link
from airflow_provider_payments.rendering import TextStaysText
from airflow_provider_payments.versions import first_reschedule, honour_retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.runs.batch_polling import RunQueries

    # At run time these are imported with the first poll, not when a DAG is parsed.
    from airflow_provider_payments.aep.runs.flow_run import RunSelection
    from airflow_provider_payments.aep.runs.wait import Wait

__all__ = ["FlowRunSensor"]


#: Minimum number of seconds between two polls of a deferred wait.
MIN_POLL_INTERVAL_SECONDS = 1.0


class FlowRunSensor(JudgesFlowRuns, TextStaysText, BaseSensorOperator):
    """
    Wait for a flow run of a dataflow, and return its status and record counts.

    Returns :class:`~airflow_provider_payments.operators.outputs.FlowRunSummary`. Give ``flow_id`` or ``run_id``. No run
    exists before the dataflow's start time, so the sensor also waits if the dataflow has no run yet. A run with an
    undocumented raw status is waited for until it has a completion time, and then counts as failed.

    Airflow's own arguments mean the same in every mode and version, unlike in other sensors. ``timeout`` and
    ``execution_timeout`` both limit the whole wait; the shorter one ends the wait, without a retry. ``soft_fail`` skips
    the task on final errors: a timeout, a failed run, a refusal; retryable errors are still retried. ``never_fail``
    skips the task on retryable errors too. With ``silent_fail``, retryable errors do not end the wait.
    ``exponential_backoff`` and ``max_wait`` do not apply to a deferred wait.

    .. seealso:: ``docs/operators.md#flowrunsensor`` in the manual.

    :param flow_id: id of the dataflow. Required unless ``run_id`` is given. Defaults to ``None``. (templated)
    :param run_id: id of one run; ``since`` and ``pick`` do not apply to it. Defaults to ``None``: the run is selected
        by ``since`` and ``pick``. (templated)
    :param since: wait for a run that began at or after this time: a timezone-aware time, ISO 8601 text or epoch
        seconds. The output ``runs_since`` of ``CreateDataflowOperator`` also accepts the latest past run. Defaults to
        ``None``: the start of the DAG run, which is DATE under ``airflow dags test DAG DATE``. (templated)
    :param pick: which of these runs to wait for: the ``first``, or the ``latest``, so that a retried run replaces the
        failed one. Defaults to ``"first"``. (templated)
    :param accept_partial: whether to accept a run in which records failed. Defaults to ``False``. (templated)
    :param max_failed_ratio: accept a run in which up to this share of the records failed, 0 to 1; implies
        ``accept_partial``. Defaults to ``None``: any share, if ``accept_partial``. (templated)
    :param fail_if_disabled: whether to fail if the dataflow is disabled and has no matching run; otherwise the wait
        continues. Defaults to ``True``. (templated)
    :param unknown_counts: what to do with a run that reports success but whose counts cannot be read: ``fail``, or
        ``accept``, which leaves the counts out of the output. ``max_failed_ratio`` never accepts unknown counts.
        Defaults to ``"fail"``. (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``"aep_default"``. (templated)
    :param deferrable: whether to wait in the triggerer instead of on a worker. Defaults to Airflow's option
        ``[operators] default_deferrable``.
    :param timeout: maximum time to wait: seconds, ISO 8601 text such as ``PT2H``, or a timedelta. Defaults to ``None``:
        Airflow's option ``[sensors] default_timeout``.
    :param poke_interval: time between two polls, in the same forms. Defaults to ``60.0``.
    :raises InvalidInputError: when the DAG is parsed, if ``timeout`` or ``poke_interval`` is not a duration.
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
        self._selection: RunSelection | None = None
        self._queries: RunQueries | None = None
        #: When the wait times out, by this process's monotonic clock.
        self._ends = math.inf
        if self.execution_timeout is not None:
            # Airflow applies execution_timeout to one poll, to the whole wait, or to the resumption after a deferral,
            # depending on mode and version.
            self.timeout = min(self.timeout, self.execution_timeout.total_seconds())
            self.execution_timeout = None

    def execute(self, context: Context) -> Any:
        """
        Poll once on the worker; if the run has not ended, wait in the sensor's mode.

        :raises FlowRunFailedError: if the run failed, more of its records failed than are accepted, or its counts are
            unknown.
        :raises AirflowSensorTimeout: if the run has not ended within ``timeout``.
        :raises ExperiencePlatformFailedError: if another try cannot succeed: a wrong argument, a refusal, a dataflow
            that is deleted or disabled.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        :raises AirflowSkipException: instead of these, by ``soft_fail`` and ``never_fail``.
        """
        from airflow_provider_payments.outcomes import deadline
        from airflow_provider_payments.triggers.flow_run import MAX_POLL_ERRORS, FlowRunTrigger

        with self._skipping():
            until = deadline(self.timeout)
            self._ends = time.monotonic() + self.timeout - self._seconds_waited(context)
            if not self.deferrable:
                return super().execute(context)
            poked = self._first_poke(context)
            if poked:
                return poked.xcom_value
            self.defer(
                trigger=FlowRunTrigger(
                    aep_conn_id=self.aep_conn_id,
                    poll_interval=max(self.poke_interval, MIN_POLL_INTERVAL_SECONDS),
                    deadline=until,
                    **self._wait_of(context).trigger_arguments(),
                    flow=self._flow.to_json() if self._flow else None,
                    max_errors=None if self.silent_fail else MAX_POLL_ERRORS,
                ),
                method_name="execute_complete",
                # With Airflow's own timeout of the deferral, a run that ended just in time would not be judged. The
                # trigger observes the deadline instead.
                timeout=None,
            )
            return None

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after the deferral with the rules of the other modes; the base class's rules depend on the version."""
        with self._skipping():
            return super(BaseSensorOperator, self).resume_execution(next_method, next_kwargs, context)

    @contextmanager
    def _skipping(self) -> Iterator[None]:
        """Skip the task if ``soft_fail`` or ``never_fail`` applies to the error that the block raises."""
        try:
            yield
        except AirflowRescheduleException:
            raise
        except AirflowSkipException as skip:
            # The base class's message does not name the cause.
            raise AirflowSkipException(str(skip.__cause__ or skip)) from skip.__cause__
        except Exception as error:  # as in the base class: never_fail skips on any error
            final = isinstance(error, (AirflowFailException, AirflowSensorTimeout))
            if self.never_fail or (self.soft_fail and final):
                raise AirflowSkipException(str(error)) from error
            raise

    def _first_poke(self, context: Context) -> PokeReturnValue:
        """Poke once; with ``silent_fail`` an error that is not final is logged, as in the other modes."""
        try:
            return self.poke(context)
        except Exception as error:  # as in the base class: silent_fail logs any error that is not final
            if not self.silent_fail or isinstance(error, (AirflowFailException, AirflowSkipException)):
                raise
            self.log.exception("Could not poll for the flow run")
            return PokeReturnValue(is_done=False)

    def _get_next_poke_interval(self, started_at: Any, run_duration: Callable[[], float], poke_count: int) -> float:
        """Return the seconds until the next poll, at most until the timeout, which the base class may exceed."""
        interval: float = super()._get_next_poke_interval(started_at, run_duration, poke_count)
        return min(interval, max(0.0, self.timeout - run_duration()))

    def poke(self, context: Context) -> PokeReturnValue:
        """
        Poll for the run once.

        :raises FlowRunFailedError: if the run failed, more of its records failed than are accepted, or its counts are
            unknown.
        :raises ExperiencePlatformFailedError: if another poll cannot succeed.
        :raises ExperiencePlatformUnavailableError: if another poll may succeed.
        """
        with airflow_errors():
            self._tolerance()  # before the first request, so that a wrong argument fails at once
            run = self._poll(context).run
        self.run_log.log_change(run)
        if run is None or run.is_active:
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=self._conclude(run, context))

    def _wait_of(self, context: Context) -> Wait:
        """Return the wait, which keeps the results of a poll for the next one."""
        from airflow_provider_payments.aep.runs.flow_run import RunSelection
        from airflow_provider_payments.aep.runs.wait import Wait

        since = as_time("since", self.since)
        started = None if since else getattr(context.get("dag_run"), "start_date", None)
        selection = RunSelection(
            flow_id=as_optional_id("flow_id", self.flow_id),
            run_id=as_optional_id("run_id", self.run_id),
            since=moment.timestamp() if (moment := since or started) else 0.0,
            pick=self.pick,
        )
        if self._wait is None or self._selection != selection:
            fails = as_bool("fail_if_disabled", self.fail_if_disabled) is not False
            # The DAG run's start is a time of Airflow's clock.
            self._wait = Wait(selection, fail_if_disabled=fails, by_own_clock=started is not None)
            self._selection = selection
        return self._wait

    def _poll(self, context: Context) -> Wait:
        """Poll once on this worker."""
        from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
        from airflow_provider_payments.aep.runs.batch_polling import RunQueries

        wait = self._wait_of(context)
        client = self.hook.client
        if wait.flow_id and self._queries is None:
            where = {"url": client.url, "sandbox": client.sandbox}
            store_link(context, page=DATAFLOW.page, object_id=wait.flow_id, **where)
        self._queries = self._queries or RunQueries(client, on_dataflow=self._keep_dataflow)
        sent, left = client.transport.requests_sent, self._seconds_left()
        try:
            with client.transport.within(max(left, MIN_POLL_SECONDS)):
                self._queries.poll([wait])
        finally:
            Stats.incr("payments.flow_run.poll.requests", client.transport.requests_sent - sent)
        if wait.error and wait.error.retryable and left > 0 >= self._seconds_left():
            raise AirflowSensorTimeout(
                f"{wait.selection} timed out; {self.run_log.last_status}. {wait.error}"
            ) from wait.error
        if wait.error:
            raise wait.error
        return wait

    def _keep_dataflow(self, flow: dict[str, Any]) -> None:
        """Keep the dataflow that a poll has read."""
        from airflow_provider_payments.aep.runs.flow_parts import FlowParts

        self._flow = FlowParts.of_item(flow)

    def _seconds_waited(self, context: Context) -> float:
        """Return the seconds since this wait was first rescheduled; ``0`` if it was not."""
        if not self.reschedule or self.deferrable:
            return 0.0
        first = first_reschedule(self, context)
        return (datetime.now(UTC) - first).total_seconds() if first else 0.0

    def _seconds_left(self) -> float:
        return self._ends - time.monotonic()

    def execute_complete(self, context: Context, event: dict[str, Any] | None) -> dict[str, Any]:
        """
        Judge the run of the trigger's event; a malformed event fails the task.

        :raises AirflowSensorTimeout: if the deadline has passed.
        :raises FlowRunFailedError: if the run failed, or the service refused the trigger's request.
        :raises ExperiencePlatformUnavailableError: if polling failed, and a retry may succeed.
        """
        with airflow_errors():
            self._tolerance()  # so that a wrong argument fails the task regardless of the event
        return self._conclude(self._ended_run(event, AirflowSensorTimeout), context)
