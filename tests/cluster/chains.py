"""DAG runs of the eight-step example, which create whole chains; several runs for each name at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airflow_provider_payments.pytest_plugin import ExperiencePlatform
from tests.cluster.census import count
from tests.cluster.examples import CHAIN, VENDORS
from tests.cluster.parts import ClusterAirflow
from tests.cluster.report import Line
from tests.cluster.servers import Servers
from tests.cluster.usage import Usage

__all__ = ["TIMEOUT_SECONDS", "Cluster", "run_chains", "run_vendors"]

#: The dataflows of the example of three vendors.
VENDORS_NAMES = ("PayPal catalog", "Square payments", "Stripe charges")
TASKS = 9
END_STATES = ("success", "failed")
TIMEOUT_SECONDS = 900.0
#: More than the delay between a dataflow's creation and its first run, less than that delay plus the interval.
UNTIL_THE_FIRST_RUN_SECONDS = 900
#: Faults of all requests except those for tokens.
FAULTS = (
    {"action": "status", "status": 503, "probability": 0.05},
    {"action": "apply_then_drop", "probability": 0.02},
)


@dataclass(frozen=True)
class Cluster:
    """The parts of the cluster that scenarios use."""

    airflow: ClusterAirflow
    servers: Servers
    platforms: Mapping[str, ExperiencePlatform]

    def end_states(self, dag_id: str, runs: Sequence[str]) -> list[str]:
        """Wait until DAG runs have ended; return their states."""
        query = "SELECT state FROM dag_run WHERE dag_id=? AND run_id = ANY(?)"

        def states() -> list[str]:
            found = [state for (state,) in self.airflow.rows(query, dag_id, list(runs))]
            return found if all(state in END_STATES for state in found) else []

        return self.airflow.wait_until(states, TIMEOUT_SECONDS)

    def seconds(self, dag_id: str, runs: Sequence[str]) -> float:
        """Return the seconds from the first trigger of DAG runs to the last end."""
        query = "SELECT max(end_date) - min(queued_at) FROM dag_run WHERE dag_id=? AND run_id = ANY(?)"
        ((duration,),) = self.airflow.rows(query, dag_id, list(runs))
        return float(duration.total_seconds())


def run_chains(
    cluster: Cluster,
    title: str,
    platform: ExperiencePlatform,
    names: Sequence[str],
    *,
    runs_per_name: int = 1,
    faults: bool = False,
    kills: Mapping[str, float] | None = None,
) -> Line:
    """
    Run the example for each name, all runs at once.

    :param faults: whether some requests meanwhile fail, see :data:`FAULTS`.
    :param kills: the workers to kill, each with the share of tasks that must have ended before.
    """
    airflow = cluster.airflow
    platform.control("DELETE", "requests")
    for fault in FAULTS if faults else ():
        platform.fail(path="/data/*", times=None, **fault)  # type: ignore[arg-type]
    before = Usage.read(airflow)
    conf = [{"aep_conn_id": platform.conn_id, "name": name} for name in names for _ in range(runs_per_name)]
    runs = [airflow.trigger(CHAIN, each) for each in conf]
    for worker, share in (kills or {}).items():
        _wait_for_tasks(airflow, runs, int(share * TASKS * len(runs)))
        airflow.restart(worker)
    if platform is cluster.platforms["manual"]:
        # No dataflow runs before its start time, and by then all tasks have searched for duplicates.
        _wait_for_tasks(airflow, runs, len(runs), "create_dataflow")
        platform.advance(UNTIL_THE_FIRST_RUN_SECONDS)
    states = cluster.end_states(CHAIN, runs)
    platform.control("DELETE", "faults")
    notes = [Usage.read(airflow).since(before, len(runs))]
    green, seconds = states.count("success"), cluster.seconds(CHAIN, runs)
    return Line(title, len(runs), green, count(platform, names), seconds, notes=notes)


def run_vendors(cluster: Cluster, title: str) -> Line:
    """Run the example of three vendors, which creates base connections with secrets of Airflow connections."""
    platform = cluster.platforms["fast"]
    platform.control("DELETE", "requests")
    runs = [cluster.airflow.trigger(VENDORS)]
    green = cluster.end_states(VENDORS, runs).count("success")
    return Line(title, 1, green, count(platform, VENDORS_NAMES), cluster.seconds(VENDORS, runs))


def _wait_for_tasks(airflow: ClusterAirflow, runs: Sequence[str], number: int, task_id: str = "%") -> None:
    """Wait until a number of tasks has ended."""
    query = "SELECT count(*) FROM task_instance WHERE run_id = ANY(?) AND task_id LIKE ? AND state = ANY(?)"
    values = (list(runs), task_id, [*END_STATES, "upstream_failed"])
    airflow.wait_until(lambda: airflow.rows(query, *values)[0][0] >= number, TIMEOUT_SECONDS)
