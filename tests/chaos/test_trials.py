"""A few trials of each part of the command, and tests that trials detect broken promises."""

from __future__ import annotations

import itertools
import re
import shlex
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_payments.aep.resources.marks import Mark, Writer
from airflow_provider_payments.emulator.core.faults import Match
from tests.chaos.arguments import command_to_repeat, parse_arguments
from tests.chaos.census import DELETABLE
from tests.chaos.faults import ACTIONS, STREAMS, ScheduledFault
from tests.chaos.runs import RunAttempt, Task
from tests.chaos.tasks import STEPS, AttemptEnd, Pace
from tests.chaos.timeline import Platform
from tests.chaos.trials import Trial, draw, draw_kill, points, run_trial

#: The number of objects that the chain creates or looks up: one for each step, and the field group.
OBJECTS = len(STEPS) + 1
FAULTLESS = Trial("quiet")


@pytest.mark.parametrize("option", ["--remove-duplicates", "--no-remove-duplicates"])
def test_the_command_that_repeats_a_trial_has_the_same_options(option: str) -> None:
    args = parse_arguments(None, ["--seed", "7", "--writers", "3", option])
    words = shlex.split(f"{command_to_repeat(args)} writers/17")
    assert words[:3] == ["python", "-m", "tests.chaos"]
    assert vars(parse_arguments(None, words[3:])) == {**vars(args), "only": ("writers", 17)}


@pytest.mark.parametrize("seed", range(4))
def test_a_chain_without_faults_sends_few_requests(platform: Platform, seed: int) -> None:
    verdict = run_trial(platform, Trial(f"quiet {seed}"))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    # Field group, schema and mapping set are read once more, because references to them are refused until then.
    # A search precedes each creation, and two of the lists end only with a page without a new object.
    assert verdict.requests <= 4 * OBJECTS + 3
    # The lists of datasets and mapping sets end only with a page without a new object.
    assert verdict.later_requests <= 2 * OBJECTS + 2


@pytest.mark.parametrize("seed", range(6))
def test_a_chain_under_faults_is_created_exactly_once(platform: Platform, seed: int) -> None:
    verdict = run_trial(platform, draw(f"chain {seed}"))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.faults


@pytest.mark.parametrize("seed", range(4))
def test_two_writers_under_faults_and_kills_leave_one_chain(platform: Platform, seed: int) -> None:
    verdict = run_trial(platform, draw(f"writers {seed}", 2, kill_share=0.1, remove_duplicates=True))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.faults


@pytest.mark.parametrize("seed", range(2))
def test_an_apply_under_faults_leaves_each_object_once(platform: Platform, seed: int) -> None:
    verdict = run_trial(platform, draw(f"apply {seed}", applies=True))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.faults


@pytest.mark.parametrize("spread", [0.0, 20.0])
def test_two_applies_at_once_leave_only_duplicate_mapping_sets(platform: Platform, spread: float) -> None:
    verdict = run_trial(platform, Trial("two applies", writers=2, spread=spread, definitions=4))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert (verdict.census.count(*DELETABLE), verdict.ends["done"]) == (0, 4)


def test_two_applies_under_faults_and_kills_ingest_nothing_twice(platform: Platform) -> None:
    verdict = run_trial(platform, draw("applies", 2, kill_share=0.5, applies=True))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert (verdict.census.twice, verdict.census.lost) == (0, 0)


def test_an_apply_killed_under_faults_is_finished_by_its_next_try(platform: Platform) -> None:
    verdict = run_trial(platform, draw_kill(platform, "apply", applies=True))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.ends["killed"] == 1


def test_a_killed_writers_duplicate_dataflow_is_reported_and_disabled_before_it_runs(platform: Platform) -> None:
    def killing(run_id: str, point: int) -> RunAttempt:
        def run_attempt(task: Task, pace: Pace) -> AttemptEnd:
            if (task.step, task.try_number, task.run_id) == ("create_dataflow", 1, run_id):
                pace.kill_at = point
            return task.run(pace)

        return run_attempt

    # The first dataflow is not listed before the second run creates its own.
    trial = replace(FAULTLESS, writers=2, schedule=(ScheduledFault("dataflow", 1, "lag-45"),))
    disabled = 0
    for run_id, point in itertools.product(("run-0", "run-1"), range(2, 5)):
        verdict = run_trial(platform, trial, killing(run_id, point))
        assert (verdict.broken, verdict.incomplete) == ([], [])
        assert verdict.ends["killed"] == 1
        assert verdict.census.count("flows") == verdict.census.disabled
        disabled += verdict.census.disabled
    assert disabled


