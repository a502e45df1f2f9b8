"""
Ingest a payments table into Experience Platform by the steps of Adobe's older documents.

These documents create an ad-hoc schema before the source connection, and a dataset base connection before the target
connection. Use this DAG for tenants that are still set up this way, and :mod:`payments_dataflow` otherwise. The service
refuses two steps of those documents, which are corrected here: the target is the data lake, and the mapped fields exist
in the schema.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_payments.operators.connections import (
    CreateDatasetBaseConnectionOperator,
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateAdHocSchemaOperator, CreateTargetSchemaOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor

TABLE = "PayPal.Catalog_Products"
COLUMNS = {
    "Product_Id": "string",
    "Product_Name": "string",
    "Description": "string",
    "Type": "string",
    "Create_Time": "date-time",
}
XDM = "https://ns.adobe.com/xdm/context"

with DAG(
    dag_id="payments_dataflow_legacy",
    description="A payments table into Experience Platform, by the steps of the older documents",
    schedule=None,
    catchup=False,
    tags=["payments", "adobe experience platform", "legacy"],
    render_template_as_native_obj=True,
    doc_md=__doc__,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "aep_conn_id": "{{ params.aep_conn_id }}"},
    params={
        "aep_conn_id": Param("aep_default", type="string"),
        "base_connection_id": Param("24151d58-ffa7-4960-951d-58ffa7396097", type="string"),
        "name": Param("PayPal legacy", type="string", description="Every object's name begins with it"),
    },
) as dag:
    adhoc_schema = CreateAdHocSchemaOperator(
        task_id="create_adhoc_schema", name="{{ params.name }} - adhoc", description=TABLE, fields=COLUMNS
    )
    source = CreateSourceConnectionOperator(
        task_id="create_source_connection",
        name="{{ params.name }} - source",
        description="Paypal",
        source="paypal",
        base_connection_id="{{ params.base_connection_id }}",
        path=TABLE,
        data_format="tabular",
        schema_id=adhoc_schema.output["id"],
    )
    schema = CreateTargetSchemaOperator(
        task_id="create_target_schema",
        name="{{ params.name }}",
        description="Target schema for payments",
        field_groups=[f"{XDM}/profile-person-details", f"{XDM}/profile-personal-details"],
        fields={"legacy.name": "string", "legacy.description": "string", "legacy.type": "string"},
    )
    dataset = CreateTargetDatasetOperator(
        task_id="create_target_dataset",
        name="{{ params.name }}",
        schema_id=schema.output["id"],
        schema_version="application/vnd.adobe.xed-full-notext+json; version=1",
    )
    dataset_connection = CreateDatasetBaseConnectionOperator(
        task_id="create_dataset_base_connection", name="{{ params.name }} - data lake"
    )
    target = CreateTargetConnectionOperator(
        task_id="create_target_connection",
        name="{{ params.name }} - target",
        base_connection_id=dataset_connection.output["id"],
        dataset_id=dataset.output["id"],
        schema_id=schema.output["id"],
        data_format="parquet_xdm",
    )
    mapping_set = CreateMappingSetOperator(
        task_id="create_mapping_set",
        name="{{ params.name }} - mapping",
        schema_id=schema.output["id"],
        tenant_id=schema.output["tenant_id"],
        mappings={
            "_id": "Product_Id",
            "_{TENANT_ID}.legacy.name": "Product_Name",
            "_{TENANT_ID}.legacy.description": "Description",
            "_{TENANT_ID}.legacy.type": "Type",
        },
        source_columns=list(COLUMNS),
    )
    flow_spec = FindFlowSpecOperator(task_id="find_flow_spec", source="paypal")
    dataflow = CreateDataflowOperator(
        task_id="create_dataflow",
        name="{{ params.name }}",
        description="Inbound data to Platform",
        source_connection_id=source.output["id"],
        target_connection_id=target.output["id"],
        flow_spec=flow_spec.output,
        mapping_set_id=mapping_set.output["id"],
        mapping_set_version=mapping_set.output["version"],
        delta_column="Create_Time",
        source_columns=list(COLUMNS),
        frequency="minute",
        interval=30,
        partial_ingestion_percent=5,
    )
    FlowRunSensor(
        task_id="wait_for_flow_run",
        flow_id=dataflow.output["id"],
        since=dataflow.output["runs_since"],
        pick="latest",
        max_failed_ratio=0.05,
        deferrable=True,
        poke_interval=10,
        timeout=2 * 60 * 60,
    )
