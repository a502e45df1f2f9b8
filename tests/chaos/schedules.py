"""Hypothesis draws schedules of faults, and shrinks one that breaks a promise to the few faults that cause it."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.chaos.faults import STREAMS, ScheduledFault, ordered
from tests.chaos.timeline import Platform
from tests.chaos.trials import Trial, run_trial

#: The approximate number of requests of a chain in each stream.
_REACH = {"all": 40, "dataflow": 3, "write": 12, "read": 30, "check": 4, "token": 8, "registry": 4, "lag": 12}


def _scheduled_faults(stream: str) -> st.SearchStrategy[ScheduledFault]:
    actions = st.sampled_from(sorted(STREAMS[stream].actions))
    times = st.integers(1, 6) if stream == "all" else st.just(1)
    return st.builds(ScheduledFault, st.just(stream), st.integers(1, _REACH[stream]), actions, times)


def trials() -> st.SearchStrategy[Trial]:
    """Return a strategy for trials of one chain, or two at once, with few faults at any place."""
    schedules = st.lists(
        st.one_of(*map(_scheduled_faults, _REACH)), max_size=12, unique_by=lambda fault: (fault.stream, fault.nth)
    )
    return st.builds(
        Trial,
        seed=st.just("hypothesis"),
        schedule=schedules.map(ordered).map(tuple),
        writers=st.sampled_from((1, 2)),
        spread=st.sampled_from((0.0, 1.0, 10.0)),
        retry_delay=st.sampled_from((0.0, 60.0)),
        remove_duplicates=st.just(True),
    )


def check(platform: Platform, trial: Trial) -> None:
    """Run a trial and check that no promise is broken; a chain may run out of tries."""
    verdict = run_trial(platform, trial)
    assert not verdict.broken, verdict


def search(platform: Platform, examples: int) -> bool:
    """Try a number of schedules, print the result, and return whether no schedule breaks a promise."""

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(trials())
    def no_promise_breaks(trial: Trial) -> None:
        check(platform, trial)

    try:
        no_promise_breaks()
    except AssertionError as error:
        print(f"\na schedule of {examples} breaks a promise; it was shrunk to\n  {error}")
        return False
    print(f"\n{examples} schedules of Hypothesis broke no promise")
    return True
