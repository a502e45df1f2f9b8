"""A DAG of ``test_sensor_since``, whose sensor has no argument ``since``."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.sensors.flow_run import FlowRunSensor

with DAG(dag_id="waits_since_the_start", schedule=None, catchup=False):
    FlowRunSensor(task_id="wait", flow_id="{{ dag_run.conf['flow_id'] }}", poke_interval=0.1, timeout=1, soft_fail=True)
