"""All emulator settings that contradict checks."""

from __future__ import annotations

from collections.abc import Callable

from tests.aep.verification import (
    contradict_flow_runs,
    contradict_guesses,
    contradict_list_parameters,
    contradict_settling,
    contradict_writing,
)
from tests.conftest import Emulator

#: The function that sets up an emulator to contradict a check, by the check's id.
CONTRADICTIONS: dict[str, Callable[[Emulator], object]] = {
    **contradict_settling.CONTRADICTIONS,
    **contradict_list_parameters.CONTRADICTIONS,
    **contradict_writing.WRITING,
    **contradict_flow_runs.FLOW_RUNS,
    **contradict_guesses.CONTRADICTIONS,
}
