"""
Waiting as teams know it: runs that take five minutes to an hour, in a sandbox where many others come and go.

Both processes live by a fast time, so that two hours take two minutes.

    python -m tests.benchmarks.waiting_busy

is the process that waits: it reads what to wait for, a line of JSON, and prints how that ended, another one.
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

from tests.benchmarks.fast_time import VARIABLE, FastTime, live_by_the_environment
from tests.benchmarks.waiting_candidates import CANDIDATES, spread
from tests.benchmarks.waiting_turns import Plan, Turns

#: Seconds that pass in each real one.
FACTOR = 60.0
INTERVAL = 60.0
#: Seconds after a run's end after which its wait is lost.
PATIENCE = 600.0
SHORTEST, LONGEST = 300.0, 3600.0
#: Runs of other dataflows that are made each hour.
OTHERS = 10_000
SEED = 20261130


@dataclass(frozen=True)
class Busy:
    """
    What the waits cost.

    :param requests: how many of each kind were sent.
    :param elapsed: seconds of the sandbox.
    :param late: from the run's end to the event: median, 99th percentile and most, in seconds of the sandbox.
    :param problems: some of what was wrong, or lost.
    :param cpu: seconds of the processor.
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
    Let our triggers wait.

    :param seconds: of the sandbox.
    """
    from tests.benchmarks.waiting_processes import Service, run_child

    fast = FastTime(FACTOR, time.time())
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder), fast) as service:

        def begin() -> Any:
            # Drawing what there is takes a while.
            now = fast.at(time.time() + 10.0)
            plan = asdict(Plan(SEED, waits, now, now + seconds, SHORTEST, LONGEST))
            service.ask("busy", others=OTHERS, **{name: value for name, value in plan.items() if name != "mixed"})
            return plan

        certificate = str(service.certificate)
        connection = CANDIDATES["payments"].connection(service.url, certificate)
        environment = {VARIABLE: str(fast), "SSL_CERT_FILE": certificate}
        ended = run_child(["tests.benchmarks.waiting_busy"], connection, begin, **environment)
        return Busy(waits, service.ask("figures")["requests"], **ended)


def main() -> None:
    """Wait; talk on the standard streams, and send what Airflow prints to the error stream."""
    loop = live_by_the_environment()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    __import__(CANDIDATES["payments"].module)
    print("ready", file=answers, flush=True)
    plan = Plan(**json.loads(sys.stdin.readline()))
    turns = Turns(plan, INTERVAL, PATIENCE)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        time.sleep(plan.begin - time.time())
        cpu = time.process_time()
        runner.run(turns.run())
    ended, problems = turns.ended, turns.ended.wrong + turns.ended.lost
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
