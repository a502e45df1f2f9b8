"""
Ingest payments of PayPal, Square and Stripe into Experience Platform, each defined by a file of about ten lines.

The files are in the folder ``dataflows`` next to this file: a table of Square, a REST resource of Stripe, and a table
of PayPal. Applying a file creates missing objects, updates objects that differ, and does not change equal ones. Then a
sensor waits for the flow run. The DAG shows two ways to apply a file:

- Stripe's file is a task group with a task for each object. The file is read when the DAG is parsed; no request is sent
  then.
- Each other file is applied by a single task, which reads the file when it runs. The tasks are in mapped task groups,
  so that a failure of one does not stop the others.

``payments plan dags/dataflows`` shows the changes beforehand.

The vendors' credentials are Airflow connections, named in the files: ``square_default`` and ``stripe_default``. The
base connection of PayPal exists already.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, task_group

from airflow_provider_payments.operators.definitions import ApplyDataflowOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from airflow_provider_payments.task_group import dataflow_task_group

WAITING = {
    "task_id": "wait_for_flow_run",
    "pick": "latest",
    "max_failed_ratio": 0.05,
    "deferrable": True,
    "poke_interval": 10,
    "timeout": 2 * 60 * 60,
}

with DAG(
    dag_id="payments_from_definitions",
    description="Payments of three vendors into Experience Platform, from definitions",
    schedule=None,
    catchup=False,
    tags=["payments", "adobe experience platform", "definitions"],
    doc_md=__doc__,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
) as dag:
    created = dataflow_task_group("dataflows/stripe_charges.yaml")["create_dataflow"]
    FlowRunSensor(flow_id=created.output["id"], since=created.output["runs_since"], **WAITING)

    @task_group(group_id="dataflow")
    def dataflow(file: str) -> None:
        """Apply a file, and wait for a flow run of its dataflow."""
        applied = ApplyDataflowOperator(task_id="apply", definition=file, map_index_template="{{ task.definition }}")
        FlowRunSensor(flow_id=applied.output["flow_id"], since=applied.output["runs_since"], **WAITING)

    dataflow.expand(file=["dataflows/paypal_catalog.yaml", "dataflows/square_payments.yaml"])
