"""The trigger that waits for a flow run without a worker."""

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

#: Failed polls in a row after which a wait ends, if there was also no answer for MAX_UNANSWERED_SECONDS.
MAX_POLL_ERRORS = 5
MAX_UNANSWERED_SECONDS = 600.0
#: No event is fired earlier: Airflow 3.3 fails a task whose trigger fires before the scheduler has recorded its
#: deferral (apache/airflow#72716).
MIN_DEFERRAL_SECONDS = 5.0
#: Seconds that the first poll may take though the deadline has passed.
FIRST_POLL_SECONDS = 5.0


@dataclass
class _Failures:
    """Failed polls in a row, and the time of the last answer, by the monotonic clock."""

    in_a_row: int = 0
    answered_at: float = field(default_factory=time.monotonic)

    def reset(self) -> None:
        """Record a poll that succeeded."""
        self.in_a_row, self.answered_at = 0, time.monotonic()

    def add(self, *, throttled: bool) -> None:
        """Record a poll that did not succeed. A 429 is an answer, and no failure: only the deadline limits it."""
        if throttled:
            self.answered_at = time.monotonic()
        else:
            self.in_a_row += 1

    def exceed(self, max_errors: int | None) -> bool:
        """Return whether they end the wait."""
        unanswered = time.monotonic() - self.answered_at
        return max_errors is not None and self.in_a_row >= max_errors and unanswered >= MAX_UNANSWERED_SECONDS


class FlowRunTrigger(BaseTrigger):
    """
    Wait until a flow run has ended, and return it in the event.

    It only reads, because Airflow may run a trigger twice. All triggers of a connection in a triggerer share one
    poller, see :mod:`~airflow_provider_payments.triggers.poller`. The event is
    ``{"status": "ended", "run": {...}, "flow": {...}}``, ``{"status": "timeout", "message": ...}`` or
    ``{"status": "error", "message": ..., "retryable": ...}``; the worker judges the run. The trigger raises no errors
    of its own while it waits.

    .. seealso:: ``docs/waiting.md#what-is-requested`` in the manual.

    :param aep_conn_id: id of the Airflow connection to Experience Platform.
    :param selection: which run to wait for: the fields of
        :class:`~airflow_provider_payments.aep.runs.flow_run.RunSelection`.
    :param poll_interval: maximum time between two polls: seconds, ISO 8601 text such as ``PT1M``, or a timedelta. The
        first polls follow each other faster.
    :param deadline: epoch seconds after which the wait ends. Defaults to ``None``: no deadline.
    :param created_since: epoch seconds; the worker has seen that the run was created no earlier. Defaults to ``None``:
        a day before ``selection["since"]``.
    :param max_errors: failed polls in a row after which the wait ends with an error, if there was also no answer for
        600 s; ``None``: no number ends it. A final error always ends it. Defaults to ``5``.
    :param known_run_id: id of the run, if the worker has found it. Defaults to ``None``.
    :param quiet_since: epoch seconds up to which the worker has seen that no matching run has begun. Defaults to
        ``None``: it has not looked.
    :param fail_if_disabled: whether a disabled dataflow without a matching run ends the wait with an error. Defaults to
        ``True``.
    :param by_own_clock: whether ``selection["since"]`` is a time of Airflow's clock, which the platform's may differ
        from. Defaults to ``False``.
    :param flow: the dataflow as the worker has seen it, for the event of an ended run: the fields of
        :class:`~airflow_provider_payments.aep.runs.flow_parts.FlowParts`. Defaults to ``None``: it has not seen it.
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
        """Wait, and yield the one event."""
        begun = time.monotonic()
        event = await self._wait()
        if self.trigger_id is not None:  # in a triggerer
            await asyncio.sleep(begun + MIN_DEFERRAL_SECONDS - time.monotonic())
        yield TriggerEvent(event)

    async def _wait(self) -> dict[str, Any]:
        """Wait for one poll after the other, and return the event; a number of failures in a row is tolerated."""
        # Loaded in the triggerer, not when a DAG is parsed.
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
                    # At least one poll, even after the deadline: the run may have ended in time while no triggerer ran.
                    async with asyncio.timeout(self._seconds_left(0.0 if has_polled else FIRST_POLL_SECONDS)):
                        run, error = await waiter.poll()
                except TimeoutError:
                    return {"status": "timeout", "message": f"{selection} timed out; {run_log.last}"}
                has_polled = True
                if error is None:
                    failures.reset()
                    run_log.note(run)
                    if run is not None and not run.is_active:
                        return {"status": "ended", "run": run.to_json(), "flow": self.flow}
                    continue
                failures.add(throttled=is_throttled(error))
                text = "Could not poll for %s (%d failures in a row): %s"
                self.log.warning(text, selection, failures.in_a_row, error)
                retryable = not isinstance(error, PlatformError) or error.retryable
                if not retryable or failures.exceed(self.max_errors):
                    return {"status": "error", "message": f"{type(error).__name__}: {error}", "retryable": retryable}

    def _seconds_left(self, least: float = 0.0) -> float | None:
        return None if self.deadline is None else max(least, self.deadline - time.time())
