"""The demo of PayPal, Square and Stripe from definitions: ``payments-demo --all``."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from airflow_provider_payments.demo.display import COUNTS, run_dag, show_rows, state_text, table_of
from airflow_provider_payments.demo.processes import get_json

if TYPE_CHECKING:
    from rich.console import Console

    from airflow_provider_payments.demo.new_airflow import Airflow

__all__ = ["run"]

DAG_ID = "payments_from_definitions"
FOLDER = "dags/dataflows"


def run(console: Console, airflow: Airflow, emulator: str) -> int:
    """Run the DAG once, show the ingested rows of each vendor, and show that a plan has no changes."""
    if not run_dag(console, airflow, emulator, DAG_ID, _progress):
        return 1
    outputs = airflow.returned(DAG_ID).values()
    runs = {output["run_id"]: output for output in outputs if isinstance(output, dict) and "run_id" in output}
    _show(console, runs, emulator)
    return _plan(console, airflow)


def _progress(states: dict[str, str]) -> dict[str, str]:
    return {task: state_text(state) for task, state in states.items()}


def _show(console: Console, runs: dict[str, dict[str, object]], emulator: str) -> None:
    sandbox = get_json(f"{emulator}/__emulator__/state")["sandboxes"]["dev"]
    names = {flow["id"]: flow["name"] for flow in sandbox["flows"]}
    datasets = {dataset["name"]: dataset["id"] for dataset in sandbox["dataSets"]}
    counts = table_of("In Experience Platform (sandbox dev)", "dataflow", "flow run", *COUNTS)
    for each in sandbox["runs"]:
        if run := runs.get(each["id"]):
            counts.add_row(names[each["flowId"]], str(run["status"]), *(str(run[count]) for count in COUNTS.values()))
    console.print(counts)
    for name in names.values():
        show_rows(console, emulator, datasets[name], f"the dataset {name!r}")


def _plan(console: Console, airflow: Airflow) -> int:
    """Run `payments plan`, which only reads, show its output, and return its exit status."""
    console.print(f"$ payments plan {FOLDER}", highlight=False)
    command = [sys.executable, "-m", "airflow_provider_payments.cli.main", "plan", FOLDER, "--detailed-exitcode"]
    done = subprocess.run(  # noqa: S603 - our own interpreter and arguments
        command, env=airflow.environment, cwd=airflow.home, check=False, capture_output=True, text=True
    )
    console.print(done.stdout or done.stderr, markup=False, highlight=False, soft_wrap=True)
    return done.returncode
