"""How the emulator contradicts the checks of flow runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.aep.verification.contradict_writing import answers
from tests.conftest import Emulator

Contradict = Callable[[Emulator], None]
RUNS, RUN_ID = "*/flowservice/runs", "a-run"
MADE = {"id": RUN_ID, "etag": '"an-etag"'}


def shows(late_seconds: float = 0, **record_summary: int) -> Contradict:
    """Answer the request for a run, and show one that has ended so, with no window and no batch."""

    def contradict(emulator: Emulator) -> None:
        began = (emulator.control("GET", "clock")["now"] + late_seconds) * 1000
        item: dict[str, Any] = {
            "id": RUN_ID,
            "flowId": "a-dataflow",
            "createdAt": began,
            "metrics": {
                "statusSummary": {"status": "success"},
                "durationSummary": {"startedAtUTC": began, "completedAtUTC": began + 1000},
                "recordSummary": record_summary,
            },
        }
        answers("POST", RUNS, 201, MADE)(emulator)
        answers("GET", f"{RUNS}/{RUN_ID}", 200, {"items": [item]})(emulator)

    return contradict


def orders(outcome: str, **details: Any) -> Contradict:
    return lambda emulator: emulator.order(outcome, **details)


def shows_ended_runs_only(emulator: Emulator) -> None:
    emulator.control("PUT", "options", json={"last_run_shows_active": False})


def keeps_no_row_errors(emulator: Emulator) -> None:
    emulator.order("partial")
    answers("GET", "*/export/batches/*/meta", 200, {"data": []})(emulator)


#: By id of a check.
FLOW_RUNS: dict[str, Contradict] = {
    "flow_run.on_demand": answers("POST", RUNS, 201, {"run": RUN_ID}),
    "flow_run.listed": orders("late", seconds=60),
    "flow_run.readable": orders("late", seconds=60),
    "flow_run.begins": shows(late_seconds=3600),
    "flow_run.shown_active": shows_ended_runs_only,
    # The first read is that of the new dataflow.
    "flow_run.shown_ended": answers("GET", "*/flows/*", 200, {"items": [{"id": "a-dataflow"}]}, nth=2),
    "flow_run.statuses": orders("unknown_status", status="napping"),
    "flow_run.window": shows(),
    "flow_run.counts": shows(inputRecordCount=5, outputRecordCount=3, failedRecordCount=1),
    "flow_run.batch": shows(inputRecordCount=5, outputRecordCount=5, failedRecordCount=0),
    "flow_run.row_errors": keeps_no_row_errors,
    "flow_run.other_delta_column": answers("POST", RUNS, 201, MADE, nth=2),
    "flow_run.scheduled_dataflow": answers("POST", RUNS, 201, MADE),
    "flow_run.disabled_dataflow": answers("POST", RUNS, 201, MADE),
}
