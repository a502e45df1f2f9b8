"""
Realistic waits: for runs that take five minutes to an hour, in a sandbox with many other runs.

The clocks of both processes run faster, so that two hours take two minutes.

    python -m tests.benchmarks.waiting_busy

is the process that waits: it reads the plan, a line of JSON, and prints the result, another line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.fast_time import VARIABLE, FastTime, use_fast_time
from tests.benchmarks.waiting_candidates import CANDIDATES, spread
from tests.benchmarks.waiting_turns import Plan, Turns

#: The seconds that pass in each real second.
FACTOR = 60.0
#: Seconds between two polls.
INTERVAL = 60.0
#: Seconds from a run's end until its wait counts as lost.
PATIENCE_SECONDS = 600.0
SHORTEST_SECONDS, LONGEST_SECONDS = 300.0, 3600.0
#: The number of runs of other dataflows that are created each hour.
OTHERS = 10_000
SEED = 20261130


@dataclass(frozen=True)
class Busy:
    """
    The cost of the waits.

    :param requests: the number of requests by kind.
    :param elapsed: seconds of the sandbox's clock.
    :param late: from the run's end to the event: median, 99th percentile and maximum, in seconds of the sandbox.
    :param right: the number of waits that ended correctly.
    :param lost: the number of waits that ended wrongly or not in time.
    :param problems: some of the wrong events and lost waits.
    :param cpu: processor seconds.
    """

    waits: int
    requests: Mapping[str, int]
    elapsed: float
    late: list[float]
    right: int
    lost: int
    problems: list[str]
    cpu: float

    @property
    def requests_an_interval(self) -> float:
        return sum(self.requests.values()) * INTERVAL / self.elapsed


def measure_busy(waits: int, seconds: float) -> Busy:
    """
    Let the triggers of this provider wait in a busy sandbox.

    :param seconds: the duration, in seconds of the sandbox.
    """
    from tests.benchmarks.waiting_processes import Service, run_child

    fast = FastTime(FACTOR, time.time())
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder), fast) as service:

        def begin() -> Any:
            # Begin after a while, because drawing the runs takes time.
            now = fast.at(time.time() + 10.0)
            plan = asdict(Plan(SEED, waits, now, now + seconds, SHORTEST_SECONDS, LONGEST_SECONDS))
            service.call("busy", others=OTHERS, **{name: value for name, value in plan.items() if name != "mixed"})
            return plan

        certificate = str(service.certificate)
        connection = CANDIDATES["payments"].connection(service.url, certificate)
        environment = {VARIABLE: str(fast), "SSL_CERT_FILE": certificate}
        ended = run_child(["tests.benchmarks.waiting_busy"], connection, begin, **environment)
        return Busy(waits, service.call("figures")["requests"], **ended)


def main() -> None:
    """Wait, and communicate on the standard streams; output of Airflow goes to the error stream."""
    loop = use_fast_time()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    __import__(CANDIDATES["payments"].module)
    print("ready", file=answers, flush=True)
    plan = Plan(**json.loads(sys.stdin.readline()))
    turns = Turns(plan, INTERVAL, PATIENCE_SECONDS)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        time.sleep(plan.begin - time.time())
        cpu = time.process_time()
        runner.run(turns.run())
    ended, problems = turns.results, turns.results.wrong + turns.results.lost
    result = {
        "elapsed": time.time() - plan.begin,
        "late": spread(ended.late),
        "right": ended.right,
        "lost": len(problems),
        "problems": problems[:3],
        "cpu": time.process_time() - cpu,
    }
    print(json.dumps(result), file=answers, flush=True)


if __name__ == "__main__":
    main()
