"""Many waits in bad weather, and their result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from urllib.request import Request, urlopen

from tests.benchmarks.limits import Table
from tests.benchmarks.waiting_processes import run_child
from tests.benchmarks.waiting_turns import Plan

#: The share of waits that are cancelled and started again each second.
CANCELS_PER_SECOND = 0.005
#: Seconds after the end of its run, and of a hang, within which a wait must get its event.
PATIENCE_SECONDS = 120.0
#: Seconds within which both processes draw the plan, before it begins.
PREPARATION_SECONDS = 5.0
#: Seconds after which memory must not grow any more; half of the time in short runs.
WARM_UP_SECONDS = 60.0
MAX_HANG_SECONDS = 60.0
#: The minimum duration of a run.
MIN_RUN_SECONDS = 3.0


@contextmanager
def service() -> Iterator[str]:
    """Start the service in a process of its own, yield its URL, and end the process."""
    command = [sys.executable, "-m", "tests.weather.service"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()


def call(url: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{url}/weather/{path}", data), timeout=120) as answer:
        return json.loads(answer.read() or b"null")


def measure(
    waits: int, interval: float, seconds: float, share: float, seed: int, without: Sequence[str] = ()
) -> tuple[Any, Any]:
    """
    Let many triggers wait in bad weather; return their result and the figures of the service.

    :param without: the kinds of bad answers that are left out.
    """
    hang = min(MAX_HANG_SECONDS, seconds / 4)
    with service() as url:

        def begin() -> Any:
            now = time.time() + PREPARATION_SECONDS
            plan = asdict(
                Plan(seed, waits, now, now + seconds, max(MIN_RUN_SECONDS, seconds / 48), seconds / 2, mixed=True)
            )
            call(url, "begin", {"plan": plan, "share": share, "hang": hang, "without": without})
            own = {"interval": interval, "patience": PATIENCE_SECONDS + hang, "cancels": CANCELS_PER_SECOND}
            return {"plan": plan, **own, "warm": min(WARM_UP_SECONDS, seconds / 2)}

        return run_child(["tests.weather.measured"], connection(url), begin), call(url, "figures")


def connection(url: str) -> Mapping[str, Any]:
    extra = {"org_id": "WEATHER@AdobeOrg", "sandbox": "dev", "ims_url": url}
    return {"conn_type": "aep", "host": url, "login": "id", "password": "secret", "extra": extra}


#: Minimum duration after which each hang must have met a request; in a shorter run that is random.
SURE_HANG_SECONDS = 300.0


def show(measured: Any, seen: Any, seconds: float) -> bool:
    """Print the result, each figure with its limit; return whether all limits are met."""
    print("requests: " + ", ".join(f"{count:,} {kind}" for kind, count in seen["requests"].items()))
    hung = " and ".join(map(str, seen["hung"]))
    print(f"bad answers: {sum(seen['met'].values()):,}; requests that hung: {hung}")
    for name, count in sorted(seen["met"].items()):
        print(f"  {name:<40}{count:>8,}")
    late = " / ".join(f"{value:.1f}" for value in measured["late"])
    print(f"{measured['right']:,} waits ended correctly; {measured['cancelled']:,} were cancelled and started again")
    print(f"run's end to event, median / 99 % / maximum, s: {late}; CPU, s: {measured['cpu']:.0f}")
    print(f"memory in the first minute: {measured['memory']:.0f} MB")
    for problem in measured["problems"]:
        print(f"  {problem}")
    for rest in measured["left"]:
        print(f"  left: {rest}")
    print()
    table = Table()
    table.row("waits that ended wrongly", measured["wrong"], 0, "")
    table.row("waits lost", measured["lost"], 0, "")
    table.row("memory grows after the first minute", measured["growth"], 20, "MB")
    table.row("threads", measured["threads"], 5, "")
    table.row("threads, tasks and sockets left afterwards", len(measured["left"]), 0, "")
    table.row("redirects followed", seen["followed"], 0, "")
    if seconds >= SURE_HANG_SECONDS:
        table.row("hangs that met no request", seen["hung"].count(0), 0, "")
    return table.exit_status == 0
