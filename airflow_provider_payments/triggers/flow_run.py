"""The trigger that waits for a flow run without a worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_payments.aep.errors import PlatformError
from airflow_provider_payments.aep.flow_runs import FlowRun, RunSelection, State
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook

MAX_POLL_ERRORS = 5


class FlowRunTrigger(BaseTrigger):
    """
    Waits until a flow run has ended, and hands it over. It only reads: Airflow may run a trigger twice.

    Its event is ``{"status": "ended", "run": {...}}``, ``{"status": "timeout", "message": ...}`` or
    ``{"status": "error", "message": ...}``; the worker judges the run.

    :param aep_conn_id: the Airflow connection.
    :param selection: which run is meant: the fields of :class:`~airflow_provider_payments.aep.flow_runs.RunSelection`.
    :param poll_interval: seconds between two looks.
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
        errors, said = 0, ""
        while True:
            try:
                # One HTTP stack for all: the blocking client runs in a thread, never on the triggerer's loop.
                run = await asyncio.to_thread(lambda: selection.find(hook.client))
                errors = 0
            except PlatformError as error:
                errors += 1
                self.log.warning("Could not look for %s (%d of %d): %s", selection, errors, MAX_POLL_ERRORS, error)
                if not error.retryable or errors >= MAX_POLL_ERRORS:
                    yield TriggerEvent({"status": "error", "message": str(error)})
                    return
            else:
                said = announce(self.log, run, said)
                if run is not None and run.state is not State.ACTIVE:
                    yield TriggerEvent({"status": "ended", "run": run.to_json()})
                    return
            left = None if self.deadline is None else self.deadline - time.time()
            if left is not None and left <= 0:
                yield TriggerEvent(
                    {"status": "timeout", "message": f"{selection} has not ended in time; {said or 'none seen'}"}
                )
                return
            await asyncio.sleep(self.poll_interval if left is None else min(self.poll_interval, left))


def announce(log: Any, run: FlowRun | None, said: str) -> str:
    """Log a run where it changed since ``said``; warn of a status that nobody has documented. Return what was said."""
    now = "" if run is None else str(run)
    if run is not None and now != said:
        log.info("%s", now)
        if not run.known:
            log.warning(
                "Flow run %s has the unknown status %r: it counts as failed once it has ended", run.id, run.status
            )
    return now
