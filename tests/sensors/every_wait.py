"""A DAG of sensors in every mode, with every flag, for whatever can happen: what ``test_same_in_all_modes`` runs."""

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
#: What happens, and the arguments that it takes. What ends with ``later`` does not happen at the first look.
EVENTS: dict[str, dict[str, Any]] = {
    "succeeded": {},
    "succeeded_later": {},
    "partial": {},
    "failed": {},
    "failed_later": {},
    "refused": {},
    "refused_later": {},
    "down": {"timeout": 1},
    "down_later": {"timeout": 1},
    "timeout": {"timeout": 0.3},
    "execution_timeout": {"execution_timeout": timedelta(seconds=0.3)},
    "wrong_argument": {"max_failed_ratio": "2"},
}

with DAG(dag_id="every_wait", schedule=None, catchup=False) as dag:
    for mode, event, flag in product(MODES, EVENTS, FLAGS):
        FlowRunSensor(
            task_id=f"{mode}-{event}-{flag}",
            # Each task has a dataflow of its own, so that a test can tell what each of them sees.
            flow_id="{{ task.task_id }}",
            retries=1,
            retry_delay=0,
            **{"timeout": 60, "poke_interval": 0.1} | EVENTS[event] | MODES[mode],
            **({} if flag == "plain" else {flag: True}),
        )
