"""The problems that are found in the observation of a dataflow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_payments.aep.health.judging import (
    PROBLEMS,
    Health,
    Limits,
    Observation,
    RunTotals,
    duration,
    judge,
)
from airflow_provider_payments.aep.runs.flow_run import FlowRun

NOW = 2_000_000_000.0
HOUR, DAY = 3600.0, 86400.0


def run(status: str = "success", ago: float = HOUR, **given: Any) -> FlowRun:
    """A run that ended some time ago, by default without failed records."""
    counts = {"input_records": 100, "output_records": 100, "failed_records": 0} | given
    return FlowRun("run", "flow", status, NOW - ago - 60, NOW - ago - 60, NOW - ago, **counts)


def health(*, limits: dict[str, Any] | None = None, **seen: Any) -> Health:
    """The health of a dataflow that runs once a day, and by default has just succeeded."""
    good = run()
    usual: dict[str, Any] = {"name": "x", "id": "id", "state": "enabled", "period": DAY, "begins_at": NOW - 90 * DAY}
    usual |= {"last_run": good, "last_success": good, "searched_since": good.began_at}
    return judge(Observation(**usual | seen), Limits(**{"now": NOW} | (limits or {})))


def codes(**given: Any) -> list[str]:
    return [problem.code for problem in health(**given).problems]


FAILED = run("failed", HOUR, errors=("CONNECTOR-2001-500: the vendor is down", "more"))
NEVER = {"last_run": None, "last_success": None, "searched_since": None}


@pytest.mark.parametrize(
    ("seen", "problems"),
    [
        ({}, []),
        ({"id": None}, ["missing"]),
        ({"state": "draft"}, ["draft"]),
        ({"state": "disabled"}, ["disabled"]),
        ({"state": "disabled", "may_be_disabled": True}, []),
        ({"may_be_disabled": True}, []),
        ({"last_run": FAILED}, ["failed"]),
        ({"last_run": run("partialSuccess", failed_records=7, output_records=93)}, ["partial"]),
        ({"last_run": run("success", failed_records=7, output_records=93)}, ["partial"]),
        (
            {"last_run": run("success", failed_records=None, unknown_counts="failedRecordCount=null")},
            ["unknown_counts"],
        ),
        ({"last_run": run("gibberish")}, ["failed"]),
        ({"last_success": run(ago=3 * DAY)}, ["stale"]),
        ({"last_success": run(ago=2 * DAY)}, []),
        ({"last_run": FAILED, "last_success": run(ago=3 * DAY)}, ["failed", "stale"]),
        ({"last_run": FAILED, "last_success": None, "searched_since": NOW - 3 * DAY}, ["failed", "stale"]),
        ({"last_run": FAILED, "last_success": None, "searched_since": NOW - DAY}, ["failed"]),
        (NEVER, ["stale"]),
        (NEVER | {"begins_at": NOW - DAY}, []),
        (NEVER | {"begins_at": NOW + DAY}, []),
        (NEVER | {"period": None}, []),
        ({"period": None, "last_success": run(ago=300 * DAY)}, []),
        ({"ends_at": NOW - DAY, "last_success": run(ago=30 * DAY)}, []),
        ({"ends_at": NOW + DAY, "last_success": run(ago=30 * DAY)}, ["stale"]),
        ({"unreadable": "its runs cannot be read: x", "state": "disabled"}, ["unreadable", "disabled"]),
        ({"credential": "it fails"}, ["credential"]),
    ],
    ids=repr,
)
def test_each_problem_is_named_by_its_code(seen: dict[str, Any], problems: list[str]) -> None:
    found = health(**seen)
    assert [problem.code for problem in found.problems] == problems
    assert found.is_healthy == (not problems)
    assert all(problem.text for problem in found.problems)


@pytest.mark.parametrize(
    ("last_success", "searched_since", "begins_at", "code"),
    [
        (run(ago=32 * DAY), None, None, "disabled_by_platform"),
        (run(ago=20 * DAY), None, None, "disabled"),
        (None, NOW - 32 * DAY, None, "disabled_by_platform"),
        (None, NOW - 5 * DAY, NOW - 90 * DAY, "disabled"),
        (None, None, NOW - 90 * DAY, "disabled_by_platform"),
        (None, None, None, "disabled"),
    ],
)
def test_thirty_days_of_failures_mean_the_platform_disabled_the_dataflow(
    last_success: FlowRun | None, searched_since: float | None, begins_at: float | None, code: str
) -> None:
    seen = {"last_success": last_success, "searched_since": searched_since, "begins_at": begins_at}
    assert codes(state="disabled", last_run=FAILED, **seen) == [code]
    assert codes(state="disabled", **seen) == ["disabled"]


def test_max_age_applies_to_every_dataflow() -> None:
    old = run(ago=30 * HOUR)
    for seen in ({}, {"period": None}, {"ends_at": NOW - DAY}):
        assert codes(last_success=old, limits={"max_age": DAY}, **seen) == ["stale"]
        assert codes(last_success=old, limits={"max_age": 2 * DAY}, **seen) == []


def test_an_ignored_problem_is_shown_but_leaves_the_dataflow_healthy() -> None:
    found = health(last_run=FAILED, limits={"ignore": ["failed"]})
    assert ([problem.code for problem in found.problems], found.is_healthy) == (["failed"], True)
    assert not health(last_run=FAILED, credential="x", limits={"ignore": ["failed"]}).is_healthy


def test_problem_texts_name_ages_limits_and_numbers() -> None:
    late = run(ago=3 * DAY + 2 * HOUR)
    failed, stale = health(last_run=FAILED, last_success=late).problems
    assert failed.text == "its last run failed: CONNECTOR-2001-500: the vendor is down"
    assert stale.text == "no successful run for 3 d 2 h; 2 d is the limit"
    (lost,) = health(last_run=run(failed_records=1200, output_records=0)).problems
    assert lost.text == "its last run lost records: 1,200 of 1,200"
    (disabled,) = health(state="disabled", changed_at=NOW).problems
    assert disabled.text == "it is disabled; it was last changed at 2033-05-18T03:33:20+00:00"
    (never,) = health(**NEVER).problems
    assert never.text == "no successful run for at least 90 d; 2 d is the limit"


def test_the_failure_share_covers_all_runs_with_known_counts() -> None:
    runs = [run(), run(failed_records=50, output_records=50), FAILED, run(input_records=None), run("processing")]
    totals = RunTotals.of([*runs[:-1], FlowRun("r", "f", "processing", NOW)])
    assert totals == RunTotals(runs=4, failed_runs=1, unknown_runs=1, records=300, failed_records=50)
    assert codes(totals=totals, limits={"max_failed_ratio": 0.2}) == []
    assert codes(totals=totals, limits={"max_failed_ratio": 0.1}) == ["failure_share"]
    assert codes(totals=totals) == []


def test_a_share_without_known_counts_is_a_problem_unless_nothing_ran() -> None:
    unknown = RunTotals.of([run(input_records=None)])
    assert (unknown.failed_ratio, RunTotals().failed_ratio) == (None, 0.0)
    assert codes(totals=unknown, limits={"max_failed_ratio": 1.0}) == ["failure_share"]
    assert codes(totals=RunTotals(), limits={"max_failed_ratio": 0.0}) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.6, "60 s"),
        (60, "1 min"),
        (3660, "1 h 1 min"),
        (86400, "1 d"),
        (90061, "1 d 1 h"),
        (1e7, "115 d 17 h"),
    ],
)
def test_a_duration_shows_at_most_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


MOMENTS = st.none() | st.floats(0, 4e9)
RUNS = st.none() | st.builds(
    FlowRun,
    st.just("r"),
    st.just("f"),
    st.sampled_from(["success", "failed", "partialSuccess", "inProgress", "", "odd"]),
    st.floats(0, 4e9),
    MOMENTS,
    MOMENTS,
    *[st.none() | st.integers(0, 10)] * 3,
    errors=st.lists(st.text(), max_size=2).map(tuple),
)


@given(
    st.builds(
        Observation,
        name=st.text(),
        id=st.none() | st.just("id"),
        state=st.sampled_from(["", "enabled", "disabled", "draft", "updating"]),
        may_be_disabled=st.booleans(),
        changed_at=MOMENTS,
        begins_at=MOMENTS,
        ends_at=MOMENTS,
        period=st.none() | st.floats(900, 1e9),
        last_run=RUNS,
        last_success=RUNS,
        searched_since=MOMENTS,
        is_running=st.booleans(),
        totals=st.none() | st.builds(RunTotals.of, st.lists(RUNS.filter(bool), max_size=3)),
        credential=st.sampled_from(["", "fails"]),
        unreadable=st.sampled_from(["", "cannot be read"]),
    ),
    st.none() | st.floats(0, 1e9),
    st.none() | st.floats(0, 1),
)
def test_any_observation_is_judged_with_known_problem_codes(
    seen: Observation, max_age: float | None, max_failed_ratio: float | None
) -> None:
    found = judge(seen, Limits(now=NOW, max_age=max_age, max_failed_ratio=max_failed_ratio))
    named = [problem.code for problem in found.problems]
    assert named == sorted(set(named), key=PROBLEMS.index)
    assert found.is_healthy == (not named)
    if not named and not seen.may_be_disabled:
        assert seen.state not in ("disabled", "draft")
        assert not (seen.last_run and seen.last_run.raw_status == "failed")
    assert None not in found.to_json().values()
