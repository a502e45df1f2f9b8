"""Sensors in each mode whose outlets are the dataset, an alias of it, and a foreign asset."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Asset, AssetAlias

from airflow_provider_payments.sensors.flow_run import FlowRunSensor

DATASET, FOREIGN = Asset(os.environ["ARRIVALS"]), Asset("s3://bucket/key")
MODES: dict[str, dict[str, Any]] = {
    "deferrable": {"deferrable": True},
    "poke": {},
    "reschedule": {"mode": "reschedule"},
}

with DAG(dag_id="arrival_outlets", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
    waits = [
        FlowRunSensor(
            task_id=mode,
            flow_id=os.environ["FLOW_ID"],
            since=0,
            accept_partial=True,
            timeout=300,
            outlets=[DATASET, AssetAlias(f"arrived_by_{mode}"), FOREIGN],
            **arguments,
        )
        for mode, arguments in MODES.items()
    ]
    waits[0] >> waits[1] >> waits[2]  # the deferrable sensor sends the first poll, which finds no run
