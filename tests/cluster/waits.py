"""Hundreds of deferred sensors, and a DAG that runs when payments arrive, while triggerers are killed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

from airflow_provider_payments.pytest_plugin import ExperiencePlatform
from tests.cluster.census import TOKENS, Census
from tests.cluster.chains import TIMEOUT_SECONDS, Cluster
from tests.cluster.examples import ARRIVALS
from tests.cluster.parts import TRIGGERERS
from tests.cluster.report import Line
from tests.cluster.usage import memory

__all__ = ["seed", "wait_for_arrivals", "wait_for_many"]

SENSORS_DAG = "many_sensors"
DAY_SECONDS = 86400.0
#: Longer than a flow run, which takes one and a half seconds.
AFTER_THE_START_SECONDS = 60.0
#: Each step starts five of 300 dataflows, which start within an hour; the request lasts until their rows are ingested.
STEP_SECONDS = 60.0


def seed(platform: ExperiencePlatform, name: str, number: int) -> list[str]:
    """Create dataflows that run once a day; return their ids in the order of their runs."""
    body = {"sandbox": platform.sandbox, "dataflows": number, "enabled": True, "name_prefix": name}
    platform.control("POST", "seed", json=body)
    flows = [flow for flow in platform.objects("flows") if flow["name"].startswith(f"{name} ")]
    return [flow["id"] for flow in sorted(flows, key=_start)]


def wait_for_many(cluster: Cluster, platform: ExperiencePlatform, sensors: int) -> Line:
    """
    Let sensors wait in one triggerer; kill it, and let all flow runs end before another triggerer resumes the waits.

    The result of each sensor is compared with the run of its dataflow.
    """
    airflow = cluster.airflow
    flows = seed(platform, "Waits", sensors)
    platform.control("DELETE", "requests")
    first, second = TRIGGERERS
    airflow.kill(second)
    run = airflow.trigger(SENSORS_DAG, {"flow_ids": flows, "aep_conn_id": platform.conn_id})
    airflow.wait_until_heard(SENSORS_DAG, run, "wait", sensors, TIMEOUT_SECONDS)
    notes = [f"with {sensors} waits in one triggerer: {memory(airflow)}"]
    airflow.kill(first)
    _advance_past(platform, flows)
    airflow.revive(second)
    cluster.end_states(SENSORS_DAG, [run])
    airflow.revive(first)
    returned = airflow.xcoms(SENSORS_DAG, run)
    runs = _runs(platform, flows)
    wrong = [at for at, flow in enumerate(flows) if not _agrees(returned.get(f"wait[{at}]"), runs[flow])]
    states = airflow.states(SENSORS_DAG, run)
    green = sum(states.get(f"wait[{at}]") == "success" for at in range(sensors))
    further = [f"{len(wrong)} sensors returned another run"] * bool(wrong)
    title = f"{sensors} deferred sensors, a triggerer killed"
    return Line(
        title, sensors, green, _census(platform, runs.values()), cluster.seconds(SENSORS_DAG, [run]), further, notes
    )


def wait_for_arrivals(cluster: Cluster, platform: ExperiencePlatform, flow_id: str) -> Line:
    """Let each flow run that ends trigger a DAG run; two flow runs end while no triggerer runs."""
    airflow = cluster.airflow
    platform.control("DELETE", "requests")
    started = time.monotonic()
    # Runs that end before the first poll of the watcher trigger no DAG run.
    airflow.wait_until(lambda: airflow.rows("SELECT key FROM asset_state_store"), TIMEOUT_SECONDS)
    _advance_past(platform, [flow_id])
    airflow.wait_until(lambda: len(_reported(cluster)) == 1, TIMEOUT_SECONDS)
    for name in TRIGGERERS:
        airflow.kill(name)
    for _ in range(2):
        platform.advance(DAY_SECONDS)
    for name in TRIGGERERS:
        airflow.revive(name)
    ended = _runs(platform, [flow_id])[flow_id]
    airflow.wait_until(lambda: len(_reported(cluster)) >= len(ended), TIMEOUT_SECONDS)
    green = sum(any(run["id"] in line for line in _reported(cluster)) for run in ended)
    title = "arrivals, flow runs while triggerers restart"
    return Line(title, len(ended), green, _census(platform, [ended]), time.monotonic() - started)


def _advance_past(platform: ExperiencePlatform, flows: Iterable[str]) -> None:
    """Advance the clock to a time after the first runs of dataflows, a few runs at a time."""
    ids = set(flows)
    starts = [_start(flow) for flow in platform.objects("flows") if flow["id"] in ids]
    now, end = platform.advance(max(0, min(starts) - platform.advance(0))), max(starts) + AFTER_THE_START_SECONDS
    while now < end:
        now = platform.advance(min(STEP_SECONDS, end - now))


def _start(flow: dict[str, Any]) -> float:
    return float(flow["scheduleParams"]["startTime"])


def _runs(platform: ExperiencePlatform, flows: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the runs of each dataflow, oldest first."""
    found: dict[str, list[dict[str, Any]]] = {flow: [] for flow in flows}
    for run in platform.objects("runs"):
        if run["flowId"] in found:
            found[run["flowId"]].append(run)
    return found


def _agrees(returned: Any, runs: list[dict[str, Any]]) -> bool:
    """Return whether a sensor returned the only run of its dataflow, with the counts of the run."""
    if not returned or len(runs) != 1:
        return False
    records = runs[0]["metrics"]["recordSummary"]
    counts = {f"{name}_records": records[f"{name}RecordCount"] for name in ("input", "output", "failed")}
    return bool(returned.items() >= ({"run_id": runs[0]["id"]} | counts).items())


def _census(platform: ExperiencePlatform, runs: Iterable[list[dict[str, Any]]]) -> Census:
    requests = platform.requests()
    tokens = sum(request["path"].startswith(TOKENS) for request in requests)
    return Census((), flow_runs=sum(map(len, runs)), requests=len(requests), tokens=tokens)


def _reported(cluster: Cluster) -> set[str]:
    """Return the lines that the DAG of arrivals has printed."""
    returned = cluster.airflow.rows(
        "SELECT value FROM xcom WHERE dag_id=? AND task_id='report' AND key='return_value'", ARRIVALS
    )
    return {line for (value,) in returned for line in json.loads(value)}
