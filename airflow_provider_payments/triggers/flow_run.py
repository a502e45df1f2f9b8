"""The trigger that waits for a flow run without a worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_payments.aep.errors import PlatformError
from airflow_provider_payments.aep.flow_runs import RunSelection, State
from airflow_provider_payments.outcomes import RunLog

#: Failed looks in a row after which the wait ends.
MAX_POLL_ERRORS = 5
#: Seconds before which no event is fired: Airflow 3.3 fails a task whose trigger fires before the scheduler has noted
#: its deferral (apache/airflow#72716).
SETTLED = 5.0
#: Seconds that the first look may take though the deadline has passed.
FIRST_LOOK = 300.0


class FlowRunTrigger(BaseTrigger):
    """
    Waits until a flow run has ended, and hands it over. It only reads: Airflow may run a trigger twice.

    All triggers of a connection share one poller, see :mod:`~airflow_provider_payments.triggers.watch`. The event is
    ``{"status": "ended", "run": {...}}``, ``{"status": "timeout", "message": ...}`` or
    ``{"status": "error", "message": ..., "retryable": ...}``; the worker judges the run.

    :param aep_conn_id: the Airflow connection.
    :param selection: which run is meant: the fields of :class:`~airflow_provider_payments.aep.flow_runs.RunSelection`.
    :param poll_interval: seconds between two looks at most; the first few follow each other faster.
    :param deadline: epoch seconds after which the wait ends; ``None`` waits for ever.
    :param created_since: epoch seconds; the worker has seen that no run made earlier can be the one. By default a day
        before ``selection["since"]``.
    :param max_errors: so many failed looks in a row end the wait, unless they are final; ``None``: no number does.
    """

    def __init__(
        self,
        *,
        aep_conn_id: str,
        selection: dict[str, Any],
        poll_interval: float,
        deadline: float | None = None,
        created_since: float | None = None,
        max_errors: int | None = MAX_POLL_ERRORS,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.aep_conn_id = aep_conn_id
        self.selection = selection
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.created_since = created_since
        self.max_errors = max_errors

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
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and say how it ended."""
        begun = time.monotonic()
        event = await self._wait()
        if self.trigger_id is not None:  # in a triggerer
            await asyncio.sleep(begun + SETTLED - time.monotonic())
        yield TriggerEvent(event)

    async def _wait(self) -> dict[str, Any]:
        """Wait for one look after the other; a bounded number of failed ones in a row is borne."""
        from airflow_provider_payments.aep.pace import is_refusal
        from airflow_provider_payments.aep.waits import Wait
        from airflow_provider_payments.triggers.watch import watched

        selection, run_log = RunSelection(**self.selection), RunLog(self.log)
        since = selection.created_since if self.created_since is None else self.created_since
        errors, looked = 0, False
        with watched(self.aep_conn_id, Wait(selection, since), self.poll_interval, self._seconds_left()) as waiter:
            while True:
                try:
                    # One look at least, however late it is: the run may have ended in time, while no triggerer ran.
                    async with asyncio.timeout(self._seconds_left(0.0 if looked else FIRST_LOOK)):
                        run, error = await waiter.look()
                except TimeoutError:
                    return {"status": "timeout", "message": f"{selection} has not ended in time; {run_log.last}"}
                looked = True
                if error is None:
                    errors = 0
                    run_log.note(run)
                    if run is not None and run.state is not State.ACTIVE:
                        return {"status": "ended", "run": run.to_json()}
                    continue
                retryable = not isinstance(error, PlatformError) or error.retryable
                # To be told to wait is no failure to look: only the deadline bounds it.
                errors += not is_refusal(error)
                self.log.warning("Could not look for %s (%d failures in a row): %s", selection, errors, error)
                if not retryable or (self.max_errors is not None and errors >= self.max_errors):
                    return {"status": "error", "message": f"{type(error).__name__}: {error}", "retryable": retryable}

    def _seconds_left(self, least: float = 0.0) -> float | None:
        return None if self.deadline is None else max(least, self.deadline - time.time())
