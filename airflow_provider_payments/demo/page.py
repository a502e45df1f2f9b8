"""Airflow with its web page beside the emulator: ``payments-demo --ui``."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from airflow_provider_payments.demo.chain import DAG_ID
from airflow_provider_payments.demo.display import failed
from airflow_provider_payments.demo.new_airflow import CONNECTION_ID, platform_connection
from airflow_provider_payments.demo.processes import get_json

if TYPE_CHECKING:
    from rich.console import Console

    from airflow_provider_payments.demo.new_airflow import Airflow

__all__ = ["serve"]

#: Seconds that `airflow standalone` may take until its scheduler is healthy.
START_TIMEOUT_SECONDS = 120.0


def serve(console: Console, airflow: Airflow, emulator: str) -> int:
    """Start Airflow with its web page; wait until interrupted."""
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
    process = airflow.start("standalone", log="standalone.log")
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    with console.status("Airflow is starting"):
        while not _is_healthy(address):
            if process.poll() is not None or time.monotonic() > deadline:
                failed(console, "Airflow did not start.", airflow.home / "standalone.log")
                return 1
            time.sleep(0.3)
    console.print(f"Airflow: {address}/dags/{DAG_ID}", soft_wrap=True)
    password = airflow.home / "standalone_admin_password.txt"  # only Airflow 2.11 has a login
    if password.is_file():
        console.print(f"Log in as admin with the password {password.read_text()}", markup=False)
    console.print("Trigger the DAG there. Ctrl-C ends everything.")
    return process.wait()


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
