"""Row errors land as files in a real Airflow after the task of the flow run has failed for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import CONNECTION_ID, Emulator, connection_json
from tests.operators.chain import make_dataflow
from tests.operators.on_demand import ONCE
from tests.operators.row_errors import files_below
from tests.system.airflow_process import AirflowHome


def test_row_errors_of_a_run_that_failed_its_task_are_downloaded(
    new_airflow: Callable[..., AirflowHome], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with EmulatorServer(time="real") as server:
        connection = connection_json(server.url)
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}", connection)
        flow_id = make_dataflow(**ONCE | {"error_diagnostics": True})["id"]
        Emulator(server.url).order("partial", failed=7)
        airflow = new_airflow(connection, Path(__file__).with_name("row_errors.py"))
        log = airflow.test_dag("row_errors", flow_id=flow_id, folder=str(tmp_path))
    assert airflow.states("row_errors") == {"run": "failed", "download_row_errors": "success"}
    returned = airflow.returned("row_errors")["download_row_errors"]
    assert returned["rows"] == 7
    assert len(files_below(tmp_path)) == len(returned["files"]) > 0
    assert "Most frequent codes: " in log
