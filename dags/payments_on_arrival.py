"""
Run a DAG as soon as payments have arrived in Experience Platform, and report their counts.

The asset ``payments_arrived`` gets an event for each flow run of a dataflow that succeeds, wholly or in part, and this
DAG is scheduled by the asset. Set ``PAYMENTS_FLOW_ID``, in the environment of the DAG processor or below, to the
dataflow's id, for example the one that the task ``create_dataflow`` of ``payments_dataflow`` returns. Without an id no
dataflow is watched.

Each run is announced at least once, so an event may be repeated after a restart; compare its ``run_id``.
"""

from __future__ import annotations

import os

from airflow.providers.common.compat.sdk import DAG, Asset, task

from airflow_provider_payments.triggers.flow_run_event import FlowRunEventTrigger
from airflow_provider_payments.versions import has_event_streams

FLOW_ID = os.environ.get("PAYMENTS_FLOW_ID", "")
ARRIVED = "payments_arrived"

if has_event_streams():  # before Airflow 3.3 this file defines no DAG
    from airflow.sdk import AssetWatcher

    watchers = []
    if FLOW_ID:
        watchers = [AssetWatcher(name="flow_runs", trigger=FlowRunEventTrigger(flow_id=FLOW_ID, asset=ARRIVED))]
    arrived = Asset(ARRIVED, watchers=watchers)

    with DAG(
        dag_id="payments_on_arrival",
        description="Report the payments that have arrived",
        schedule=[arrived],
        catchup=False,
        tags=["payments", "adobe experience platform"],
        doc_md=__doc__,
    ):

        @task
        def report(triggering_asset_events: dict | None = None) -> list[str]:
            """Print the counts of each flow run; several may have ended since the last DAG run."""
            extras = [event.extra for event in (triggering_asset_events or {}).get(arrived, [])]
            # Any DAG or user may emit an event, so its extra is not trusted.
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
