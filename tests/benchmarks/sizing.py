"""
Measure requests, processor time and memory of 10, 100 and 1,000 dataflows in one task, also under a rate limit.

    python -m tests.benchmarks.sizing

New chains of seven objects are applied, planned again without changes, and checked for their health. Each number of
dataflows has its own process and its own emulator, whose clock the waits advance. The figures have no limits.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_payments.aep.health.reading import HealthOptions, check_health
from tests.benchmarks.applying import VirtualTime, write
from tests.benchmarks.emulator import emulator_process

NUMBERS = (10, 100, 1000)
#: The maximum number of dataflows applied under each limit in requests a minute; for more, the time is computed.
LIMITS = {60: 100, 600: 100}
KIB_PER_MIB = 1024


@dataclass(frozen=True)
class Cost:
    """
    The cost of some work.

    :param waited: seconds of the emulator's clock.
    :param processor: processor seconds.
    """

    requests: int
    waited: float
    processor: float


def cost(run: VirtualTime, work: Callable[[], object]) -> Cost:
    """Call a function; return its cost."""
    waited, processor = run.seconds, time.process_time()
    requests = len(run.methods_of(work))
    return Cost(requests, run.seconds - waited, time.process_time() - processor)


def measure(number: int, limit: int | None) -> None:
    """Print the cost of a number of dataflows."""
    with emulator_process() as (url, _, _), tempfile.TemporaryDirectory() as folder:
        run, files = VirtualTime(url), write(Path(folder), number)
        before = _memory()
        if limit:
            run.platform.control("PUT", "rate-limit", json={"requests_a_minute": limit, "burst": 10})
        costs = {"apply": cost(run, lambda: run.apply(files))}
        if not limit:
            costs["plan, nothing to do"] = cost(run, lambda: run.plan(files))
            costs["health"] = cost(run, lambda: check_health(run.client, HealthOptions()))
        for name, each in costs.items():
            print(
                f"{number:>6} dataflows, {name:<20}{limit or 'no':>5} a minute:{each.requests:>7} requests,"
                f"{each.waited:>7.0f} s waited,{each.processor:>7.2f} s of processor",
                flush=True,
            )
        print(f"{'':>6} memory beyond what was loaded: {_memory() - before:.0f} MiB", flush=True)


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB


def main() -> int:
    """Print the figures; return the exit status."""
    cases: list[tuple[int, int | None]] = [(number, None) for number in NUMBERS]
    cases += [(number, limit) for limit, most in LIMITS.items() for number in NUMBERS if number <= most]
    context = multiprocessing.get_context("spawn")
    failed = 0
    for case in cases:
        process = context.Process(target=measure, args=case)
        process.start()
        process.join()
        failed += process.exitcode != 0
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
