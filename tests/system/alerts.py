"""A DAG of ``test_alerts``: tasks that fail, and a callback that sends an alert with the flow run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.sensors.flow_run import FlowRunSensor


def send(text: str) -> None:
    """Print the alert, in place of a team's channel."""
    with Path(os.environ["AIRFLOW_HOME"], "alerts").open("a") as sent:
        sent.write(f"{text}\n")


def alert(context: Any) -> None:
    """Send the flow run that failed, or another error of the task."""
    task = context["ti"]
    run = task.xcom_pull(task_ids=task.task_id, map_indexes=task.map_index, key="flow_run")
    if run:
        name = run.get("flow_name", run["flow_id"])
        send(f"{name}: {run['status']}. {run['reason']} {run.get('codes', '')} {run.get('page', '')}")
    else:
        send(f"{task.task_id}: {context.get('exception', 'see its log')}")


with DAG(dag_id="alerts", schedule=None, params={"flow_id": ""}, default_args={"on_failure_callback": alert}):
    waiting: dict[str, Any] = {"flow_id": "{{ params.flow_id }}", "since": 0, "multiple_outputs": False}
    FlowRunSensor(task_id="on_a_worker", **waiting)
    FlowRunSensor(task_id="deferred", deferrable=True, **waiting)
    FlowRunSensor.partial(task_id="mapped", since=0).expand(flow_id=["{{ params.flow_id }}"])
    FlowRunSensor(task_id="deleted", flow_id="gone")
