"""The life of a dataflow that is there, and of a schema in Profile: tasks under faults, kills, writers and people."""

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
from tests.chaos.faults import STREAMS, Strike
from tests.chaos.runs import Carry, DagRun, Task, run_here
from tests.chaos.scenes import NAME, Scene, World
from tests.chaos.tasks import Ended, Pace, execute, make_client
from tests.chaos.timeline import Platform, Timeline
from tests.chaos.trials import BEGINNING, PAUSE, Trial, Verdict, choose, counted, is_of_platform, points, struck

OPERATORS: dict[str, type[BaseOperator]] = {
    "delete": DeleteDataflowOperator,
    "disable": DisableDataflowOperator,
    "enable": EnableDataflowOperator,
    "publish": PublishDataflowOperator,
    "profile": CreateIdentityOperator,
    "schema in profile": EnableSchemaForProfileOperator,
    "dataset in profile": CreateTargetDatasetOperator,
}
#: The state in which each leaves a dataflow; it is gone after the others.
STATES = {"disable": "disabled", "enable": "enabled", "publish": "enabled"}
#: The first changes that may meet a refusal, and the share that does.
CONFLICTS, CONFLICT_SHARE = 6, 0.2
#: What a task says that cannot be done any more.
EXCUSES = ("there is no dataflow of this name", "was deleted while it was to be changed", "FLOW-1439-404")


@dataclass(frozen=True)
class LifeTrial(Trial):
    """
    A trial of a dataflow that is there.

    :param scene: what is there, and what is asked.
    """

    scene: Scene = field(default_factory=Scene)

    @property
    def what(self) -> str:
        return str(self.scene)


