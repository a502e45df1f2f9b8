"""Many waits in bad weather, and what came of them."""

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

#: The share of waits that are cancelled and begun again each second.
CANCELS = 0.005
#: Seconds after its run's end, and a hang's, in which a wait must be told.
PATIENCE = 120.0
#: Seconds until what there is has been drawn, in both processes.
DRAWING = 5.0
#: Seconds after which the memory is to grow no more, or half of the time.
WARM = 60.0
LONGEST_HANG = 60.0
#: Seconds that a run takes at least.
SHORTEST = 3.0


@contextmanager
def service() -> Iterator[str]:
    """The service in a process of its own; its URL."""
    command = [sys.executable, "-m", "tests.weather.service"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()


def ask(url: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{url}/weather/{path}", data), timeout=120) as answer:
        return json.loads(answer.read() or b"null")


def measure(
    waits: int, interval: float, seconds: float, share: float, seed: int, without: Sequence[str] = ()
) -> tuple[Any, Any]:
    """
    Let many triggers wait in bad weather; return what they and the service saw.

    :param without: kinds of bad answers that are left out.
    """
    hang = min(LONGEST_HANG, seconds / 4)
    with service() as url:

        def begin() -> Any:
            now = time.time() + DRAWING
            plan = asdict(Plan(seed, waits, now, now + seconds, max(SHORTEST, seconds / 48), seconds / 2, mixed=True))
            ask(url, "begin", {"plan": plan, "share": share, "hang": hang, "without": without})
            own = {"interval": interval, "patience": PATIENCE + hang, "cancels": CANCELS}
            return {"plan": plan, **own, "warm": min(WARM, seconds / 2)}

        return run_child(["tests.weather.measured"], connection(url), begin), ask(url, "figures")


def connection(url: str) -> Mapping[str, Any]:
    extra = {"org_id": "WEATHER@AdobeOrg", "sandbox": "dev", "ims_url": url}
    return {"conn_type": "aep", "host": url, "login": "id", "password": "secret", "extra": extra}


#: Seconds after which each dataflow that hangs was asked about; in a short run that is left to chance.
SURE_TO_HANG = 300.0


def show(measured: Any, seen: Any, seconds: float) -> bool:
    """Print what was measured, each figure with its limit; whether all are met."""
    print("asked: " + ", ".join(f"{count:,} {kind}" for kind, count in seen["asked"].items()))
    hung = " and ".join(map(str, seen["hung"]))
    print(f"answered badly: {sum(seen['met'].values()):,}; of the dataflows that hang, questions: {hung}")
    for name, count in sorted(seen["met"].items()):
        print(f"  {name:<40}{count:>8,}")
    late = " / ".join(f"{value:.1f}" for value in measured["late"])
    print(f"{measured['right']:,} waits ended right, {measured['cancelled']:,} times one was cancelled and begun again")
    print(f"run's end to event, median / 99 % / most, s: {late}; CPU, s: {measured['cpu']:.0f}")
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
    if seconds >= SURE_TO_HANG:
        table.row("hangs that met no question", seen["hung"].count(0), 0, "")
    return table.exit_status == 0
