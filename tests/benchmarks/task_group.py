"""
Measure what a task group from a definition adds to the parsing of a DAG file, compared with operators written by hand.

    python -m tests.benchmarks.task_group [--groups 100] [--rounds 5]

A DAG with groups from definition files, in one project, and a DAG with the same tasks written by hand are built in
turns in one process that has imported all modules. The figure is the difference in processor time for each group, in
milliseconds, the median of the rounds. Another figure is the cost of the first group of a process. The exit status is 3
if a figure exceeds its limit.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Airflow reads its home when it is first imported.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="payments-benchmark-"))

from airflow.providers.common.compat.sdk import DAG, TaskGroup

from airflow_provider_payments.operators.connections import (
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
    FindBaseConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from airflow_provider_payments.task_group import dataflow_task_group
from tests.benchmarks.limits import Table

MAX_ADDED_MS = 0.5
MAX_FIRST_MS = 150
PROJECT = """\
version: 1
project: finance
defaults: {tolerance: 5%}
environments:
  dev: {variables: {pace: 30 minutes}}
  prod: {aep_conn_id: aep_prod, variables: {pace: 1 hour}}
"""
DEFINITION = """\
version: 1
name: Products NUMBER
source: {vendor: paypal, connection: PayPal connection, table: PayPal.Catalog_Products}
schema:
  fields:
    product.name: string
    product.type: string
    product.createTime: date-time
mappings:
  _id: Product_Id
  product.name: Product_Name
  product.type: Type
  product.createTime: Create_Time
delta_column: Create_Time
schedule: every ${var.pace}
"""
CHILD = """
import sys, time
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_payments.task_group import dataflow_task_group
with DAG(dag_id="group", schedule=None):
    started = time.process_time()
    dataflow_task_group(sys.argv[1], environment="prod")
    print((time.process_time() - started) * 1000)
"""


def by_hand(number: int) -> None:
    """Create the tasks of a definition as a user would write them by hand."""
    name = f"Products {number}"
    common: dict[str, Any] = {"aep_conn_id": "aep_prod", "chain": "finance", "if_exists": "update"}
    with TaskGroup(group_id=f"products_{number}"):
        base = FindBaseConnectionOperator(
            task_id="find_base_connection", name="PayPal connection", source="paypal", aep_conn_id="aep_prod"
        )
        source: Any = CreateSourceConnectionOperator(
            task_id="create_source_connection",
            name=f"{name} - source",
            source="paypal",
            base_connection_id=base.output["id"],  # type: ignore[index]
            table="PayPal.Catalog_Products",
            **common,
        )
        schema: Any = CreateTargetSchemaOperator(
            task_id="create_target_schema",
            name=name,
            fields={"product.name": "string", "product.type": "string", "product.createTime": "date-time"},
            **common,
        )
        dataset: Any = CreateTargetDatasetOperator(
            task_id="create_target_dataset", name=name, schema_id=schema.output["id"], **common
        )
        target: Any = CreateTargetConnectionOperator(
            task_id="create_target_connection",
            name=f"{name} - target",
            dataset_id=dataset.output["id"],
            schema_id=schema.output["id"],
            **common,
        )
        mapping_set: Any = CreateMappingSetOperator(
            task_id="create_mapping_set",
            name=f"{name} - mapping",
            schema_id=schema.output["id"],
            tenant_id=schema.output["tenant_id"],
            mappings={
                "_id": "Product_Id",
                "_{TENANT_ID}.product.name": "Product_Name",
                "_{TENANT_ID}.product.type": "Type",
                "_{TENANT_ID}.product.createTime": "Create_Time",
            },
            source_columns=source.output["columns"],
            **common,
        )
        spec: Any = FindFlowSpecOperator(task_id="find_flow_spec", source="paypal", aep_conn_id="aep_prod")
        CreateDataflowOperator(
            task_id="create_dataflow",
            name=name,
            source_connection_id=source.output["id"],
            target_connection_id=target.output["id"],
            flow_spec=spec.output,
            mapping_set_id=mapping_set.output["id"],
            mapping_set_version=mapping_set.output["version"],
            delta_column="Create_Time",
            source_columns=source.output["columns"],
            frequency="hour",
            interval=1,
            partial_ingestion_percent=5,
            **common,
        )


def milliseconds(build: Callable[[int], object], groups: int) -> float:
    """Build a DAG of groups; return the processor time of each."""
    gc.collect()
    with DAG(dag_id="groups", schedule=None):
        started = time.process_time()
        for number in range(groups):
            build(number)
        return (time.process_time() - started) * 1000 / groups


def first(file: Path) -> float:
    """Return the processor milliseconds of the first group of a new process."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD, str(file)], check=True, capture_output=True, text=True
    )
    return float(done.stdout.splitlines()[-1])


def main() -> int:
    """Print the figures; return the exit status."""
    parser = argparse.ArgumentParser(description="What a task group adds to parsing.")
    parser.add_argument("--groups", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    added, file_times, hand_times = [], [], []
    with tempfile.TemporaryDirectory() as place:
        # The search for the project file ends at the root of a repository.
        (Path(place) / ".git").mkdir()
        for turn in range(options.rounds + 1):
            folder = Path(place) / str(turn)
            folder.mkdir()
            (folder / "project.yaml").write_text(PROJECT)
            for number in range(options.groups):
                (folder / f"products_{number}.yaml").write_text(DEFINITION.replace("NUMBER", str(number)))
            group = milliseconds(
                lambda number, folder=folder: dataflow_task_group(  # type: ignore[misc]
                    folder / f"products_{number}.yaml", environment="prod"
                ),
                options.groups,
            )
            hand = milliseconds(by_hand, options.groups)
            if turn:  # the first round is left out: it imports modules
                added.append(group - hand)
                file_times.append(group)
                hand_times.append(hand)
        once = statistics.median(first(folder / "products_0.yaml") for _ in range(3))
    print(
        f"{options.groups} groups of 8 tasks, each group: {statistics.median(file_times):.2f} ms from files, ", end=""
    )
    print(f"{statistics.median(hand_times):.2f} ms by hand")
    table = Table()
    table.row("additional time of a group from a file", statistics.median(added), MAX_ADDED_MS, "ms")
    table.row("the first group of a process, imports included", once, MAX_FIRST_MS, "ms")
    return table.exit_status


if __name__ == "__main__":
    sys.exit(main())
