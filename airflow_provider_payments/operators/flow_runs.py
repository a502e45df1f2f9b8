"""Operators that start flow runs and wait for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_id, as_optional_id, as_optional_text, as_time
from airflow_provider_payments.operators.started_run import FlowRunOperator
from airflow_provider_payments.versions import Reschedulable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.runs.data_window import Window

    # These load with the task, not when a DAG is parsed.
    from airflow_provider_payments.aep.runs.flow_run import FlowRun
    from airflow_provider_payments.aep.runs.on_demand import RunRequest
    from airflow_provider_payments.operators.run_state import Started
    from airflow_provider_payments.operators.window_wait import WindowWait

__all__ = ["FlowRunOperator", "RetryFlowRunOperator", "RunDataflowOperator"]


class RunDataflowOperator(Reschedulable, FlowRunOperator):
    """
    Run a dataflow on demand over a data window, and return the run's counts and batches.

    The arguments of :class:`FlowRunOperator` apply too. Returns
    :class:`~airflow_provider_payments.operators.outputs.ReusableFlowRunSummary`. The dataflow must have been created
    with the frequency ``once``. By default the window is the DAG run's data interval, so Airflow's catch-up and
    backfill ingest history window by window.

    **The data lake appends.** A window that is ingested twice adds its rows twice. So the task reads which windows the
    dataflow's runs have covered, and starts at most one run: a retry waits for the run of the previous try, and a
    cleared task, a backfill or a manual DAG run does not ingest a covered window again. A run that failed, or read no
    rows, covers nothing. A failed run fails the task without a retry; :class:`RetryFlowRunOperator` or a cleared task
    repeats the run.

    Only one task at a time may start runs of a dataflow; ``max_active_tis_per_dag`` is 1 for that reason.

    .. seealso:: ``docs/data-windows.md#rundataflowoperator`` in the manual.

    :param flow_id: id of the dataflow. (templated)
    :param window_start: start of the window: a timezone-aware time, ISO 8601 text or epoch seconds. Defaults to
        ``None``: the start of the data interval. (templated)
    :param window_end: end of the window, later than its start, in the same forms. Defaults to ``None``: the end of the
        data interval. (templated)
    :param delta_column: the column whose values decide which rows are in the window: a name, or an object with
        ``name``. The first run of a dataflow over a table needs it, and later runs cannot change it. Defaults to
        ``None``. (templated)
    :param if_covered: what to do if runs of the dataflow have read the window. With ``reuse``, a run that has read
        exactly this window becomes the task's run: the task waits for it if it is active, emits no metrics again, and
        returns ``reused`` as true; the task fails if more of the run's records failed than are accepted. Runs that
        have read a part of the window, or more than the window, fail the task before a run is requested. With
        ``again``, the window is ingested once more. Defaults to ``"reuse"``. (templated)
    :param window_lag: time after the window's end in which its rows may still arrive: seconds, ISO 8601 text such as
        ``PT2H``, or a timedelta. The run starts no earlier, by the platform's clock. Until then the task is deferred,
        or rescheduled if it is not ``deferrable``; ``timeout`` counts from then. Defaults to ``0.0``. (templated)
    :param max_window_wait: maximum time to wait until the run may start, in the same forms as ``window_lag``; if the
        run may start only later, the task fails at once. Defaults to ``None``: a day plus ``window_lag``. (templated)
    """

    template_fields: Sequence[str] = (
        *FlowRunOperator.template_fields,
        "flow_id",
        "window_start",
        "window_end",
        "delta_column",
        "if_covered",
        "window_lag",
        "max_window_wait",
    )

    def __init__(
        self,
        *,
        flow_id: str,
        window_start: datetime | float | str | None = None,
        window_end: datetime | float | str | None = None,
        delta_column: dict[str, str] | str | None = None,
        if_covered: Literal["reuse", "again"] | str = "reuse",
        window_lag: timedelta | float | str | None = 0.0,
        max_window_wait: timedelta | float | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.flow_id = flow_id
        self.window_start = window_start
        self.window_end = window_end
        self.delta_column = delta_column
        self.if_covered = if_covered
        self.window_lag = window_lag
        self.max_window_wait = max_window_wait

    def window(self, context: Context) -> Window:
        """Return the data window of the arguments, by default the data interval."""
        from airflow_provider_payments.aep.runs.data_window import Window

        starts, ends = as_time("window_start", self.window_start), as_time("window_end", self.window_end)
        return Window.read(
            context.get("data_interval_start") if starts is None else starts,
            context.get("data_interval_end") if ends is None else ends,
        )

    def request(self, context: Context) -> RunRequest:
        """Return the request for a run over the window."""
        from airflow_provider_payments.aep.resources.delta_column import DeltaColumn
        from airflow_provider_payments.aep.runs.on_demand import OnDemandRun

        delta = DeltaColumn.parse(self.delta_column)
        flow_id, window = as_id("flow_id", self.flow_id), self.window(context)
        return OnDemandRun(
            client=self.hook.client,
            flow_id=flow_id,
            window=window,
            delta_column=delta.name if delta else None,
            accepts=self._tolerance().accepts if self._reuses() else None,
        )

    def before_start(self, context: Context) -> None:
        """Defer or reschedule the task until the window and ``window_lag`` have elapsed."""
        self._window_wait().pause(
            self,
            self.window(context),
            self.hook.client.transport.now(),
            deferrable=self.deferrable,
            method_name="execute_later",
        )

    def more_outputs(self, run: FlowRun, context: Context, *, reused: bool) -> dict[str, Any]:
        """Return the window, and whether the run existed before this task requested one."""
        return super().more_outputs(run, context, reused=reused) | {"reused": reused}

    def _limits(self) -> tuple[float, float | None]:
        self._window_wait()
        return super()._limits()

    def _window_wait(self) -> WindowWait:
        from airflow_provider_payments.operators.window_wait import WindowWait

        return WindowWait.read(self.window_lag, self.max_window_wait)

    def _reuses(self) -> bool:
        given = as_optional_text("if_covered", self.if_covered) or "reuse"
        if given not in ("reuse", "again"):
            raise InvalidInputError("if_covered", self.if_covered, "reuse or again")
        return given == "reuse"


class RetryFlowRunOperator(FlowRunOperator):
    """
    Repeat a failed flow run over the same window, and return the counts and batches of the new run.

    The arguments of :class:`FlowRunOperator` apply too. Returns
    :class:`~airflow_provider_payments.operators.outputs.WindowedFlowRunSummary`. A succeeded or partial run is not
    repeated, but judged. If the run is active, or a later run over the same window is, the task waits for that run
    instead. Give ``run_id`` or ``flow_id``.

    .. seealso:: ``docs/data-windows.md#retries-and-cleared-tasks`` in the manual.

    :param run_id: id of the failed run. Defaults to ``None``: the run is found by ``flow_id``. (templated)
    :param flow_id: id of the dataflow whose newest failed run to repeat, among its last hundred runs and without those
        whose window a later run has read. If there is none, the task returns the dataflow's newest run. Applies without
        ``run_id``. Before Airflow 3.3 prefer ``run_id``, because a second try selects the newest failed run anew there.
        Defaults to ``None``. (templated)
    """

    template_fields: Sequence[str] = (*FlowRunOperator.template_fields, "run_id", "flow_id")

    def __init__(self, *, run_id: str | None = None, flow_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id
        self.flow_id = flow_id

    def request(self, context: Context) -> RunRequest | Started:
        """Return the request to repeat the run; or a run that makes a repetition unnecessary."""
        from airflow_provider_payments.aep.runs.flow_run import Status
        from airflow_provider_payments.aep.runs.on_demand import RepeatedRun
        from airflow_provider_payments.operators.run_state import Started

        run = self._run_to_repeat()
        if run.status is Status.FAILED:
            return RepeatedRun.of(self.hook.client, run)
        doing = "waiting for it" if run.is_active else "there is nothing to repeat"
        self.log.info("%s; %s", run, doing)
        return Started(run.id, run=run)

    def _run_to_repeat(self) -> FlowRun:
        from airflow_provider_payments.aep.runs.flow_run import Status
        from airflow_provider_payments.aep.runs.lookups import newest_failed, newest_run_of_window, read_run

        client = self.hook.client
        run_id, flow_id = as_optional_id("run_id", self.run_id), as_optional_id("flow_id", self.flow_id)
        if run_id:
            run = read_run(client, run_id)
            return newest_run_of_window(client, run) if run.status is Status.FAILED else run
        if not flow_id:
            raise InvalidInputError("run_id", self.run_id, "a run's id, or flow_id, must be given")
        newest = newest_failed(client, flow_id)
        if newest is None:
            raise InvalidInputError("flow_id", flow_id, "it must be a dataflow that has run")
        return newest
