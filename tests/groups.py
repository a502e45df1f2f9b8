"""Task groups of definitions, built in a DAG; and the execution of their tasks, one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, TaskGroup

from airflow_provider_payments.task_group import dataflow_task_group

#: A definition with every member that a task group supports.
COMPLETE = """\
version: 1
name: Shop payments
description: Payments of all shops
enabled: false
source:
  vendor: paypal
  connection: {name: Shop, airflow_conn_id: shop}
  table: PayPal.Catalog_Products
  columns: [Product_Id, Product_Name, Type, Create_Time]
  flow_spec: CRMToAEP
  name: Shop source
schema:
  title: Shop schema
  description: One row for each product
  class: profile
  fields:
    product.name: string
    product.type: {type: string, title: Type}
    product.vendor: string
    product.createTime: date-time
  field_group: Shop fields
  field_groups: [Shop details, "https://ns.adobe.com/xdm/context/profile-person-details"]
  identity: {field: product.name, namespace: Email, primary: true}
  profile: true
dataset: {name: Shop dataset, description: Every hour, tags: {team: [finance]}, profile: true}
target_name: Shop target
mappings:
  _id: Product_Id
  product.name: {expression: lower(Product_Name)}
  product.type: Type
  product.vendor: {value: paypal}
  product.createTime: Create_Time
  xdm:person.name.firstName: Product_Name
delta_column: {name: Create_Time, format: "yyyy-MM-dd'T'HH:mm:ss'Z'", timezone: UTC}
schedule: {every: 1 hour, backfill: true}
tolerance: 5%
error_diagnostics: true
"""


class Tasks:
    """The task instance of every task: the XComs of one DAG run."""

    def __init__(self) -> None:
        self.returned: dict[str, dict[str, Any]] = {}
        self.try_number = 1

    def xcom_pull(self, task_ids: str, key: str, default: Any = None, **_: Any) -> Any:
        whole = self.returned[task_ids]
        return whole if key == "return_value" else whole.get(key, default)

    def xcom_push(self, key: str, value: object) -> None:
        """Drop the XCom: only links are pushed."""


def build(file: Path | str, *, native: bool = False, folder: Path | None = None, **how: Any) -> TaskGroup:
    """Return the task group of a definition file, in a new DAG."""
    with DAG(dag_id="payments", schedule=None, render_template_as_native_obj=native) as dag:
        dag.fileloc = str((folder or Path()) / "payments.py")
        return dataflow_task_group(file, **how)


def run(group: TaskGroup) -> dict[str, dict[str, Any]]:
    """Execute the tasks of a group in topological order; return their values by task label."""
    tasks = Tasks()
    for task in group.dag.topological_sort():
        context: Any = {"ti": tasks, "run_id": "manual", "dag": group.dag, "task": task, "params": {}}
        task.render_template_fields(context)
        tasks.returned[task.task_id] = task.execute(context)
    return {task_id.rpartition(".")[2]: value for task_id, value in tasks.returned.items()}
