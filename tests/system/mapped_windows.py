"""A DAG of ``test_live_mapped_windows``: tasks mapped over windows of one dataflow, and over dataflows."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.operators.flow_runs import RunDataflowOperator

FLOW_IDS: list[str] = json.loads(os.environ.get("FLOW_IDS", '["", ""]'))
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAYS = 2
WINDOWS = [
    {"window_start": MIDNIGHT - timedelta(days=day + 1), "window_end": MIDNIGHT - timedelta(days=day)}
    for day in range(DAYS)
]
RUN: dict[str, Any] = {
    "delta_column": "Create_Time",
    "accept_partial": True,
    "deferrable": True,
    "poll_interval": 1,
    "retries": 5,
    "retry_delay": timedelta(seconds=1),
}

with DAG(dag_id="mapped_windows", schedule=None, catchup=False):
    RunDataflowOperator.partial(task_id="windows", **RUN, flow_id=FLOW_IDS[0]).expand_kwargs(WINDOWS)
    RunDataflowOperator.partial(task_id="dataflows", **RUN, **WINDOWS[0], max_active_tis_per_dag=None).expand(
        flow_id=FLOW_IDS[1:]
    )
