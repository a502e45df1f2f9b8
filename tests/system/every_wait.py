"""DAGs of ``test_sensor_outcomes``: for each mode, a sensor for every event with every flag."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.sensors.flow_run import FlowRunSensor

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
FLAGS = ("plain", "soft_fail", "never_fail", "silent_fail")
#: Timeout of a sensor in seconds: enough for a second poll.
SOON = 0.3
#: Events and their arguments. An event with ``later`` at its end happens after the first poll.
EVENTS: dict[str, dict[str, Any]] = {
    "succeeded": {},
    "succeeded_later": {},
    "partial": {},
    "failed": {},
    "failed_later": {},
    "unknown_counts": {},
    "refused": {},
    "refused_later": {},
    "deleted": {},
    "deleted_later": {},
    "disabled": {},
    "disabled_later": {},
    "down": {},
    "down_later": {},
    "timeout": {"timeout": SOON},
    "execution_timeout": {"execution_timeout": timedelta(seconds=SOON)},
    "wrong_argument": {"max_failed_ratio": "2"},
}


def sensors(mode: str) -> None:
    """Add a sensor in this mode for each event with each flag."""
    for event, flag in product(EVENTS, FLAGS):
        waits_for_ever = event.startswith("down") and flag == "silent_fail"
        FlowRunSensor(
            task_id=f"{mode}-{event}-{flag}",
            # Each task has a dataflow of its own, so that a test can set the answers for each task.
            flow_id="{{ task.task_id }}",
            retries=1,
            retry_delay=0,
            multiple_outputs=False,  # each output costs Airflow a request
            **{"timeout": SOON if waits_for_ever else 60, "poke_interval": 0.01} | EVENTS[event] | MODES[mode],
            **({} if flag == "plain" else {flag: True}),
        )


# A DAG for each mode: from Airflow 3.0 to 3.2 `dags test` serializes the whole DAG for each task.
for mode in MODES:
    with DAG(dag_id=f"every_wait_{mode}", schedule=None, catchup=False):
        sensors(mode)
