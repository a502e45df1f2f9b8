"""
Run as soon as payments have arrived in Experience Platform, and report how many.

The asset ``payments_arrived`` gets an event for each flow run of a dataflow that succeeds, wholly or in part; this DAG
runs on it. Put the dataflow's id, such as the task ``create_dataflow`` of ``payments_dataflow`` returns it, into
``PAYMENTS_FLOW_ID`` in the environment of the DAG processor, or below. Without an id nothing is watched.

Each run is announced at least once, so an event may come again after a restart; compare its ``run_id``.
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
            extras = [event.extra for event in (triggering_asset_events or {}).get(arrived, [])]
            # Anybody may emit an event, with any extra.
            payloads = [extra.get("payload") for extra in extras if isinstance(extra, dict)]
            runs = {
                run_id: run
                for run in payloads
                if isinstance(run, dict) and isinstance(run_id := run.get("run_id"), str)
            }
            lines = [
                f"Flow run {run_id} {run.get('status')}: {run.get('input_records')} records read, "
                f"{run.get('output_records')} arrived, {run.get('failed_records')} failed"
                for run_id, run in runs.items()
            ]
            print("\n".join(lines))
            return lines

        report()
