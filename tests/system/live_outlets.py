"""Two deferred tasks with outlets, one of which waits for a run that fails; and a DAG that is scheduled by an alias."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Asset, AssetAlias
from airflow.providers.standard.operators.empty import EmptyOperator

from airflow_provider_payments.operators.flow_runs import RunDataflowOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor

ALIAS = AssetAlias("ran_live")
OUTLETS = [Asset(os.environ["RUN_DATASET"]), ALIAS]

with DAG(dag_id="live_outlets", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
    RunDataflowOperator(
        task_id="run",
        flow_id=os.environ["RUN_FLOW"],
        delta_column="Create_Time",
        window_start=datetime(2020, 1, 1, tzinfo=UTC),
        window_end=datetime(2026, 1, 1, tzinfo=UTC),
        accept_partial=True,
        poll_interval=0.5,
        deferrable=True,
        outlets=OUTLETS,
    )
    FlowRunSensor(
        task_id="wait_for_failure",
        flow_id=os.environ["FAILING_FLOW"],
        since=0,
        poke_interval=0.5,
        deferrable=True,
        outlets=OUTLETS,
    )

with DAG(dag_id="follows_alias", schedule=[ALIAS], start_date=datetime(2026, 1, 1, tzinfo=UTC)):
    EmptyOperator(task_id="begun")
