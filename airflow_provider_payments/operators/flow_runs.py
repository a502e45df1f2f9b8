"""Operators that start flow runs and wait for them."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Stats, conf

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_bool, as_duration, as_id, as_optional_id, as_time
from airflow_provider_payments.hooks.errors import ExperiencePlatformUnavailableError, airflow_errors
from airflow_provider_payments.links import ExperiencePlatformLink, keep, store_link
from airflow_provider_payments.operators.base import ExperiencePlatformOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    # What runs loads with the task, not when a DAG is parsed.
    from airflow_provider_payments.aep.client import Client
    from airflow_provider_payments.aep.flow_runs import FlowRun
    from airflow_provider_payments.aep.on_demand import RunRequest
    from airflow_provider_payments.aep.windows import Window
    from airflow_provider_payments.operators.memory import Memory, Started
    from airflow_provider_payments.outcomes import RunLog, Tolerance

WEEK = 7 * 24 * 60 * 60.0
#: Seconds that a poll may take though the time-out has passed: the run may have ended in time.
LAST_POLL_SECONDS = 5.0


def _left(until: float | None) -> float:
    """Return the seconds until a moment, but no fewer than one poll takes."""
    return math.inf if until is None else max(until - time.time(), LAST_POLL_SECONDS)


GOES_ON = "it goes on in Experience Platform, which offers no way to cancel it, and a retry of the task waits for it"


class FlowRunTimeoutError(ExperiencePlatformUnavailableError):
    """The flow run has not ended in time. It goes on, and a retry of the task waits for it."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message}; {GOES_ON}")


