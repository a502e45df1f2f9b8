"""
Measure the import of a provider's operators, sensors and triggers in a DAG file, compared with released rivals.

    python -m tests.benchmarks.import_cost [--runs 15]

Each figure is measured in new processes that have imported Airflow's own base classes before the clock starts:
milliseconds of processor time (minimum and median of the runs), and the number of imported modules. A rival that is not
installed is left out (the extra ``bench`` installs all). The exit status is 3 if this provider costs more than the
cheapest rival. The medians are compared, because the minimum of a few runs is random.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

from tests.benchmarks.limits import Table

OURS = "payments (this one)"
PROVIDERS = {
    OURS: [
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
modules, started = len(sys.modules), time.process_time()
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps([(time.process_time() - started) * 1000, len(sys.modules) - modules]))
"""


def measure(modules: list[str]) -> tuple[float, int] | None:
    """Return the milliseconds and the number of imported modules; ``None`` if the provider is not installed."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        # Let Python write byte code for the checkout, because pip has compiled the rivals when it installed them.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", CHILD, json.dumps(modules)],
            check=False,
            env=environment,
            capture_output=True,
            text=True,
        )
    if done.returncode != 0:
        if "No module named" in done.stderr:
            return None
        raise SystemExit(done.stderr)
    milliseconds, loaded = json.loads(done.stdout.splitlines()[-1])
    return milliseconds, loaded


def main() -> int:
    """Print the figures and the table; return the exit status."""
    parser = argparse.ArgumentParser(description="Import cost of Airflow providers.")
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    # The first run is left out: it compiles and writes byte code.
    installed = {name: modules for name, modules in PROVIDERS.items() if measure(modules)}
    figures: dict[str, list[tuple[float, int]]] = {name: [] for name in installed}
    for _ in range(runs):
        # The providers take turns, so that other load on the machine affects all alike.
        for name, modules in installed.items():
            figures[name] += filter(None, [measure(modules)])
    print(f"{'provider':<22}{'min. ms':>10}{'median ms':>11}{'modules':>9}   ({runs} runs each)")
    medians = {name: statistics.median(cost for cost, _ in costs) for name, costs in figures.items()}
    for name in PROVIDERS:
        if name in installed:
            minimum = min(cost for cost, _ in figures[name])
            print(f"{name:<22}{minimum:>10.1f}{medians[name]:>11.1f}{figures[name][-1][1]:>9}")
        else:
            print(f"{name:<22}{'not installed':>30}")
    ours = medians.pop(OURS)
    if not medians:
        print("no rival is installed, so there is no comparison")
        return 0
    print()
    table = Table()
    table.row("import, compared with the cheapest rival", ours, round(min(medians.values()), 1), "ms")
    return table.exit_status


if __name__ == "__main__":
    sys.exit(main())
