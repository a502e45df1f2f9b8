"""
Run as soon as payments have arrived in Experience Platform, and say how many.

The asset ``payments_arrived`` gets an event for each flow run that ends well, of the dataflow that
``payments_dataflow`` has made or of any other; this DAG runs on it. Put the dataflow's id, which the task
``create_dataflow`` returned, into ``PAYMENTS_FLOW_ID`` in the environment of the DAG processor, or below. Without an id
nothing is watched.

Each run is announced at least once, so an event may come again after a restart: its ``run_id`` tells.
"""

from __future__ import annotations

import os

from airflow.providers.common.compat.sdk import DAG, Asset, task

from airflow_provider_payments.triggers.flow_run_event import FlowRunEventTrigger
from airflow_provider_payments.versions import has_event_streams

FLOW_ID = os.environ.get("PAYMENTS_FLOW_ID", "")
ARRIVED = "payments_arrived"

if has_event_streams():  # on an Airflow before 3.3 this file defines nothing
    from airflow.sdk import AssetWatcher

    watchers = []
    if FLOW_ID:
        watchers = [AssetWatcher(name="flow_runs", trigger=FlowRunEventTrigger(flow_id=FLOW_ID, asset=ARRIVED))]
    arrived = Asset(ARRIVED, watchers=watchers)

    with DAG(
        dag_id="payments_on_arrival",
        description="What to do when payments have arrived",
        schedule=[arrived],
        catchup=False,
        tags=["payments", "adobe experience platform"],
        doc_md=__doc__,
    ):

        @task
        def report(triggering_asset_events: dict | None = None) -> list[str]:
            """Print what arrived; several runs may have ended since the last DAG run."""
            payloads = [event.extra.get("payload") for event in (triggering_asset_events or {}).get(arrived, [])]
            runs = {run["run_id"]: run for run in payloads if run}
            lines = [
                f"Flow run {run['run_id']} {run['status']}: {run['input_records']} records read, "
                f"{run['output_records']} arrived, {run['failed_records']} failed"
                for run in runs.values()
            ]
            print("\n".join(lines))
            return lines

        report()
