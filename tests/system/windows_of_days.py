"""DAGs of ``test_live_windows``, which request runs of one dataflow, whose id is in the environment."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_payments.operators.flow_runs import RunDataflowOperator

FLOW = {"flow_id": os.environ.get("FLOW_ID", ""), "delta_column": "Create_Time"}
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAYS = 3

with DAG(dag_id="retried_window", schedule=None, catchup=False):
    RunDataflowOperator(
        task_id="run",
        **FLOW,
        window_start=MIDNIGHT - timedelta(days=1),
        window_end=MIDNIGHT,
        wait_for_completion=False,
        retries=1,
        retry_delay=timedelta(0),
    )

# All days would run at once if the operator did not limit them.
with DAG(
    dag_id="caught_up_windows",
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=MIDNIGHT - timedelta(days=DAYS),
    catchup=True,
    max_active_runs=DAYS,
):
    RunDataflowOperator(
        task_id="run", **FLOW, deferrable=True, poll_interval=1, retries=5, retry_delay=timedelta(seconds=1)
    )
