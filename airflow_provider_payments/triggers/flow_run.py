"""The trigger with which a deferred task waits for a flow run."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_payments.aep.errors import PlatformError
from airflow_provider_payments.aep.inputs import as_duration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import timedelta

__all__ = ["FlowRunTrigger"]

#: Number of failed polls in a row after which a wait ends, if no answer came for MAX_UNANSWERED_SECONDS either.
MAX_POLL_ERRORS = 5
MAX_UNANSWERED_SECONDS = 600.0
#: Seconds before which no event is fired: Airflow 3.3 fails a task whose trigger fires before the scheduler has
#: recorded its deferral (apache/airflow#72716).
MIN_DEFERRAL_SECONDS = 5.0
#: Minimum time for the first poll, even after the deadline.
MIN_FIRST_POLL_SECONDS = 5.0


@dataclass
class _Failures:
    """The number of failed polls in a row, and the monotonic time of the last answer."""

    in_a_row: int = 0
    answered_at: float = field(default_factory=time.monotonic)

    def reset(self) -> None:
        """Record a poll that succeeded."""
        self.in_a_row, self.answered_at = 0, time.monotonic()

    def add(self, *, throttled: bool) -> None:
        """Record a failed poll; a 429 counts as an answer and not as a failure, so only the deadline limits it."""
        if throttled:
            self.answered_at = time.monotonic()
        else:
            self.in_a_row += 1

    def exceed(self, max_errors: int | None) -> bool:
        """Return whether the failures end the wait."""
        unanswered = time.monotonic() - self.answered_at
        return max_errors is not None and self.in_a_row >= max_errors and unanswered >= MAX_UNANSWERED_SECONDS


class FlowRunTrigger(BaseTrigger):
    """
    Wait until a flow run has ended, and return the run in the event.

    The trigger only reads, because Airflow may run a trigger twice. All triggers of a connection in a triggerer share
    one poller, see :mod:`~airflow_provider_payments.triggers.poller`. The event is
    ``{"status": "ended", "run": {...}, "flow": {...}}``, ``{"status": "timeout", "message": ...}`` or
    ``{"status": "error", "message": ..., "retryable": ...}``; the worker judges the run. The event stays small: ``run``
    has at most 20 errors of 500 characters and 20 codes of failed records. While it waits, the trigger raises no
    errors: it returns them in the event.

    .. seealso:: ``docs/waiting.md#what-is-requested`` in the manual.

    :param aep_conn_id: id of the Airflow connection to Experience Platform.
    :param selection: which run to wait for: the fields of
        :class:`~airflow_provider_payments.aep.runs.flow_run.RunSelection`.
    :param poll_interval: maximum time between two polls: seconds, ISO 8601 text such as ``PT1M``, or a timedelta. The
        first polls follow each other faster.
    :param deadline: epoch seconds after which the wait ends. Defaults to ``None``: no deadline.
    :param created_since: epoch seconds; the worker's poll has shown that the run was created no earlier. Defaults to
        ``None``: a day before ``selection["since"]``.
    :param max_errors: number of failed polls in a row after which the wait ends with an error, if no answer came for
        600 s either; ``None``: no number. A final error always ends the wait. Defaults to ``5``.
    :param known_run_id: id of the run, if the worker has found it. Defaults to ``None``.
    :param quiet_since: epoch seconds up to which the worker's poll has shown that no matching run began. Defaults to
        ``None``: the worker has not polled.
    :param fail_if_disabled: whether a disabled dataflow without a matching run ends the wait with an error. Defaults to
        ``True``.
    :param by_own_clock: whether ``selection["since"]`` is a time of Airflow's clock, which may differ from the
        platform's. Defaults to ``False``.
    :param flow: the dataflow that the worker has read, for the event of an ended run: the fields of
        :class:`~airflow_provider_payments.aep.runs.flow_parts.FlowParts`. Defaults to ``None``: the worker has not read
        it.
    :raises InvalidInputError: if ``poll_interval`` is not a duration.
    """

    def __init__(
        self,
        *,
        aep_conn_id: str,
        selection: dict[str, Any],
        poll_interval: timedelta | float | str,
        deadline: float | None = None,
        created_since: float | None = None,
        max_errors: int | None = MAX_POLL_ERRORS,
        known_run_id: str | None = None,
        quiet_since: float | None = None,
        fail_if_disabled: bool = True,
        by_own_clock: bool = False,
        flow: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.aep_conn_id = aep_conn_id
        self.selection = selection
        self.poll_interval = as_duration("poll_interval", poll_interval) or 0.0
        self.deadline = deadline
        self.created_since = created_since
        self.max_errors = max_errors
        self.known_run_id = known_run_id
        self.quiet_since = quiet_since
        self.fail_if_disabled = fail_if_disabled
        self.by_own_clock = by_own_clock
        self.flow = flow

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, all plain JSON."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {
            "aep_conn_id": self.aep_conn_id,
            "selection": self.selection,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
            "created_since": self.created_since,
            "max_errors": self.max_errors,
            "known_run_id": self.known_run_id,
            "quiet_since": self.quiet_since,
            "fail_if_disabled": self.fail_if_disabled,
            "by_own_clock": self.by_own_clock,
            "flow": self.flow,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield the only event."""
        started_at = time.monotonic()
        event = await self._wait()
        if self.trigger_id is not None:  # in a triggerer
            await asyncio.sleep(started_at + MIN_DEFERRAL_SECONDS - time.monotonic())
        yield TriggerEvent(event)

    async def _wait(self) -> dict[str, Any]:
        """Wait for the outcomes of polls until one of them ends the wait, and return the event."""
        # Imported in the triggerer, not when a DAG is parsed.
        from airflow_provider_payments.aep.http.throttle import is_throttled
        from airflow_provider_payments.aep.runs.flow_run import RunSelection
        from airflow_provider_payments.aep.runs.wait import Wait
        from airflow_provider_payments.outcomes import RunLog
        from airflow_provider_payments.triggers.poller import polled

        selection, run_log = RunSelection(**self.selection), RunLog(self.log)
        wait = Wait(
            selection,
            created_since=self.created_since,
            known_run_id=self.known_run_id,
            quiet_since=self.quiet_since,
            fail_if_disabled=self.fail_if_disabled,
            by_own_clock=self.by_own_clock,
        )
        failures, has_polled = _Failures(), False
        with polled(self.aep_conn_id, wait, self.poll_interval, self._seconds_left()) as waiter:
            while True:
                try:
                    # Poll once even after the deadline: the run may have ended in time while no triggerer ran.
                    async with asyncio.timeout(self._seconds_left(0.0 if has_polled else MIN_FIRST_POLL_SECONDS)):
                        run, error = await waiter.poll()
                except TimeoutError:
                    return {"status": "timeout", "message": f"{selection} timed out; {run_log.last_status}"}
                has_polled = True
                if error is None:
                    failures.reset()
                    run_log.log_change(run)
                    if run is not None and not run.is_active:
                        return {"status": "ended", "run": run.to_json(), "flow": self.flow}
                    continue
                failures.add(throttled=is_throttled(error))
                text = "Could not poll for %s (%d failures in a row): %s"
                self.log.warning(text, selection, failures.in_a_row, error)
                retryable = not isinstance(error, PlatformError) or error.retryable
                if not retryable or failures.exceed(self.max_errors):
                    return {"status": "error", "message": f"{type(error).__name__}: {error}", "retryable": retryable}

    def _seconds_left(self, minimum: float = 0.0) -> float | None:
        return None if self.deadline is None else max(minimum, self.deadline - time.time())
