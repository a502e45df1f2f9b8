"""
The problems of a dataflow, judged from an observation of it; no requests are sent here.

Data that cannot be read is a problem and never counts as healthy. Sources: Adobe's pages "Monitor dataflows" and, for
dataflows that the platform disables after 30 days of failures, the release notes of June 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import attrs

from airflow_provider_payments.aep.readers import iso
from airflow_provider_payments.aep.runs.flow_run import FlowRun, Status
from airflow_provider_payments.aep.services import Json, with_values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

__all__ = ["PROBLEMS", "Health", "Limits", "Observation", "Problem", "RunTotals", "judge"]

ProblemCode = Literal[
    "missing",
    "unreadable",
    "draft",
    "disabled",
    "disabled_by_platform",
    "failed",
    "partial",
    "unknown_counts",
    "stale",
    "failure_share",
    "credential",
]
#: The codes of all problems, in the order in which reports show them.
PROBLEMS: tuple[ProblemCode, ...] = get_args(ProblemCode)
#: Number of its schedule's intervals that a dataflow may be without a successful run.
MAX_INTERVALS = 2
#: Seconds of failures after which a disabled dataflow counts as disabled by the platform: its 30 days, less a day for
#: runs that end early.
FAILING_SECONDS = 29 * 86400.0
#: Maximum number of characters of a run's error that a problem shows.
MAX_ERROR_CHARACTERS = 200
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@attrs.frozen
class Problem:
    """
    A problem of a dataflow.

    :param code: the problem's code.
    :param text: the problem in words, for reports.
    """

    code: ProblemCode
    text: str


@attrs.frozen(kw_only=True)
class RunTotals:
    """
    The totals of a dataflow's ended runs since a given time.

    :param runs: number of runs.
    :param failed_runs: number of runs that failed.
    :param unknown_runs: number of runs with unknown record counts; their records are not included.
    :param records: number of records read.
    :param failed_records: number of records that failed.
    """

    runs: int = 0
    failed_runs: int = 0
    unknown_runs: int = 0
    records: int = 0
    failed_records: int = 0

    @classmethod
    def of(cls, runs: Iterable[FlowRun]) -> RunTotals:
        """Return the totals of those runs that have ended."""
        ended = [run for run in runs if not run.is_active]
        known = [counts for run in ended if (counts := _read_and_failed(run))]
        return cls(
            runs=len(ended),
            failed_runs=sum(run.status is Status.FAILED for run in ended),
            unknown_runs=len(ended) - len(known),
            records=sum(read for read, _ in known),
            failed_records=sum(failed for _, failed in known),
        )

    @property
    def failed_ratio(self) -> float | None:
        """Failed records as a share of the records read, 0 to 1; ``None`` if the counts of all runs are unknown."""
        if self.runs and self.unknown_runs == self.runs:
            return None
        return self.failed_records / self.records if self.records else 0.0


def _read_and_failed(run: FlowRun) -> tuple[int, int] | None:
    if run.input_records is None or run.output_records is None or run.failed_records is None:
        return None
    return max(run.input_records, run.output_records + run.failed_records), run.failed_records


@attrs.frozen(kw_only=True)
class Observation:
    """
    The data about one dataflow that its health is judged from; times are epoch seconds, ``None`` if unknown.

    :param name: the dataflow's name, or the name in its definition.
    :param id: the dataflow's id; ``None`` if the dataflow of a definition does not exist.
    :param state: the dataflow's state as the service reports it.
    :param may_be_disabled: whether the dataflow's definition disables it.
    :param changed_at: when the dataflow was last changed.
    :param begins_at: the start of its schedule, or its creation if that was later.
    :param ends_at: the end of its schedule.
    :param period: seconds between two runs; ``None`` if it runs once.
    :param last_run: the newest run that has ended.
    :param last_success: the newest run that succeeded or was partial.
    :param searched_since: when the oldest run that was read began; an older run may have succeeded.
    :param is_running: whether a run is active.
    :param totals: the totals of its runs since the requested time, if they were requested.
    :param credential: why its base connection fails the connection test; empty if it passes or was not tested.
    :param unreadable: which data about its runs could not be read, and why; empty if all could be read.
    """

    name: str
    id: str | None = None
    state: str = ""
    may_be_disabled: bool = False
    changed_at: float | None = None
    begins_at: float | None = None
    ends_at: float | None = None
    period: float | None = None
    last_run: FlowRun | None = None
    last_success: FlowRun | None = None
    searched_since: float | None = None
    is_running: bool = False
    totals: RunTotals | None = None
    credential: str = ""
    unreadable: str = ""


@attrs.frozen(kw_only=True)
class Limits:
    """
    The limits within which a dataflow is healthy.

    :param now: the platform's time in epoch seconds.
    :param max_age: maximum number of seconds since the last successful run ended. Defaults to ``None``: twice the
        schedule's interval, and no limit for a dataflow that runs once or whose schedule has ended.
    :param max_failed_ratio: maximum share of failed records in the counted runs, 0 to 1. Defaults to ``None``: no
        limit.
    :param ignore: codes of problems that are shown but do not make a dataflow unhealthy.
    """

    now: float
    max_age: float | None = None
    max_failed_ratio: float | None = None
    ignore: Collection[str] = ()

    def age_limit(self, observation: Observation) -> float | None:
        """Return the maximum number of seconds since a dataflow's last successful run; ``None`` if there is none."""
        if self.max_age is not None:
            return self.max_age
        has_ended = observation.ends_at is not None and observation.ends_at <= self.now
        return None if observation.period is None or has_ended else MAX_INTERVALS * observation.period


