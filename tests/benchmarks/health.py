"""
Measure health checks of many dataflows: requests, seconds, and the size of the XCom.

    python -m tests.benchmarks.health

Print each figure with its limit; the exit status is 3 if a figure exceeds its limit. The emulator runs in a process of
its own and answers at once, so the seconds are those of the client.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from airflow_provider_payments.aep.health.judging import Health
from airflow_provider_payments.aep.health.reading import HealthOptions, check_health
from airflow_provider_payments.aep.health.report import health_json, health_table
from airflow_provider_payments.aep.readers import at
from tests.benchmarks.definitions import Bench
from tests.benchmarks.emulator import emulator_process
from tests.benchmarks.limits import Table

#: The numbers of existing dataflows, of checked ones, and of checked ones whose last run failed.
SEEDED, CHECKED, FAILED = 1000, 300, 30
RUNS = 5
DAY_SECONDS = 86400


def names_by_status(found: tuple[Health, ...]) -> tuple[list[str], list[str]]:
    """Return the names of dataflows whose last run has not failed, and of those whose last run has failed."""
    failed = {health.observation.name for health in found if "failed" in {problem.code for problem in health.problems}}
    return [health.observation.name for health in found if health.observation.name not in failed], sorted(failed)


def seeded(bench: Bench) -> tuple[list[str], list[str]]:
    body = {"sandbox": "dev", "dataflows": SEEDED, "runs_per_dataflow": RUNS, "enabled": True, "name_prefix": "orders"}
    bench.platform.control("POST", "seed", json=body)
    return names_by_status(check_health(bench.client, HealthOptions()))


def row(bench: Bench, name: str, limit: int, page_size: int = 1000, **options: Any) -> tuple[Health, ...]:
    """Check once; print the requests and seconds, and return the result."""
    found, requests, seconds = bench.measure(
        lambda: check_health(bench.client, HealthOptions(**options), page_size=page_size)
    )
    bench.table.row(f"{name}: requests", requests, limit, "")
    print(f"  it takes {seconds:.2f} s")
    return found


def main() -> int:
    """Print the figures; return the exit status."""
    table = Table()
    with emulator_process() as (url, _, _):
        bench = Bench(url, table)
        good, failed = seeded(bench)
        assert len(failed) >= FAILED
        mixed = [*good[: CHECKED - FAILED], *failed[:FAILED]]
        pages = 1 + CHECKED // 100  # pages of dataflows, and of runs by their ids
        found = row(bench, f"{CHECKED} dataflows, every last run succeeded", 10, patterns=good[:CHECKED])
        assert len(found) == CHECKED
        row(bench, "the same, pages of 100", SEEDED // 100 + CHECKED // 100, page_size=100, patterns=good[:CHECKED])
        row(bench, f"{CHECKED} dataflows, {FAILED} last runs failed", pages + FAILED, patterns=mixed)
        since = bench.client.now() - 3 * DAY_SECONDS
        row(bench, "the same, failures counted", pages + CHECKED, patterns=mixed, failures_since=since)
        bases = {
            at(flow, "inheritedAttributes", "sourceConnections")[0]["baseConnection"]["id"]
            for flow in bench.platform.objects("flows")
        }
        limit = pages + FAILED + len(bases)
        row(bench, f"the same, {len(bases)} connection tested", limit, patterns=mixed, test_connections=True)
        size = len(json.dumps(health_json(found) | {"text": health_table(found)}))
        table.row(f"XCom of {CHECKED} dataflows", size / 1024, 256, "KiB")
    return table.exit_status


if __name__ == "__main__":
    sys.exit(main())
