"""
Ingest a payments table into Experience Platform day by day, history first.

Each DAG run starts one flow run over its data interval. So Airflow's catch-up ingests the days since ``start_date``,
one after the other, and ``airflow backfill create`` (on Airflow 2 ``airflow dags backfill``) ingests earlier days. From
the second DAG run on, the ``create_...`` tasks adopt the existing chain. If a day's flow run failed, ``retry_window``
repeats the run once.

A day's flow run starts ``window_lag`` seconds after the end of the day, so that late rows have arrived; no run ingests
rows that arrive even later. Set the param to the maximum delay of rows at your vendor.

**The data lake appends**, so no day is ingested twice: a manual DAG run, a backfill over ingested days, and a cleared
task return the flow run that has ingested the day (``"reused": true``). To ingest days again, backfill them with
``if_covered`` set to ``again``; a DAG run that is cleared keeps its params. A dataflow that is created with ``once``
also runs at its start time and ingests the whole table then, so the start time here is in the far future. (An emulator
with ``--time fast`` does not wait for that time: use ``--time real``.)
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Param
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_payments.operators.connections import (
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.flow_runs import RetryFlowRunOperator, RunDataflowOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator

NEVER = "2199-12-31T00:00:00Z"

with DAG(
    dag_id="payments_windows",
    description="A payments table into an Experience Platform dataset, a day at a time",
    # On Airflow 2 "@daily" would suffice; from Airflow 3 on, its runs have an empty data interval.
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=datetime(2026, 11, 19, tzinfo=UTC),
    catchup=True,
    max_active_runs=1,
    is_paused_upon_creation=True,  # otherwise the DAG would begin to catch up at once
    tags=["payments", "adobe experience platform"],
    doc_md=__doc__,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "aep_conn_id": "{{ params.aep_conn_id }}"},
    params={
        "aep_conn_id": Param("aep_default", type="string"),
        "base_connection_id": Param("24151d58-ffa7-4960-951d-58ffa7396097", type="string"),
        "name": Param("PayPal catalog products by day", type="string"),
        "table": Param("PayPal.Catalog_Products", type="string"),
        "delta_column": Param("Create_Time", type="string", description="Column that decides to which day rows belong"),
        "window_lag": Param(2 * 60 * 60, type="integer", minimum=0, description="Maximum delay of rows, in seconds"),
        "if_covered": Param("reuse", enum=["reuse", "again"], description="again: ingest a day's rows once more"),
    },
) as dag:
    source = CreateSourceConnectionOperator(
        task_id="create_source_connection",
        name="{{ params.name }} - source",
        source="paypal",
        base_connection_id="{{ params.base_connection_id }}",
        table="{{ params.table }}",
    )
    schema = CreateTargetSchemaOperator(
        task_id="create_target_schema",
        name="{{ params.name }}",
        fields={"product.name": "string", "product.createTime": "date-time"},
    )
    dataset = CreateTargetDatasetOperator(
        task_id="create_target_dataset", name="{{ params.name }}", schema_id=schema.output["id"]
    )
    target = CreateTargetConnectionOperator(
        task_id="create_target_connection",
        name="{{ params.name }} - target",
        dataset_id=dataset.output["id"],
        schema_id=schema.output["id"],
    )
    mapping_set = CreateMappingSetOperator(
        task_id="create_mapping_set",
        name="{{ params.name }} - mapping",
        schema_id=schema.output["id"],
        mappings={
            "_id": "Product_Id",
            "_{TENANT_ID}.product.name": "Product_Name",
            "_{TENANT_ID}.product.createTime": "Create_Time",
        },
    )
    dataflow = CreateDataflowOperator(
        task_id="create_dataflow",
        name="{{ params.name }}",
        source_connection_id=source.output["id"],
        target_connection_id=target.output["id"],
        flow_spec=FindFlowSpecOperator(task_id="find_flow_spec", source="paypal").output["id"],
        mapping_set_id=mapping_set.output["id"],
        mapping_set_version=mapping_set.output["version"],
        frequency="once",
        start_time=NEVER,
        partial_ingestion_percent=5,
    )
    waiting = {"max_failed_ratio": 0.05, "poll_interval": 10, "timeout": 2 * 60 * 60, "deferrable": True}
    window = RunDataflowOperator(
        task_id="run_window",
        flow_id=dataflow.output["id"],
        delta_column="{{ params.delta_column }}",
        window_lag="{{ params.window_lag }}",
        if_covered="{{ params.if_covered }}",
        **waiting,
    )
    RetryFlowRunOperator(task_id="retry_window", run_id=window.output["run_id"], trigger_rule="all_failed", **waiting)
