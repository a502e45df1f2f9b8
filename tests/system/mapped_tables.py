"""A DAG of ``test_mapped_steps``, whose steps are mapped over several tables."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.operators.connections import (
    CreateBaseConnectionOperator,
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor

TABLES = ["Square.Customers", "Square.Payments", "Square.Refunds"]

with DAG(dag_id="mapped_tables", schedule=None, catchup=False) as dag:
    base = CreateBaseConnectionOperator(
        task_id="base_connection", name="Square account", source="square", vendor_conn_id="shop"
    )
    source = CreateSourceConnectionOperator.partial(
        task_id="source_connections",
        name="{{ task.table }} - source",
        source="square",
        base_connection_id=base.output["id"],
    ).expand(table=TABLES)
    schema = CreateTargetSchemaOperator(
        task_id="schema", name="Square records", fields={"record.createdAt": "date-time"}
    )
    dataset = CreateTargetDatasetOperator.partial(task_id="datasets", schema_id=schema.output["id"]).expand(name=TABLES)
    target = CreateTargetConnectionOperator.partial(
        task_id="target_connections", name="to {{ task.dataset_id }}", schema_id=schema.output["id"]
    ).expand(dataset_id=dataset.output.map(lambda created: created["id"]))
    mapping_set = CreateMappingSetOperator(
        task_id="mapping_set",
        name="Square records",
        schema_id=schema.output["id"],
        tenant_id=schema.output["tenant_id"],
        mappings={"_id": "Id", "_{TENANT_ID}.record.createdAt": "Created_At"},
    )
    flow_spec = FindFlowSpecOperator(task_id="flow_spec", source="square")
    dataflow = CreateDataflowOperator.partial(
        task_id="dataflows",
        flow_spec=flow_spec.output,
        mapping_set_id=mapping_set.output["id"],
        mapping_set_version=mapping_set.output["version"],
        delta_column="Created_At",
        frequency="hour",
        interval=1,
        partial_ingestion_percent=5,
    ).expand_kwargs(
        source.output.zip(target.output, dataset.output).map(
            lambda ends: {
                "name": ends[2]["name"],
                "source_connection_id": ends[0]["id"],
                "target_connection_id": ends[1]["id"],
                "source_columns": ends[0].get("columns"),
            }
        )
    )
    FlowRunSensor.partial(
        task_id="flow_runs", pick="latest", max_failed_ratio=0.05, deferrable=True, poke_interval=1, timeout=60
    ).expand_kwargs(dataflow.output.map(lambda created: {"flow_id": created["id"], "since": created["runs_since"]}))
