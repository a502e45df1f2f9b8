"""A DAG that requests two days of one dataflow, whose rows may arrive until a time in the DAG run's conf."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.operators.flow_runs import RunDataflowOperator

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

with DAG(dag_id="late_windows", schedule=None, catchup=False):
    for task_id, days, deferrable in (("deferred", 1, True), ("rescheduled", 2, False)):
        end = MIDNIGHT - timedelta(days=days)
        RunDataflowOperator(
            task_id=task_id,
            flow_id=os.environ.get("FLOW_ID", ""),
            delta_column="Create_Time",
            window_start=end - timedelta(days=1),
            window_end=end,
            window_lag=f"{{{{ dag_run.conf['latest'] - {end.timestamp():.0f} }}}}",
            deferrable=deferrable,
            poll_interval=1,
        )
