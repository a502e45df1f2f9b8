"""
The process that waits in bad weather and measures itself.

    python -m tests.weather.measured

Print "ready", read the options, a line of JSON, and print the result, another line of JSON.
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

#: Limit of the address space, so that an answer that decompresses to gigabytes fails in this process only.
MAX_ADDRESS_SPACE_BYTES = 4 << 30
#: Seconds between two samples of memory and threads.
SAMPLE_INTERVAL_SECONDS = 0.25
#: Seconds after the last wait within which all threads, tasks and sockets must have ended.
CLEANUP_TIMEOUT_SECONDS = 10.0
#: Maximum number of problems of each sort in the result.
MAX_PROBLEMS = 10


@dataclass
class Watcher:
    """
    The maximum memory and number of threads of the process while it waits.

    :param warm: the seconds after which memory must not grow any more.
    :param before: the maximum memory within those seconds, in megabytes.
    :param after: the maximum memory after those seconds, in megabytes.
    :param threads: the maximum number of threads.
    """

    warm: float
    before: float = 0.0
    after: float = 0.0
    threads: int = 0

    async def watch(self) -> None:
        """Take samples until the task is cancelled."""
        process, started = psutil.Process(), time.monotonic()
        while True:
            memory = process.memory_info().rss / 1e6
            if time.monotonic() - started < self.warm:
                self.before = max(self.before, memory)
            else:
                self.after = max(self.after, memory)
            self.threads = max(self.threads, process.num_threads())
            await asyncio.sleep(SAMPLE_INTERVAL_SECONDS)


def leftovers() -> list[str]:
    """Return the threads, tasks and sockets besides the main thread and the current task."""
    tasks = [str(task.get_coro()) for task in asyncio.all_tasks() - {asyncio.current_task()}]
    threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    sockets = [str(connection) for connection in psutil.Process().net_connections("inet")]
    return [*tasks, *threads, *sockets]


async def wait(turns: Turns, watcher: Watcher) -> list[str]:
    """Wait for all runs; return the threads, tasks and sockets that are left afterwards."""
    watching = asyncio.create_task(watcher.watch())
    await turns.run()
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    deadline = time.monotonic() + CLEANUP_TIMEOUT_SECONDS
    while leftovers() and time.monotonic() < deadline:
        gc.collect()
        await asyncio.sleep(SAMPLE_INTERVAL_SECONDS)
    return leftovers()


def result(turns: Turns, watcher: Watcher, afterwards: list[str], cpu: float) -> dict[str, Any]:
    ended = turns.results
    return {
        "right": ended.right,
        "wrong": len(ended.wrong),
        "lost": len(ended.lost),
        "cancelled": ended.cancelled,
        "late": spread(ended.late),
        "problems": ended.wrong[:MAX_PROBLEMS] + ended.lost[:MAX_PROBLEMS],
        "memory": watcher.before,
        "growth": watcher.after - watcher.before,
        "threads": watcher.threads,
        "left": afterwards[:MAX_PROBLEMS],
        "cpu": cpu,
    }


def main() -> None:
    """Wait, and communicate on the standard streams; output of Airflow goes to the error stream."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    __import__(CANDIDATES["payments"].module)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE_BYTES, MAX_ADDRESS_SPACE_BYTES))
    print("ready", file=answers, flush=True)
    options = json.loads(sys.stdin.readline())
    turns = Turns(Plan(**options["plan"]), options["interval"], options["patience"], options["cancels"])
    watcher = Watcher(options["warm"])
    cpu = time.process_time()
    afterwards = asyncio.run(wait(turns, watcher))
    print(json.dumps(result(turns, watcher, afterwards, time.process_time() - cpu)), file=answers, flush=True)


if __name__ == "__main__":
    main()
