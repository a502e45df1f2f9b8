"""A DAG of ``test_links``: steps that end without an object, and mapped steps some of which have one."""

from __future__ import annotations

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor

FIELDS = {"record.createdAt": "date-time"}

with DAG("failing_steps", schedule=None, start_date=datetime(2026, 1, 1)):
    CreateTargetSchemaOperator(task_id="alone", name="not * a name", fields=FIELDS)
    CreateTargetSchemaOperator.partial(task_id="mapped", fields=FIELDS).expand(
        name=["Square", "not * a name", "Stripe"]
    )
    FlowRunSensor(task_id="waits", run_id="no-such-run", deferrable=True, poke_interval=1, timeout=5)
