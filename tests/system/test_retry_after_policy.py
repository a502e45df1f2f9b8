"""A task in a real Airflow 3.3 meets a rate limit with a Retry-After of five minutes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_payments import versions
from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.conftest import Emulator, connection_json
from tests.system.airflow_process import AirflowHome

# `dags test` itself waits for the retry in the process that ran the task: end it when Airflow has stored the retry.
DAG_FILE = """
import os
from airflow.sdk import DAG
from airflow_provider_payments.operators.dataflows import FindFlowSpecOperator

with DAG(dag_id="retry_after", schedule=None, default_args={"retries": 2}):
    FindFlowSpecOperator(task_id="ask", source="paypal", retry_delay=20, on_retry_callback=lambda context: os._exit(0))
"""


@pytest.mark.skipif(versions.RetryPolicy is None, reason="Airflow before 3.3 has no retry policies")
def test_the_task_is_up_for_retry_at_the_time_of_retry_after(new_airflow: Callable[..., AirflowHome]) -> None:
    with EmulatorServer(time="manual") as server:
        emulator = Emulator(server.url)
        airflow = new_airflow(connection_json(server.url))
        (airflow.home / "dags" / "retry_after.py").write_text(DAG_FILE)
        emulator.fail(
            "status", method="GET", path="*/flowSpecs", times=None, status=429, headers={"Retry-After": "300"}
        )
        log = airflow.test_dag("retry_after")
        reads = emulator.requests(method="GET", path="/data")
    assert airflow.rows("SELECT state, retry_delay_override, retry_reason FROM task_instance") == [
        ("up_for_retry", 300.0, "the service asks to wait 300 s")
    ]
    # One poll: a task that sleeps on the worker would poll again.
    assert [request["status"] for request in reads] == [429]
    assert "the service asks to wait 300 s" in log
