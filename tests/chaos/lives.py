"""Trials of tasks that change existing objects, under faults and kills, with other writers and users."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.lifecycle import (
    DeleteDataflowOperator,
    DisableDataflowOperator,
    EnableDataflowOperator,
    PublishDataflowOperator,
)
from airflow_provider_payments.operators.profiles import CreateIdentityOperator, EnableSchemaForProfileOperator
from tests.chaos import faults, scenes
from tests.chaos.census import Census
from tests.chaos.faults import STREAMS, ScheduledFault
from tests.chaos.runs import DagRun, RunAttempt, Task, run_in_process
from tests.chaos.scenes import NAME, Scene, Setup
from tests.chaos.tasks import AttemptEnd, Pace, execute, make_client
from tests.chaos.timeline import Platform, Timeline
from tests.chaos.trials import (
    BEGINNING,
    PAUSE_SECONDS,
    Trial,
    Verdict,
    choose,
    counted,
    is_of_platform,
    occurred_faults,
    points,
)

OPERATORS: dict[str, type[BaseOperator]] = {
    "delete": DeleteDataflowOperator,
    "disable": DisableDataflowOperator,
    "enable": EnableDataflowOperator,
    "publish": PublishDataflowOperator,
    "profile": CreateIdentityOperator,
    "schema in profile": EnableSchemaForProfileOperator,
    "dataset in profile": CreateTargetDatasetOperator,
}
#: The state of a dataflow after a task; after other tasks the dataflow is deleted.
STATES = {"disable": "disabled", "enable": "enabled", "publish": "enabled"}
#: The number of first changes that may be refused for a conflict, and the probability that each is.
CONFLICTS, CONFLICT_SHARE = 6, 0.2
#: Parts of the messages of tasks that cannot succeed, because the dataflow was deleted.
EXCUSES = ("there is no dataflow of this name", "was deleted while it was to be changed", "FLOW-1439-404")


@dataclass(frozen=True)
class LifeTrial(Trial):
    """
    A trial of tasks that change existing objects.

    :param scene: the existing objects and the tasks.
    """

    scene: Scene = field(default_factory=Scene)

    @property
    def title(self) -> str:
        return str(self.scene)


#: Trials whose tasks are killed at every point, without other faults.
FAULTLESS = tuple(
    LifeTrial("quiet", scene=scene)
    for scene in (
        Scene((("delete",),), dataset=True),
        Scene((("delete",),), dataset=True, by_id=True, marked=False),
        Scene((("delete",),), dataset=True, shares="target"),
        Scene((("disable", "enable"),)),
        Scene((("publish",),)),
        Scene((("profile", "schema in profile", "dataset in profile"),)),
    )
)


@dataclass(frozen=True)
class LifeTask:
    """One attempt of a task."""

    step: str
    run_id: str
    try_number: int
    retry_delay: float
    arguments: dict[str, Any]

    def run(self, pace: Pace) -> AttemptEnd:
        """Execute the operator."""
        operation = self.step.partition(" #")[0]
        task = OPERATORS[operation](task_id="step", retry_delay=timedelta(seconds=self.retry_delay), **self.arguments)
        return execute(task, pace, self.run_id, self.try_number)


@dataclass
class LifeRun(DagRun):
    """
    One run of a DAG that changes existing objects.

    :param setup: the existing objects.
    :param scene: the tasks and their options.
    """

    reported: ClassVar[frozenset[str]] = frozenset()
    reach: ClassVar[int] = 30
    setup: Setup = field(default_factory=lambda: Setup({}))
    scene: Scene = field(default_factory=Scene)

    def creating_steps(self, kind: str) -> tuple[str, ...]:
        return ()

    def attempt(self, step: str, try_number: int) -> Task:
        return LifeTask(step, self.run_id, try_number, self.retry_delay, self._arguments(step.partition(" #")[0]))

    def _arguments(self, operation: str) -> dict[str, Any]:
        ids = self.setup.ids
        if operation in ("profile", "schema in profile"):
            name, identity = "/_emulator/product/name", {"namespace": "Email", "primary": True}
            own = {"name": name} | identity if operation == "profile" else {"name": "chain schema"}
            return own | {"schema_id": ids["schemas"]}
        if operation == "dataset in profile":
            return {"name": "chain dataset", "schema_id": ids["schemas"], "profile": True, "if_exists": "update"}
        own = {"dataset": self.scene.dataset} if operation == "delete" else {}
        return own | {"dataflow": ids["flows"] if self.scene.by_id else NAME}


def draw(seed: str, *, late: float = 0.0, alone: bool = False) -> LifeTrial:
    """
    Draw a trial from its seed.

    :param late: see :func:`.faults.draw`.
    :param alone: whether there is only one writer and no user.
    """
    draws = Random(seed)
    scene = scenes.draw(draws)
    if alone:
        scene = replace(scene, operations=scene.operations[:1], user_action="")
    conflicts = [nth for nth in range(1, CONFLICTS + 1) if draws.random() < CONFLICT_SHARE]
    refused = [ScheduledFault("conflict", nth, draws.choice(STREAMS["conflict"].actions)) for nth in conflicts]
    return LifeTrial(
        seed=seed,
        schedule=tuple(faults.ordered([*faults.draw(draws, late), *refused])),
        writers=len(scene.operations),
        spread=draws.choice((0.0, 1.0, 10.0)),
        retry_delay=draws.choice((0.0, 5.0, 60.0)),
        kill_share=0.0 if alone else draws.choice((0.0, 0.3)),
        scene=scene,
    )


def draw_kill(platform: Platform, seed: str) -> LifeTrial:
    """Draw a trial from its seed, and the point at which one of its tasks is killed; many writes are late."""
    trial = draw(seed, late=0.2, alone=True)
    return replace(trial, kill=choose(Random(f"{seed}/kill"), points(platform, trial, run_trial)))


def faultless_kills(platform: Platform) -> list[LifeTrial]:
    """Return a trial for each point at which a task of a faultless trial can be killed."""
    return [replace(trial, kill=kill) for trial in FAULTLESS for kill in points(platform, trial, run_trial)]


def run_trial(platform: Platform, trial: LifeTrial, run_attempt: RunAttempt | None = None) -> Verdict:
    """Run a trial on a platform with the objects of its scene."""
    run_attempt = run_attempt or (trial.kill.run_attempt if trial.kill else run_in_process)
    platform.control("POST", "reset", json={"clock": BEGINNING})
    timeline, draws, scene = Timeline(platform), Random(f"{trial.seed}/starts"), trial.scene
    setup_client = make_client(Pace(timeline, Random("maker")), marks=scene.marked)
    setup = _set_up(timeline, setup_client, scene)
    platform.control("DELETE", "requests")
    platform.control("POST", "faults", json=[fault.to_json() for fault in trial.schedule])
    started = timeline.now

    def run_of(operations: tuple[str, ...], run_id: str, **more: Any) -> LifeRun:
        steps = tuple(f"{name} #{at}" if at else name for at, name in enumerate(operations))
        given: dict[str, Any] = {"seed": f"{trial.seed}/{run_id}", "setup": setup, "scene": scene, "steps": steps}
        return LifeRun(timeline, run_id, retry_delay=trial.retry_delay, **given | more)

    runs = [
        run_of(operations, f"run-{at}", run_attempt=run_attempt, kill_share=trial.kill_share)
        for at, operations in enumerate(scene.operations)
    ]
    programs: list[Any] = [run.run for run in runs]
    starts = [draws.uniform(0, trial.spread) for _ in runs]
    if scene.user_action:
        user_client = make_client(Pace(timeline, draws))
        programs.append(lambda: scenes.act(user_client, setup, scene))
        starts.append(draws.uniform(0, 10))
    timeline.run(programs, starts)

    virtual_seconds, sent = timeline.now - started, platform.requests()
    faults_met = platform.control("DELETE", "faults")["faults"]
    timeline.sleep(PAUSE_SECONDS)
    problems = list(_problems_before_later_run(platform, runs, setup, scene))
    # The later run repeats the last operation, or the deletion if there is one.
    last = next(
        (operations[-1:] for operations in scene.operations if "delete" in operations), scene.operations[0][-1:]
    )
    operations = scene.operations[0] if scene.has("profile") else last
    later = run_of(operations, "run-later").run()
    afterwards = [r for r in platform.requests()[len(sent) :] if is_of_platform(r)]
    problems += [
        f"after the later run {problem}"
        for problem in scenes.problems(platform, setup, scene, STATES.get(operations[-1]))
    ]
    problems += [] if later.complete or _is_excused(later) else [f"the later run ended: {later.message}"]
    return Verdict(
        trial=trial,
        broken=problems,
        incomplete=[f"{run.run_id}: {run.message}" for run in runs if not run.complete and not _is_excused(run)],
        census=Census(),
        faults=occurred_faults(trial, faults_met),
        jumps=0,
        virtual_seconds=virtual_seconds,
        **counted(runs, sent, afterwards),
    )


def _set_up(timeline: Timeline, setup_client: Any, scene: Scene) -> Setup:
    setups: list[Setup] = []
    timeline.run([lambda: setups.append(scenes.set_up(timeline.platform, setup_client, scene))], [0.0])
    return setups[0]


def _problems_before_later_run(platform: Platform, runs: list[LifeRun], setup: Setup, scene: Scene) -> list[str]:
    """Return the problems before the later run. The objects are checked only if a single writer completed its tasks."""
    problems = [f"{run.run_id}: {run.message}" for run in runs if run.ends.keys() & {"crashed", "endless"}]
    problems += [f"{run.run_id}: {run.message}" for run in runs if run.ends["failed"] and not _is_excused(run)]
    if len(runs) == 1 and runs[0].complete and not scene.user_action:
        problems += scenes.problems(platform, setup, scene, STATES.get(scene.operations[0][-1]))
    return problems


def _is_excused(run: LifeRun) -> bool:
    """Return whether a run failed only because its dataflow was deleted."""
    return any(excuse in run.message for excuse in EXCUSES)
