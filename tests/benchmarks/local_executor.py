"""
What a dataflow costs in Airflow, in three shapes: a task for each step, one mapped task, one task for all.

    python -m tests.benchmarks.local_executor

Airflow runs with the LocalExecutor, its parts in processes of their own, and creates whole chains in an emulator that
answers at once; settle times are 0. Prints wall seconds and requests a dataflow, and how many times less than the steps
the other shapes take; the exit status is 1 where that is less than its limit. It takes some minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from airflow_provider_payments.pytest_plugin import ExperiencePlatform
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.benchmarks.emulator import Table, emulator_process
from tests.system.live_airflow import LiveAirflow

#: Shape -> how many dataflows: as many as show what one more of them costs.
CHAINS = {"steps": 10, "mapped": 40, "one_task": 100}
#: Shape -> how many times less than the steps a dataflow takes, at least.
LIMITS = {"mapped": 8, "one_task": 50}
PATIENCE_SECONDS = 1800.0
PROJECT = "version: 1\nproject: benchmark\n"
FIELDS = "schema: {fields: {product.name: string, product.type: string, product.createTime: date-time}}\n"
DAGS = """
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.operators.definitions import ApplyDataflowOperator, ApplyDataflowsOperator
from airflow_provider_payments.task_group import dataflow_task_group


def files(shape):
    return sorted(map(str, (Path(__file__).parent / shape).glob("chain_*.yaml")))


with DAG(dag_id="steps", schedule=None):
    for file in files("steps"):
        dataflow_task_group(file)
with DAG(dag_id="mapped", schedule=None):
    ApplyDataflowOperator.partial(task_id="apply").expand(definition=files("mapped"))
with DAG(dag_id="one_task", schedule=None):
    ApplyDataflowsOperator(task_id="apply", definition="one_task")
"""


@dataclass(frozen=True)
class Cost:
    """What a dataflow cost."""

    seconds: float
    requests: float


def write_dags(folder: Path, chains: Mapping[str, int]) -> None:
    """Write the DAGs and their definitions, which share nothing but their base connection."""
    for shape, count in chains.items():
        texts = {
            f"chain_{at:03}": (TEN_LINES + FIELDS).replace("PayPal catalog products", f"{shape} {at}")
            for at in range(count)
        }
        write_files(folder / shape, project=PROJECT, **texts)
    (folder / "shapes.py").write_text(DAGS)


def cost(airflow: LiveAirflow, platform: ExperiencePlatform, shape: str, count: int) -> Cost:
    """Run a shape's DAG once; return what each of its dataflows cost."""
    before = len(platform.requests())
    run = airflow.trigger(shape)
    query = "SELECT state, start_date, end_date FROM dag_run WHERE dag_id=? AND run_id=?"
    state, began, ended = airflow.wait_until(
        lambda: next((row for row in airflow.rows(query, shape, run) if row[0] in ("success", "failed")), None),
        PATIENCE_SECONDS,
    )
    if state != "success":
        raise SystemExit(f"{shape}: {airflow.states(shape, run)}; logs in {airflow.home}")
    asked = [each for each in platform.requests()[before:] if not each["path"].startswith("/ims/")]
    made = [flow for flow in platform.objects("flows") if flow["name"].startswith(f"{shape} ")]
    assert len(made) == count
    seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()
    return Cost(seconds / count, len(asked) / count)


def main() -> int:
    """Print the figures; return the exit status."""
    parser = argparse.ArgumentParser(description="What a dataflow costs in Airflow, in three shapes.")
    parser.add_argument("--tenth", action="store_true", help="a tenth of the dataflows, to see whether it runs")
    part = 10 if parser.parse_args().tenth else 1
    chains = {shape: max(count // part, 1) for shape, count in CHAINS.items()}
    with emulator_process() as (url, _, _), tempfile.TemporaryDirectory() as folder:
        platform = ExperiencePlatform(url)
        airflow = LiveAirflow(Path(folder), platform.connection(), [])
        write_dags(airflow.home / "dags", chains)
        with airflow:
            costs = {shape: cost(airflow, platform, shape, count) for shape, count in chains.items()}
    for shape, each in costs.items():
        print(f"{shape:<10}{chains[shape]:>4} dataflows: {each.seconds:.3g} s and {each.requests:.3g} requests each")
    table = Table()
    for shape, limit in LIMITS.items():
        times = costs["steps"].seconds / costs[shape].seconds
        table.row(f"{shape}: times less than the steps, wall seconds a dataflow", times, limit, "", at_least=True)
    return int(table.missed > 0)


if __name__ == "__main__":
    sys.exit(main())
