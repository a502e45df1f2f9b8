"""
The process that waits in the weather, and looks at itself.

    python -m tests.weather.measured

Says that it is ready, reads what to wait for, a line of JSON, and prints how that ended, another one.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

from tests.benchmarks.waiting_candidates import CANDIDATES, spread
from tests.benchmarks.waiting_turns import Plan, Turns

#: Bytes of addresses, so that an answer that becomes gigabytes ends this process's patience, not the machine's.
MOST_ADDRESSES = 4 << 30
#: Seconds between two looks at the memory and the threads.
LOOK = 0.25
#: Seconds in which all that served the waits must be gone, once there are none.
GONE = 10.0
#: How many of those that ended wrongly are shown.
SHOWN = 10


@dataclass
class Watcher:
    """
    What the process needs while it waits; megabytes and threads.

    :param warm: seconds after which memory is to grow no more.
    """

    warm: float
    before: float = 0.0
    after: float = 0.0
    threads: int = 0

    async def watch(self) -> None:
        """Look until the task is cancelled."""
        process, began = psutil.Process(), time.monotonic()
        while True:
            memory = process.memory_info().rss / 1e6
            if time.monotonic() - began < self.warm:
                self.before = max(self.before, memory)
            else:
                self.after = max(self.after, memory)
            self.threads = max(self.threads, process.num_threads())
            await asyncio.sleep(LOOK)


def left() -> list[str]:
    """What is there beside the main thread and the task that asks."""
    tasks = [str(task.get_coro()) for task in asyncio.all_tasks() - {asyncio.current_task()}]
    threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    sockets = [str(connection) for connection in psutil.Process().net_connections("inet")]
    return [*tasks, *threads, *sockets]


async def wait(turns: Turns, watcher: Watcher) -> list[str]:
    """Wait for all runs; return what is left of it afterwards."""
    watching = asyncio.create_task(watcher.watch())
    await turns.run()
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    deadline = time.monotonic() + GONE
    while left() and time.monotonic() < deadline:
        gc.collect()
        await asyncio.sleep(LOOK)
    return left()


def result(turns: Turns, watcher: Watcher, afterwards: list[str], cpu: float) -> dict[str, Any]:
    ended = turns.ended
    return {
        "right": ended.right,
        "wrong": len(ended.wrong),
        "lost": len(ended.lost),
        "cancelled": ended.cancelled,
        "late": spread(ended.late),
        "problems": ended.wrong[:SHOWN] + ended.lost[:SHOWN],
        "memory": watcher.before,
        "growth": watcher.after - watcher.before,
        "threads": watcher.threads,
        "left": afterwards[:SHOWN],
        "cpu": cpu,
    }


def main() -> None:
    """Wait; talk on the standard streams, and send what Airflow prints to the error stream."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    __import__(CANDIDATES["payments"].module)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    print("ready", file=answers, flush=True)
    told = json.loads(sys.stdin.readline())
    turns = Turns(Plan(**told["plan"]), told["interval"], told["patience"], told["cancels"])
    watcher = Watcher(told["warm"])
    cpu = time.process_time()
    afterwards = asyncio.run(wait(turns, watcher))
    print(json.dumps(result(turns, watcher, afterwards, time.process_time() - cpu)), file=answers, flush=True)


if __name__ == "__main__":
    main()
