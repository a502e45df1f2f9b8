"""A DAG of ``test_live_triggerer``, which waits for many dataflows at once."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_payments.sensors.flow_run import FlowRunSensor

with DAG(dag_id="many_sensors", schedule=None, catchup=False):

    @task
    def dataflows(params: Any = None) -> list[str]:
        """Return the ids of dataflows in the DAG run's conf."""
        return list(params["flow_ids"])

    FlowRunSensor.partial(
        task_id="wait",
        max_failed_ratio=1,
        poke_interval=1,
        deferrable=True,
        aep_conn_id="{{ params.get('aep_conn_id', 'aep_default') }}",
    ).expand(flow_id=dataflows())
