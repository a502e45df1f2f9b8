"""
Wait for a dataflow's flow run in one DAG, and work with what has arrived in others.

``payments_arrivals`` waits for the next flow run of a dataflow, and its outlet is the alias ``payments_arrivals``: the
event is that of the dataset that the dataflow writes to, whichever that is. ``payments_consumer`` runs on the alias and
handles each flow run once. An event comes twice, at the dataset and at the alias; a cleared task waits for the same run
again and repeats its event; and several events may come with one DAG run. ``run_id`` tells what is the same.

Give the dataflow's id, such as the task ``create_dataflow`` of ``payments_dataflow`` returns it, as the param
``flow_id``. Where the dataset's id is known when the DAG is written, write
``outlets=[Asset("aep://<organisation>/<sandbox>/<dataset id>")]`` instead of the alias. Where a DAG is to run whenever
the platform's schedule has brought rows, and no DAG waits for them, see ``payments_on_arrival``.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, AssetAlias, Param, task

from airflow_provider_payments.sensors.flow_run import FlowRunSensor

ARRIVALS = AssetAlias("payments_arrivals")
TAGS = ["payments", "adobe experience platform"]

with DAG(
    dag_id="payments_arrivals",
    description="Wait for a flow run, and announce what has arrived",
    schedule=None,
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    tags=TAGS,
    doc_md=__doc__,
    params={
        "flow_id": Param("", type="string", description="Id of the dataflow"),
        "since": Param("", type="string", description="Runs count from then on; empty: from the DAG run's start on"),
    },
):
    FlowRunSensor(
        task_id="wait_for_flow_run",
        flow_id="{{ params.flow_id }}",
        since="{{ params.since }}",
        max_failed_ratio=0.05,
        timeout=24 * 60 * 60,
        deferrable=True,
        outlets=[ARRIVALS],
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

    @task
    def report(triggering_asset_events: dict | None = None, triggering_dataset_events: dict | None = None) -> list[str]:
        """Print what arrived; Airflow 2 has another name for the events."""
        by_asset = triggering_asset_events or triggering_dataset_events or {}
        extras = [event.extra for events in by_asset.values() for event in events]
        runs = {extra["run_id"]: extra for extra in extras if "run_id" in extra}  # people may emit events too
        lines = [
            f"Flow run {run_id} {run['status']}: {run.get('output_records')} records arrived, "
            f"{run.get('failed_records')} failed"
            for run_id, run in runs.items()
        ]
        print("\n".join(lines))
        return lines

    report()
