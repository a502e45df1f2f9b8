"""The outcome of an ended flow run for its task: whether it is accepted, its log lines and its metrics."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Stats

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_bool, as_number, as_optional_text
from airflow_provider_payments.aep.readers import mapping, shown
from airflow_provider_payments.aep.runs.flow_run import FlowRun, Status
from airflow_provider_payments.exceptions import ExperiencePlatformUnavailableError, FlowRunFailedError

if TYPE_CHECKING:
    from airflow_provider_payments.aep.runs.flow_parts import Names
    from airflow_provider_payments.aep.runs.row_samples import FrequentCodes


#: Maximum length of a tag's value: a metric with all its tags may have 250 characters.
MAX_TAG_CHARACTERS = 40
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Tolerance:
    """
    The failed records that a task accepts.

    :param accept_partial: whether a partial run is accepted.
    :param max_failed_ratio: the share of failed records, 0 to 1, up to which a partial run is accepted; ``None``: any
        share.
    :param accept_unknown: whether a run with unknown counts is accepted; it never is if there is a ratio.
    """

    accept_partial: bool = False
    max_failed_ratio: float | None = None
    accept_unknown: bool = False

    @classmethod
    def read(
        cls, accept_partial: bool | str, max_failed_ratio: float | str | None, unknown_counts: str | None
    ) -> Tolerance:
        """
        Return the tolerance of an operator's arguments; a ratio implies that partial runs are accepted.

        :raises InvalidInputError: naming the argument that is wrong.
        """
        ratio = as_number("max_failed_ratio", max_failed_ratio)
        if ratio is not None and not 0 <= ratio <= 1:
            raise InvalidInputError("max_failed_ratio", ratio, "0 to 1")
        unknown = as_optional_text("unknown_counts", unknown_counts) or "fail"
        if unknown not in ("fail", "accept"):
            raise InvalidInputError("unknown_counts", unknown_counts, "fail or accept")
        accepted = as_bool("accept_partial", accept_partial) is True or ratio is not None
        return cls(accepted, ratio, unknown == "accept")

    def accepts(self, run: FlowRun) -> bool:
        """Return whether an ended run is accepted."""
        return self.rejection(run) is None

    def rejection(self, run: FlowRun) -> Rejection | None:
        """Return why an ended run fails its task; ``None`` if it is accepted."""
        if run.status not in (Status.SUCCEEDED, Status.PARTIAL):
            return Rejection(run)
        objection = self._objection(run)
        return Rejection(run, objection) if objection else None

    def _objection(self, run: FlowRun) -> str:
        """Return why a succeeded or partial run is not accepted; empty if it is accepted."""
        limit = f"max_failed_ratio is {self.max_failed_ratio:g}" if self.max_failed_ratio is not None else ""
        if None in run.counts and (limit or not self.accept_unknown):
            rule = limit if self.accept_unknown else "unknown_counts is 'fail'"
            return f"its counts cannot be read ({run.unknown_counts or 'it has none'}), and {rule}"
        if run.status is Status.SUCCEEDED:
            return ""
        # A partial run that counts no failed records does not tell how many failed, so all may have.
        share = run.failed_ratio or 1.0
        if self.accept_partial and (self.max_failed_ratio is None or share <= self.max_failed_ratio):
            return ""
        failed = "an unknown share" if run.failed_ratio is None else f"a share of {share:.4f}"
        return f"{failed}, but {limit or 'accept_partial is off'}"


@dataclass(frozen=True)
class Rejection:
    """
    The reason why an ended run fails its task.

    :param run: the run.
    :param objection: why the task's arguments do not accept the run; empty if the run itself failed.
    """

    run: FlowRun
    objection: str = ""

    @property
    def _errors(self) -> str:
        return "; ".join(self.run.errors) or "the service gives no reason"

    @property
    def reason(self) -> str:
        """The objection and the errors that the service reports."""
        return f"{self.objection}. {self._errors}" if self.objection else self._errors

    def error(self, codes: FrequentCodes | None) -> FlowRunFailedError:
        """
        Return the error that fails the task.

        :param codes: the most frequent codes of the failed records, if known.
        """
        parts = f"{self.run}{', ' if self.objection else '. '}{self.reason}"
        return FlowRunFailedError(f"{parts}. {codes}" if codes else parts)


class RunLog:
    """
    Log lines about a flow run, one for each change of its status.

    :param log: the task's logger.
    """

    def __init__(self, log: Any) -> None:
        self._log = log
        self._logged: tuple[str, str] | None = None
        self._warned: set[str] = set()
        #: The last known status of the run, as the end of a sentence.
        self.last_status = "no matching run has appeared yet"

    def log_change(self, run: FlowRun | None) -> None:
        """Log the run if the run or its raw status has changed; warn once about each undocumented raw status."""
        if run is None:
            return
        self.last_status = str(run)
        if (run.id, run.raw_status) == self._logged:
            return
        self._logged = run.id, run.raw_status
        self._log.info("%s", run)
        if not run.has_known_status and run.raw_status not in self._warned:
            self._warned.add(run.raw_status)
            text = "Flow run %s has the undocumented raw status %r: once the run has ended, it counts as failed"
            self._log.warning(text, run.id, run.raw_status)


def ended_run(event: object, timed_out: type[Exception]) -> FlowRun:
    """
    Return the ended run of a trigger's event; a malformed event is an error.

    :param event: the event's payload.
    :param timed_out: the class of the error to raise if the deadline has passed.
    :raises FlowRunFailedError: if the event contains no ended run, or the service refused the trigger's request.
    :raises ExperiencePlatformUnavailableError: if polling failed, and a retry may succeed.
    """
    payload = mapping(event)
    status, message = payload.get("status"), payload.get("message")
    text = message if message and isinstance(message, str) else shown(event)
    if status == "timeout":
        raise timed_out(text)
    if status == "error" and payload.get("retryable") is True:
        raise ExperiencePlatformUnavailableError(text)
    run = FlowRun.from_json(payload.get("run")) if status == "ended" else None
    if run is None or run.status is Status.ACTIVE:
        raise FlowRunFailedError(f"The wait ended without a flow run: {text}")
    return run


def deadline(*limits: float | timedelta | None) -> float | None:
    """
    Return when the shortest of several time limits ends, counted from now, in epoch seconds.

    :param limits: seconds or timedeltas; ``None`` is no limit.
    :return: ``None`` if no limit is finite.
    """
    seconds = [
        limit.total_seconds() if isinstance(limit, timedelta) else limit for limit in limits if limit is not None
    ]
    finite = [limit for limit in seconds if math.isfinite(limit)]
    return time.time() + min(finite) if finite else None


def log_outcome(run: FlowRun, names: Names, log: Any) -> None:
    """Log an ended run with its counts, duration, batches and names."""
    log.info("%s in %s; batches: %s; %s", run, _duration(run), ", ".join(run.batch_ids) or "none", names)


def emit_metrics(run: FlowRun, names: Names) -> None:
    """Emit the metrics of an ended run, tagged with its status and names; unknown values are not emitted."""
    tags = _tags(names) | {"status": run.status.value}
    if (seconds := _seconds(run)) is not None:
        Stats.timing("payments.flow_run.duration", timedelta(seconds=seconds), tags=tags)
    for name, records in zip(("records_in", "records_out", "records_failed"), run.counts, strict=True):
        if records is not None:
            Stats.incr(f"payments.flow_run.{name}", records, tags=tags)
    if run.status in (Status.SUCCEEDED, Status.PARTIAL) and run.completed_at is not None:
        emit_freshness(names, max(0.0, time.time() - run.completed_at))


def emit_freshness(names: Names, seconds: float) -> None:
    """
    Emit the age of a dataflow's data.

    :param names: the dataflow and its dataset, for the tags.
    :param seconds: seconds since the newest succeeded or partial run ended.
    """
    Stats.gauge("payments.dataset.freshness_seconds", seconds, tags=_tags(names))


def _tags(names: Names) -> dict[str, str]:
    """Return names as tags that StatsD accepts: Airflow drops a metric with other characters or a longer name."""
    return {key: _NOT_IN_TAGS.sub("_", value)[:MAX_TAG_CHARACTERS] for key, value in names.to_json().items()}


def _seconds(run: FlowRun) -> float | None:
    if run.started_at is None or run.completed_at is None or run.completed_at < run.started_at:
        return None
    return run.completed_at - run.started_at


def _duration(run: FlowRun) -> str:
    seconds = _seconds(run)
    return "unknown time" if seconds is None else f"{seconds:.1f} s"
