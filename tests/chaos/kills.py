"""Attempts of a task in a process that is killed with SIGKILL at a chosen point between two requests."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from random import Random

from tests.chaos.runs import Task
from tests.chaos.tasks import AttemptEnd, Pace
from tests.chaos.timeline import Platform, Timeline

#: Real seconds within which a child process must end.
CHILD_TIMEOUT_SECONDS = 60
# A fork server that has imported Airflow forks the children, so they start in milliseconds without emulator threads.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.chaos.quiet", "tests.chaos.applies", "tests.chaos.lives"])


@dataclass(frozen=True)
class Kill:
    """
    The point at which the process of an attempt is killed.

    :param point: the number of the request or wait before which the process is killed; after the last one, the process
        is killed before the task returns.
    """

    step: str
    try_number: int
    point: int

    def __str__(self) -> str:
        return f"{self.step}, try {self.try_number}, point {self.point}"

    def run_attempt(self, task: Task, pace: Pace) -> AttemptEnd:
        """Run an attempt; run the chosen attempt in a process of its own, which is killed."""
        if (task.step, task.try_number) != (self.step, self.try_number):
            return task.run(pace)
        receiver, sender = _context.Pipe(duplex=False)
        url = pace.timeline.platform.url
        child = _context.Process(target=_run, args=(url, task, pace.random, pace.jumps, self.point, sender))
        child.start()
        sender.close()
        child.join(CHILD_TIMEOUT_SECONDS)
        if child.exitcode == -signal.SIGKILL:
            return AttemptEnd("killed")
        child.kill()
        return receiver.recv() if receiver.poll() else AttemptEnd("endless")


def _run(url: str, task: Task, draws: Random, jumps: float, point: int, sender: Connection) -> None:
    pace = Pace(Timeline(Platform(url)), draws, point, lambda: os.kill(os.getpid(), signal.SIGKILL), jumps)
    sender.send(task.run(pace))