@attrs.frozen(kw_only=True)
class Health:
    """
    The health of one dataflow.

    :param observation: the observation that was judged.
    :param problems: all problems, including the ignored ones.
    :param is_healthy: whether all problems are ignored, or there are none.
    :param age: seconds since the last successful run ended; ``None`` if no such run is known.
    :param max_age: maximum of ``age``; ``None`` if there is no limit.
    """

    observation: Observation
    problems: tuple[Problem, ...]
    is_healthy: bool
    age: float | None
    max_age: float | None

    def to_json(self) -> Json:
        """Return the health as plain JSON; unknown values are omitted."""
        observation = self.observation
        return with_values(
            {
                "name": observation.name,
                "id": observation.id,
                "state": observation.state or None,
                "healthy": self.is_healthy,
                "problems": [attrs.asdict(problem) for problem in self.problems],
                "running": observation.is_running,
                "last_run": _run_json(observation.last_run),
                "last_success_at": _iso(_ended_at(observation.last_success)),
                "age_seconds": None if self.age is None else round(self.age),
                "max_age_seconds": self.max_age,
                "schedule_seconds": observation.period,
                "totals": attrs.asdict(observation.totals) if observation.totals else None,
            }
        )


def _run_json(run: FlowRun | None) -> Json | None:
    if run is None:
        return None
    return with_values({name: value for name, value in run.summary().items() if name != "batch_ids"})


def judge(observation: Observation, limits: Limits) -> Health:
    """Return the health of the observed dataflow."""
    ended, limit = _ended_at(observation.last_success), limits.age_limit(observation)
    problems = tuple(_problems(observation, limits, limit))
    return Health(
        observation=observation,
        problems=problems,
        is_healthy=all(problem.code in limits.ignore for problem in problems),
        age=None if ended is None else max(limits.now - ended, 0.0),
        max_age=limit,
    )


def _problems(observation: Observation, limits: Limits, limit: float | None) -> Iterator[Problem]:
    if observation.id is None:
        yield Problem("missing", "there is no dataflow of this name; `payments apply` creates it")
        return
    if observation.unreadable:
        yield Problem("unreadable", observation.unreadable)
    if observation.state == "draft":
        yield Problem("draft", "it is a draft, which never runs; publish it")
    elif observation.state == "disabled":
        yield from [] if observation.may_be_disabled else [_disabled(observation)]
    else:
        yield from _problems_of_run(observation.last_run)
        yield from _stale(observation, limits, limit)
    yield from _failure_share(observation, limits)
    if observation.credential:
        yield Problem("credential", observation.credential)


def _disabled(observation: Observation) -> Problem:
    when = f"; it was last changed at {iso(observation.changed_at)}" if observation.changed_at else ""
    if observation.last_run is None or observation.last_run.status is not Status.FAILED:
        return Problem("disabled", f"it is disabled{when}")
    success = observation.last_success
    since = success.began_at if success else observation.searched_since or observation.begins_at
    if since is not None and observation.last_run.began_at - since >= FAILING_SECONDS:
        return Problem("disabled_by_platform", f"disabled by the platform, after 30 days of failures{when}")
    return Problem("disabled", f"it is disabled, and its last run failed{when}")


def _problems_of_run(run: FlowRun | None) -> Iterator[Problem]:
    if run is None:
        return
    if run.status is Status.FAILED:
        error = f": {run.errors[0][:MAX_ERROR_CHARACTERS]}" if run.errors else ""
        yield Problem("failed", f"its last run failed{error}")
    elif run.status is Status.PARTIAL:
        counts = _read_and_failed(run)
        lost = f"{counts[1]:,} of {counts[0]:,}" if counts else "an unknown number"
        yield Problem("partial", f"its last run lost records: {lost}")
    elif run.unknown_counts:
        yield Problem("unknown_counts", f"its last run does not report its record counts ({run.unknown_counts})")


def _stale(observation: Observation, limits: Limits, limit: float | None) -> Iterator[Problem]:
    ended = _ended_at(observation.last_success)
    since = ended or observation.searched_since or observation.begins_at
    if limit is None or since is None or limits.now - since <= limit:
        return
    age = f"{'' if ended else 'at least '}{duration(limits.now - since)}"
    yield Problem("stale", f"no successful run for {age}; {duration(limit)} is the limit")


def _failure_share(observation: Observation, limits: Limits) -> Iterator[Problem]:
    totals = observation.totals
    if totals is None or limits.max_failed_ratio is None:
        return
    ratio = totals.failed_ratio
    if ratio is None:
        yield Problem("failure_share", f"none of {totals.runs:,} runs reports its record counts")
    elif ratio > limits.max_failed_ratio:
        share = f"{totals.failed_records:,} of {totals.records:,} records failed in {totals.runs:,} runs"
        yield Problem("failure_share", f"{share}: a share of {ratio:.4f}; {limits.max_failed_ratio:g} is the limit")


def _ended_at(run: FlowRun | None) -> float | None:
    return None if run is None else run.completed_at or run.began_at


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else iso(seconds)


def duration(seconds: float) -> str:
    """Return a duration as text in its two largest units, such as ``3 d 2 h``."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    parts, rest = [], int(seconds)
    for length, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        amount, rest = divmod(rest, length)
        parts += [f"{amount} {unit}"] if amount else []
    return " ".join(parts[:2])
