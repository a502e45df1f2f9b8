"""A few trials of dataflows that are there, and what shows that they would find something."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tests.chaos.faults import Strike
from tests.chaos.lives import QUIET, LifeTrial, attempt, draw, draw_kill
from tests.chaos.runs import Task
from tests.chaos.scenes import FLOWS, PERSONS, Scene
from tests.chaos.tasks import Ended, Pace, make_client
from tests.chaos.timeline import Platform
from tests.chaos.trials import points

DELETION = Scene((("delete",),), dataset=True)


@pytest.mark.parametrize("trial", QUIET, ids=lambda trial: trial.what)
def test_without_faults_each_scene_ends_as_it_must(platform: Platform, trial: LifeTrial) -> None:
    verdict = attempt(platform, trial)
    assert (verdict.broken, verdict.incomplete, verdict.ends["retry"]) == ([], [], 0)
    assert verdict.requests <= 30
    assert verdict.later_requests <= 7


@pytest.mark.parametrize("seed", range(8))
def test_under_faults_writers_and_people_each_scene_ends_as_it_must(platform: Platform, seed: int) -> None:
    verdict = attempt(platform, draw(f"life {seed}"))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.struck


@pytest.mark.parametrize("person", PERSONS)
def test_what_a_person_does_meanwhile_stays(platform: Platform, person: str) -> None:
    verdict = attempt(platform, LifeTrial(person, spread=10.0, scene=replace(DELETION, person=person)))
    assert (verdict.broken, verdict.incomplete) == ([], [])


def test_a_deletion_killed_anywhere_is_finished_by_the_next_try(platform: Platform) -> None:
    trial = LifeTrial("quiet", scene=DELETION)
    kills = list(points(platform, trial, attempt))[4::5]
    assert len(kills) >= 5
    for kill in kills:
        verdict = attempt(platform, replace(trial, kill=kill, retry_delay=0.0))
        assert (kill, verdict.broken, verdict.incomplete) == (kill, [], [])
        assert verdict.ends["killed"] == 1


def test_a_task_killed_under_faults_is_finished_by_the_next_try(platform: Platform) -> None:
    verdict = attempt(platform, draw_kill(platform, "life"))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.ends["killed"] == 1


def test_a_request_later_than_any_settle_time_breaks_a_promise(platform: Platform) -> None:
    late = Strike("write", 2, "late-120")
    trial = LifeTrial("late", schedule=(late,), scene=Scene((("disable", "enable", "disable"),)))
    assert attempt(platform, trial).broken == ["the dataflow is enabled, not disabled"]


@pytest.mark.parametrize("trial", QUIET, ids=lambda trial: trial.what)
def test_a_task_that_does_nothing_is_seen_as_a_broken_promise(platform: Platform, trial: LifeTrial) -> None:
    if trial.scene.asks[0][-1] == "enable":
        trial = replace(trial, scene=Scene((("enable", "disable"),)))
    verdict = attempt(platform, trial, lambda task, pace: Ended("done"))
    assert [says for says in verdict.broken if not says.startswith("after")]


def test_a_task_that_deletes_too_much_is_seen_as_a_broken_promise(platform: Platform) -> None:
    def deleting_all(task: Task, pace: Pace) -> Ended:
        end = task.run(pace)
        client = make_client(Pace(pace.timeline, Random("all")))
        for flow in platform.objects("flows"):
            client.request("DELETE", f"{FLOWS}/{flow['id']}")
        return end

    verdict = attempt(platform, LifeTrial("all", scene=replace(DELETION, shares="target")), deleting_all)
    assert "is gone, which was to stay" in verdict.broken[0]
