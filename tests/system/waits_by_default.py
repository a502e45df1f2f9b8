"""A DAG of ``test_sensor_modes``, whose sensor has no argument for its mode."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.sensors.flow_run import FlowRunSensor

with DAG(dag_id="waits_by_default", schedule=None, catchup=False):
    FlowRunSensor(
        task_id="wait", flow_id="{{ dag_run.conf['flow_id'] }}", since="2020-01-01T00:00:00Z", poke_interval=0.1
    )
