"""A DAG of ``test_definition_group``: the task group of a definition, then a plan of the same definition."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.operators.definitions import PlanDataflowsOperator
from airflow_provider_payments.task_group import dataflow_task_group

with DAG(
    dag_id="definition_group",
    schedule=None,
    catchup=False,
    default_args={"retries": 1, "retry_delay": timedelta(seconds=1)},
) as dag:
    products = dataflow_task_group("group_of_products.yaml")
    products >> PlanDataflowsOperator(task_id="plan", definition="group_of_products.yaml")