class FlowRunOperator(ExperiencePlatformOperator):
    """
    Base of the operators that start a flow run: one run for a task, whatever happens to answers and workers.

    :param wait_for_completion: whether to wait until the run has ended; else it is returned as it stands.
    :param poll_interval: the time between two polls: seconds, ISO 8601 text such as ``PT1M``, or a timedelta.
    :param timeout: how long to wait, in the same forms; a week by default; ``None``: for ever. ``execution_timeout``
        bounds it too.
    :param deferrable: wait in the triggerer instead of on a worker; by default ``[operators] default_deferrable``.
    :param accept_partial: whether a run in which records failed is good enough.
    :param max_failed_ratio: accept a partial run up to this share of failed records, 0 to 1; implies
        ``accept_partial``.
    :param unknown_counts: what a run is worth whose counts cannot be read, though it claims success: ``fail``
        (default) or ``accept``, which returns ``None`` for them. ``max_failed_ratio`` never accepts them.
    :param max_active_tis_per_dag: how many DAG runs may execute the task at once. Runs are told apart only where one
        task at a time starts runs of a dataflow.
    :param aep_conn_id: the Airflow connection.
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

    def __init__(
        self,
        *,
        wait_for_completion: bool | str = True,
        poll_interval: timedelta | float | str = 60.0,
        timeout: timedelta | float | str | None = WEEK,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        accept_partial: bool | str = False,
        max_failed_ratio: float | str | None = None,
        unknown_counts: str = "fail",
        max_active_tis_per_dag: int | None = 1,
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
        # Left to Airflow it would end the wait without a word of the run, or limit only each part of it.
        self._limit, self.execution_timeout = self.execution_timeout, None

    @cached_property
    def run_log(self) -> RunLog:
        """What tells of the run in the task's log."""
        from airflow_provider_payments.outcomes import RunLog

        return RunLog(self.log)

    def window(self, context: Context) -> Window | None:
        """
        Return what the run will read, where the arguments tell.

        :raises InvalidInputError: naming the argument that is wrong.
        """
        return None

    @abstractmethod
    def request(self, context: Context) -> RunRequest | Started:
        """
        Return what to ask for; or the run that is there already, so that there is nothing to ask for.

        :raises InvalidInputError: naming the argument that is wrong.
        """

    def execute(self, context: Context) -> dict[str, Any]:
        """Start the run, unless an earlier try has, and wait for it."""
        from airflow_provider_payments.aep.flow_runs import RunSelection
        from airflow_provider_payments.aep.on_demand import when_it_shows
        from airflow_provider_payments.operators.memory import Memory
        from airflow_provider_payments.outcomes import deadline
        from airflow_provider_payments.triggers.flow_run import FlowRunTrigger

        with airflow_errors():
            # A wrong argument shows before the first request.
            self._tolerance()
            self.window(context)
            pause, timeout = self._limits()
            until = deadline(timeout, self._limit)
            waits = as_bool("wait_for_completion", self.wait_for_completion) is not False
            client = self.hook.client
            with client.transport.within(_left(until)):
                started = self._start(Memory(context, self.retries or 0), context)
                self._run_id = started.run_id
                keep(context, "run_id", started.run_id)
                run = started.run or when_it_shows(client, started.run_id)
        store_link(context, url=client.url, sandbox=client.sandbox, kind="dataflow", object_id=run.flow_id)
        self.run_log.note(run)
        if not waits:
            return run.summary() | self._window_of(run, context)
        if run.is_active and self.deferrable:
            self.defer(
                trigger=FlowRunTrigger(
                    aep_conn_id=self.aep_conn_id,
                    selection=asdict(RunSelection(flow_id=run.flow_id, run_id=run.id)),
                    poll_interval=pause,
                    deadline=until,
                    created_since=run.created_at,
                ),
                # A run under `dags test` loses what else would be handed on here.
                method_name="execute_found" if started.found else "execute_complete",
                # Airflow's own time-out of a deferral would skip everything below; the trigger keeps the deadline.
                timeout=None,
            )
        return self._end(self._wait(client, run, pause, until), context, found=started.found)

    def execute_complete(self, context: Context, event: dict[str, Any] | None) -> dict[str, Any]:
        """
        Judge what the trigger saw. Anything but a well-formed event fails the task.

        :raises FlowRunTimeoutError: if the deadline passed; a retry goes on waiting.
        :raises FlowRunFailedError: if the run failed, or the trigger was refused.
        :raises ExperiencePlatformUnavailableError: if the trigger could not poll; a retry may.
        """
        from airflow_provider_payments.outcomes import ended_run

        return self._end(ended_run(event, FlowRunTimeoutError), context)

    def execute_found(self, context: Context, event: dict[str, Any] | None) -> dict[str, Any]:
        """Do the same for a run that was looked for because no answer named it."""
        from airflow_provider_payments.outcomes import ended_run

        return self._end(ended_run(event, FlowRunTimeoutError), context, found=True)

    def on_kill(self) -> None:
        """Say what becomes of the run."""
        if self._run_id:
            self.log.warning("Killed while flow run %s is not known to have ended: %s", self._run_id, GOES_ON)
        else:
            self.log.warning("Killed before a flow run was known. If one was asked for, %s", GOES_ON)

    def _start(self, memory: Memory, context: Context) -> Started:
        from airflow_provider_payments.aep.on_demand import is_active
        from airflow_provider_payments.operators.memory import Started

        if memory.run_id and (not memory.cleared or is_active(self.hook.client, memory.run_id)):
            self.log.info("An earlier try has started flow run %s", memory.run_id)
            memory.keep(run_id=memory.run_id, found=memory.found)  # who cleared the task is served with it
            return Started(memory.run_id, memory.found)
        request = self.request(context)
        if isinstance(request, Started):
            return request
        if notes := memory.notes:
            # Who clears a task wants another run, but not beside one that is still under way.
            run = request.find(notes, active=True) if memory.cleared else request.resume(notes)
            if run:
                memory.keep(run_id=run.id, found=True)
                return Started(run.id, found=True, run=run)
        request = request.ready()
        notes = request.take_notes()
        memory.keep(notes=notes.to_json())
        run_id, found = request.start(notes)
        memory.keep(run_id=run_id, found=found)
        return Started(run_id, found)

    def _wait(self, client: Client, run: FlowRun, pause: float, until: float | None) -> FlowRun:
        """Poll on this worker."""
        from airflow_provider_payments.aep.on_demand import read_run

        clock = client.transport.clock
        end = math.inf if until is None else clock.monotonic() + until - time.time()
        while run.is_active:
            left = end - clock.monotonic()
            if left <= 0:
                raise FlowRunTimeoutError(f"flow run {run.id} has not ended in time; {self.run_log.last}")
            clock.sleep(min(pause, left))
            with airflow_errors(), client.transport.within(max(end - clock.monotonic(), LAST_POLL_SECONDS)):
                run = read_run(client, run.id)
            Stats.incr("payments.flow_run.poll.requests")
            self.run_log.note(run)
        return run

    def _end(self, run: FlowRun, context: Context, *, found: bool = False) -> dict[str, Any]:
        """Judge a run that has ended."""
        from airflow_provider_payments.aep.windows import Window
        from airflow_provider_payments.outcomes import FlowRunFailedError

        wanted, shown = self.window(context), Window.of(run)
        # One that was found may not have shown its window by then.
        if found and wanted and shown and not shown.is_like(wanted):
            raise FlowRunFailedError(
                f"{run}. It was taken for the run of this task, whose answer was lost, but it reads {shown} and not "
                f"{wanted}. Clear the task to start another"
            )
        return self._tolerance().judge(run, self.log) | self._window_of(run, context)

    def _window_of(self, run: FlowRun, context: Context) -> dict[str, str | None]:
        from airflow_provider_payments.aep.windows import Window

        window = self.window(context) or Window.of(run)
        return window.to_json() if window else {"window_start": None, "window_end": None}

    def _limits(self) -> tuple[float, float | None]:
        pause, timeout = as_duration("poll_interval", self.poll_interval), as_duration("timeout", self.timeout)
        if not pause:
            raise InvalidInputError("poll_interval", self.poll_interval, "more than 0 seconds")
        return pause, timeout

    def _tolerance(self) -> Tolerance:
        from airflow_provider_payments.outcomes import Tolerance

        return Tolerance.read(self.accept_partial, self.max_failed_ratio, self.unknown_counts)


