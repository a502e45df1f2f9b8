"""A DAG of ``test_native_groups``: a chain's first steps in a mapped task group, with native rendering."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, task, task_group

from airflow_provider_payments.operators.connections import CreateSourceConnectionOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator

TABLE = "PayPal.Catalog_Products"
PAYPAL = "24151d58-ffa7-4960-951d-58ffa7396097"
CONSTANT = {"source": '"USD"', "destination": "_{TENANT_ID}.currency", "source_type": "EXPRESSION"}

with DAG(dag_id="native_groups", schedule=None, catchup=False, render_template_as_native_obj=True) as dag:

    @task
    def months() -> list[dict[str, str]]:
        return [{"table": TABLE, "month": "2026_11"}, {"table": TABLE, "month": "2026_12"}]

    @task
    def columns() -> list[str]:
        return ["Product_Id", "Type"]

    @task_group
    def chain(table: str, month: str) -> None:
        CreateSourceConnectionOperator(
            task_id="source",
            name="{{ task.table }} - {{ task.description }}",
            description=month,
            source="paypal",
            base_connection_id=PAYPAL,
            table=table,
            extra={"data": {"properties": {"of": "{{ task.table }}"}}},
            columns="{{ ti.xcom_pull(task_ids='columns') }}",
        )
        CreateTargetSchemaOperator(task_id="schema", name=month, fields={"currency": "string"})

    chain.expand_kwargs(months()) << columns()
    schema = CreateTargetSchemaOperator(task_id="hexadecimal", name="0x1F", fields={"currency": "string"})
    CreateMappingSetOperator.partial(
        task_id="mappings", schema_id=schema.output["id"], mappings=[CONSTANT], tenant_id=schema.output["tenant_id"]
    ).expand(name=["2026_11", "1e5"])
    CreateSourceConnectionOperator.partial(
        task_id="partial", name="{{ task.table }} - partial", source="paypal", base_connection_id=PAYPAL
    ).expand(table=[TABLE])

    parts = CreateTargetSchemaOperator.partial(task_id="parts").expand_kwargs(
        [{"name": "part a", "fields": {"a": "string"}}, {"name": "part b", "fields": {"b": "string"}}]
    )
    CreateTargetSchemaOperator(task_id="whole", name="whole", field_groups=parts.output["field_group_id"])
