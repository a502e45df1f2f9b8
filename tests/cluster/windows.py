"""Flow runs on demand: of data windows while workers and triggerers are killed, and by catch-up and backfill."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from airflow_provider_payments.pytest_plugin import ExperiencePlatform
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.cluster.census import count
from tests.cluster.chains import TIMEOUT_SECONDS, Cluster
from tests.cluster.examples import DAYS, MIDNIGHT, WINDOWS
from tests.cluster.parts import TRIGGERERS, WORKER_SLOTS, WORKERS
from tests.cluster.report import Line
from tests.cluster.usage import memory

__all__ = ["begin_apply", "catch_up", "run_windows", "write_definitions"]

DEFINITIONS = 10
#: The number of dataflows that run on workers at once, and of those in deferred tasks; each worker keeps a free slot.
DATAFLOWS = 2 * (WORKER_SLOTS - 1)
WINDOWS_NAME = "PayPal catalog products by day"
ON_DEMAND = 'schedule: {start: "2199-12-31T00:00:00Z"}\n'


def write_definitions(folder: Path) -> None:
    """Write the definitions of both projects into folders next to the DAGs."""
    on_demand = TEN_LINES.replace("delta_column: Create_Time\nschedule: every 30 minutes\n", ON_DEMAND)
    fields = "schema: {fields: {product.name: string, product.type: string, product.createTime: date-time}}\n"
    for name, text, number in (("Ten", TEN_LINES, DEFINITIONS), ("Window", on_demand, 2 * DATAFLOWS)):
        texts = {
            f"chain_{at}": (text + fields).replace("PayPal catalog products", f"{name} {at}")
            for at in range(1, number + 1)
        }
        write_files(folder / name, project=f"version: 1\nproject: {name}\n", **texts)


def begin_apply(cluster: Cluster, platform: ExperiencePlatform, folder: str, number: int) -> Callable[[], Line]:
    """Start a task that applies a folder of definitions; return a function that waits for the task's end."""
    dag_id = "apply_definitions"
    platform.control("DELETE", "requests")
    run = cluster.airflow.trigger(dag_id, {"folder": folder, "aep_conn_id": platform.conn_id})

    def end() -> Line:
        green = number if cluster.end_states(dag_id, [run]) == ["success"] else 0
        census = count(platform, [f"{folder} {at}" for at in range(1, number + 1)])
        return Line(f"{number} definitions, one task", number, green, census, cluster.seconds(dag_id, [run]))

    return end


def run_windows(cluster: Cluster, platform: ExperiencePlatform) -> Line:
    """Run dataflows on demand; kill each worker and each triggerer while all flow runs are active."""
    airflow, dag_id = cluster.airflow, "windows_in_both_modes"
    names = [f"Window {at}" for at in range(1, 2 * DATAFLOWS + 1)]
    flows = [flow["id"] for flow in platform.objects("flows") if flow["name"] in names]
    platform.control("DELETE", "requests")
    platform.order("stuck", times=None)
    conf = {"worker": flows[:DATAFLOWS], "deferred": flows[DATAFLOWS:], "aep_conn_id": platform.conn_id}
    run = airflow.trigger(dag_id, conf)
    airflow.wait_until(lambda: _runs(platform, flows) == len(flows), TIMEOUT_SECONDS)
    notes = [f"with {DATAFLOWS} tasks on workers: {memory(airflow)}"]
    for name in (*WORKERS, *TRIGGERERS):
        airflow.restart(name)
    platform.control("POST", "outcomes/release")
    platform.control("DELETE", "outcomes")
    cluster.end_states(dag_id, [run])
    states = Counter(
        name.partition("[")[0] for name, state in airflow.states(dag_id, run).items() if state == "success"
    )
    census = count(platform, names)
    further = [f"{census.flow_runs} flow runs for {len(flows)} windows"] * (census.flow_runs != len(flows))
    title = f"{len(flows)} windows, workers and triggerers killed"
    green = states["worker"] + states["deferred"]
    return Line(title, len(flows), green, census, cluster.seconds(dag_id, [run]), further, notes)


def catch_up(cluster: Cluster, platform: ExperiencePlatform) -> Line:
    """Let Airflow catch up on the last days, then backfill as many days before them."""
    airflow = cluster.airflow
    platform.control("DELETE", "requests")
    started = time.monotonic()
    airflow.api("PATCH", f"dags/{WINDOWS}", is_paused=False)
    airflow.wait_until(lambda: _days_done(cluster) >= DAYS, TIMEOUT_SECONDS)
    begin, end = (str(MIDNIGHT - timedelta(days=days)) for days in (2 * DAYS, DAYS + 1))
    airflow.api("POST", "backfills", dag_id=WINDOWS, from_date=begin, to_date=end, max_active_runs=1)
    airflow.wait_until(lambda: _days_done(cluster) >= 2 * DAYS, TIMEOUT_SECONDS)
    airflow.api("PATCH", f"dags/{WINDOWS}", is_paused=True)
    census = count(platform, [WINDOWS_NAME])
    further = [f"{census.flow_runs} flow runs for {2 * DAYS} days"] * (census.flow_runs != 2 * DAYS)
    title = f"{DAYS} days by catch-up, {DAYS} by backfill"
    return Line(title, 2 * DAYS, _green(cluster), census, time.monotonic() - started, further)


def _runs(platform: ExperiencePlatform, flows: Sequence[str]) -> int:
    return sum(run["flowId"] in flows for run in platform.objects("runs"))


def _days_done(cluster: Cluster) -> int:
    query = "SELECT count(*) FROM dag_run WHERE dag_id=? AND state IN ('success', 'failed')"
    return int(cluster.airflow.rows(query, WINDOWS)[0][0])


def _green(cluster: Cluster) -> int:
    query = "SELECT count(*) FROM dag_run WHERE dag_id=? AND state='success'"
    return int(cluster.airflow.rows(query, WINDOWS)[0][0])
