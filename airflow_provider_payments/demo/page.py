"""Airflow with its web interface and the emulator: ``payments-demo --ui``."""

from __future__ import annotations

import json
import shutil
import socket
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_payments.demo.chain import DAG_ID
from airflow_provider_payments.demo.display import show_failure
from airflow_provider_payments.demo.new_airflow import CONNECTION_ID, platform_connection
from airflow_provider_payments.demo.processes import get_json, post_json

if TYPE_CHECKING:
    from rich.console import Console

    from airflow_provider_payments.demo.new_airflow import Airflow

__all__ = ["serve"]

#: Maximum seconds until the scheduler of `airflow standalone` is healthy.
START_TIMEOUT_SECONDS = 120.0
HISTORY_DAG = Path(__file__).parent / "history_dag.py"
HISTORY_DAG_ID = "payments_history"
#: Seeds of the emulator, for the page's history. The emulator derives record counts from names: with these, one of
#: Square's runs fails partially, and the last one fails.
HISTORIES = (
    {"source": "square", "dataflows": 1, "runs_per_dataflow": 8, "name_prefix": "Square UK"},
    {"source": "stripe", "dataflows": 1, "runs_per_dataflow": 4, "name_prefix": "Stripe UK"},
)


def serve(console: Console, airflow: Airflow, emulator: str) -> int:
    """Start Airflow with its web interface, and wait for an interruption; return the exit status."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    airflow.environment |= {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
        "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(port),
        "AIRFLOW__WEBSERVER__BASE_URL": address,
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(_free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(_free_port()),
    }
    airflow.run("connections", "add", CONNECTION_ID, "--conn-json", platform_connection(emulator))
    if _has_page():
        with console.status("Creating a history of flow runs"):
            _make_history(airflow, emulator)
    process = airflow.start("standalone", log="standalone.log")
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    with console.status("Airflow is starting"):
        while not _is_healthy(address):
            if process.poll() is not None or time.monotonic() > deadline:
                show_failure(console, "Airflow did not start.", airflow.home / "standalone.log")
                return 1
            time.sleep(0.3)
    console.print(f"Airflow: {address}/dags/{DAG_ID}", soft_wrap=True)
    if _has_page():
        console.print(f"Payments page: {address}/plugin/payments", soft_wrap=True)
    password = airflow.home / "standalone_admin_password.txt"  # only Airflow 2.11 has a login
    if password.is_file():
        console.print(f"Log in as admin with the password {password.read_text()}", markup=False)
    console.print("Trigger the DAG there. Ctrl-C ends everything.")
    return process.wait()


def _has_page() -> bool:
    # The version is read from metadata, because importing Airflow would write files outside of the demo's folder.
    return tuple(map(int, version("apache-airflow").split(".")[:2])) >= (3, 1)


def _make_history(airflow: Airflow, emulator: str) -> None:
    """Seed dataflows with runs in the emulator, and run the DAG that announces the runs."""
    for history in HISTORIES:
        post_json(f"{emulator}/__emulator__/seed", {"sandbox": "dev", "enabled": True, **history})
    runs = get_json(f"{emulator}/__emulator__/state?sandbox=dev&kind=runs")["sandboxes"]["dev"]["runs"]
    shutil.copy(HISTORY_DAG, airflow.home / "dags")
    conf = json.dumps({"run_ids": [run["id"] for run in runs]})
    # Some of the flow runs have failed, so the DAG run fails too.
    airflow.start("dags", "test", HISTORY_DAG_ID, "--conf", conf, log="history.log").wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_healthy(address: str) -> bool:
    for health in ("/api/v2/monitor/health", "/health"):
        try:
            state = get_json(f"{address}{health}")
        except (OSError, ValueError):
            continue
        return bool(state.get("scheduler", {}).get("status") == "healthy")
    return False
