"""The README's example: its file is one of the example definitions, and its DAG ingests the rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import Emulator, connection_json
from tests.system.airflow_process import REPOSITORY, AirflowHome
from tests.system.vendors import CONNECTIONS

README = (REPOSITORY / "README.md").read_text()
FOLDER = REPOSITORY / "dags" / "dataflows"
IMPORTS = """\
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_payments.operators.definitions import ApplyDataflowOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
"""


def block(language: str) -> str:
    (shown,) = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return str(shown)


def test_the_ten_lines_are_those_of_the_example() -> None:
    written = (FOLDER / "square_payments.yaml").read_text().splitlines(keepends=True)
    shown = block("yaml")
    assert len(shown.splitlines()) == 10
    assert shown == "".join(line for line in written if not line.startswith("#"))


def test_the_dag_of_four_lines_ingests_the_rows(tmp_path: Path, new_airflow: Callable[..., AirflowHome]) -> None:
    shown = block("python")
    assert len(shown.splitlines()) == 4
    file = tmp_path / "square_payments.py"
    file.write_text(IMPORTS + shown)
    with EmulatorServer(time="fast") as server:
        airflow = new_airflow(connection_json(server.url), file, FOLDER)
        airflow.environment |= CONNECTIONS
        airflow.test_dag("square_payments")
        returned = airflow.returned("square_payments")
        (dataset,) = Emulator(server.url).objects("dataSets")
        rows = Emulator(server.url).rows(dataset["id"])
    assert returned["wait"]["output_records"] == rows["count"] == 1995
    assert returned["apply"]["done"]
    assert json.dumps(returned).count("of-the-shop") == 0
