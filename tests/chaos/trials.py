"""Trials of one chain, or of several with the same names at once, under a schedule of faults, and their verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.chaos import census, faults
from tests.chaos.applies import ApplyRun, DefinitionFiles, LaterApplyRun
from tests.chaos.census import Census
from tests.chaos.faults import ScheduledFault
from tests.chaos.kills import Kill
from tests.chaos.runs import DagRun, RunAttempt, Task, run_in_process
from tests.chaos.tasks import AttemptEnd, Pace
from tests.chaos.timeline import Platform, Timeline

#: The emulator's clock at the beginning of each trial, in epoch seconds.
BEGINNING = 1_790_000_000
#: Virtual seconds between the end of the runs under faults and the later run without faults.
PAUSE_SECONDS = 900.0
#: Virtual seconds within which every dataflow runs at least once.
DAY_SECONDS = 86400.0


@dataclass(frozen=True)
class Trial:
    """
    A trial of one or several DAG runs.

    :param seed: the seed of all draws except those of the schedule.
    :param schedule: the faults.
    :param writers: the number of concurrent DAG runs.
    :param spread: the virtual seconds within which the DAG runs start.
    :param retry_delay: see :class:`.runs.DagRun`, like ``jumps``, ``kill_share`` and ``remove_duplicates``.
    :param kill: the point at which the process of a task is killed with SIGKILL; None for no such kill.
    :param definitions: the number of definitions to apply; 0 if the chain is created step by step.
    """

    seed: str
    schedule: tuple[ScheduledFault, ...] = ()
    writers: int = 1
    spread: float = 0.0
    retry_delay: float = 60.0
    jumps: float = 0.0
    kill_share: float = 0.0
    kill: Kill | None = None
    remove_duplicates: bool = False
    definitions: int = 0

    @property
    def title(self) -> str:
        """The subject of the trial, in words."""
        return f"{self.definitions} definitions" if self.definitions else "a chain"


@dataclass(frozen=True)
class Verdict:
    """
    The result of a trial.

    :param broken: the promises that were broken, in words.
    :param incomplete: the errors of runs that ended with an error.
    :param faults: the faults of the schedule that occurred, each with its number of occurrences.
    :param ends: the number of attempts by the status with which they ended, see :class:`.tasks.AttemptEnd`.
    :param requests: the number of requests, without ``tokens``, the requests for a token.
    :param later_requests: the number of requests of the later run without faults.
    :param removed: the number of duplicates of killed or failed tasks that the later run deleted.
    :param jumps: the number of jumps of the platform's clock, without those in a process that was killed with SIGKILL.
    """

    trial: Trial
    broken: list[str]
    incomplete: list[str]
    census: Census
    faults: list[ScheduledFault]
    ends: Counter[str]
    requests: int
    tokens: int
    later_requests: int
    removed: int
    jumps: int
    virtual_seconds: float

    @property
    def missed(self) -> bool:
        """Whether a process should have been killed but was not."""
        return self.trial.kill is not None and not self.ends["killed"]

    @property
    def good(self) -> bool:
        """Whether every run is complete, no promise is broken, and a planned kill took place."""
        return not (self.broken or self.incomplete or self.missed)


def draw(
    seed: str, writers: int = 1, *, kill_share: float = 0.0, remove_duplicates: bool = False, applies: bool = False
) -> Trial:
    """Draw a trial of a chain, or of an apply of three to six definitions, from its seed."""
    draws = Random(seed)
    return Trial(
        seed=seed,
        definitions=draws.randint(3, 6) if applies else 0,
        schedule=tuple(faults.draw(draws)),
        writers=writers,
        spread=draws.choice((0.0, 1.0, 10.0, 60.0)),
        retry_delay=draws.choice((0.0, 5.0, 60.0)),
        # With several writers the clock must not jump over the settle time: a duplicate dataflow could run.
        jumps=0.01 if writers == 1 else 0.0,
        kill_share=kill_share,
        remove_duplicates=remove_duplicates,
    )


def counted(runs: Iterable[Any], sent: list[Any], afterwards: list[Any]) -> dict[str, Any]:
    """
    Return the counts of a verdict.

    :param runs: the runs, each with its ``ends``.
    :param sent: the requests of the trial.
    :param afterwards: the requests of the later run, without those for a token.
    """
    return {
        "ends": sum((run.ends for run in runs), Counter()),
        "requests": sum(map(is_of_platform, sent)),
        "tokens": sum(not is_of_platform(r) for r in sent),
        "later_requests": len(afterwards),
        "removed": [r["method"] for r in afterwards].count("DELETE"),
    }


def run_trial(platform: Platform, trial: Trial, run_attempt: RunAttempt | None = None) -> Verdict:
    """Run a trial on an empty platform."""
    run_attempt = run_attempt or (trial.kill.run_attempt if trial.kill else run_in_process)
    platform.control("POST", "reset", json={"clock": BEGINNING})
    platform.control("POST", "faults", json=[fault.to_json() for fault in trial.schedule])
    draws = Random(f"{trial.seed}/starts")
    timeline = Timeline(platform)
    runs = [_dag_run(timeline, trial, f"run-{writer}", run_attempt) for writer in range(trial.writers)]
    timeline.run([run.run for run in runs], [draws.uniform(0, trial.spread) for _ in runs])

    virtual_seconds, sent = timeline.now, platform.requests()
    faults_met = platform.control("DELETE", "faults")["faults"]
    timeline.sleep(PAUSE_SECONDS)
    earlier = census.snapshot(platform)
    calm = Trial(trial.seed, remove_duplicates=trial.remove_duplicates, definitions=trial.definitions)
    later = _dag_run(timeline, calm, "run-later", later=True).run()
    afterwards = [r for r in platform.requests()[len(sent) :] if is_of_platform(r)]
    timeline.sleep(DAY_SECONDS)
    found = census.take_census(platform, earlier, runs, later)
    return Verdict(
        trial=trial,
        broken=census.broken_promises(
            found, runs, later, sum(map(_creates, afterwards)), strict=trial.remove_duplicates or trial.writers == 1
        ),
        incomplete=[f"{run.run_id}: {run.message}" for run in runs if not run.complete],
        census=found,
        faults=occurred_faults(trial, faults_met),
        jumps=timeline.jumps,
        virtual_seconds=virtual_seconds,
        **counted(runs, sent, afterwards),
    )


def occurred_faults(trial: Trial, faults_met: list[dict[str, Any]]) -> list[ScheduledFault]:
    """
    Return the faults of the schedule that occurred, each with its number of occurrences.

    :param faults_met: the faults of the schedule as the emulator returns them.
    """
    pairs = zip(trial.schedule, faults_met, strict=True)
    return [replace(fault, times=met["fired"]) for fault, met in pairs if met["fired"]]


def points(
    platform: Platform, trial: Trial, run: Callable[[Platform, Any, RunAttempt], Verdict] = run_trial
) -> dict[Kill, bool]:
    """
    Return every point at which one of the trial's tasks can be killed, and whether it lies before a wait.

    The trial is run once to learn them.
    """
    seen: dict[Kill, bool] = {}

    def recording(task: Task, pace: Pace) -> AttemptEnd:
        end = task.run(pace)
        seen.update({Kill(task.step, task.try_number, n): n in pace.waits for n in range(pace.points)})
        return end

    run(platform, trial, recording)
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


def _dag_run(
    timeline: Timeline, trial: Trial, run_id: str, run_attempt: RunAttempt = run_in_process, *, later: bool = False
) -> DagRun:
    options: dict[str, Any] = {
        "seed": f"{trial.seed}/{run_id}",
        "retry_delay": trial.retry_delay,
        "jumps": trial.jumps,
        "kill_share": trial.kill_share,
        "remove_duplicates": trial.remove_duplicates,
        "run_attempt": run_attempt,
    }
    if trial.definitions:
        run_type = LaterApplyRun if later else ApplyRun
        return run_type(timeline, run_id, files=DefinitionFiles(trial.seed, trial.definitions), **options)
    return DagRun(timeline, run_id, **options)


def is_of_platform(request: dict[str, Any]) -> bool:
    return not request["path"].startswith("/ims/")


def _creates(request: dict[str, Any]) -> bool:
    return request["method"] == "POST" and not request["path"].endswith("/action")
