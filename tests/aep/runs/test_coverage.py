"""Coverage: whether a run over a data window is started, depending on any earlier runs of the dataflow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_payments.aep.runs.coverage import (
    CoveredError,
    Decision,
    Reading,
    Refuse,
    Reuse,
    Start,
    Unclear,
    decide,
)
from airflow_provider_payments.aep.runs.data_window import Window
from airflow_provider_payments.aep.runs.flow_run import FlowRun
from airflow_provider_payments.outcomes import Tolerance

HOUR = 3600
DAY = 24 * HOUR
TODAY = Window(20_000 * DAY, 20_001 * DAY)
YESTERDAY, TOMORROW = Window(19_999 * DAY, 20_000 * DAY), Window(20_001 * DAY, 20_002 * DAY)
ALL = Tolerance(accept_partial=True, accept_unknown=True)

WINDOWS = st.builds(lambda start, length: Window(start, start + length), st.integers(0, 40), st.integers(1, 20))


def flow_run(
    status: str = "success",
    counts: tuple[int | None, int | None, int | None] = (5, 5, 0),
    copied: Window | None = None,
    created_at: float = TODAY.end + 60.0,
    run_id: str = "r",
) -> FlowRun:
    shown = {"copied_start": float(copied.start), "copied_end": float(copied.end)} if copied else {}
    ended = None if status == "inProgress" else created_at + 2
    return FlowRun(run_id, "flow", status, created_at, created_at, ended, *counts, **shown)  # type: ignore[arg-type]


def decided(*readings: Reading, tolerance: Tolerance = ALL, desired: Window = TODAY) -> Decision:
    return decide(desired, readings, tolerance.accepts)


COUNTS = st.tuples(*[st.none() | st.integers(0, 3)] * 3)
STATUSES = st.sampled_from(["success", "partialSuccess", "failed", "inProgress", "odd", ""])
READINGS = st.builds(
    Reading,
    st.builds(flow_run, STATUSES, COUNTS, st.none() | WINDOWS, st.floats(1, 100), st.uuids().map(str)),
    st.none() | WINDOWS,
)


# ---- windows -------------------------------------------------------------------------------------------------------


@given(WINDOWS, WINDOWS)
def test_windows_are_compared_the_same_from_both_sides(one: Window, other: Window) -> None:
    assert (one.is_like(other), one.overlaps(other)) == (other.is_like(one), other.overlaps(one))
    assert one.is_like(one)
    assert one.overlaps(one)
    if one.is_like(other):
        assert one.overlaps(other)


@given(WINDOWS, st.integers(1, 20))
def test_adjacent_windows_of_any_length_do_not_overlap(window: Window, length: int) -> None:
    for neighbour in (Window(window.end, window.end + length), Window(max(window.start - length, 0) - 1, window.start)):
        assert not window.overlaps(neighbour)
        assert not window.is_like(neighbour)


@given(st.integers(3, 10**6), st.integers(-1, 1), st.integers(-1, 1))
def test_windows_that_differ_by_a_second_are_the_same(length: int, first: int, last: int) -> None:
    rounded = Window(TODAY.start + first, TODAY.start + length + last)
    assume(rounded.end - rounded.start > 2)
    window = Window(TODAY.start, TODAY.start + length)
    assert window.is_like(rounded)
    assert not Window(window.start - DAY, window.start).overlaps(rounded)


@given(WINDOWS, WINDOWS)
def test_windows_that_share_more_than_a_second_overlap(one: Window, other: Window) -> None:
    shared = len(set(range(one.start, one.end)) & set(range(other.start, other.end)))
    assert one.overlaps(other) == (shared > (1 if min(one.end - one.start, other.end - other.start) > 2 else 0))


# ---- decisions -----------------------------------------------------------------------------------------------------


@given(st.lists(READINGS, max_size=6), WINDOWS)
def test_no_run_is_started_over_rows_that_a_run_holds(readings: list[Reading], desired: Window) -> None:
    decision = decided(*readings, desired=desired)
    trusted = not any(reading.is_contradictory for reading in readings)
    holding = [reading for reading in readings if reading.may_hold_rows]
    windows = [reading.requested or (reading.copied if trusted else None) for reading in holding]
    overlapping = [window for window in windows if window and window.overlaps(desired)]
    if isinstance(decision, Start):
        assert overlapping == []
    if isinstance(decision, Reuse):
        assert any(window.is_like(desired) for window in overlapping)
    if isinstance(decision, Refuse):
        assert decision.readings
        assert not any(window.is_like(desired) for window in overlapping)
        assert len(decision.readings) == len(overlapping)


@given(st.lists(READINGS, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_runs_does_not_affect_the_decision(readings: list[Reading], random: object) -> None:
    created_apart = [
        Reading(replace(reading.run, created_at=float(place)), reading.requested)
        for place, reading in enumerate(readings)
    ]
    desired, before = Window(5, 15), decided(*created_apart, desired=Window(5, 15))
    random.shuffle(created_apart)  # type: ignore[attr-defined]
    after = decided(*created_apart, desired=desired)
    assert type(before) is type(after)
    if isinstance(before, Reuse):
        assert before == after


@pytest.mark.parametrize(
    ("run", "expected"),
    {
        "succeeded": (flow_run(), Reuse),
        "partial": (flow_run("success", (5, 4, 1)), Reuse),
        "active": (flow_run("inProgress", (None, None, None)), Reuse),
        "without counts": (flow_run("success", (None, None, None)), Reuse),
        "of an unknown status": (flow_run("odd"), Reuse),
        "failed": (flow_run("failed", (5, 0, 5)), Start),
        "cancelled": (flow_run("cancelled", (None, None, None)), Start),
        "without rows": (flow_run("success", (0, 0, 0)), Start),
    }.values(),
    ids=["succeeded", "partial", "active", "no counts", "unknown status", "failed", "cancelled", "no rows"],
)
def test_which_runs_cover_a_window(run: FlowRun, expected: type) -> None:
    assert type(decided(Reading(run, TODAY))) is expected
    other = Refuse if expected is Reuse else Start
    assert type(decided(Reading(run, Window(TODAY.start + HOUR, TODAY.end)))) is other
    assert decided(Reading(run, YESTERDAY), Reading(run, TOMORROW)) == Start()


def test_an_accepted_run_is_preferred_then_an_active_one_then_any() -> None:
    strict = Tolerance()
    lossy = Reading(flow_run("success", (5, 4, 1), created_at=9.0, run_id="lossy"), TODAY)
    active = Reading(flow_run("inProgress", (None,) * 3, created_at=8.0, run_id="active"), TODAY)
    good = Reading(flow_run(created_at=1.0, run_id="good"), TODAY)
    newer = Reading(flow_run(created_at=2.0, run_id="newer"), TODAY)
    decisions = [
        decided(*readings, tolerance=strict)
        for readings in ([lossy, active, good, newer], [lossy, active], [lossy], [good, lossy])
    ]
    assert [decision.run.id for decision in decisions if isinstance(decision, Reuse)] == [
        "newer",
        "active",
        "lossy",
        "good",
    ]


def test_a_run_over_the_exact_window_is_reused_despite_overlaps() -> None:
    part = Reading(flow_run(run_id="part"), Window(TODAY.start, TODAY.end - HOUR))
    exact = Reading(flow_run(run_id="exact"), TODAY)
    assert decided(part, exact) == Reuse(exact.run)
    assert decided(part) == Refuse((part,))


def test_reported_windows_are_trusted_until_one_contradicts_its_request() -> None:
    shown = Reading(flow_run(copied=TODAY, run_id="shown"))
    assert decided(shown) == Reuse(shown.run)
    wrong = Reading(flow_run(copied=TOMORROW, run_id="wrong"), YESTERDAY)
    assert decided(shown, wrong) == Start()
    kept = Reading(flow_run(copied=TOMORROW, run_id="kept"), TODAY)
    assert decided(shown, kept) == Reuse(kept.run)


def test_an_active_run_that_does_not_show_its_window_yet_is_unclear() -> None:
    hidden = Reading(flow_run("inProgress", (None,) * 3))
    assert decided(hidden) == Unclear(hidden)
    assert decided(hidden, Reading(flow_run(run_id="exact"), TODAY)) == Reuse(flow_run(run_id="exact"))
    assert decided(Reading(flow_run())) == Start()


def test_a_refusal_names_the_runs_and_their_windows() -> None:
    readings = [Reading(flow_run(run_id=f"run-{place}"), Window(TODAY.start, TODAY.end + place)) for place in range(7)]
    error = CoveredError(TODAY, readings)
    assert "flow run run-4 (succeeded) reads the window from 2024-10-04T00:00:00+00:00 to" in str(error)
    assert "run-5" not in str(error)
    assert "and 2 more" in str(error)
    assert error.run_ids == [f"run-{place}" for place in range(7)]
    assert not error.retryable
