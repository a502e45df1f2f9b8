"""A few trials of existing objects, and tests that trials detect broken promises."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tests.chaos.faults import ScheduledFault
from tests.chaos.lives import FAULTLESS, LifeTrial, draw, draw_kill, run_trial
from tests.chaos.runs import Task
from tests.chaos.scenes import FLOWS, USER_ACTIONS, Scene
from tests.chaos.tasks import AttemptEnd, Pace, make_client
from tests.chaos.timeline import Platform
from tests.chaos.trials import points

DELETION = Scene((("delete",),), dataset=True)


@pytest.mark.parametrize("trial", FAULTLESS, ids=lambda trial: trial.title)
def test_without_faults_each_scene_ends_as_expected(platform: Platform, trial: LifeTrial) -> None:
    verdict = run_trial(platform, trial)
    assert (verdict.broken, verdict.incomplete, verdict.ends["retry"]) == ([], [], 0)
    assert verdict.requests <= 30
    assert verdict.later_requests <= 7


@pytest.mark.parametrize("seed", range(8))
def test_under_faults_writers_and_users_each_scene_ends_as_expected(platform: Platform, seed: int) -> None:
    verdict = run_trial(platform, draw(f"life {seed}"))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.faults


@pytest.mark.parametrize("user_action", USER_ACTIONS)
def test_tasks_keep_what_a_user_does_meanwhile(platform: Platform, user_action: str) -> None:
    verdict = run_trial(platform, LifeTrial(user_action, spread=10.0, scene=replace(DELETION, user_action=user_action)))
    assert (verdict.broken, verdict.incomplete) == ([], [])


def test_a_deletion_killed_anywhere_is_finished_by_the_next_try(platform: Platform) -> None:
    trial = LifeTrial("quiet", scene=DELETION)
    kills = list(points(platform, trial, run_trial))[4::5]
    assert len(kills) >= 5
    for kill in kills:
        verdict = run_trial(platform, replace(trial, kill=kill, retry_delay=0.0))
        assert (kill, verdict.broken, verdict.incomplete) == (kill, [], [])
        assert verdict.ends["killed"] == 1


def test_a_task_killed_under_faults_is_finished_by_the_next_try(platform: Platform) -> None:
    verdict = run_trial(platform, draw_kill(platform, "life"))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.ends["killed"] == 1


def test_a_request_applied_after_any_settle_time_breaks_a_promise(platform: Platform) -> None:
    late = ScheduledFault("write", 2, "late-120")
    trial = LifeTrial("late", schedule=(late,), scene=Scene((("disable", "enable", "disable"),)))
    assert run_trial(platform, trial).broken == ["the dataflow is enabled, not disabled"]


@pytest.mark.parametrize("trial", FAULTLESS, ids=lambda trial: trial.title)
def test_a_task_that_does_nothing_is_reported_as_a_broken_promise(platform: Platform, trial: LifeTrial) -> None:
    if trial.scene.operations[0][-1] == "enable":
        trial = replace(trial, scene=Scene((("enable", "disable"),)))
    verdict = run_trial(platform, trial, lambda task, pace: AttemptEnd("done"))
    assert [problem for problem in verdict.broken if not problem.startswith("after")]


def test_a_task_that_deletes_too_much_is_reported(platform: Platform) -> None:
    def deleting_all(task: Task, pace: Pace) -> AttemptEnd:
        end = task.run(pace)
        client = make_client(Pace(pace.timeline, Random("all")))
        for flow in platform.objects("flows"):
            client.request("DELETE", f"{FLOWS}/{flow['id']}")
        return end

    verdict = run_trial(platform, LifeTrial("all", scene=replace(DELETION, shares="target")), deleting_all)
    assert "was deleted, but must stay" in verdict.broken[0]
