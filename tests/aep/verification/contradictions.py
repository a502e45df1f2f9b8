"""For each check, how the emulator is made to contradict it."""

from __future__ import annotations

from collections.abc import Callable

from tests.aep.verification.contradict_flow_runs import FLOW_RUNS
from tests.aep.verification.contradict_writing import WRITING
from tests.conftest import Emulator

#: By id of a check, what sets up an emulator that contradicts it.
CONTRADICTIONS: dict[str, Callable[[Emulator], None]] = WRITING | FLOW_RUNS
