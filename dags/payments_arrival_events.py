"""
Wait for a flow run in one DAG, and process the rows that arrived in another.

``payments_arrivals`` waits for the next flow run of a dataflow. Up to 5 % of the run's records may fail; their row
errors are downloaded. ``payments_consumer`` is scheduled by the event that rows have arrived, and handles each flow run
once. It identifies runs by their ``run_id``, because one DAG run may get several events, and a cleared task waits for
the same run again and repeats the run's event.

Set the param ``flow_id`` to the dataflow's id, for example the one that the task ``create_dataflow`` of
``payments_dataflow`` returns, and the param ``folder`` to the folder of row errors. Set ``PAYMENTS_DATASET``, in the
environment or below, to the dataset's URI, ``aep://<organisation>/<sandbox>/<dataset id>``: then Airflow shows source,
tasks and dataset in one graph. Without a URI the outlet is an alias, which resolves to the dataset that the dataflow
writes to; each event then comes twice, at the dataset and at the alias. For a DAG that runs after each scheduled flow
run, without a DAG that waits, see ``payments_on_arrival``.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Asset, AssetAlias, Param, task

from airflow_provider_payments.operators.diagnostics import DownloadRowErrorsOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor

#: The table that the dataflow reads, only to be shown in Airflow's graph: any URI is accepted.
SOURCE = Asset("paypal://shop/PayPal.Catalog_Products")
DATASET = os.environ.get("PAYMENTS_DATASET", "")
ARRIVALS = Asset(DATASET) if DATASET else AssetAlias("payments_arrivals")
TAGS = ["payments", "adobe experience platform"]

with DAG(
    dag_id="payments_arrivals",
    description="Wait for a flow run, and announce that its rows have arrived",
    schedule=None,
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    tags=TAGS,
    doc_md=__doc__,
    params={
        "flow_id": Param(type="string", minLength=1, description="Id of the dataflow"),
        "folder": Param(
            type="string", minLength=1, description="Folder of row errors, such as s3://aws_default@quarantine"
        ),
        "since": Param("", type="string", description="Earliest start of the run; empty: the DAG run's start"),
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
    description="Process the rows that have arrived, each flow run once",
    schedule=[ARRIVALS],
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    catchup=False,
    tags=TAGS,
    doc_md=__doc__,
):

    @task(inlets=[ARRIVALS])
    def report(triggering_asset_events: dict | None = None, triggering_dataset_events: dict | None = None) -> list[str]:
        """Print the counts of each flow run; Airflow 2 passes the events as `triggering_dataset_events`."""
        by_asset = triggering_asset_events or triggering_dataset_events or {}
        # Any DAG or user may emit an event, so its extra is not trusted.
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
