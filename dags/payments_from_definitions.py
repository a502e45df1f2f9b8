"""
Bring PayPal, Square and Stripe into Experience Platform: what each dataflow is stands in a file of ten lines.

The files are in the folder ``dataflows`` beside this one: a table of Square's, a REST resource of Stripe's, a table of
PayPal's. Applying a file creates what is missing, changes what differs, and leaves alone what is as written. A sensor
then waits for the flow run. The DAG shows two shapes:

- Stripe's file as a task group, a task for each object. It is read while the DAG is parsed; the platform is asked
  nothing then.
- The other files by one task each, which reads its file when it runs. Each is a mapped task group of its own, so one
  that fails stops no other.

``payments plan dags/dataflows`` shows beforehand what they would do.

Vendors' credentials are Airflow connections, named in the files: ``square_default`` and ``stripe_default``. The base
connection of PayPal exists already.
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
        """Apply a file, and wait for what its dataflow brings."""
        applied = ApplyDataflowOperator(task_id="apply", definition=file, map_index_template="{{ task.definition }}")
        FlowRunSensor(flow_id=applied.output["flow_id"], since=applied.output["runs_since"], **WAITING)

    dataflow.expand(file=["dataflows/paypal_catalog.yaml", "dataflows/square_payments.yaml"])
