"""A few trials of each part of the command, and what shows that they would find something."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_payments.aep.resources.marks import Mark, Writer
from airflow_provider_payments.emulator.core.faults import Match
from tests.chaos.census import DELETABLE
from tests.chaos.faults import ACTIONS, STREAMS, Strike
from tests.chaos.runs import Carry, Task
from tests.chaos.tasks import STEPS, Ended, Pace
from tests.chaos.timeline import Platform
from tests.chaos.trials import Trial, attempt, draw, draw_kill, points

#: What the chain makes, and the flow spec that it looks up; the field group has no step of its own.
THINGS = len(STEPS) + 1
QUIET = Trial("quiet")


@pytest.mark.parametrize("seed", range(4))
def test_a_chain_without_faults_asks_no_more_than_it_must(platform: Platform, seed: int) -> None:
    verdict = attempt(platform, Trial(f"quiet {seed}"))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    # Field group, schema and mapping set are asked for once more: what refers to them is refused before they are read.
    # Before each creation there is a second look, and only a page without anything new is the end of two of the lists.
    assert verdict.requests <= 4 * THINGS + 3
    # Only a page without anything new is the end of the lists of datasets and mapping sets.
    assert verdict.later_requests <= 2 * THINGS + 2


@pytest.mark.parametrize("seed", range(6))
def test_a_chain_under_faults_is_complete_and_there_once(platform: Platform, seed: int) -> None:
    verdict = attempt(platform, draw(f"chain {seed}"))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.struck


@pytest.mark.parametrize("seed", range(4))
def test_two_writers_under_faults_and_kills_leave_one_chain(platform: Platform, seed: int) -> None:
    verdict = attempt(platform, draw(f"writers {seed}", 2, kill_share=0.1, remove_duplicates=True))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.struck


@pytest.mark.parametrize("seed", range(2))
def test_an_apply_under_faults_leaves_each_object_once(platform: Platform, seed: int) -> None:
    verdict = attempt(platform, draw(f"apply {seed}", applies=True))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.struck


@pytest.mark.parametrize("spread", [0.0, 20.0])
def test_two_applies_at_once_leave_no_duplicates_but_of_mapping_sets(platform: Platform, spread: float) -> None:
    verdict = attempt(platform, Trial("two applies", writers=2, spread=spread, definitions=4))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert (verdict.census.count(*DELETABLE), verdict.ends["done"]) == (0, 4)


def test_two_applies_under_faults_and_kills_ingest_nothing_twice(platform: Platform) -> None:
    verdict = attempt(platform, draw("applies", 2, kill_share=0.5, applies=True))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert (verdict.census.twice, verdict.census.lost) == (0, 0)


def test_an_apply_killed_under_faults_is_finished_by_its_next_try(platform: Platform) -> None:
    verdict = attempt(platform, draw_kill(platform, "apply", applies=True))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.ends["killed"] == 1


def test_a_copied_dataflow_of_a_killed_writer_is_told_and_disabled_before_it_runs(platform: Platform) -> None:
    def killing(run_id: str, point: int) -> Carry:
        def carry(task: Task, pace: Pace) -> Ended:
            if (task.step, task.try_number, task.run_id) == ("create_dataflow", 1, run_id):
                pace.kill_at = point
            return task.run(pace)

        return carry

    # The first dataflow does not show before the second run makes its own.
    trial = replace(QUIET, writers=2, schedule=(Strike("dataflow", 1, "lag-45"),))
    disabled = 0
    for run_id, point in itertools.product(("run-0", "run-1"), range(2, 5)):
        verdict = attempt(platform, trial, killing(run_id, point))
        assert (verdict.broken, verdict.incomplete) == ([], [])
        assert verdict.ends["killed"] == 1
        assert verdict.census.count("flows") == verdict.census.disabled
        disabled += verdict.census.disabled
    assert disabled


def test_a_long_retry_after_does_not_keep_a_writer_from_its_copy_until_that_ingests(platform: Platform) -> None:
    gave_up_after_asking = []

    def noting(task: Task, pace: Pace) -> Ended:
        end = task.run(pace)
        if (task.step, end.how) == ("create_dataflow", "retry"):
            marks = [Mark.read(r["body"].get("description")) for r in platform.requests(method="POST") if _is_flow(r)]
            gave_up_after_asking.append(any(mark and Writer(mark.owner, task.run_id).owns(mark) for mark in marks))
        return end

    hidden = (Strike("dataflow", 1, "lag-45"), Strike("dataflow", 2, "429-7"), Strike("dataflow", 3, "lag-45"))
    for reads in ((56,), (57,), (58,), (57, 58)):
        schedule = (*hidden, *(Strike("read", read, "429-300") for read in reads))
        trial = Trial("h0", schedule, writers=2, spread=40.0, retry_delay=0.0, remove_duplicates=True)
        verdict = attempt(platform, trial, noting)
        assert (reads, verdict.broken, verdict.incomplete) == (reads, [], [])
        assert len(verdict.struck) == len(schedule)
    assert any(gave_up_after_asking)


def _is_flow(request: dict[str, Any]) -> bool:
    return bool(request["path"].endswith("/flows"))


def test_a_dataflow_task_killed_at_any_point_makes_one_dataflow(platform: Platform) -> None:
    kills = [kill for kill in points(platform, QUIET) if kill.step == "create_dataflow"]
    assert len(kills) >= 5
    for kill in kills:
        verdict = attempt(platform, replace(QUIET, kill=kill, retry_delay=0.0))
        assert (kill, verdict.broken, verdict.incomplete) == (kill, [], [])
        assert verdict.ends["killed"] == 1


def test_a_task_killed_under_faults_leaves_nothing_twice(platform: Platform) -> None:
    verdict = attempt(platform, draw_kill(platform, "kill"))
    assert (verdict.broken, verdict.incomplete) == ([], [])
    assert verdict.ends["killed"] == 1


def test_a_trial_is_the_same_each_time(platform: Platform) -> None:
    trial = draw("again", 2, kill_share=0.2, remove_duplicates=True)
    first, second = attempt(platform, trial), attempt(platform, trial)
    assert (first.struck, first.ends) == (second.struck, second.ends)
    assert (first.requests, first.virtual_seconds) == (second.requests, second.virtual_seconds)


def test_a_creation_that_takes_effect_after_the_window_is_seen_as_a_broken_promise(platform: Platform) -> None:
    late = Strike("dataflow", 1, "late-120")
    verdict = attempt(platform, replace(QUIET, schedule=(late,)))
    assert [says.partition(":")[0] for says in verdict.broken] == [
        "2 flows where one should be",
        "copies that their writers should have removed",
        "enabled dataflows that nobody answers for",
        "150 rows landed twice",
    ]


@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "disabled"])
def test_a_dataflow_that_never_shows_is_given_up_and_each_payment_still_lands_once(
    platform: Platform, deleted: bool
) -> None:
    hidden, refused = Strike("dataflow", 1, "lag-600"), Strike("write", 9, "429-300")  # the ninth write deletes it
    verdict = attempt(platform, replace(QUIET, schedule=(hidden,) if deleted else (hidden, refused)))
    switched = [request for request in platform.requests(method="POST") if request["path"].endswith("/action")]
    assert len(switched) == (0 if deleted else 2)
    assert [says.partition(" (")[0] for says in verdict.broken] == [
        "run-0: create_dataflow: failed: dataflow 'products' was created"
    ]
    census = verdict.census
    assert (census.count("flows"), census.unowned, census.twice, census.lost) == (0, [], 0, 0)


def test_a_check_that_stores_nothing_meets_the_faults_of_reads(platform: Platform) -> None:
    verdict = attempt(platform, QUIET)
    assert (verdict.broken, verdict.incomplete) == ([], [])
    posted = {request["path"] for request in platform.requests(method="POST") if request["path"].startswith("/data/")}
    covered = {
        name: {path for path in posted if Match(path=STREAMS[name].match["path"]).matches("POST", path)}
        for name in ("check", "write")
    }
    assert covered["check"] == {path for path in posted if path.endswith("validate")} != set()
    assert covered["write"] == posted - covered["check"]


def test_every_action_that_the_emulator_knows_is_among_the_faults(platform: Platform) -> None:
    with pytest.raises(ValueError, match="must be one of") as refused:
        platform.control("POST", "faults", json={})
    known = set(re.findall(r"[a-z_]+", str(refused.value).partition("one of ")[2]))
    drawn = {ACTIONS[action]["action"] for stream in STREAMS.values() for action in stream.actions}
    assert drawn == known
