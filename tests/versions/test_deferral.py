"""Waits in the triggerer of each Airflow. The short form leaves this module out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.assets.test_events import uri_of
from tests.conftest import CONNECTION_ID, Emulator, connection_json
from tests.lineage.schemas import written
from tests.operators.chain import make_dataflow
from tests.operators.row_errors import files_below
from tests.sensors.flows import advance_to_run
from tests.system.airflow_process import REPOSITORY
from tests.system.live_airflow import LiveAirflow

WAITS, FOLLOWS, TASK = "payments_arrivals", "payments_consumer", "wait_for_flow_run"
EXAMPLE = REPOSITORY / "dags" / "payments_arrival_events.py"


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with EmulatorServer(time="manual") as server:
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}", connection_json(server.url))
        yield Emulator(server.url)


def test_two_waits_end_in_one_triggerer_with_event_consumer_and_lineage(platform: Emulator, tmp_path: Path) -> None:
    flows = [make_dataflow("partial", partial_ingestion_percent=5)["id"], make_dataflow("failing")["id"]]
    (dag := tmp_path / EXAMPLE.name).write_text(
        EXAMPLE.read_text().replace("deferrable=True,", "deferrable=True, poke_interval=0.5,")
    )
    for name in ("home", "lineage"):
        (tmp_path / name).mkdir()
    transport = json.dumps({"type": "file", "log_file_path": str(tmp_path / "lineage" / "event")})
    airflow = LiveAirflow(tmp_path / "home", connection_json(platform.url), [dag], openlineage__transport=transport)
    airflow.environment["PAYMENTS_DATASET"] = uri_of(platform, flows[0])
    given = {"since": "2020-01-01T00:00:00Z", "folder": str(tmp_path / "errors")}

    def arrived() -> dict[str, int]:
        """Return the ingested rows of the waits that have ended, by the event type of OpenLineage."""
        return {
            event["eventType"]: event["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"]
            for event in written(tmp_path / "lineage")
            if event["job"]["name"] == f"{WAITS}.{TASK}" and event["eventType"] != "START"
        }

    with airflow:
        runs = [airflow.trigger(WAITS, given | {"flow_id": flow_id}) for flow_id in flows]
        for run in runs:
            airflow.wait_until_heard(WAITS, run, TASK)
        assert [airflow.states(WAITS, run)[TASK] for run in runs] == ["deferred"] * 2
        advance_to_run(platform)
        airflow.wait_until(lambda: airflow.xcoms(FOLLOWS))
        airflow.wait_until(lambda: len(arrived()) == 2)
        airflow.wait_until(lambda: airflow.states(WAITS, runs[0]).get("download_row_errors") == "success")
    ((report,),) = airflow.xcoms(FOLLOWS).values()
    assert report.endswith(" partial: 1195 records arrived, 5 failed")
    assert files_below(tmp_path / "errors")
    assert arrived() == {"COMPLETE": 1195, "FAIL": 0}
