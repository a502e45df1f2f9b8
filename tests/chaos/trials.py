"""A trial: one chain, or several of the same names at once, under one schedule of faults, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.chaos import census, faults
from tests.chaos.applies import ApplyRun, LaterApplyRun, Written
from tests.chaos.census import Census
from tests.chaos.faults import Strike
from tests.chaos.kills import Kill
from tests.chaos.runs import Carry, DagRun, Task, run_here
from tests.chaos.tasks import Ended, Pace
from tests.chaos.timeline import Platform, Timeline

#: The emulator's clock at the beginning of each trial, in epoch seconds.
BEGINNING = 1_790_000_000
#: Virtual seconds between the end of the runs under faults and the run without.
PAUSE = 900.0
#: Virtual seconds in which every dataflow runs at least once.
DAY = 86400.0


@dataclass(frozen=True)
class Trial:
    """
    What is tried.

    :param seed: of all draws but the schedule's.
    :param writers: how many runs of the DAG go on at once, beginning within ``spread`` virtual seconds.
    :param retry_delay: see :class:`.runs.DagRun`, as ``jumps``, ``kill_share`` and ``remove_duplicates``.
    :param kill: a process to kill for real.
    :param definitions: how many are applied; 0 where a chain is made step by step.
    """

    seed: str
    schedule: tuple[Strike, ...] = ()
    writers: int = 1
    spread: float = 0.0
    retry_delay: float = 60.0
    jumps: float = 0.0
    kill_share: float = 0.0
    kill: Kill | None = None
    remove_duplicates: bool = False
    definitions: int = 0

    @property
    def what(self) -> str:
        """What is tried, in words."""
        return f"{self.definitions} definitions" if self.definitions else "a chain"


@dataclass(frozen=True)
class Verdict:
    """
    What came of a trial.

    :param broken: the promises that were broken, in words.
    :param incomplete: the errors of runs that ended with one.
    :param struck: the faults of the schedule that did strike, each as often as it did.
    :param ends: how the attempts of tasks ended, see :class:`.tasks.Ended`.
    :param requests: without those for a token, which are ``tokens``.
    :param later_requests: what the run without faults asked, a quarter of an hour later.
    :param removed: copies of tasks that were killed or failed, deleted by the later run.
    :param jumps: how often the platform's clock jumped, without what a process that was killed for real has seen.
    """

    trial: Trial
    broken: list[str]
    incomplete: list[str]
    census: Census
    struck: list[Strike]
    ends: Counter[str]
    requests: int
    tokens: int
    later_requests: int
    removed: int
    jumps: int
    virtual_seconds: float

    @property
    def missed(self) -> bool:
        """Whether a process was to be killed and was not."""
        return self.trial.kill is not None and not self.ends["killed"]

    @property
    def good(self) -> bool:
        """Whether every run is complete, no promise is broken, and the trial was one."""
        return not (self.broken or self.incomplete or self.missed)


def draw(
    seed: str, writers: int = 1, *, kill_share: float = 0.0, remove_duplicates: bool = False, applies: bool = False
) -> Trial:
    """Draw a trial from its seed; of a chain, or of an apply of three to six definitions."""
    draws = Random(seed)
    return Trial(
        seed=seed,
        definitions=draws.randint(3, 6) if applies else 0,
        schedule=tuple(faults.draw(draws)),
        writers=writers,
        spread=draws.choice((0.0, 1.0, 10.0, 60.0)),
        retry_delay=draws.choice((0.0, 5.0, 60.0)),
        # A clock that jumps over the time in which writers settle would let a copy begin: not where there are several.
        jumps=0.01 if writers == 1 else 0.0,
        kill_share=kill_share,
        remove_duplicates=remove_duplicates,
    )


def counted(runs: Iterable[Any], asked: list[Any], afterwards: list[Any]) -> dict[str, Any]:
    """
    Return the counts of a verdict.

    :param runs: each with its ``ends``.
    :param asked: the requests of the trial.
    :param afterwards: those of the later run, without those for a token.
    """
    return {
        "ends": sum((run.ends for run in runs), Counter()),
        "requests": sum(map(is_of_platform, asked)),
        "tokens": sum(not is_of_platform(r) for r in asked),
        "later_requests": len(afterwards),
        "removed": [r["method"] for r in afterwards].count("DELETE"),
    }


def attempt(platform: Platform, trial: Trial, carry: Carry | None = None) -> Verdict:
    """Run a trial on an empty platform."""
    carry = carry or (trial.kill.carry if trial.kill else run_here)
    platform.control("POST", "reset", json={"clock": BEGINNING})
    platform.control("POST", "faults", json=[strike.fault() for strike in trial.schedule])
    draws = Random(f"{trial.seed}/starts")
    timeline = Timeline(platform)
    runs = [_dag_run(timeline, trial, f"run-{writer}", carry) for writer in range(trial.writers)]
    timeline.run([run.run for run in runs], [draws.uniform(0, trial.spread) for _ in runs])

    virtual_seconds, asked = timeline.now, platform.requests()
    faults_met = platform.control("DELETE", "faults")["faults"]
    timeline.sleep(PAUSE)
    earlier = census.look(platform)
    calm = Trial(trial.seed, remove_duplicates=trial.remove_duplicates, definitions=trial.definitions)
    later = _dag_run(timeline, calm, "run-later", later=True).run()
    afterwards = [r for r in platform.requests()[len(asked) :] if is_of_platform(r)]
    timeline.sleep(DAY)
    found = census.take(platform, earlier, runs, later)
    return Verdict(
        trial=trial,
        broken=census.broken(
            found, runs, later, sum(map(_creates, afterwards)), strict=trial.remove_duplicates or trial.writers == 1
        ),
        incomplete=[f"{run.run_id}: {run.message}" for run in runs if not run.complete],
        census=found,
        struck=struck(trial, faults_met),
        jumps=timeline.jumps,
        virtual_seconds=virtual_seconds,
        **counted(runs, asked, afterwards),
    )


def struck(trial: Trial, faults_met: list[dict[str, Any]]) -> list[Strike]:
    """
    Return the faults of the schedule that did strike, each as often as it did.

    :param faults_met: the same as the emulator shows them.
    """
    pairs = zip(trial.schedule, faults_met, strict=True)
    return [replace(strike, times=met["fired"]) for strike, met in pairs if met["fired"]]


def points(
    platform: Platform, trial: Trial, attempt: Callable[[Platform, Any, Carry], Verdict] = attempt
) -> dict[Kill, bool]:
    """
    Return every point at which one of the trial's tasks can be killed, and whether it lies before a wait.

    The trial is run once to learn them.
    """
    seen: dict[Kill, bool] = {}

    def noting(task: Task, pace: Pace) -> Ended:
        end = task.run(pace)
        seen.update({Kill(task.step, task.try_number, n): n in pace.waits for n in range(pace.points)})
        return end

    attempt(platform, trial, noting)
    return seen


def choose(draws: Random, points: dict[Kill, bool]) -> Kill:
    """Choose a point of a task that can be tried twice again: half of the time one before a wait, if there is one."""
    candidates = {kill: waits for kill, waits in points.items() if kill.try_number <= 2}
    waiting = [kill for kill, waits in candidates.items() if waits]
    return draws.choice(waiting if waiting and draws.random() < 0.5 else list(candidates))


def draw_kill(platform: Platform, seed: str, *, applies: bool = False) -> Trial:
    """
    Draw a trial from its seed, and the point at which one of its tasks is killed.

    Half of the writes are late, and half of the tasks die where they begin to wait: an answer was lost there.
    """
    draws = Random(f"{seed}/kill")
    trial = replace(draw(seed, applies=applies), schedule=tuple(faults.draw(draws, late=0.5)))
    return replace(trial, kill=choose(draws, points(platform, trial)))


def _dag_run(timeline: Timeline, trial: Trial, run_id: str, carry: Carry = run_here, *, later: bool = False) -> DagRun:
    how: dict[str, Any] = {
        "seed": f"{trial.seed}/{run_id}",
        "retry_delay": trial.retry_delay,
        "jumps": trial.jumps,
        "kill_share": trial.kill_share,
        "remove_duplicates": trial.remove_duplicates,
        "carry": carry,
    }
    if trial.definitions:
        run_type = LaterApplyRun if later else ApplyRun
        return run_type(timeline, run_id, written=Written(trial.seed, trial.definitions), **how)
    return DagRun(timeline, run_id, **how)


def is_of_platform(request: dict[str, Any]) -> bool:
    return not request["path"].startswith("/ims/")


def _creates(request: dict[str, Any]) -> bool:
    return request["method"] == "POST" and not request["path"].endswith("/action")
