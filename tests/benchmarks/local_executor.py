"""
Measure a dataflow in Airflow, in three shapes: a task for each step, one mapped task, one task for all dataflows.

    python -m tests.benchmarks.local_executor

Airflow runs with the LocalExecutor, its parts in processes of their own, and creates whole chains in an emulator that
answers at once; settle times are 0. The shapes take turns, and the fastest turn of each shape counts, to leave out
other load on the machine. Print wall seconds and requests of a dataflow, and how many times faster than the steps the
other shapes are; the exit status is 3 if a shape is not fast enough. It takes some minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path

from airflow_provider_payments.pytest_plugin import ExperiencePlatform
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.benchmarks.emulator import emulator_process
from tests.benchmarks.limits import Table
from tests.system.live_airflow import LiveAirflow

#: The number of dataflows in a turn of each shape: enough to show the cost of one more dataflow.
CHAINS = {"steps": 5, "mapped": 30, "one_task": 100}
TURNS = 3
#: How many times faster than the steps each shape must be.
LIMITS = {"mapped": 8, "one_task": 50}
TIMEOUT_SECONDS = 1800.0
PROJECT = "version: 1\nproject: benchmark\n"
FIELDS = "schema: {fields: {product.name: string, product.type: string, product.createTime: date-time}}\n"
DAGS = """
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_payments.operators.definitions import ApplyDataflowOperator, ApplyDataflowsOperator
from airflow_provider_payments.task_group import dataflow_task_group

for folder in sorted(Path(__file__).parent.glob("*_turn_*")):
    files = sorted(map(str, folder.glob("chain_*.yaml")))
    with DAG(dag_id=folder.name, schedule=None):
        if folder.name.startswith("steps"):
            for file in files:
                dataflow_task_group(file)
        elif folder.name.startswith("mapped"):
            ApplyDataflowOperator.partial(task_id="apply").expand(definition=files)
        else:
            ApplyDataflowsOperator(task_id="apply", definition=str(folder))
"""


@dataclass(frozen=True)
class Cost:
    """The cost of a dataflow."""

    seconds: float
    requests: float


def name_of(shape: str, turn: int) -> str:
    """Return the name of a turn's DAG, and of its folder."""
    return f"{shape}_turn_{turn}"


def write_dags(folder: Path, chains: Mapping[str, int]) -> None:
    """Write the DAGs and their definitions, which share only their base connection."""
    for (shape, count), turn in product(chains.items(), range(TURNS)):
        name = name_of(shape, turn)
        texts = {
            f"chain_{at:03}": (TEN_LINES + FIELDS).replace("PayPal catalog products", f"{name} {at}")
            for at in range(count)
        }
        write_files(folder / name, project=PROJECT, **texts)
    (folder / "shapes.py").write_text(DAGS)


def cost(airflow: LiveAirflow, platform: ExperiencePlatform, dag_id: str, count: int) -> Cost:
    """Run a DAG once; return the cost of each of its dataflows."""
    before = len(platform.requests())
    run = airflow.trigger(dag_id)
    query = "SELECT state, start_date, end_date FROM dag_run WHERE dag_id=? AND run_id=?"
    state, started, ended = airflow.wait_until(
        lambda: next((row for row in airflow.rows(query, dag_id, run) if row[0] in ("success", "failed")), None),
        TIMEOUT_SECONDS,
    )
    if state != "success":
        raise SystemExit(f"{dag_id}: {airflow.states(dag_id, run)}; logs in {airflow.home}")
    sent = [each for each in platform.requests()[before:] if not each["path"].startswith("/ims/")]
    created = [flow for flow in platform.objects("flows") if flow["name"].startswith(f"{dag_id} ")]
    assert len(created) == count
    seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
    return Cost(seconds / count, len(sent) / count)


def main() -> int:
    """Print the figures; return the exit status."""
    parser = argparse.ArgumentParser(description="Measure a dataflow in Airflow, in three shapes.")
    parser.add_argument("--short", action="store_true", help="use few dataflows, to test the benchmark itself")
    chains = dict.fromkeys(CHAINS, 2) if parser.parse_args().short else CHAINS
    with emulator_process() as (url, _, _), tempfile.TemporaryDirectory() as folder:
        platform = ExperiencePlatform(url)
        airflow = LiveAirflow(Path(folder), platform.connection(), [])
        write_dags(airflow.home / "dags", chains)
        costs: dict[str, list[Cost]] = {shape: [] for shape in chains}
        with airflow:
            for turn, (shape, count) in product(range(TURNS), chains.items()):
                costs[shape].append(cost(airflow, platform, name_of(shape, turn), count))
    fastest = {shape: min(each.seconds for each in turns) for shape, turns in costs.items()}
    for shape, turns in costs.items():
        seconds = ", ".join(f"{each.seconds:.3g}" for each in turns)
        requests = max(each.requests for each in turns)
        print(f"{shape:<10}{chains[shape]:>4} dataflows a turn: {seconds} s and {requests:.3g} requests each")
    table = Table()
    for shape, limit in LIMITS.items():
        times = fastest["steps"] / fastest[shape]
        table.row(f"{shape}: times faster than the steps", times, limit, "", at_least=True)
    return table.exit_status


if __name__ == "__main__":
    sys.exit(main())
