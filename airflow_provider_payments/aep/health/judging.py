"""
What is wrong with a dataflow, judged from what was read of it. Nothing here asks the platform.

What cannot be read is a problem, never health. Sources: Adobe's pages "Monitor dataflows" and, for dataflows that the
platform disables after 30 days of failures, the release notes of June 2026.
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
#: What may be wrong, in the order in which it is shown.
PROBLEMS: tuple[ProblemCode, ...] = get_args(ProblemCode)
#: How many of its intervals a scheduled dataflow may go without a successful run.
MAX_INTERVALS = 2
#: Seconds of failures after which the platform disables a dataflow, less a day for runs that end early.
FAILING_SECONDS = 29 * 86400.0
#: Characters of a run's error that are shown.
MAX_ERROR = 200
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@attrs.frozen
class Problem:
    """Something that is wrong: its code, and what people read of it."""

    code: ProblemCode
    text: str


@attrs.frozen(kw_only=True)
class RunTotals:
    """
    What a dataflow's runs since a moment brought and lost.

    :param failed_runs: how many of ``runs`` failed.
    :param unknown_runs: how many do not say how many records they brought and lost; these count in no share.
    """

    runs: int = 0
    failed_runs: int = 0
    unknown_runs: int = 0
    records: int = 0
    failed_records: int = 0

    @classmethod
    def of(cls, runs: Iterable[FlowRun]) -> RunTotals:
        """Return the totals of runs that have ended."""
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
        """Failed records as a share of those read, 0 to 1; ``None`` where runs are there and none of them says it."""
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
    What was read of one dataflow; times are epoch seconds, ``None`` where they are unknown.

    :param name: its name, or the one that a definition gives it.
    :param id: its id; ``None`` where a definition's dataflow is not there.
    :param state: in the service's word.
    :param may_rest: whether its definition says that it is disabled.
    :param changed_at: when it was changed last.
    :param begins_at: the start of its schedule, or its creation where that is later.
    :param ends_at: the end of its schedule.
    :param period: seconds between two runs; ``None`` where it runs once.
    :param last_run: the newest run that has ended.
    :param last_success: the newest one that brought rows or had none to bring: succeeded or partial.
    :param searched_since: when the oldest of the runs began that were read; an older one may have succeeded.
    :param is_running: whether a run is active.
    :param totals: those of its runs since the moment that was asked for.
    :param credential: why its base connection fails the connection test; empty where it passes or was not tested.
    :param unreadable: what of its runs could not be read, and why.
    """

    name: str
    id: str | None = None
    state: str = ""
    may_rest: bool = False
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
    What is tolerated.

    :param now: the platform's time in epoch seconds.
    :param max_age: seconds since the last successful run; ``None`` is twice the schedule's interval, and no limit for a
        dataflow that runs once.
    :param max_failed_ratio: of records in the runs that were counted, 0 to 1; ``None`` is no limit.
    :param ignore: codes of problems that are shown and do not count.
    """

    now: float
    max_age: float | None = None
    max_failed_ratio: float | None = None
    ignore: Collection[str] = ()

    def age_limit(self, seen: Observation) -> float | None:
        """Return how many seconds may have passed since a dataflow's last successful run."""
        if self.max_age is not None:
            return self.max_age
        is_over = seen.ends_at is not None and seen.ends_at <= self.now
        return None if seen.period is None or is_over else MAX_INTERVALS * seen.period


@attrs.frozen(kw_only=True)
class Health:
    """
    The health of one dataflow.

    :param problems: all of them, also those that do not count.
    :param is_healthy: whether none counts.
    :param age: seconds since its last successful run.
    :param max_age: what is tolerated of that; ``None``: anything.
    """

    seen: Observation
    problems: tuple[Problem, ...]
    is_healthy: bool
    age: float | None
    max_age: float | None

    def to_json(self) -> Json:
        """Return it as plain JSON; what is unknown has no key."""
        seen = self.seen
        return with_values(
            {
                "name": seen.name,
                "id": seen.id,
                "state": seen.state or None,
                "healthy": self.is_healthy,
                "problems": [attrs.asdict(problem) for problem in self.problems],
                "running": seen.is_running,
                "last_run": _run_json(seen.last_run),
                "last_success_at": _iso(_ended(seen.last_success)),
                "age_seconds": None if self.age is None else round(self.age),
                "max_age_seconds": self.max_age,
                "schedule_seconds": seen.period,
                "totals": attrs.asdict(seen.totals) if seen.totals else None,
            }
        )


