"""Emulator settings that contradict the checks of flow runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.aep.verification.contradict_writing import answer
from tests.conftest import Emulator

Contradict = Callable[[Emulator], object]
RUNS, RUN_ID = "*/flowservice/runs", "a-run"
RECEIPT = {"id": RUN_ID, "etag": '"an-etag"'}


def return_ended_run(late_seconds: float = 0, **record_summary: int) -> Contradict:
    """Accept the request for a run, and return an ended run with these counts, without a data window or a batch."""

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
        answer("POST", RUNS, 201, RECEIPT)(emulator)
        answer("GET", f"{RUNS}/{RUN_ID}", 200, {"items": [item]})(emulator)

    return contradict


def order_outcome(outcome: str, **details: Any) -> Contradict:
    return lambda emulator: emulator.order(outcome, **details)


def show_ended_runs_only(emulator: Emulator) -> None:
    emulator.control("PUT", "options", json={"last_run_shows_active": False})


def keep_no_row_errors(emulator: Emulator) -> None:
    emulator.order("partial")
    answer("GET", "*/export/batches/*/meta", 200, {"data": []})(emulator)


#: Contradictions by id of a check.
FLOW_RUNS: dict[str, Contradict] = {
    "flow_run.on_demand": answer("POST", RUNS, 201, {"run": RUN_ID}),
    "flow_run.listed": order_outcome("late", seconds=60),
    "flow_run.readable": order_outcome("late", seconds=60),
    "flow_run.begins": return_ended_run(late_seconds=3600),
    "flow_run.shown_active": show_ended_runs_only,
    # The first read polls the new dataflow until it can be read.
    "flow_run.shown_ended": answer("GET", "*/flows/*", 200, {"items": [{"id": "a-dataflow"}]}, nth=2),
    "flow_run.statuses": order_outcome("unknown_status", status="napping"),
    "flow_run.window": return_ended_run(),
    "flow_run.counts": return_ended_run(inputRecordCount=5, outputRecordCount=3, failedRecordCount=1),
    "flow_run.batch": return_ended_run(inputRecordCount=5, outputRecordCount=5, failedRecordCount=0),
    "flow_run.row_errors": keep_no_row_errors,
    "flow_run.other_delta_column": answer("POST", RUNS, 201, RECEIPT, nth=2),
    "flow_run.scheduled_dataflow": answer("POST", RUNS, 201, RECEIPT),
    "flow_run.disabled_dataflow": answer("POST", RUNS, 201, RECEIPT),
}
