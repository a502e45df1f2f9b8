"""A DAG of ``test_teardown_chain``, whose creating steps are Airflow's setups."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.operators.connections import (
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from airflow_provider_payments.operators.teardown import TeardownChainOperator

with DAG(dag_id="setup_and_teardown", schedule=None, catchup=False, max_active_runs=1):
    source = CreateSourceConnectionOperator(
        task_id="source",
        name="products - source",
        source="paypal",
        base_connection_id="24151d58-ffa7-4960-951d-58ffa7396097",
        table="PayPal.Catalog_Products",
        columns=["Product_Id"],
    )
    schema = CreateTargetSchemaOperator(task_id="schema", name="products", fields={"product.name": "string"})
    dataset = CreateTargetDatasetOperator(task_id="dataset", name="products", schema_id=schema.output["id"])
    target = CreateTargetConnectionOperator(
        task_id="target", name="products - target", dataset_id=dataset.output["id"], schema_id=schema.output["id"]
    )
    mapping_set = CreateMappingSetOperator(
        task_id="mapping_set", name="products", schema_id=schema.output["id"], mappings={"_id": "Product_Id"}
    )
    dataflow = CreateDataflowOperator(
        task_id="dataflow",
        name="products",
        source_connection_id=source.output["id"],
        target_connection_id=target.output["id"],
        flow_spec="14518937-270c-4525-bdec-c2ba7cce3860",
        mapping_set_id=mapping_set.output["id"],
    )
    remove = TeardownChainOperator(task_id="remove_half_made_chain", retries=3)
    dataflow >> remove.as_teardown(setups=[source, dataset, target])
