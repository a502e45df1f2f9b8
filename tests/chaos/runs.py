"""One run of the DAG: the tasks one after another, each retried as Airflow would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar, Protocol

from tests.chaos.tasks import STEPS, Attempt, AttemptEnd, Killed, Pace
from tests.chaos.timeline import Timeline

RETRIES = 3


def kill_here() -> None:
    """Raise :class:`Killed`, which stands for SIGKILL in a thread."""
    raise Killed


class Task(Protocol):
    """An attempt of a task."""

    @property
    def step(self) -> str: ...

    @property
    def run_id(self) -> str: ...

    @property
    def try_number(self) -> int: ...

    def run(self, pace: Pace) -> AttemptEnd:
        """Run the attempt and return how it ended."""


def run_in_process(task: Task, pace: Pace) -> AttemptEnd:
    """Run an attempt in this process."""
    return task.run(pace)


#: Runs an attempt; :meth:`.kills.Kill.run_attempt` is another such function.
RunAttempt = Callable[[Task, Pace], AttemptEnd]

#: The number of rows of each table that is read.
ROWS = 150
#: The step that creates objects of a kind; the step of the schema creates two kinds.
KINDS = {
    "sourceConnections": "create_source_connection",
    "schemas": "create_target_schema",
    "fieldgroups": "create_target_schema",
    "dataSets": "create_target_dataset",
    "targetConnections": "create_target_connection",
    "mappingSets": "create_mapping_set",
    "flows": "create_dataflow",
}


@dataclass
class DagRun:
    """
    One run of the DAG.

    :param seed: the seed of this run's draws.
    :param retry_delay: virtual seconds from a failed attempt to the next.
    :param jumps: see :class:`.tasks.Pace`.
    :param kill_share: the probability that an attempt is killed at some point.
    :param run_attempt: runs an attempt of a task.
    :param done: the return values of the steps that succeeded.
    :param values: the last return value of each step, also of steps that did not succeed.
    :param ends: the number of attempts by the status with which they ended.
    :param messages: the messages of all attempts that ended with an error.
    :param troubled: the steps of which an attempt was killed or ended with an error.
    :param waited: the virtual seconds that all attempts waited.
    :param message: the error that ended the run; empty if the run is complete.
    :param steps: the tasks, in order.
    """

    #: Kinds whose remaining duplicates must be reported.
    reported: ClassVar[frozenset[str]] = frozenset(KINDS) - {"mappingSets"}
    #: The approximate number of requests and waits of a task.
    reach: ClassVar[int] = 20

    timeline: Timeline
    run_id: str
    seed: str
    retry_delay: float = 60.0
    jumps: float = 0.0
    kill_share: float = 0.0
    remove_duplicates: bool = False
    run_attempt: RunAttempt = run_in_process
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)
    troubled: set[str] = field(default_factory=set)
    messages: list[str] = field(default_factory=list)
    waited: float = 0.0
    message: str = ""
    steps: tuple[str, ...] = tuple(STEPS)

    def run(self) -> DagRun:
        """Run the tasks until one has failed for good or all are done."""
        for step in self.steps:
            end = self._task(step)
            if end.status != "done":
                self.message = f"{step}: {end.status}: {end.message}"
                break
            self.done[step] = end.value
        return self

    @property
    def complete(self) -> bool:
        return len(self.done) == len(self.steps)

    @property
    def rows(self) -> int:
        """The number of rows that must be ingested."""
        return ROWS

    def creating_steps(self, kind: str) -> tuple[str, ...]:
        """Return the steps that create objects of a kind."""
        return (KINDS[kind],) if kind in KINDS else ()

    def returned(self, kind: str) -> set[str]:
        """Return the ids of a kind that this run returned."""
        values = [self.done.get(step, {}) for step in self.creating_steps(kind)]
        return {value[key] for value in values for key in ("id", "field_group_id") if value.get(key)}

    def results(self) -> Iterator[tuple[str, str]]:
        """Yield the steps of this run and the ids that they returned, without mapping sets."""
        yield from ((step, value["id"]) for step, value in self.done.items() if step != "create_mapping_set")

    def changed(self) -> list[str]:
        """Return the steps that created or changed an object."""
        return [step for step, value in self.done.items() if value.get("created")]

    def attempt(self, step: str, try_number: int) -> Task:
        """Return an attempt of a step."""
        return Attempt(step, self.run_id, try_number, self.done, self.retry_delay, self.remove_duplicates)

    def _task(self, step: str) -> AttemptEnd:
        for try_number in range(1, RETRIES + 2):
            random = Random(f"{self.seed}/{step}/{try_number}")
            # Kill only if two more tries are left: trials test the objects that a killed task leaves, not bad luck.
            killed = try_number < RETRIES and random.random() < self.kill_share
            kill_at = int(random.random() ** 2 * self.reach) if killed else None
            # A clock jump over a dataflow's start would let it run before its creator could give it up.
            jumps = 0.0 if step in self.creating_steps("flows") else self.jumps
            pace = Pace(self.timeline, random, kill_at, kill_here, jumps)
            end = self.run_attempt(self.attempt(step, try_number), pace)
            self.ends[end.status] += 1
            if end.value:
                self.values[step] = end.value
            if end.status != "done":
                self.troubled.add(step)
                self.messages.append(end.message)
            self.waited += pace.waited
            if end.status not in ("retry", "killed") or try_number > RETRIES:
                break
            self.timeline.sleep(self.retry_delay if end.retry_after is None else end.retry_after)
        return end
