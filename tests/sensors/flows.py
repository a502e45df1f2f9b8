"""Dataflows of the emulator with earlier runs, for tests that wait for runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import CONNECTION_ID, Emulator, connection_json
from tests.operators.chain import make_dataflow

Run = dict[str, Any]
HALF_HOUR = 1800.0


def advance_to_run(emulator: Emulator, after: float = 60.0) -> None:
    """
    Advance the emulator's clock past the first scheduled run of the first dataflow.

    :param after: seconds after the run's start; a run takes one and a half.
    """
    start = emulator.objects("flows")[0]["scheduleParams"]["startTime"]
    emulator.advance(start - emulator.control("GET", "clock")["now"] + after)


def runs(emulator: Emulator, flow_id: str) -> list[Run]:
    """Return a dataflow's runs, the earliest first."""
    found = [run for run in emulator.objects("runs") if run["flowId"] == flow_id]
    return sorted(found, key=lambda run: float(run["createdAt"]))


def started(run: Run) -> float:
    """Return a run's start in epoch seconds."""
    return float(run["metrics"]["durationSummary"]["startedAtUTC"]) / 1000


@dataclass(frozen=True)
class History:
    """
    An emulator whose dataflows have run twice; tests only read it.

    The first run of each dataflow reads more than 1,200 products, five of them bad.

    :param partial: the id of a dataflow whose first run was partial because of the bad records, and whose second
        succeeded.
    :param failed: the id of a dataflow whose first run failed because of them, and whose second succeeded.
    :param undiagnosed: the id of a dataflow like ``failed``, but without error diagnostics.
    :param good: the id of a dataflow that reads new rows only.
    :param waiting: the id of a dataflow that has not run yet.
    """

    emulator: Emulator
    partial: str
    failed: str
    undiagnosed: str
    good: str
    waiting: str

    def runs(self, flow_id: str) -> list[Run]:
        return runs(self.emulator, flow_id)


@pytest.fixture(scope="session")
def written_history() -> Iterator[History]:
    """Create the dataflows and let them run."""
    with EmulatorServer(time="manual") as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}", connection_json(server.url))
        emulator = Emulator(server.url)
        options: dict[str, dict[str, Any]] = {
            "partial": {"partial_ingestion_percent": 5},
            "failed": {"error_diagnostics": True},
            "undiagnosed": {},
            "good": {"backfill": False},
            "waiting": {"start_delay": 86400},
        }
        ids = {name: make_dataflow(name=name, **given)["id"] for name, given in options.items()}
        advance_to_run(emulator)
        emulator.advance(HALF_HOUR)
        yield History(emulator, **ids)


def answer(*items: Run) -> bytes:
    """Return the body of an answer to a list request."""
    return json.dumps({"items": list(items)}).encode()


def run_item(flow_id: str, status: str, completed: bool = False, run_id: str = "run-1", **records: Any) -> Run:
    """Return the item of a flow run with any raw status."""
    times = {"startedAtUTC": 2_000_000_000_000} | ({"completedAtUTC": 2_000_000_001_000} if completed else {})
    metrics = {"statusSummary": {"status": status}, "durationSummary": times, "recordSummary": records}
    return {"id": run_id, "flowId": flow_id, "createdAt": 2_000_000_000_000, "metrics": metrics}