#: Scenes whose tasks are killed at every point, without other faults.
QUIET = tuple(
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

    def run(self, pace: Pace) -> Ended:
        """Execute the operator."""
        what = self.step.partition(" #")[0]
        task = OPERATORS[what](task_id="step", retry_delay=timedelta(seconds=self.retry_delay), **self.arguments)
        return execute(task, pace, self.run_id, self.try_number)


@dataclass
class LifeRun(DagRun):
    """
    One run of a DAG that changes what is there.

    :param world: what is there.
    :param scene: what is asked.
    """

    reported: ClassVar[frozenset[str]] = frozenset()
    reach: ClassVar[int] = 30
    world: World = field(default_factory=lambda: World({}))
    scene: Scene = field(default_factory=Scene)

    def makers(self, kind: str) -> tuple[str, ...]:
        return ()

    def attempt(self, step: str, try_number: int) -> Task:
        return LifeTask(step, self.run_id, try_number, self.retry_delay, self._arguments(step.partition(" #")[0]))

    def _arguments(self, what: str) -> dict[str, Any]:
        ids = self.world.ids
        if what in ("profile", "schema in profile"):
            name, identity = "/_emulator/product/name", {"namespace": "Email", "primary": True}
            own = {"name": name} | identity if what == "profile" else {"name": "chain schema"}
            return own | {"schema_id": ids["schemas"]}
        if what == "dataset in profile":
            return {"name": "chain dataset", "schema_id": ids["schemas"], "profile": True, "if_exists": "update"}
        own = {"dataset": self.scene.dataset} if what == "delete" else {}
        return own | {"dataflow": ids["flows"] if self.scene.by_id else NAME}


def draw(seed: str, *, late: float = 0.0, alone: bool = False) -> LifeTrial:
    """
    Draw a trial from its seed.

    :param late: as :func:`.faults.draw` has it.
    :param alone: whether there is one writer, and no person.
    """
    draws = Random(seed)
    scene = scenes.draw(draws)
    if alone:
        scene = replace(scene, asks=scene.asks[:1], person="")
    conflicts = [nth for nth in range(1, CONFLICTS + 1) if draws.random() < CONFLICT_SHARE]
    refused = [Strike("conflict", nth, draws.choice(STREAMS["conflict"].actions)) for nth in conflicts]
    return LifeTrial(
        seed=seed,
        schedule=tuple(faults.ordered([*faults.draw(draws, late), *refused])),
        writers=len(scene.asks),
        spread=draws.choice((0.0, 1.0, 10.0)),
        retry_delay=draws.choice((0.0, 5.0, 60.0)),
        kill_share=0.0 if alone else draws.choice((0.0, 0.3)),
        scene=scene,
    )


def draw_kill(platform: Platform, seed: str) -> LifeTrial:
    """Draw a trial from its seed, and the point at which one of its tasks is killed; many writes are late."""
    trial = draw(seed, late=0.2, alone=True)
    return replace(trial, kill=choose(Random(f"{seed}/kill"), points(platform, trial, attempt)))


def quiet_kills(platform: Platform) -> list[LifeTrial]:
    """Return a trial for each point of the quiet scenes."""
    return [replace(trial, kill=kill) for trial in QUIET for kill in points(platform, trial, attempt)]


def attempt(platform: Platform, trial: LifeTrial, carry: Carry | None = None) -> Verdict:
    """Run a trial on a platform that holds what its scene says."""
    carry = carry or (trial.kill.carry if trial.kill else run_here)
    platform.control("POST", "reset", json={"clock": BEGINNING})
    timeline, draws, scene = Timeline(platform), Random(f"{trial.seed}/starts"), trial.scene
    maker = make_client(Pace(timeline, Random("maker")), marks=scene.marked)
    world = _built(timeline, maker, scene)
    platform.control("DELETE", "requests")
    platform.control("POST", "faults", json=[strike.fault() for strike in trial.schedule])
    began = timeline.now

    def run_of(asks: tuple[str, ...], run_id: str, **how: Any) -> LifeRun:
        steps = tuple(f"{what} #{at}" if at else what for at, what in enumerate(asks))
        given: dict[str, Any] = {"seed": f"{trial.seed}/{run_id}", "world": world, "scene": scene, "steps": steps}
        return LifeRun(timeline, run_id, retry_delay=trial.retry_delay, **given | how)

    runs = [run_of(asks, f"run-{at}", carry=carry, kill_share=trial.kill_share) for at, asks in enumerate(scene.asks)]
    programs: list[Any] = [run.run for run in runs]
    starts = [draws.uniform(0, trial.spread) for _ in runs]
    if scene.person:
        person = make_client(Pace(timeline, draws))
        programs.append(lambda: scenes.act(person, world, scene))
        starts.append(draws.uniform(0, 10))
    timeline.run(programs, starts)

    virtual_seconds, asked = timeline.now - began, platform.requests()
    faults_met = platform.control("DELETE", "faults")["faults"]
    timeline.sleep(PAUSE)
    says = list(_of_runs(platform, runs, world, scene))
    # What is asked last: a deletion, if there is one.
    last = next((asks[-1:] for asks in scene.asks if "delete" in asks), scene.asks[0][-1:])
    asks = scene.asks[0] if scene.asked("profile") else last
    later = run_of(asks, "run-later").run()
    afterwards = [r for r in platform.requests()[len(asked) :] if is_of_platform(r)]
    says += [f"after the later run {each}" for each in scenes.wrongs(platform, world, scene, STATES.get(asks[-1]))]
    says += [] if later.complete or _is_excused(later) else [f"the later run ended: {later.message}"]
    return Verdict(
        trial=trial,
        broken=says,
        incomplete=[f"{run.run_id}: {run.message}" for run in runs if not run.complete and not _is_excused(run)],
        census=Census(),
        struck=struck(trial, faults_met),
        jumps=0,
        virtual_seconds=virtual_seconds,
        **counted(runs, asked, afterwards),
    )


def _built(timeline: Timeline, maker: Any, scene: Scene) -> World:
    worlds: list[World] = []
    timeline.run([lambda: worlds.append(scenes.build(timeline.platform, maker, scene))], [0.0])
    return worlds[0]


def _of_runs(platform: Platform, runs: list[LifeRun], world: World, scene: Scene) -> list[str]:
    """Tell what is wrong before the later run: where one writer alone has done all, it is as if that were the last."""
    says = [f"{run.run_id}: {run.message}" for run in runs if run.ends.keys() & {"crashed", "endless"}]
    says += [f"{run.run_id}: {run.message}" for run in runs if run.ends["failed"] and not _is_excused(run)]
    if len(runs) == 1 and runs[0].complete and not scene.person:
        says += scenes.wrongs(platform, world, scene, STATES.get(scene.asks[0][-1]))
    return says


def _is_excused(run: LifeRun) -> bool:
    """Whether a run ended for what its task could not help: the dataflow was gone."""
    return any(excuse in run.message for excuse in EXCUSES)
