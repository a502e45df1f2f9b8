"""The final tables of both forms of the command, and whether they report a failure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.chaos.census import Census
from tests.chaos.trials import Trial, Verdict
from tests.weather import waits
from tests.weather.chains import Case, Outcome, show

GOOD = Verdict(Trial("good"), [], [], Census(), [], Counter(done=1), 1, 1, 1, 0, 0, 1.0)
MEASURED = {"right": 1, "wrong": 0, "lost": 0, "cancelled": 0, "late": [0.1] * 3, "problems": []}
MEASURED |= {"memory": 1.0, "growth": 0.0, "threads": 1, "left": [], "cpu": 1.0}
SEEN = {"requests": {}, "met": {}, "hung": [], "followed": 0}


@pytest.mark.parametrize(("broken", "passes"), [([], True), (["lost"], False)], ids=["whole", "broken"])
def test_trials_of_chains_pass_unless_a_promise_is_broken(broken: list[str], passes: bool) -> None:
    outcome = Outcome({Case("lives", 0, 1, 0.2): replace(GOOD, broken=broken)})
    assert show(outcome, "again") is passes


@pytest.mark.parametrize("lost", [0, 1])
def test_waits_pass_unless_one_is_lost(lost: int) -> None:
    assert waits.show(MEASURED | {"lost": lost}, SEEN, 1.0) is (lost == 0)
