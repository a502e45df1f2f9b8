"""For each check, how the emulator is made to contradict it."""

from __future__ import annotations

from collections.abc import Callable

from tests.aep.verification import (
    contradict_flow_runs,
    contradict_guesses,
    contradict_questions,
    contradict_settling,
    contradict_writing,
)
from tests.conftest import Emulator

#: By id of a check, what sets up an emulator that contradicts it.
CONTRADICTIONS: dict[str, Callable[[Emulator], None]] = {
    **contradict_settling.CONTRADICTIONS,
    **contradict_questions.CONTRADICTIONS,
    **contradict_writing.WRITING,
    **contradict_flow_runs.FLOW_RUNS,
    **contradict_guesses.CONTRADICTIONS,
}
