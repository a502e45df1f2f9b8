"""The sensor that waits for a flow run and tells what arrived."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.flow_runs import FlowRun, RunSelection, State
from airflow_provider_payments.aep.inputs import as_bool, as_number, as_optional_id, as_time
from airflow_provider_payments.hooks.errors import (
    ExperiencePlatformFailedError,
    ExperiencePlatformUnavailableError,
    airflow_errors,
)
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.links import ExperiencePlatformLink, store_link
from airflow_provider_payments.triggers.flow_run import FlowRunTrigger, announce
from airflow_provider_payments.versions import honour_retry_after

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class FlowRunFailedError(ExperiencePlatformFailedError):
    """The flow run failed, was cancelled, or lost more records than is tolerated."""


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
    :param aep_conn_id: the Airflow connection.
    :param deferrable: wait in the triggerer instead of on a worker; by default ``[operators] default_deferrable``.
    """

    template_fields: Sequence[str] = (
        "aep_conn_id",
        "flow_id",
        "run_id",
        "since",
        "pick",
        "accept_partial",
        "max_failed_ratio",
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
        self.aep_conn_id = aep_conn_id
        self.deferrable = deferrable
        self._said = ""
        self._warned: set[str] = set()

    @cached_property
    def hook(self) -> ExperiencePlatformHook:
        """The hook; reads the connection with its first use."""
        return ExperiencePlatformHook(self.aep_conn_id)

    def execute(self, context: Context) -> Any:
        """Look once on the worker; where the run has not ended, wait as the mode says."""
        if not self.deferrable:
            return super().execute(context)
        seen = self._first_look(context)
        if seen:
            return seen.xcom_value
        self.defer(
            trigger=FlowRunTrigger(
                aep_conn_id=self.aep_conn_id,
                selection=asdict(self._selection(context)),
                poll_interval=self.poke_interval,
                deadline=self._deadline(),
            ),
            method_name="execute_complete",
            # Airflow's own time-out of a deferral would skip everything below; the trigger keeps the deadline.
            timeout=None,
        )
        return None

    def _first_look(self, context: Context) -> PokeReturnValue:
        """Poke once and do with an error what the base class does in the other modes."""
        try:
            return self.poke(context)
        except AirflowSkipException:
            raise
        except Exception as error:
            if self.never_fail or (self.soft_fail and isinstance(error, AirflowFailException)):
                raise AirflowSkipException(str(error)) from error
            if not self.silent_fail or isinstance(error, AirflowFailException):
                raise
            self.log.exception("Could not look for the flow run")
            return PokeReturnValue(is_done=False)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look for the run once."""
        with airflow_errors():
            self._tolerance()  # a wrong argument shows before the first request
            selection, client = self._selection(context), self.hook.client
            if selection.flow_id:
                where = {"url": client.url, "sandbox": client.sandbox}
                store_link(context, kind="dataflow", object_id=selection.flow_id, **where)
            run = selection.find(client)
        self._said = announce(self.log, run, self._said, self._warned)
        if run is None or run.state is State.ACTIVE:
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=self._judge(run))

    def execute_complete(self, context: Context, event: dict[str, Any] | None) -> dict[str, Any]:
        """
        Judge what the trigger saw. Anything but a well-formed event fails the task.

        :raises AirflowSensorTimeout: if the deadline passed.
        :raises FlowRunFailedError: if the run failed, or the trigger was refused.
        :raises ExperiencePlatformUnavailableError: if the trigger could not look; a retry may.
        """
        try:
            return self._completed(event if isinstance(event, dict) else {})
        except AirflowFailException as error:
            # Airflow 2.11 forgets never_fail here.
            if self.never_fail or self.soft_fail:
                raise AirflowSkipException(str(error)) from error
            raise

    def _completed(self, event: dict[str, Any]) -> dict[str, Any]:
        status = event.get("status")
        if status == "timeout":
            raise AirflowSensorTimeout(str(event.get("message")))
        if status == "error" and event.get("retryable") is True:
            raise ExperiencePlatformUnavailableError(str(event.get("message")))
        run = FlowRun.from_json(event.get("run")) if status == "ended" else None
        if run is None or run.state is State.ACTIVE:
            raise FlowRunFailedError(f"The wait ended without a flow run: {event.get('message') or event!r}")
        return self._judge(run)

    def _selection(self, context: Context) -> RunSelection:
        since = as_time("since", self.since) or getattr(context.get("dag_run"), "start_date", None)
        return RunSelection(
            flow_id=as_optional_id("flow_id", self.flow_id),
            run_id=as_optional_id("run_id", self.run_id),
            since=since.timestamp() if since else 0.0,
            pick=self.pick,
        )

    def _deadline(self) -> float:
        limits = [self.timeout]
        if self.execution_timeout:
            limits.append(self.execution_timeout.total_seconds())
        return time.time() + min(limits)

    def _tolerance(self) -> float | None:
        """Return the share of failed records that is accepted; ``None`` accepts none."""
        ratio = as_number("max_failed_ratio", self.max_failed_ratio)
        if ratio is not None and not 0 <= ratio <= 1:
            raise InvalidInputError("max_failed_ratio", ratio, "0 to 1")
        if ratio is None:
            return 1.0 if as_bool("accept_partial", self.accept_partial) else None
        return ratio

    def _judge(self, run: FlowRun) -> dict[str, Any]:
        reasons = "; ".join(run.errors) or "the service gives no reason"
        if run.state is State.FAILED:
            raise FlowRunFailedError(f"{run}. {reasons}")
        tolerated = self._tolerance()
        if run.state is State.PARTIAL and (tolerated is None or run.failed_ratio > tolerated):
            limit = "accept_partial is off" if tolerated is None else f"max_failed_ratio is {tolerated:g}"
            raise FlowRunFailedError(f"{run}, a share of {run.failed_ratio:.4f} where {limit}. {reasons}")
        self.log.info("%s in %s; batches: %s", run, _duration(run), ", ".join(run.batch_ids) or "none")
        return run.summary()


def _duration(run: FlowRun) -> str:
    if run.started_at is None or run.completed_at is None:
        return "unknown time"
    return f"{run.completed_at - run.started_at:.1f} s"