class RunDataflowOperator(FlowRunOperator):
    """
    Run a dataflow on demand over a window of time, and return what it moved.

    Returns what ``FlowRunSensor`` does, and ``window_start`` and ``window_end``. The dataflow must have been created
    with the frequency ``once``. The window is the DAG run's data interval, so Airflow's own backfill brings history
    window by window.

    **The data lake appends.** A window that is run twice, or that the dataflow has covered otherwise, adds its rows
    again. So a task starts one run: a retry waits for the run of the try before. A run that failed fails the task for
    good; :class:`RetryFlowRunOperator` does its work again. Who clears the task starts another run, unless the one
    before is still under way, which is then waited for.

    Let one task at a time start runs of a dataflow; ``max_active_tis_per_dag`` is 1 for that.

    :param flow_id: the dataflow.
    :param window_start: a timezone-aware time, ISO 8601 text or epoch seconds; by default where the data interval
        begins.
    :param window_end: the same, later; by default where it ends.
    :param delta_column: the column by which rows fall into the window, a name or an object with ``name``; the first run
        of a dataflow over a table needs it and settles it.
    """

    template_fields: Sequence[str] = (
        *FlowRunOperator.template_fields,
        "flow_id",
        "window_start",
        "window_end",
        "delta_column",
    )

    def __init__(
        self,
        *,
        flow_id: str,
        window_start: datetime | float | str | None = None,
        window_end: datetime | float | str | None = None,
        delta_column: dict[str, str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.flow_id = flow_id
        self.window_start = window_start
        self.window_end = window_end
        self.delta_column = delta_column

    def window(self, context: Context) -> Window:
        """Return the window that is asked for, by default the data interval."""
        from airflow_provider_payments.aep.windows import Window

        starts, ends = as_time("window_start", self.window_start), as_time("window_end", self.window_end)
        return Window.read(
            context.get("data_interval_start") if starts is None else starts,
            context.get("data_interval_end") if ends is None else ends,
        )

    def request(self, context: Context) -> RunRequest:
        """Return the request for a run over the window."""
        from airflow_provider_payments.aep.on_demand import OnDemandRun
        from airflow_provider_payments.aep.resources.delta_column import DeltaColumn

        delta = DeltaColumn.parse(self.delta_column)
        flow_id, window = as_id("flow_id", self.flow_id), self.window(context)
        return OnDemandRun(
            client=self.hook.client, flow_id=flow_id, window=window, delta_column=delta.name if delta else None
        )


class RetryFlowRunOperator(FlowRunOperator):
    """
    Do the work of a failed flow run again, over the same window, and return what it moved.

    Returns what ``FlowRunSensor`` does, and ``window_start`` and ``window_end``, empty where the service does not show
    them. A run that has succeeded is returned as it is, one that is under way is waited for, and so is a later run over
    the same window: whatever was made good is not done again.

    :param run_id: the failed run.
    :param flow_id: instead: the newest failed run of this dataflow that no later run over its window has made good,
        among its last hundred. Before Airflow 3.3 give ``run_id``: there a second try looks for the newest anew.
    """

    template_fields: Sequence[str] = (*FlowRunOperator.template_fields, "run_id", "flow_id")

    def __init__(self, *, run_id: str | None = None, flow_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id
        self.flow_id = flow_id

    def request(self, context: Context) -> RunRequest | Started:
        """Return the request to do it again; or the run that has made it good, or is about to."""
        from airflow_provider_payments.aep.flow_runs import State
        from airflow_provider_payments.aep.on_demand import RepeatedRun
        from airflow_provider_payments.operators.memory import Started

        run = self._meant()
        if run.state is State.FAILED:
            return RepeatedRun.of(self.hook.client, run)
        doing = "waiting for it" if run.is_active else "there is nothing to do again"
        self.log.info("%s; %s", run, doing)
        return Started(run.id, run=run)

    def _meant(self) -> FlowRun:
        from airflow_provider_payments.aep.flow_runs import State
        from airflow_provider_payments.aep.on_demand import newest_failed, read_run, successor

        client = self.hook.client
        run_id, flow_id = as_optional_id("run_id", self.run_id), as_optional_id("flow_id", self.flow_id)
        if run_id:
            run = read_run(client, run_id)
            return successor(client, run) if run.state is State.FAILED else run
        if not flow_id:
            raise InvalidInputError("run_id", self.run_id, "a run's id, or flow_id, must be given")
        newest = newest_failed(client, flow_id)
        if newest is None:
            raise InvalidInputError("flow_id", flow_id, "it must be a dataflow that has run")
        return newest
