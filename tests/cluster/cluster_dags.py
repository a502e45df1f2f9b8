"""DAGs of the scenarios: one task that applies definitions, and data windows of several dataflows in both modes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_payments.operators.definitions import ApplyDataflowsOperator
from airflow_provider_payments.operators.flow_runs import RunDataflowOperator

RETRY_ARGUMENTS: dict[str, Any] = {"retries": 5, "retry_delay": timedelta(seconds=5)}
#: A data window of two days.
WINDOW = {"window_start": datetime(2026, 11, 1, tzinfo=UTC), "window_end": datetime(2026, 11, 3, tzinfo=UTC)}

# The DAG run's conf sets the folder and the connection.
with DAG(dag_id="apply_definitions", schedule=None, catchup=False):
    ApplyDataflowsOperator(
        task_id="apply",
        definition="{{ params.folder }}",
        aep_conn_id="{{ params.aep_conn_id }}",
        **RETRY_ARGUMENTS,
    )

with DAG(dag_id="windows_in_both_modes", schedule=None, catchup=False):

    @task(**RETRY_ARGUMENTS)
    def dataflows(mode: str, params: Any = None) -> list[str]:
        """Return the ids that the DAG run's conf names."""
        return list(params[mode])

    for mode in ("worker", "deferred"):
        RunDataflowOperator.partial(
            task_id=mode,
            **WINDOW,
            **RETRY_ARGUMENTS,
            delta_column="Create_Time",
            accept_partial=True,
            aep_conn_id="{{ params.aep_conn_id }}",
            deferrable=mode == "deferred",
            poll_interval=2,
            timeout=900,
            max_active_tis_per_dag=None,
        ).expand(flow_id=dataflows.override(task_id=f"{mode}_dataflows")(mode))
