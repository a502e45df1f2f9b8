"""A DAG whose sensor says nothing of its mode: what ``test_sensor_modes`` runs in a real Airflow."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.sensors.flow_run import FlowRunSensor

with DAG(dag_id="waits_by_default", schedule=None, catchup=False):
    FlowRunSensor(
        task_id="wait", flow_id="{{ dag_run.conf['flow_id'] }}", since="2020-01-01T00:00:00Z", poke_interval=0.1
    )
