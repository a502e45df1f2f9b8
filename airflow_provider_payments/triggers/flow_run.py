"""The trigger that waits for a flow run without a worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_payments.aep.errors import Failure, PlatformError
from airflow_provider_payments.aep.flow_runs import FlowRun, RunSelection, State
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook

MAX_POLL_ERRORS = 5
#: Seconds between the first two looks; it doubles up to the poll interval.
FIRST_PAUSE = 1.0


class FlowRunTrigger(BaseTrigger):
    """
    Waits until a flow run has ended, and hands it over. It only reads: Airflow may run a trigger twice.

    Its event is ``{"status": "ended", "run": {...}}``, ``{"status": "timeout", "message": ...}`` or
    ``{"status": "error", "message": ..., "retryable": ...}``; the worker judges the run.

    :param aep_conn_id: the Airflow connection.
    :param selection: which run is meant: the fields of :class:`~airflow_provider_payments.aep.flow_runs.RunSelection`.
    :param poll_interval: seconds between two looks; the first few follow each other faster.
    :param deadline: epoch seconds after which the wait ends; ``None`` waits for ever.
    """

    def __init__(
        self, *, aep_conn_id: str, selection: dict[str, Any], poll_interval: float, deadline: float | None = None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.aep_conn_id = aep_conn_id
        self.selection = selection
        self.poll_interval = poll_interval
        self.deadline = deadline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, all plain JSON."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {
            "aep_conn_id": self.aep_conn_id,
            "selection": self.selection,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, wait, look again; a bounded number of failed looks in a row is borne."""
        hook, selection = ExperiencePlatformHook(self.aep_conn_id), RunSelection(**self.selection)
        errors, said, pause = 0, "", min(FIRST_PAUSE, self.poll_interval)
        warned: set[str] = set()
        while True:
            asked_to_wait = 0.0
            try:
                # One HTTP stack for all: the blocking client runs in a thread, never on the triggerer's loop.
                run = await asyncio.to_thread(lambda: selection.find(hook.client))
            except Exception as error:
                asked_to_wait = getattr(error, "retry_after", None) or 0.0
                retryable = not isinstance(error, PlatformError) or error.retryable
                # To be told to wait is no failure to look: only the deadline bounds it.
                errors += getattr(error, "failure", None) is not Failure.REFUSED
                self.log.warning("Could not look for %s (%d of %d): %s", selection, errors, MAX_POLL_ERRORS, error)
                if not retryable or errors >= MAX_POLL_ERRORS:
                    message = f"{type(error).__name__}: {error}"
                    yield TriggerEvent({"status": "error", "message": message, "retryable": retryable})
                    return
            else:
                errors, said = 0, announce(self.log, run, said, warned)
                if run is not None and run.state is not State.ACTIVE:
                    yield TriggerEvent({"status": "ended", "run": run.to_json()})
                    return
            if self.deadline is not None and time.time() >= self.deadline:
                message = f"{selection} has not ended in time; {said or 'none was seen'}"
                yield TriggerEvent({"status": "timeout", "message": message})
                return
            sleep = max(pause, asked_to_wait)
            await asyncio.sleep(sleep if self.deadline is None else max(0.0, min(sleep, self.deadline - time.time())))
            # Short runs are seen soon, long ones cost no more.
            pause = min(2 * pause, self.poll_interval)


def announce(log: Any, run: FlowRun | None, said: str, warned: set[str]) -> str:
    """
    Log a run where it changed since ``said``; warn once of a status that nobody has documented. Return what was said.
    """
    now = "" if run is None else str(run)
    if run is not None and now != said:
        log.info("%s", now)
    if run is not None and not run.known and run.status not in warned:
        warned.add(run.status)
        log.warning("Flow run %s has the unknown status %r: once it has ended, it counts as failed", run.id, run.status)
    return now
