"""What an event trigger remembers: whatever ends in whatever order, no run is lost, and the memory stays small."""

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
WANTED = ("succeeded", "partial")
QUARTER = 900.0


def run(number: int, created_at: float, status: str = "success") -> FlowRun:
    return FlowRun(id=f"{number:036}", flow_id="flow", raw_status=status, created_at=created_at)


@dataclass(frozen=True)
class Life:
    """A run: seconds from its creation until lists show it, and until it has ended as it does."""

    run: FlowRun
    lag: float
    takes: float

    def at(self, now: float) -> FlowRun:
        return self.run if now >= self.run.created_at + self.takes else replace(self.run, raw_status="inProgress")


@st.composite
def lives(draw: st.DrawFn) -> list[Life]:
    made, created = [], START
    for number in range(draw(st.integers(1, 12))):
        created += draw(st.floats(0, 3 * LIST_MARGIN_SECONDS))
        status = draw(st.sampled_from(["success", "partialSuccess", "failed"]))
        lag, takes = draw(st.floats(0, LIST_MARGIN_SECONDS - 1)), draw(st.floats(0, 20 * LIST_MARGIN_SECONDS))
        made.append(Life(run(number, created, status), lag, takes))
    return made


class Service:
    """Answers what there is at a time; counts what is announced."""

    def __init__(self, made: list[Life]) -> None:
        self.made = made
        self.announced: list[str] = []

    def look(self, progress: Progress, now: float) -> list[FlowRun]:
        shown = [life.at(now) for life in self.made if now >= life.run.created_at + life.lag]
        news = progress.update([run for run in shown if run.created_at >= progress.created_since])
        self.announced += [run.id for run in news]
        return news


def stored(progress: Progress) -> Any:
    return json.loads(json.dumps(progress.to_json()))


LOOKS = st.lists(
    # Seconds since the last look; how many events Airflow acknowledges; whether the triggerer is killed, and whether
    # that was before the state was stored.
    st.tuples(
        st.floats(0, 5 * LIST_MARGIN_SECONDS),
        st.integers(0, 12),
        st.sampled_from(["goes on", "killed", "killed early"]),
    ),
    max_size=30,
)


@given(lives(), LOOKS)
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_no_run_is_lost_and_no_recorded_run_is_repeated(made: list[Life], looks: list[tuple[float, int, str]]) -> None:
    service, progress, now = Service(made), Progress(WANTED, START), START
    state, noted = stored(progress), set[str]()
    for seconds, acknowledged, then in [*looks, (1e6, 99, "killed"), (1.0, 99, "goes on")]:
        now += seconds
        news = service.look(progress, now)
        assert not noted & {run.id for run in news}
        progress.record_announced(news[:acknowledged])
        if then != "killed early":
            state = stored(progress)
            noted |= {run.id for run in news[:acknowledged]}
        if then != "goes on":
            progress = Progress.from_json(WANTED, state)
    assert set(service.announced) == {life.run.id for life in made if life.run.raw_status != "failed"}


def test_the_state_stays_small_over_a_long_time() -> None:
    progress = Progress(WANTED, START)
    for number in range(3000):
        now = START + number * QUARTER
        made = [run(n, START + n * QUARTER) for n in range(max(0, number - 2), number + 1)]
        news = progress.update([run for run in made if run.created_at >= progress.created_since])
        assert [run.created_at for run in news] == [now]
        progress.record_announced(news)
    assert len(json.dumps(stored(progress))) < 200


def test_a_run_that_never_ends_is_given_up_eventually(caplog: pytest.LogCaptureFixture) -> None:
    seen = [run(0, START, "stuck in a word nobody knows")]
    seen += [run(number, START + number * QUARTER) for number in range(1, MAX_LATER_RUNS)]
    progress = Progress(WANTED, START)
    progress.record_announced(progress.update(seen))
    assert progress.created_since == START
    assert len(json.dumps(stored(progress))) < 65535  # where Airflow begins to complain
    assert "no longer waiting" not in caplog.text

    seen.append(run(MAX_LATER_RUNS, START + MAX_LATER_RUNS * QUARTER))
    (last,) = progress.update(seen)
    progress.record_announced([last])
    assert progress.created_since == START + MAX_LATER_RUNS * QUARTER - LIST_MARGIN_SECONDS
    assert len(json.dumps(stored(progress))) < 200
    assert caplog.text.count("no longer waiting for it") == 1


def test_runs_that_are_not_announced_yet_are_never_skipped() -> None:
    history = [run(number, START + number * QUARTER) for number in range(2 * MAX_LATER_RUNS)]
    progress = Progress(WANTED, START)
    assert progress.update(history) == history
    progress.record_announced(history[:10])
    again = Progress.from_json(WANTED, stored(progress))
    assert again.update([run for run in history if run.created_at >= again.created_since]) == history[10:]


def test_a_run_created_in_the_future_hides_no_later_run() -> None:
    odd, later = run(0, 2.5e11), run(1, START + 20)
    progress = Progress(WANTED, START)
    progress.record_announced(progress.update([odd], now=START + 10))
    assert progress.created_since <= later.created_at
    assert progress.update([odd, later], now=START + 30) == [later]
