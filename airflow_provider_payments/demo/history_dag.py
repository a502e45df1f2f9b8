"""A DAG of the demo that waits for flow runs which have already ended, so that the page shows a history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AssetAlias, task

from airflow_provider_payments.operators.health import CheckDataflowHealthOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor

with DAG(
    dag_id="payments_history",
    description="Announce the results of past flow runs, and check all dataflows",
    schedule=None,
    catchup=False,
    tags=["payments", "adobe experience platform"],
    doc_md=__doc__,
):

    @task
    def list_runs(params: dict[str, Any] | None = None) -> list[str]:
        """Return the ids of the runs that the DAG run's configuration names."""
        return list((params or {}).get("run_ids", []))

    waited = FlowRunSensor.partial(
        task_id="wait", max_failed_ratio=0.1, timeout=60, outlets=[AssetAlias("payments_history")]
    ).expand(run_id=list_runs())
    # Check the dataflows even if runs have failed tasks of the sensor.
    check = CheckDataflowHealthOperator(task_id="check", max_age=timedelta(days=1), trigger_rule="all_done")
    waited >> check
