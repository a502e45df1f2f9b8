"""One run of the DAG: its tasks one after the other, each tried again as Airflow would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.chaos.tasks import STEPS, Attempt, Ended, Killed, Pace
from tests.chaos.timeline import Timeline

RETRIES = 3


def kill_here() -> None:
    """Stand for SIGKILL in a thread."""
    raise Killed


#: How an attempt is carried out; :mod:`.kills` has another way.
Carry = Callable[[Attempt, Pace], Ended]


@dataclass
class DagRun:
    """
    One run of the DAG.

    :param seed: of this run's draws.
    :param retry_delay: virtual seconds from a failed attempt to the next.
    :param jumps: see :class:`.tasks.Pace`.
    :param kill_share: the probability that an attempt is killed at some point.
    :param carry: how an attempt is carried out.
    :param messages: of all attempts that ended with an error.
    :param troubled: steps of which an attempt was killed or ended with an error.
    """

    timeline: Timeline
    run_id: str
    seed: str
    retry_delay: float = 60.0
    jumps: float = 0.0
    kill_share: float = 0.0
    remove_duplicates: bool = False
    carry: Carry = Attempt.run
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)
    troubled: set[str] = field(default_factory=set)
    messages: list[str] = field(default_factory=list)
    waited: float = 0.0
    message: str = ""

    def run(self) -> DagRun:
        """Run the tasks until one has failed for good or all are done."""
        for step in STEPS:
            end = self._task(step)
            if end.how != "done":
                self.message = f"{step}: {end.how}: {end.message}"
                break
            self.done[step] = end.value
        return self

    @property
    def complete(self) -> bool:
        return len(self.done) == len(STEPS)

    def _task(self, step: str) -> Ended:
        for try_number in range(1, RETRIES + 2):
            random = Random(f"{self.seed}/{step}/{try_number}")
            # Only where two more tries are left: what is asked is what a killed task leaves, not whether luck can end.
            killed = try_number < RETRIES and random.random() < self.kill_share
            kill_at = int(random.random() ** 2 * 20) if killed else None
            # A clock that jumps over a dataflow's start lets it begin before who made it has given it up.
            jumps = 0.0 if step == "create_dataflow" else self.jumps
            pace = Pace(self.timeline, random, kill_at, kill_here, jumps)
            attempt = Attempt(step, self.run_id, try_number, self.done, self.retry_delay, self.remove_duplicates)
            end = self.carry(attempt, pace)
            self.ends[end.how] += 1
            if end.how != "done":
                self.troubled.add(step)
                self.messages.append(end.message)
            self.waited += pace.waited
            if end.how not in ("retry", "killed") or try_number > RETRIES:
                break
            self.timeline.sleep(self.retry_delay if end.retry_after is None else end.retry_after)
        return end
