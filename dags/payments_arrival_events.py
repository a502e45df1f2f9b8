"""
Wait for a dataflow's flow run in one DAG, and work with what has arrived in others.

``payments_arrivals`` waits for the next flow run of a dataflow. Up to 5 % of its records may fail; why they did is
downloaded as files. ``payments_consumer`` runs when rows have arrived, and handles each flow run once: a cleared task
waits for the same run again and repeats its event, and several events may come with one DAG run. ``run_id`` tells what
is the same.

Give the dataflow's id, such as the task ``create_dataflow`` of ``payments_dataflow`` returns it, as the param
``flow_id``, and where row errors go as ``folder``. Put the dataset's URI, ``aep://<organisation>/<sandbox>/<dataset
id>``, into ``PAYMENTS_DATASET`` in the environment, or below: then Airflow shows source, tasks and dataset in one
graph. Without it the outlet is an alias, which becomes the dataset that the dataflow writes to, whichever that is; an
event comes twice then, at the dataset and at the alias. Where a DAG is to run whenever the platform's schedule has
brought rows, and no DAG waits for them, see ``payments_on_arrival``.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Asset, AssetAlias, Param, task

from airflow_provider_payments.operators.diagnostics import DownloadRowErrorsOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor

#: What the dataflow reads, for people: any URI will do.
SOURCE = Asset("paypal://shop/PayPal.Catalog_Products")
DATASET = os.environ.get("PAYMENTS_DATASET", "")
ARRIVALS = Asset(DATASET) if DATASET else AssetAlias("payments_arrivals")
TAGS = ["payments", "adobe experience platform"]

with DAG(
    dag_id="payments_arrivals",
    description="Wait for a flow run, and announce what has arrived",
    schedule=None,
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    tags=TAGS,
    doc_md=__doc__,
    params={
        "flow_id": Param(type="string", minLength=1, description="Id of the dataflow"),
        "folder": Param(
            type="string", minLength=1, description="Where row errors go, such as s3://aws_default@quarantine"
        ),
        "since": Param("", type="string", description="Runs count from then on; empty: from the DAG run's start on"),
    },
):
    arrived = FlowRunSensor(
        task_id="wait_for_flow_run",
        flow_id="{{ params.flow_id }}",
        since="{{ params.since }}",
        max_failed_ratio=0.05,
        timeout=24 * 60 * 60,
        deferrable=True,
        inlets=[SOURCE],
        outlets=[ARRIVALS],
    )
    DownloadRowErrorsOperator(
        task_id="download_row_errors", run_id=arrived.output["run_id"], path="{{ params.folder }}"
    )

with DAG(
    dag_id="payments_consumer",
    description="Work with what has arrived, each flow run once",
    schedule=[ARRIVALS],
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    catchup=False,
    tags=TAGS,
    doc_md=__doc__,
):

    @task(inlets=[ARRIVALS])
    def report(triggering_asset_events: dict | None = None, triggering_dataset_events: dict | None = None) -> list[str]:
        """Print what arrived; Airflow 2 has another name for the events."""
        by_asset = triggering_asset_events or triggering_dataset_events or {}
        # Anybody may emit an event, with any extra.
        extras = [event.extra for events in by_asset.values() for event in events if isinstance(event.extra, dict)]
        runs = {run_id: extra for extra in extras if isinstance(run_id := extra.get("run_id"), str)}
        lines = [
            f"Flow run {run_id} {run.get('status')}: {run.get('output_records')} records arrived, "
            f"{run.get('failed_records')} failed"
            for run_id, run in runs.items()
        ]
        print("\n".join(lines))
        return lines

    report()
