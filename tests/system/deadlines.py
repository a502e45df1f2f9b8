"""A DAG of ``test_live_deadline``, whose rows arrive late; the test runs it with a shorter interval."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG
from airflow.sdk.definitions.deadline import AsyncCallback, DeadlineAlert, DeadlineReference

from airflow_provider_payments.sensors.flow_run import FlowRunSensor

rows_are_late = DeadlineAlert(
    reference=DeadlineReference.DAGRUN_QUEUED_AT,
    interval=timedelta(hours=2),
    callback=AsyncCallback("payments_alerts.late", kwargs={"what": "Payments"}),
)

with DAG(dag_id="deadlines", schedule=None, params={"flow_id": ""}, deadline=rows_are_late):
    FlowRunSensor(task_id="wait", flow_id="{{ params.flow_id }}", deferrable=True)
