"""
What a DAG file pays for importing a provider's operators, sensors and triggers, side by side with released rivals.

    python -m tests.benchmarks.import_cost [--runs 15]

Each figure is taken in new processes that have loaded Airflow's own base classes before the clock starts: milliseconds
of processor time (the least and the median of the runs), and the number of modules that came with it. A rival that is
not installed is left out (the extra ``bench`` installs all).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

PROVIDERS = {
    "payments (this one)": [
        "airflow_provider_payments.operators.connections",
        "airflow_provider_payments.operators.schemas",
        "airflow_provider_payments.operators.datasets",
        "airflow_provider_payments.operators.mappings",
        "airflow_provider_payments.operators.dataflows",
        "airflow_provider_payments.operators.flow_runs",
        "airflow_provider_payments.sensors.flow_run",
        "airflow_provider_payments.triggers.flow_run",
        "airflow_provider_payments.triggers.flow_run_event",
    ],
    "Airbyte": [
        f"airflow.providers.airbyte.{module}" for module in ("operators.airbyte", "sensors.airbyte", "triggers.airbyte")
    ],
    "dbt Cloud": [f"airflow.providers.dbt.cloud.{module}.dbt" for module in ("operators", "sensors", "triggers")],
    "Databricks": [
        "airflow.providers.databricks.operators.databricks",
        "airflow.providers.databricks.sensors.databricks",
        "airflow.providers.databricks.triggers.databricks",
    ],
    "Fivetran": [f"fivetran_provider_async.{module}" for module in ("operators", "sensors", "triggers")],
}

CHILD = """
import importlib, json, sys, time
from airflow.providers.common.compat.sdk import (
    AirflowException, AirflowFailException, BaseHook, BaseOperator, BaseOperatorLink, BaseSensorOperator, XCom, conf,
)
from airflow.triggers.base import BaseTrigger, TriggerEvent
modules, began = len(sys.modules), time.process_time()
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps([(time.process_time() - began) * 1000, len(sys.modules) - modules]))
"""


def measure(modules: list[str], runs: int) -> tuple[float, float, int] | None:
    """Return the least and median milliseconds and the modules loaded; ``None`` where the provider is not installed."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        figures = []
        for _ in range(runs + 1):
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", CHILD, json.dumps(modules)],
                env=environment,
                capture_output=True,
                text=True,
            )
            if done.returncode != 0:
                if "No module named" in done.stderr:
                    return None
                raise SystemExit(done.stderr)
            figures.append(json.loads(done.stdout.splitlines()[-1]))
    # The first run compiles and writes byte code; no DAG processor pays that twice.
    times = [milliseconds for milliseconds, _ in figures[1:]]
    return min(times), statistics.median(times), figures[-1][1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Import cost of Airflow providers.")
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    print(f"{'provider':<22}{'least ms':>10}{'median ms':>11}{'modules':>9}   ({runs} runs each)")
    for name, modules in PROVIDERS.items():
        figures = measure(modules, runs)
        if figures is None:
            print(f"{name:<22}{'not installed':>30}")
        else:
            print(f"{name:<22}{figures[0]:>10.1f}{figures[1]:>11.1f}{figures[2]:>9}")


if __name__ == "__main__":
    main()
