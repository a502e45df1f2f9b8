"""What a flow run's end means to a task: its log lines, its metrics, and whether it is good enough."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import Stats

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.flow_runs import FlowRun, State
from airflow_provider_payments.aep.inputs import as_bool, as_number
from airflow_provider_payments.hooks.errors import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError


class FlowRunFailedError(ExperiencePlatformFailedError):
    """The flow run failed, was cancelled, or lost more records than is tolerated."""


@dataclass(frozen=True)
class Tolerance:
    """
    How many records may fail.

    :param share: failed records as a share of those read, 0 to 1; ``None`` accepts no partial run.
    """

    share: float | None = None

    @classmethod
    def read(cls, accept_partial: bool | str, max_failed_ratio: float | str | None) -> Tolerance:
        """
        Read an operator's arguments; a ratio implies that partial runs are accepted.

        :raises InvalidInputError: naming the argument that is wrong.
        """
        ratio = as_number("max_failed_ratio", max_failed_ratio)
        if ratio is not None and not 0 <= ratio <= 1:
            raise InvalidInputError("max_failed_ratio", ratio, "0 to 1")
        accepted = as_bool("accept_partial", accept_partial)
        return cls((1.0 if accepted else None) if ratio is None else ratio)

    def judge(self, run: FlowRun, log: Any) -> dict[str, Any]:
        """
        Log and count what an ended run moved, and return it.

        :raises FlowRunFailedError: if the run failed, or lost too much.
        """
        log.info("%s in %s; batches: %s", run, _duration(run), ", ".join(run.batch_ids) or "none")
        count(run)
        reasons = "; ".join(run.errors) or "the service gives no reason"
        if run.state is State.FAILED:
            raise FlowRunFailedError(f"{run}. {reasons}")
        # A partial run that counts no failed records does not say how many they are.
        share = run.failed_ratio if run.failed_records else 1.0
        if run.state is State.PARTIAL and (self.share is None or share > self.share):
            limit = "accept_partial is off" if self.share is None else f"max_failed_ratio is {self.share:g}"
            raise FlowRunFailedError(f"{run}, a share of {share:.4f} where {limit}. {reasons}")
        return run.summary()


class RunLog:
    """
    Tells of a run in a task's log, one line for each change of its state.

    :param log: where the lines go.
    """

    def __init__(self, log: Any) -> None:
        self._log = log
        self._said: tuple[str, str] | None = None
        self._warned: set[str] = set()
        #: What is known by now, as the end of a sentence.
        self.last = "none was seen"

    def note(self, run: FlowRun | None) -> None:
        """Log the run where it is another, or in another state, than the last; warn once of an unknown status."""
        if run is None:
            return
        self.last = str(run)
        if (run.id, run.status) == self._said:
            return
        self._said = run.id, run.status
        self._log.info("%s", run)
        if not run.known and run.status not in self._warned:
            self._warned.add(run.status)
            text = "Flow run %s has the unknown status %r: once it has ended, it counts as failed"
            self._log.warning(text, run.id, run.status)


def ended_run(event: object, timed_out: type[Exception]) -> FlowRun:
    """
    Return the run that a trigger's event hands over. Anything but a well-formed event is an error.

    :param timed_out: what to raise where the deadline passed.
    :raises FlowRunFailedError: if the event holds no ended run, or the trigger was refused.
    :raises ExperiencePlatformUnavailableError: if the trigger could not look; a retry may.
    """
    given: dict[str, Any] = event if isinstance(event, dict) else {}
    status = given.get("status")
    if status == "timeout":
        raise timed_out(str(given.get("message")))
    if status == "error" and given.get("retryable") is True:
        raise ExperiencePlatformUnavailableError(str(given.get("message")))
    run = FlowRun.from_json(given.get("run")) if status == "ended" else None
    if run is None or run.state is State.ACTIVE:
        raise FlowRunFailedError(f"The wait ended without a flow run: {given.get('message') or event!r}")
    return run


def deadline(*limits: float | timedelta | None) -> float | None:
    """Return the earliest end of time limits (seconds or timedeltas) that begin now, as epoch seconds."""
    seconds = [
        limit.total_seconds() if isinstance(limit, timedelta) else limit for limit in limits if limit is not None
    ]
    return time.time() + min(seconds) if seconds else None


def count(run: FlowRun) -> None:
    """Emit the metrics of an ended run, tagged with its dataflow and state."""
    tags = {"flow_id": run.flow_id, "state": run.state.value}
    if run.started_at is not None and run.completed_at is not None:
        Stats.timing("payments.flow_run.duration", timedelta(seconds=run.completed_at - run.started_at), tags=tags)
    Stats.incr("payments.flow_run.records_in", run.input_records, tags=tags)
    Stats.incr("payments.flow_run.records_out", run.output_records, tags=tags)
    Stats.incr("payments.flow_run.records_failed", run.failed_records, tags=tags)


def _duration(run: FlowRun) -> str:
    if run.started_at is None or run.completed_at is None:
        return "unknown time"
    return f"{run.completed_at - run.started_at:.1f} s"
