"""DAG runs of the eight-step example that create whole chains, several for each name at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_payments.pytest_plugin import ExperiencePlatform
from tests.cluster.census import count
from tests.cluster.parts import ClusterAirflow
from tests.cluster.report import Line
from tests.cluster.servers import Servers
from tests.system.airflow_process import REPOSITORY

__all__ = ["Cluster", "run_chains", "write_example"]

DAG_ID = "payments_dataflow"
TASKS = 9
ENDS = ("success", "failed")
PATIENCE_SECONDS = 900.0
#: What is written into the example, so that tries follow each other quickly.
HASTE = {"retry_delay\": timedelta(minutes=1)": "retry_delay\": timedelta(seconds=5)", "poke_interval=10": "poke_interval=2"}
#: Of all requests but those for tokens.
FAULTS = (
    {"action": "status", "status": 503, "probability": 0.05},
    {"action": "apply_then_drop", "probability": 0.02},
)


@dataclass(frozen=True)
class Cluster:
    """All that scenarios use."""

    airflow: ClusterAirflow
    servers: Servers
    platforms: Mapping[str, ExperiencePlatform]


def write_example(folder: Path) -> Path:
    """Write the example DAG, in haste, into a folder; return the file."""
    text = (REPOSITORY / "dags" / f"{DAG_ID}.py").read_text()
    for before, after in HASTE.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    file = folder / f"{DAG_ID}.py"
    file.write_text(text)
    return file


def run_chains(
    cluster: Cluster,
    title: str,
    time_mode: str,
    names: Sequence[str],
    *,
    runs_per_name: int = 1,
    faults: bool = False,
    kills: Mapping[str, float] | None = None,
) -> Line:
    """
    Run the example for each name, all runs at once.

    :param faults: whether requests fail meanwhile.
    :param kills: worker -> the share of tasks that have succeeded by the moment in which it is killed.
    """
    airflow, platform = cluster.airflow, cluster.platforms[time_mode]
    platform.control("DELETE", "requests")
    for fault in FAULTS if faults else ():
        platform.fail(path="/data/*", times=None, **fault)  # type: ignore[arg-type]
    began = time.monotonic()
    conf = [{"aep_conn_id": platform.conn_id, "name": name} for name in names for _ in range(runs_per_name)]
    runs = [airflow.trigger(DAG_ID, each) for each in conf]
    for worker, share in (kills or {}).items():
        least = int(share * TASKS * len(runs))
        airflow.wait_until(lambda: _tasks_done(airflow, runs) >= least, PATIENCE_SECONDS)  # noqa: B023 - asked at once
        airflow.restart(worker)
    states = airflow.wait_until(lambda: _ended(airflow, runs), PATIENCE_SECONDS)
    seconds = time.monotonic() - began
    platform.control("DELETE", "faults")
    return Line(title, len(runs), states.count("success"), count(platform, names), seconds)


def _tasks_done(airflow: ClusterAirflow, runs: Sequence[str]) -> int:
    query = "SELECT count(*) FROM task_instance WHERE dag_id=? AND run_id = ANY(?) AND state='success'"
    return int(airflow.rows(query, DAG_ID, list(runs))[0][0])


def _ended(airflow: ClusterAirflow, runs: Sequence[str]) -> list[str]:
    """Return how the runs have ended, if all have."""
    query = "SELECT state FROM dag_run WHERE dag_id=? AND run_id = ANY(?)"
    states = [state for (state,) in airflow.rows(query, DAG_ID, list(runs))]
    return states if all(state in ENDS for state in states) else []
