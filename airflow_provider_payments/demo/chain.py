"""The demo of the manual's first example: a DAG for one table, with an operator for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.demo.display import COUNTS, run_dag, show_rows, state_text, table_of
from airflow_provider_payments.demo.processes import get_json

if TYPE_CHECKING:
    from rich.console import Console

    from airflow_provider_payments.demo.new_airflow import Airflow

__all__ = ["DAG_ID", "run"]

DAG_ID = "payments_dataflow"
#: The tasks in the order of the chain, each with the kind of object that it creates or finds.
STEPS = {
    "create_source_connection": "source connection",
    "create_target_schema": "schema",
    "find_flow_spec": "flow spec",
    "create_target_dataset": "dataset",
    "create_target_connection": "target connection",
    "create_mapping_set": "mapping set",
    "create_dataflow": "dataflow",
    "wait_for_flow_run": "flow run",
    "report": "report",
}


def run(console: Console, airflow: Airflow, emulator: str) -> int:
    """Run the DAG once, and show the created objects and the ingested rows."""
    if not run_dag(console, airflow, emulator, DAG_ID, lambda states: _progress(states, emulator)):
        return 1
    _show(console, airflow.returned(DAG_ID), emulator)
    return 0


def _progress(states: dict[str, str], emulator: str) -> dict[str, str]:
    shown = {task: state_text(states.get(task)) for task in STEPS}
    # Under `dags test` the wait runs inside the task, so the flow run's status is read from the emulator.
    if states.get("wait_for_flow_run") in ("running", "deferred"):
        shown["wait_for_flow_run"] = f"flow run {_run_status(emulator)}"
    return shown


def _run_status(emulator: str) -> str:
    runs = get_json(f"{emulator}/__emulator__/state")["sandboxes"]["dev"]["runs"]
    return str(runs[-1]["metrics"]["statusSummary"]["status"]) if runs else "not started yet"


def _show(console: Console, outputs: dict[str, Any], emulator: str) -> None:
    objects = table_of("In Experience Platform (sandbox dev)", "object", "id", "", fold=True)
    for task, kind in STEPS.items():
        output = outputs.get(task)
        if isinstance(output, dict) and "field_group_id" in output:
            objects.add_row("field group", output["field_group_id"], _verb(output["field_group_created"]))
        if isinstance(output, dict) and "id" in output:
            objects.add_row(kind, output["id"], _verb(output["created"]) if "created" in output else "found")
    console.print(objects)

    run = outputs["wait_for_flow_run"]
    counts = table_of(f"Ingested by flow run {run['run_id']} ({run['status']})", *COUNTS, "batches")
    counts.add_row(*(str(run[count]) for count in COUNTS.values()), ", ".join(run["batch_ids"]))
    console.print(counts)
    show_rows(console, emulator, outputs["create_target_dataset"]["id"], "the dataset")


def _verb(created: bool) -> str:
    return "[green]created[/]" if created else "adopted"