def test_a_long_retry_after_does_not_let_a_duplicate_ingest(platform: Platform) -> None:
    gave_up_after_creation = []

    def recording(task: Task, pace: Pace) -> AttemptEnd:
        end = task.run(pace)
        if (task.step, end.status) == ("create_dataflow", "retry"):
            marks = [Mark.read(r["body"].get("description")) for r in platform.requests(method="POST") if _is_flow(r)]
            gave_up_after_creation.append(any(mark and Writer(mark.owner, task.run_id).owns(mark) for mark in marks))
        return end

    hidden = (
        ScheduledFault("dataflow", 1, "lag-45"),
        ScheduledFault("dataflow", 2, "429-7"),
        ScheduledFault("dataflow", 3, "lag-45"),
    )
    for reads in ((56,), (57,), (58,), (57, 58)):
        schedule = (*hidden, *(ScheduledFault("read", read, "429-300") for read in reads))
        trial = Trial("h0", schedule, writers=2, spread=40.0, retry_delay=0.0, remove_duplicates=True)
        verdict = run_trial(platform, trial, recording)
        assert (reads, verdict.broken, verdict.incomplete) == (reads, [], [])
        assert len(verdict.faults) == len(schedule)
    assert any(gave_up_after_creation)


def _is_flow(request: dict[str, Any]) -> bool:
    return bool(request["path"].endswith("/flows"))


def test_a_dataflow_task_killed_at_any_point_creates_one_dataflow(platform: Platform) -> None:
    kills = [kill for kill in points(platform, FAULTLESS) if kill.step == "create_dataflow"]
    assert len(kills) >= 5
    for kill in kills:
        verdict = run_trial(platform, replace(FAULTLESS, kill=kill, retry_delay=0.0))
        assert (kill, verdict.broken, verdict.incomplete) == (kill, [], [])
        assert verdict.ends["killed"] == 1


def test_a_task_killed_under_faults_leaves_no_duplicates(platform: Platform) -> None:
    verdict = run_trial(platform, draw_kill(platform, "kill"))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.ends["killed"] == 1


def test_a_trial_is_the_same_each_time(platform: Platform) -> None:
    trial = draw("again", 2, kill_share=0.2, remove_duplicates=True)
    first, second = run_trial(platform, trial), run_trial(platform, trial)
    assert (first.faults, first.ends) == (second.faults, second.ends)
    assert (first.requests, first.virtual_seconds) == (second.requests, second.virtual_seconds)


def test_a_creation_applied_after_the_settle_time_breaks_promises(platform: Platform) -> None:
    late = ScheduledFault("dataflow", 1, "late-120")
    verdict = run_trial(platform, replace(FAULTLESS, schedule=(late,)))
    assert [problem.partition(":")[0] for problem in verdict.broken] == [
        "2 flows instead of one",
        "duplicates that their writers should have removed",
        "enabled dataflows that no run accounts for",
        "150 rows were ingested twice",
    ]


@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "disabled"])
def test_an_unlisted_dataflow_is_given_up_and_payments_are_ingested_once(platform: Platform, deleted: bool) -> None:
    hidden = ScheduledFault("dataflow", 1, "lag-600")
    refused = ScheduledFault("write", 9, "429-300")  # the ninth write deletes the dataflow
    verdict = run_trial(platform, replace(FAULTLESS, schedule=(hidden,) if deleted else (hidden, refused)))
    disabled = [request for request in platform.requests(method="POST") if request["path"].endswith("/action")]
    assert len(disabled) == (0 if deleted else 2)
    assert [problem.partition(" (")[0] for problem in verdict.broken] == [
        "run-0: create_dataflow: failed: dataflow 'products' was created"
    ]
    census = verdict.census
    assert (census.count("flows"), census.unowned, census.twice, census.lost) == (0, [], 0, 0)


def test_validation_requests_meet_the_faults_of_reads(platform: Platform) -> None:
    verdict = run_trial(platform, FAULTLESS)
    assert (verdict.broken, verdict.incomplete) == ([], [])
    posted = {request["path"] for request in platform.requests(method="POST") if request["path"].startswith("/data/")}
    covered = {
        name: {path for path in posted if Match(path=STREAMS[name].match["path"]).matches("POST", path)}
        for name in ("check", "write")
    }
    assert covered["check"] == {path for path in posted if path.endswith("validate")} != set()
    assert covered["write"] == posted - covered["check"]


def test_the_faults_cover_every_action_of_the_emulator(platform: Platform) -> None:
    with pytest.raises(ValueError, match="must be one of") as refused:
        platform.control("POST", "faults", json={})
    known = set(re.findall(r"[a-z_]+", str(refused.value).partition("one of ")[2]))
    drawn = {ACTIONS[action]["action"] for stream in STREAMS.values() for action in stream.actions}
    assert drawn == known
