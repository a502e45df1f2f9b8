"""Executes the operators of a chain as tasks do, up to a dataflow that ingests rows."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_payments.operators.connections import (
    CreateBaseConnectionOperator,
    CreateDatasetBaseConnectionOperator,
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
    FindBaseConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator, FindDatasetOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.profiles import CreateIdentityOperator, EnableSchemaForProfileOperator
from airflow_provider_payments.operators.schemas import (
    CreateAdHocSchemaOperator,
    CreateTargetSchemaOperator,
    FindSchemaOperator,
)
from tests.conftest import PAYPAL

PRODUCTS = "PayPal.Catalog_Products"
COLUMNS = ["Product_Id", "Product_Name", "Create_Time"]
FIELDS = {"product.name": "string", "product.createTime": "date-time"}
MAPPINGS = {
    "_id": "Product_Id",
    "_{TENANT_ID}.product.name": "Product_Name",
    "_{TENANT_ID}.product.createTime": "Create_Time",
}
FLOW_SPEC = "14518937-270c-4525-bdec-c2ba7cce3860"

#: Operator -> arguments that it accepts. Tests that reach the service replace the ids.
ARGUMENTS: dict[type[BaseOperator], dict[str, Any]] = {
    CreateBaseConnectionOperator: {"name": "shop", "source": "paypal", "vendor_conn_id": "shop"},
    CreateSourceConnectionOperator: {
        "name": "products - source",
        "source": "paypal",
        "base_connection_id": PAYPAL,
        "table": PRODUCTS,
        "columns": COLUMNS,
    },
    CreateAdHocSchemaOperator: {"name": "products - adhoc", "fields": {"Product_Id": "string"}},
    CreateTargetSchemaOperator: {"name": "products", "fields": FIELDS},
    CreateIdentityOperator: {"name": "_{TENANT_ID}.product.name", "schema_id": "schema", "namespace": "Email"},
    EnableSchemaForProfileOperator: {"name": "products", "schema_id": "schema"},
    CreateTargetDatasetOperator: {"name": "products", "schema_id": "schema"},
    CreateDatasetBaseConnectionOperator: {"name": "data lake"},
    CreateTargetConnectionOperator: {"name": "products - target", "dataset_id": "dataset", "schema_id": "schema"},
    CreateMappingSetOperator: {"name": "products - mapping", "schema_id": "schema", "mappings": MAPPINGS},
    FindBaseConnectionOperator: {"name": "PayPal connection", "source": "paypal"},
    FindSchemaOperator: {"name": "products"},
    FindDatasetOperator: {"name": "products"},
    FindFlowSpecOperator: {"source": "paypal"},
    CreateDataflowOperator: {
        "name": "products",
        "source_connection_id": "source",
        "target_connection_id": "target",
        "flow_spec": FLOW_SPEC,
        "mapping_set_id": "mapping",
        "delta_column": "Create_Time",
        "frequency": "minute",
        "interval": 30,
    },
}


class TaskInstance:
    """A task instance with the number of the try, and a store of XComs."""

    def __init__(self, try_number: int = 1) -> None:
        self.try_number = try_number
        self.pushed: dict[str, object] = {}

    def xcom_push(self, key: str, value: object) -> None:
        self.pushed[key] = value


class FullTaskInstance(TaskInstance):
    """A task instance that fails to push the XCom of one key."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    def xcom_push(self, key: str, value: object) -> None:
        if key == self.key:
            raise OSError("no space is left")
        super().xcom_push(key, value)


def context(task: TaskInstance | None = None, run_id: str = "") -> Any:
    return {"ti": task or TaskInstance(), "run_id": run_id}


def build(operator: type[BaseOperator], **changes: Any) -> BaseOperator:
    """Return an operator with its :data:`ARGUMENTS`, some of them replaced."""
    return operator(task_id="step", **ARGUMENTS[operator] | changes)


def run(operator: type[BaseOperator], *, run_id: str = "", **changes: Any) -> dict[str, Any]:
    """Execute an operator once, in a DAG run; return its output."""
    return dict(build(operator, **changes).execute(context(run_id=run_id)))


def make_ends(name: str = "products", mappings: Any = MAPPINGS, *, run_id: str = "", **source: Any) -> dict[str, Any]:
    """Create all objects that a dataflow refers to; return the arguments with their ids."""
    create = partial(run, run_id=run_id)
    schema = create(CreateTargetSchemaOperator)
    dataset = create(CreateTargetDatasetOperator, schema_id=schema["id"])
    ends = {"dataset_id": dataset["id"], "schema_id": schema["id"]}
    return {
        "source_connection_id": create(CreateSourceConnectionOperator, name=f"{name} - source", **source)["id"],
        "target_connection_id": create(CreateTargetConnectionOperator, name=f"{name} - target", **ends)["id"],
        "mapping_set_id": create(CreateMappingSetOperator, schema_id=schema["id"], mappings=mappings)["id"],
    }


def make_dataflow(name: str = "products", *, run_id: str = "", **changes: Any) -> dict[str, Any]:
    """Create a dataflow of PayPal's products, five of which are bad rows; return the operator's output."""
    return run(CreateDataflowOperator, name=name, run_id=run_id, **make_ends(name, run_id=run_id) | changes)