def _run_json(run: FlowRun | None) -> Json | None:
    if run is None:
        return None
    return with_values({name: value for name, value in run.summary().items() if name != "batch_ids"})


def judge(seen: Observation, limits: Limits) -> Health:
    """Return the health of a dataflow."""
    ended, limit = _ended(seen.last_success), limits.age_limit(seen)
    problems = tuple(_problems(seen, limits, limit))
    return Health(
        seen=seen,
        problems=problems,
        is_healthy=all(problem.code in limits.ignore for problem in problems),
        age=None if ended is None else max(limits.now - ended, 0.0),
        max_age=limit,
    )


def _problems(seen: Observation, limits: Limits, limit: float | None) -> Iterator[Problem]:
    if seen.id is None:
        yield Problem("missing", "there is no dataflow of this name; `payments apply` creates it")
        return
    if seen.unreadable:
        yield Problem("unreadable", seen.unreadable)
    if seen.state == "draft":
        yield Problem("draft", "it is a draft, which never runs; publish it")
    elif seen.state == "disabled":
        yield from [] if seen.may_rest else [_disabled(seen)]
    else:
        yield from _problems_of_run(seen.last_run)
        yield from _stale(seen, limits, limit)
    yield from _losses(seen, limits)
    if seen.credential:
        yield Problem("credential", seen.credential)


def _disabled(seen: Observation) -> Problem:
    when = f"; it was last changed at {iso(seen.changed_at)}" if seen.changed_at else ""
    if seen.last_run is None or seen.last_run.status is not Status.FAILED:
        return Problem("disabled", f"it is disabled{when}")
    success = seen.last_success
    since = success.began if success else seen.searched_since or seen.begins_at
    if since is not None and seen.last_run.began - since >= FAILING_SECONDS:
        return Problem("disabled_by_platform", f"disabled by the platform, after 30 days of failures{when}")
    return Problem("disabled", f"it is disabled, and its last run failed{when}")


def _problems_of_run(run: FlowRun | None) -> Iterator[Problem]:
    if run is None:
        return
    if run.status is Status.FAILED:
        said = f": {run.errors[0][:MAX_ERROR]}" if run.errors else ""
        yield Problem("failed", f"its last run failed{said}")
    elif run.status is Status.PARTIAL:
        yield Problem("partial", f"its last run lost records: {_lost(run)}")
    elif run.unknown_counts:
        yield Problem("unknown_counts", f"its last run does not say what it lost ({run.unknown_counts})")


def _lost(run: FlowRun) -> str:
    counts = _read_and_failed(run)
    return f"{counts[1]:,} of {counts[0]:,}" if counts else "it does not say how many"


def _stale(seen: Observation, limits: Limits, limit: float | None) -> Iterator[Problem]:
    ended = _ended(seen.last_success)
    since = ended or seen.searched_since or seen.begins_at
    if limit is None or since is None or limits.now - since <= limit:
        return
    age = f"{'' if ended else 'at least '}{duration(limits.now - since)}"
    yield Problem("stale", f"no successful run for {age}; {duration(limit)} is the limit")


def _losses(seen: Observation, limits: Limits) -> Iterator[Problem]:
    totals = seen.totals
    if totals is None or limits.max_failed_ratio is None:
        return
    ratio = totals.failed_ratio
    if ratio is None:
        yield Problem("failure_share", f"none of {totals.runs:,} runs says how many records it lost")
    elif ratio > limits.max_failed_ratio:
        share = f"{totals.failed_records:,} of {totals.records:,} records failed in {totals.runs:,} runs"
        yield Problem(
            "failure_share", f"{share}: a share of {ratio:.4f} where {limits.max_failed_ratio:g} is the limit"
        )


def _ended(run: FlowRun | None) -> float | None:
    return None if run is None else run.completed_at or run.began


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else iso(seconds)


def duration(seconds: float) -> str:
    """Return seconds in the two largest units that people count in."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    parts, rest = [], int(seconds)
    for length, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        amount, rest = divmod(rest, length)
        parts += [f"{amount} {unit}"] if amount else []
    return " ".join(parts[:2])
