"""A DAG whose tasks do nothing: a test stores XComs for them, in the form of the provider's tasks."""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG(dag_id="payments_of_a_test", schedule=None):
    for name in ("wait", "wait_for_refunds", "wait_for_payouts", "check"):
        EmptyOperator(task_id=name)
