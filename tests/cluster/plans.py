"""The scenarios of the command, in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.cluster.chains import Cluster, run_chains, run_vendors
from tests.cluster.parts import WORKERS
from tests.cluster.report import Line
from tests.cluster.waits import wait_for_arrivals, wait_for_many
from tests.cluster.windows import DATAFLOWS, DEFINITIONS, begin_apply, catch_up, run_windows

__all__ = ["quick", "whole"]

SENSORS = 300
RUNS = 30
QUICK_RUNS = 10
#: The workers to kill, each with the share of tasks that must have ended before.
KILLS = {WORKERS[0]: 0.25, WORKERS[1]: 0.55}


def quick(cluster: Cluster) -> Iterator[Line]:
    """Run the short scenarios."""
    yield from _example(cluster)
    first = {WORKERS[0]: KILLS[WORKERS[0]]}
    yield _pairs(
        cluster, "Quick", f"{QUICK_RUNS} runs, pairs, faults, a worker killed", QUICK_RUNS, faults=True, kills=first
    )


def whole(cluster: Cluster, watched: str) -> Iterator[Line]:
    """
    Run all scenarios.

    :param watched: the id of the dataflow whose flow runs trigger the DAG of arrivals.
    """
    yield from _example(cluster)
    for title in ("three vendors from files", "three vendors again"):
        yield run_vendors(cluster, title)
    yield _pairs(cluster, "Calm", f"{RUNS} runs, pairs", RUNS)
    yield _pairs(cluster, "Faults", f"{RUNS} runs, pairs, faults", RUNS, faults=True)
    yield _pairs(cluster, "Kills", f"{RUNS} runs, pairs, faults, workers killed", RUNS, faults=True, kills=KILLS)
    fast, real, manual, waits = (cluster.platforms[name] for name in ("fast", "real", "manual", "waits"))
    applied = begin_apply(cluster, fast, "Ten", DEFINITIONS)
    yield run_chains(cluster, "the example beside an apply", manual, ["Beside"])
    yield applied()
    yield begin_apply(cluster, real, "Window", 2 * DATAFLOWS)()
    yield run_windows(cluster, real)
    yield catch_up(cluster, real)
    yield wait_for_arrivals(cluster, waits, watched)
    yield wait_for_many(cluster, waits, SENSORS)


def _example(cluster: Cluster) -> Iterator[Line]:
    for title in ("the example", "the example again"):
        yield run_chains(cluster, title, cluster.platforms["fast"], ["Example"])


def _pairs(cluster: Cluster, name: str, title: str, runs: int, **trouble: Any) -> Line:
    names = [f"{name} {number}" for number in range(1, runs // 2 + 1)]
    return run_chains(cluster, title, cluster.platforms["manual"], names, runs_per_name=2, **trouble)
