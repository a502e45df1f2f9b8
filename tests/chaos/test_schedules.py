"""
Hypothesis searches for a schedule of faults that breaks a promise, and would shrink it to the few faults that cause it.

The schedules are the same each time; ``CHAOS_EXAMPLES=500`` tries 500 others.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings

from tests.chaos.schedules import check, trials
from tests.chaos.timeline import Platform
from tests.chaos.trials import Trial


@settings(
    max_examples=int(os.environ.get("CHAOS_EXAMPLES", "15")),
    deadline=None,
    derandomize="CHAOS_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(trials())
def test_no_schedule_of_faults_breaks_a_promise(platform: Platform, trial: Trial) -> None:
    check(platform, trial)
