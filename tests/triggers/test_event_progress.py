"""``Progress``: no run is lost, in whichever order runs end, and the stored state stays small."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.runs.flow_run import LIST_MARGIN_SECONDS, FlowRun
from airflow_provider_payments.triggers.flow_run_stream import MAX_LATER_RUNS, Progress

START = 1_700_000_000.0
STATUSES = ("succeeded", "partial")
QUARTER = 900.0


def run(number: int, created_at: float, status: str = "success") -> FlowRun:
    return FlowRun(id=f"{number:036}", flow_id="flow", raw_status=status, created_at=created_at)


@dataclass(frozen=True)
class Life:
    """
    The course of a run.

    :param run: the run after its end.
    :param lag: seconds from its creation until it is listed.
    :param duration: seconds from its creation until it ends.
    """

    run: FlowRun
    lag: float
    duration: float

    def at(self, now: float) -> FlowRun:
        return self.run if now >= self.run.created_at + self.duration else replace(self.run, raw_status="inProgress")


@st.composite
def lives(draw: st.DrawFn) -> list[Life]:
    drawn, created_at = [], START
    for number in range(draw(st.integers(1, 12))):
        created_at += draw(st.floats(0, 3 * LIST_MARGIN_SECONDS))
        status = draw(st.sampled_from(["success", "partialSuccess", "failed"]))
        lag, duration = draw(st.floats(0, LIST_MARGIN_SECONDS - 1)), draw(st.floats(0, 20 * LIST_MARGIN_SECONDS))
        drawn.append(Life(run(number, created_at, status), lag, duration))
    return drawn


class Service:
    """A service that lists the runs of a time, and a record of the announced runs."""

    def __init__(self, lives: list[Life]) -> None:
        self.lives = lives
        self.announced: list[str] = []

    def poll(self, progress: Progress, now: float) -> list[FlowRun]:
        listed = [life.at(now) for life in self.lives if now >= life.run.created_at + life.lag]
        ended = progress.update([run for run in listed if run.created_at >= progress.created_since])
        self.announced += [run.id for run in ended]
        return ended


def stored(progress: Progress) -> Any:
    return json.loads(json.dumps(progress.to_json()))


POLLS = st.lists(
    # Seconds since the last poll, number of events that Airflow acknowledges, and whether the triggerer continues, is
    # killed, or is killed before it has stored the state.
    st.tuples(
        st.floats(0, 5 * LIST_MARGIN_SECONDS),
        st.integers(0, 12),
        st.sampled_from(["continues", "killed", "killed early"]),
    ),
    max_size=30,
)


@given(lives(), POLLS)
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_no_run_is_lost_and_no_recorded_run_is_repeated(runs: list[Life], polls: list[tuple[float, int, str]]) -> None:
    service, progress, now = Service(runs), Progress(STATUSES, START), START
    state, recorded = stored(progress), set[str]()
    for seconds, acknowledged, then in [*polls, (1e6, 99, "killed"), (1.0, 99, "continues")]:
        now += seconds
        ended = service.poll(progress, now)
        assert not recorded & {run.id for run in ended}
        progress.record_announced(ended[:acknowledged])
        if then != "killed early":
            state = stored(progress)
            recorded |= {run.id for run in ended[:acknowledged]}
        if then != "continues":
            progress = Progress.from_json(STATUSES, state)
    assert set(service.announced) == {life.run.id for life in runs if life.run.raw_status != "failed"}


def test_the_state_stays_small_over_a_long_time() -> None:
    progress = Progress(STATUSES, START)
    for number in range(3000):
        now = START + number * QUARTER
        listed = [run(n, START + n * QUARTER) for n in range(max(0, number - 2), number + 1)]
        ended = progress.update([run for run in listed if run.created_at >= progress.created_since])
        assert [run.created_at for run in ended] == [now]
        progress.record_announced(ended)
    assert len(json.dumps(stored(progress))) < 200


def test_a_run_that_never_ends_is_given_up_eventually(caplog: pytest.LogCaptureFixture) -> None:
    listed = [run(0, START, "an unknown status")]
    listed += [run(number, START + number * QUARTER) for number in range(1, MAX_LATER_RUNS)]
    progress = Progress(STATUSES, START)
    progress.record_announced(progress.update(listed))
    assert progress.created_since == START
    assert len(json.dumps(stored(progress))) < 65535  # Airflow's limit, above which it warns
    assert "no longer waiting" not in caplog.text

    listed.append(run(MAX_LATER_RUNS, START + MAX_LATER_RUNS * QUARTER))
    (last,) = progress.update(listed)
    progress.record_announced([last])
    assert progress.created_since == START + MAX_LATER_RUNS * QUARTER - LIST_MARGIN_SECONDS
    assert len(json.dumps(stored(progress))) < 200
    assert caplog.text.count("no longer waiting for it") == 1


def test_runs_that_are_not_announced_yet_are_never_skipped() -> None:
    history = [run(number, START + number * QUARTER) for number in range(2 * MAX_LATER_RUNS)]
    progress = Progress(STATUSES, START)
    assert progress.update(history) == history
    progress.record_announced(history[:10])
    again = Progress.from_json(STATUSES, stored(progress))
    assert again.update([run for run in history if run.created_at >= again.created_since]) == history[10:]


def test_a_run_created_in_the_future_hides_no_later_run() -> None:
    odd, later = run(0, 2.5e11), run(1, START + 20)
    progress = Progress(STATUSES, START)
    progress.record_announced(progress.update([odd], now=START + 10))
    assert progress.created_since <= later.created_at
    assert progress.update([odd, later], now=START + 30) == [later]
