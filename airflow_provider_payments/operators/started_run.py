"""The base class of the operators that start a flow run and wait for it."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from airflow.providers.common.compat.sdk import Stats, conf

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_bool, as_duration, as_optional_id
from airflow_provider_payments.exceptions import RUN_CONTINUES, FlowRunTimeoutError
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.judging import MIN_POLL_SECONDS, JudgesFlowRuns
from airflow_provider_payments.links import ExperiencePlatformLink, keep, store_link
from airflow_provider_payments.operators.base import ExperiencePlatformOperator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context

    # These load with the task, not when a DAG is parsed.
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.runs.coverage import Reading
    from airflow_provider_payments.aep.runs.data_window import Window
    from airflow_provider_payments.aep.runs.flow_run import FlowRun
    from airflow_provider_payments.aep.runs.on_demand import RunRequest
    from airflow_provider_payments.operators.run_state import Started, TaskRunState

DEFAULT_TIMEOUT_SECONDS = 7 * 24 * 60 * 60.0
#: Maximum delay of Airflow before it retries a task, unless ``retry_delay`` is longer.
MAX_RETRY_DELAY_SECONDS = 24 * 60 * 60.0
#: Maximum number of instances of a task that run at the same time.
DEFAULT_MAX_ACTIVE_TASKS = 1


def _seconds_left(until: float | None) -> float:
    """Return the seconds until a time, but at least the time for one poll."""
    return math.inf if until is None else max(until - time.time(), MIN_POLL_SECONDS)


class FlowRunOperator(JudgesFlowRuns, ExperiencePlatformOperator):
    """
    Base of the operators that start a flow run: one run for each task, even if answers are lost or workers are killed.

    .. seealso:: ``docs/data-windows.md#timeouts-and-kills`` in the manual.

    :param wait_for_completion: whether to wait until the run has ended; otherwise the run is returned in its current
        state. Defaults to ``True``. (templated)
    :param poll_interval: time between two polls: seconds, ISO 8601 text such as ``PT1M``, or a timedelta. Defaults to
        ``60.0``. (templated)
    :param timeout: maximum time for starting the run and waiting for its end, in the same forms; ``None`` waits without
        limit. ``execution_timeout`` limits the same time; the shorter of the two applies. Defaults to ``604800.0``, a
        week. (templated)
    :param deferrable: whether to wait in the triggerer instead of on a worker. Applies if ``wait_for_completion``.
        Defaults to Airflow's option ``[operators] default_deferrable``.
    :param accept_partial: whether to accept a run in which records failed. Defaults to ``False``. (templated)
    :param max_failed_ratio: accept a run in which up to this share of the records failed, 0 to 1; implies
        ``accept_partial``. Defaults to ``None``: any share, if ``accept_partial``. (templated)
    :param unknown_counts: what to do with a run that reports success but whose counts cannot be read: ``fail``, or
        ``accept``, which leaves the counts out of the output. ``max_failed_ratio`` never accepts unknown counts.
        Defaults to ``"fail"``. (templated)
    :param max_active_tis_per_dag: maximum number of instances of the task, over all DAG runs and mapped indexes, that
        are executed at the same time. Runs can be distinguished only if one task at a time starts runs of a dataflow;
        ``None``, no limit, is safe if each mapped index has a dataflow of its own. Deferred instances count from
        Airflow 3.2 on; in earlier versions set ``max_active_runs=1`` on the DAG. Defaults to ``1``.
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``"aep_default"``. (templated)
    """

    template_fields: Sequence[str] = (
        *ExperiencePlatformOperator.template_fields,
        "wait_for_completion",
        "accept_partial",
        "max_failed_ratio",
        "unknown_counts",
        "poll_interval",
        "timeout",
    )
    operator_extra_links = (ExperiencePlatformLink(),)
    flow_id: str | None

    def __init__(
        self,
        *,
        wait_for_completion: bool | str = True,
        poll_interval: timedelta | float | str = 60.0,
        timeout: timedelta | float | str | None = DEFAULT_TIMEOUT_SECONDS,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        accept_partial: bool | str = False,
        max_failed_ratio: float | str | None = None,
        unknown_counts: Literal["fail", "accept"] | str = "fail",
        max_active_tis_per_dag: int | None = DEFAULT_MAX_ACTIVE_TASKS,
        **kwargs: Any,
    ) -> None:
        super().__init__(max_active_tis_per_dag=max_active_tis_per_dag, **kwargs)
        self.wait_for_completion = wait_for_completion
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.deferrable = deferrable
        self.accept_partial = accept_partial
        self.max_failed_ratio = max_failed_ratio
        self.unknown_counts = unknown_counts
        self._run_id: str | None = None
        self._has_warned = False
        # Airflow would end the wait without naming the run, and count anew after each deferral, so the limit is applied
        # here.
        self._execution_limit, self.execution_timeout = self.execution_timeout, None

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """
        Return the operator to ``expand``, with this class's default of ``max_active_tis_per_dag``.

        The scheduler reads only the arguments of mapped tasks, not the defaults of their class.
        """
        mapped, name = super().partial(**kwargs), "max_active_tis_per_dag"
        defaults = [getattr(mapped.kwargs.get(place), "default_args", None) for place in ("dag", "task_group")]
        given = [kwargs, kwargs.get("default_args"), *defaults]
        # Airflow 2 sets the argument to None if it was not given.
        if mapped.kwargs.get(name) is None and not any(name in (place or {}) for place in given):
            mapped.kwargs[name] = DEFAULT_MAX_ACTIVE_TASKS
        return mapped

    def window(self, context: Context) -> Window | None:
        """
        Return the data window that the arguments name, ``None`` if they name none.

        :raises InvalidInputError: if an argument is wrong.
        """
        return None

    @abstractmethod
    def request(self, context: Context) -> RunRequest | Started:
        """
        Return the request for a run; or an existing run that makes a request unnecessary.

        :raises InvalidInputError: if an argument is wrong.
        """

    def before_start(self, context: Context) -> None:
        """Defer or reschedule the task while it is too early to start the run; :meth:`execute_later` resumes."""

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Start the run, unless an earlier try has started it, and wait for its end.

        :raises FlowRunFailedError: if the run failed, more of its records failed than are accepted, or its counts are
            unknown.
        :raises FlowRunTimeoutError: if the run has not ended within ``timeout``; a retry waits for the same run.
        :raises ExperiencePlatformFailedError: if another try cannot succeed: a wrong argument, a refusal, an overlap of
            windows.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        return self._run(context)

    def execute_later(self, context: Context, event: object) -> dict[str, Any]:
        """Start the run after a deferral by :meth:`before_start`."""
        return self._run(context)

    def _run(self, context: Context) -> dict[str, Any]:
        from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
        from airflow_provider_payments.aep.runs.lookups import wait_until_visible
        from airflow_provider_payments.operators.run_state import TaskRunState
        from airflow_provider_payments.outcomes import deadline

        with airflow_errors():
            self._tolerance()  # before the first request, so that a wrong argument fails at once
            window = self.window(context)
            interval, timeout = self._limits()
            until = deadline(timeout, self._execution_limit)
            waits = as_bool("wait_for_completion", self.wait_for_completion) is not False
            # How long this try may still run, and the delay before the next try, which needs the state.
            longest = (math.inf if until is None else until - time.time()) + self.retry_delay.total_seconds()
            state = TaskRunState(context, self.retries or 0, window, longest + MAX_RETRY_DELAY_SECONDS)
            client = self.hook.client
            with client.transport.within(_seconds_left(until)):
                started = self._start(state, context)
                self._run_id = started.run_id
                keep(context, "run_id", started.run_id)
                run = started.run or wait_until_visible(client, started.run_id)
        store_link(context, url=client.url, sandbox=client.sandbox, page=DATAFLOW.page, object_id=run.flow_id)
        self.run_log.log_change(run)
        if not waits:
            return self._report(run, context, self.more_outputs(run, context, reused=started.reused))
        if run.is_active and self.deferrable:
            self._defer_wait(started, run, interval, until)
        ended = self._wait(client, run, interval, until)
        return self._end(ended, context, found=started.found, reused=started.reused)

    def _defer_wait(self, started: Started, run: FlowRun, interval: float, until: float | None) -> NoReturn:
        from airflow_provider_payments.aep.runs.flow_run import RunSelection
        from airflow_provider_payments.triggers.flow_run import FlowRunTrigger

        self.defer(
            trigger=FlowRunTrigger(
                aep_conn_id=self.aep_conn_id,
                selection=asdict(RunSelection(flow_id=run.flow_id, run_id=run.id)),
                poll_interval=interval,
                deadline=until,
                created_since=run.created_at,
                flow=self._flow.to_json() if self._flow else None,
            ),
            # The method's name carries the state, because `dags test` drops the keyword arguments of a deferral.
            method_name=f"execute_{'reused' if started.reused else 'found' if started.found else 'complete'}",
            # The trigger keeps the deadline; Airflow's own timeout would fail the task without judging the run.
            timeout=None,
        )

    def execute_complete(self, context: Context, event: dict[str, Any] | None) -> dict[str, Any]:
        """
        Judge the run of the trigger's event, and return the task's output. A malformed event fails the task.

        :raises FlowRunTimeoutError: if the deadline has passed; a retry continues to wait.
        :raises FlowRunFailedError: if the run failed, or the service refused the trigger's request.
        :raises ExperiencePlatformUnavailableError: if polling failed, and a retry may succeed.
        """
        return self._resume(event, context)

    def execute_found(self, context: Context, event: dict[str, Any] | None) -> dict[str, Any]:
        """Judge a run that was found in lists, because the answer to its request was lost."""
        return self._resume(event, context, found=True)

    def execute_reused(self, context: Context, event: dict[str, Any] | None) -> dict[str, Any]:
        """Judge a run that was active before this task requested one."""
        return self._resume(event, context, reused=True)

    def on_kill(self) -> None:
        """Log that the flow run continues, because Experience Platform offers no way to cancel it."""
        if self._run_id:
            self.log.warning("Killed while flow run %s is not known to have ended: %s", self._run_id, RUN_CONTINUES)
        else:
            self.log.warning("Killed before a flow run was known. If one was requested, %s", RUN_CONTINUES)

    def _start(self, state: TaskRunState, context: Context) -> Started:
        from airflow_provider_payments.aep.runs.lookups import read_run_if_it_exists
        from airflow_provider_payments.aep.runs.on_demand import RunBaseline
        from airflow_provider_payments.operators.run_state import Started

        run = read_run_if_it_exists(self.hook.client, state.run_id) if state.run_id and state.was_cleared else None
        own = state.reading_of(run) if run else None
        still_active = own is not None and own.run.is_active and self._matches_arguments(own, context)
        if state.run_id and (not state.was_cleared or still_active):
            self.log.info("An earlier try has started flow run %s", state.run_id)
            return state.keep_run(state.started)  # also for a cleared task, if its run is still active
        request = self.request(context)
        if isinstance(request, Started):
            return request
        if baseline := state.baseline:
            # A cleared task may start another run, but not while its earlier run is active.
            run = request.find(baseline, active=True) if state.was_cleared else request.resume(baseline)
            if run:
                return state.keep_run(Started(run.id, found=True, run=run))
        request = request.ready()
        self._flow = request.flow
        self.before_start(context)
        coverage = request.coverage(own)
        if coverage.contradictory:
            self._warn_about(coverage.contradictory)
        if run := coverage.run:
            return state.keep_run(Started(run.id, reused=True, run=run))
        baseline = RunBaseline.of(coverage.runs)
        state.keep(baseline=baseline.to_json())
        run_id, found = request.start(baseline)
        return state.keep_run(Started(run_id, found))

    def _matches_arguments(self, own: Reading, context: Context) -> bool:
        """Return whether the run of an earlier try has the dataflow and window of the current arguments."""
        flow_id = as_optional_id("flow_id", self.flow_id)
        return flow_id in (None, own.run.flow_id) and own.requested in (None, self.window(context))

    def _wait(self, client: Client, run: FlowRun, interval: float, until: float | None) -> FlowRun:
        """
        Poll the run on this worker until it has ended, and return it.

        :raises FlowRunTimeoutError: if the run has not ended at ``until``, in epoch seconds.
        """
        from airflow_provider_payments.aep.runs.lookups import read_run

        clock = client.transport.clock
        end = math.inf if until is None else clock.monotonic() + until - time.time()
        while run.is_active:
            left = end - clock.monotonic()
            if left <= 0:
                raise FlowRunTimeoutError(f"flow run {run.id} has not ended in time; {self.run_log.last_status}")
            clock.sleep(min(interval, left))
            with airflow_errors(), client.transport.within(max(end - clock.monotonic(), MIN_POLL_SECONDS)):
                run = read_run(client, run.id)
            Stats.incr("payments.flow_run.poll.requests")
            self.run_log.log_change(run)
        return run

    def _resume(self, event: object, context: Context, *, found: bool = False, reused: bool = False) -> dict[str, Any]:
        return self._end(self._ended_run(event, FlowRunTimeoutError), context, found=found, reused=reused)

    def _end(self, run: FlowRun, context: Context, *, found: bool = False, reused: bool = False) -> dict[str, Any]:
        """Judge a run that has ended, and return the task's output."""
        from airflow_provider_payments.aep.runs.coverage import Reading
        from airflow_provider_payments.aep.runs.data_window import Window
        from airflow_provider_payments.exceptions import FlowRunFailedError

        requested, reported = self.window(context), Window.of(run)
        # A run that was found in lists may have reported its window only later.
        if found and requested and reported and not reported.is_like(requested):
            raise FlowRunFailedError(
                f"{run}. The answer to this task's request was lost, and this run was taken for the requested one, but "
                f"it reads {reported} and not {requested}. Clear the task to start another run"
            )
        if (reading := Reading(run, requested)).is_contradictory:
            self._warn_about(reading)
        more = self.more_outputs(run, context, reused=reused)
        return self._conclude(run, context, counts=not reused, more=more)

    def _warn_about(self, contradictory: Reading) -> None:
        """Warn once in a task that runs report other windows than they were requested for."""
        if not self._has_warned:
            self._has_warned = True
            self.log.warning(
                "Reported data windows are unreliable: %s, but reports %s; only runs whose requested window is known "
                "count as coverage",
                contradictory,
                contradictory.copied,
            )

    def more_outputs(self, run: FlowRun, context: Context, *, reused: bool) -> dict[str, Any]:
        """
        Return the members of the output that :class:`.FlowRunSensor` does not return.

        :param reused: whether the run existed before this task requested one.
        """
        from airflow_provider_payments.aep.runs.data_window import Window

        window = self.window(context) or Window.of(run)
        return window.to_json() if window else {}

    def _limits(self) -> tuple[float, float | None]:
        interval, timeout = as_duration("poll_interval", self.poll_interval), as_duration("timeout", self.timeout)
        if not interval:
            raise InvalidInputError("poll_interval", self.poll_interval, "more than 0 seconds")
        return interval, timeout
