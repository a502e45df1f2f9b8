"""
Ingest a payments table into Experience Platform, step by step, and report the counts of the flow run.

The steps are those of Adobe's tutorial "Create a dataflow for payments sources". The service refuses the tutorial's
mapping, because the schema does not have the destinations; here a field group in the tenant's namespace has them.
Run the DAG twice: the second time every object is adopted, nothing is created, and the last flow run is accepted if it
is not older than one schedule interval.

``Create_Time`` never changes, so a product that is edited later is not read again. If your table has an update time,
use that as the delta column.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_payments.operators.connections import (
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor

with DAG(
    dag_id="payments_dataflow",
    description="A payments table into an Experience Platform dataset",
    schedule=None,
    catchup=False,
    tags=["payments", "adobe experience platform"],
    render_template_as_native_obj=True,  # lists and numbers of the params stay lists and numbers
    doc_md=__doc__,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "aep_conn_id": "{{ params.aep_conn_id }}"},
    params={
        "aep_conn_id": Param("aep_default", type="string"),
        "source": Param("paypal", enum=["paypal", "square"], description="Adobe retired PayPal's source in 2025"),
        "base_connection_id": Param("24151d58-ffa7-4960-951d-58ffa7396097", type="string"),
        "name": Param("PayPal catalog products", type="string", description="Every object's name begins with it"),
        "table": Param("PayPal.Catalog_Products", type="string"),
        "columns": Param(
            [
                {"name": "Product_Id", "type": "string", "xdm": {"type": "string"}},
                {"name": "Product_Name", "type": "string", "xdm": {"type": "string"}},
                {"name": "Description", "type": "string", "xdm": {"type": "string"}},
                {"name": "Type", "type": "string", "xdm": {"type": "string"}},
                {
                    "name": "Create_Time",
                    "type": "string",
                    "meta:xdmType": "date-time",
                    "xdm": {"type": "string", "format": "date-time"},
                },
            ],
            type=["array", "null"],
            items={"type": "object"},  # otherwise Airflow's form shows and sends "[object Object]"
            description="Objects with name, type and xdm, as explore returns them; plain names are refused here. "
            "Empty: all columns of the table",
        ),
        "fields": Param(
            {
                "product.name": "string",
                "product.description": "string",
                "product.type": "string",
                "product.createTime": "date-time",
            },
            type="object",
        ),
        "mappings": Param(
            [
                {"source": "Product_Id", "destination": "_id"},
                {"source": "Product_Name", "destination": "_{TENANT_ID}.product.name"},
                {"source": "Description", "destination": "_{TENANT_ID}.product.description"},
                {"source": "Type", "destination": "_{TENANT_ID}.product.type"},
                {"source": "Create_Time", "destination": "_{TENANT_ID}.product.createTime"},
            ],
            type="array",
            items={"type": "object"},
            description="Objects with source and destination, and source_type if the source is no column",
        ),
        "delta_column": Param("Create_Time", type=["string", "null"]),
        "frequency": Param(
            "minute",
            enum=["once", "minute", "hour", "day", "week"],
            description="With once, leave interval and delta_column empty",
        ),
        "interval": Param(30, type=["integer", "null"]),
        "tolerated_percent": Param(
            5, type="number", exclusiveMinimum=0, maximum=100, description="Share of bad records that is tolerated"
        ),
    },
) as dag:
    source = CreateSourceConnectionOperator(
        task_id="create_source_connection",
        name="{{ params.name }} - source",
        description="PayPal source connection",
        source="{{ params.source }}",
        base_connection_id="{{ params.base_connection_id }}",
        table="{{ params.table }}",
        columns="{{ params.columns }}",
    )
    schema = CreateTargetSchemaOperator(
        task_id="create_target_schema",
        name="{{ params.name }}",
        description="Target schema for payments",
        fields="{{ params.fields }}",
    )
    flow_spec = FindFlowSpecOperator(task_id="find_flow_spec", source="{{ params.source }}")
    dataset = CreateTargetDatasetOperator(
        task_id="create_target_dataset", name="{{ params.name }}", schema_id=schema.output["id"]
    )
    target = CreateTargetConnectionOperator(
        task_id="create_target_connection",
        name="{{ params.name }} - target",
        description="Target connection for payments",
        dataset_id=dataset.output["id"],
        schema_id=schema.output["id"],
    )
    mapping_set = CreateMappingSetOperator(
        task_id="create_mapping_set",
        name="{{ params.name }} - mapping",
        schema_id=schema.output["id"],
        tenant_id=schema.output["tenant_id"],
        mappings="{{ params.mappings }}",
        source_columns=source.output["columns"],
    )
    dataflow = CreateDataflowOperator(
        task_id="create_dataflow",
        name="{{ params.name }}",
        description="Inbound data to Platform",
        source_connection_id=source.output["id"],
        target_connection_id=target.output["id"],
        flow_spec=flow_spec.output,
        mapping_set_id=mapping_set.output["id"],
        mapping_set_version=mapping_set.output["version"],
        delta_column="{{ params.delta_column }}",
        source_columns=source.output["columns"],
        frequency="{{ params.frequency }}",
        interval="{{ params.interval }}",
        partial_ingestion_percent="{{ params.tolerated_percent }}",
    )
    flow_run = FlowRunSensor(
        task_id="wait_for_flow_run",
        flow_id=dataflow.output["id"],
        since=dataflow.output["runs_since"],
        pick="latest",
        max_failed_ratio="{{ params.tolerated_percent / 100 }}",
        deferrable=True,
        poke_interval=10,
        timeout=2 * 60 * 60,
    )

    @task
    def report(run: dict) -> str:
        """Print the counts and batches of the flow run."""
        text = (
            f"Flow run {run['run_id']} {run['status']}: {run['input_records']} records read, "
            f"{run['output_records']} arrived, {run['failed_records']} failed; batches {', '.join(run['batch_ids'])}"
        )
        print(text)
        return text

    report(flow_run.output)
