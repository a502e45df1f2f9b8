"""One run of the DAG: its tasks one after the other, each tried again as Airflow would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar, Protocol

from tests.chaos.tasks import STEPS, Attempt, Ended, Killed, Pace
from tests.chaos.timeline import Timeline

RETRIES = 3


def kill_here() -> None:
    """Stand for SIGKILL in a thread."""
    raise Killed


class Task(Protocol):
    """An attempt of a task."""

    @property
    def step(self) -> str: ...

    @property
    def run_id(self) -> str: ...

    @property
    def try_number(self) -> int: ...

    def run(self, pace: Pace) -> Ended:
        """Carry it out."""


def run_here(task: Task, pace: Pace) -> Ended:
    """Carry out an attempt in this process."""
    return task.run(pace)


#: How an attempt is carried out; :mod:`.kills` has another way.
Carry = Callable[[Task, Pace], Ended]

#: All rows of a table that is read.
ROWS = 150
#: Which step makes objects of a kind; the schema's makes two.
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

    :param seed: of this run's draws.
    :param retry_delay: virtual seconds from a failed attempt to the next.
    :param jumps: see :class:`.tasks.Pace`.
    :param kill_share: the probability that an attempt is killed at some point.
    :param carry: how an attempt is carried out.
    :param values: what steps returned last, also those that were not done.
    :param messages: of all attempts that ended with an error.
    :param troubled: steps of which an attempt was killed or ended with an error.
    :param steps: its tasks, in order.
    """

    #: Kinds of which a duplicate that stays must be reported.
    reported: ClassVar[frozenset[str]] = frozenset(KINDS) - {"mappingSets"}
    #: How many requests and waits a task has, about.
    reach: ClassVar[int] = 20

    timeline: Timeline
    run_id: str
    seed: str
    retry_delay: float = 60.0
    jumps: float = 0.0
    kill_share: float = 0.0
    remove_duplicates: bool = False
    carry: Carry = run_here
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
            if end.how != "done":
                self.message = f"{step}: {end.how}: {end.message}"
                break
            self.done[step] = end.value
        return self

    @property
    def complete(self) -> bool:
        return len(self.done) == len(self.steps)

    @property
    def rows(self) -> int:
        """How many rows are to land."""
        return ROWS

    def makers(self, kind: str) -> tuple[str, ...]:
        """The steps that make objects of a kind."""
        return (KINDS[kind],) if kind in KINDS else ()

    def returned(self, kind: str) -> set[str]:
        """The ids of a kind that this run returned."""
        values = [self.done.get(step, {}) for step in self.makers(kind)]
        return {value[key] for value in values for key in ("id", "field_group_id") if value.get(key)}

    def results(self) -> Iterator[tuple[str, str]]:
        """What it returned, each with its id, mapping sets apart."""
        yield from ((step, value["id"]) for step, value in self.done.items() if step != "create_mapping_set")

    def changed(self) -> list[str]:
        """What it made or changed."""
        return [step for step, value in self.done.items() if value.get("created")]

    def attempt(self, step: str, try_number: int) -> Task:
        """One attempt of a step."""
        return Attempt(step, self.run_id, try_number, self.done, self.retry_delay, self.remove_duplicates)

    def _task(self, step: str) -> Ended:
        for try_number in range(1, RETRIES + 2):
            random = Random(f"{self.seed}/{step}/{try_number}")
            # Only where two more tries are left: what is asked is what a killed task leaves, not whether luck can end.
            killed = try_number < RETRIES and random.random() < self.kill_share
            kill_at = int(random.random() ** 2 * self.reach) if killed else None
            # A clock that jumps over a dataflow's start lets it begin before who made it has given it up.
            jumps = 0.0 if step in self.makers("flows") else self.jumps
            pace = Pace(self.timeline, random, kill_at, kill_here, jumps)
            end = self.carry(self.attempt(step, try_number), pace)
            self.ends[end.how] += 1
            if end.value:
                self.values[step] = end.value
            if end.how != "done":
                self.troubled.add(step)
                self.messages.append(end.message)
            self.waited += pace.waited
            if end.how not in ("retry", "killed") or try_number > RETRIES:
                break
            self.timeline.sleep(self.retry_delay if end.retry_after is None else end.retry_after)
        return end
