"""A task whose process ends by SIGKILL at a chosen point between two requests."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from random import Random

from tests.chaos.runs import Task
from tests.chaos.tasks import Ended, Pace
from tests.chaos.timeline import Platform, Timeline

#: Real seconds in which a child must have ended.
SECONDS = 60
# A server that has Airflow loaded forks the children: they start in milliseconds, and without the emulator's threads.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.chaos.quiet", "tests.chaos.applies", "tests.chaos.lives"])


@dataclass(frozen=True)
class Kill:
    """
    Where a process is to die.

    :param point: the number of the request or wait that it dies before; after the last, it dies before it returns.
    """

    step: str
    try_number: int
    point: int

    def __str__(self) -> str:
        return f"{self.step}, try {self.try_number}, point {self.point}"

    def carry(self, task: Task, pace: Pace) -> Ended:
        """Carry out an attempt; the chosen one in a process of its own, which does not survive it."""
        if (task.step, task.try_number) != (self.step, self.try_number):
            return task.run(pace)
        receiver, sender = _context.Pipe(duplex=False)
        url = pace.timeline.platform.url
        child = _context.Process(target=_run, args=(url, task, pace.random, pace.jumps, self.point, sender))
        child.start()
        sender.close()
        child.join(SECONDS)
        if child.exitcode == -signal.SIGKILL:
            return Ended("killed")
        child.kill()
        return receiver.recv() if receiver.poll() else Ended("endless")


def _run(url: str, task: Task, draws: Random, jumps: float, point: int, sender: Connection) -> None:
    pace = Pace(Timeline(Platform(url)), draws, point, lambda: os.kill(os.getpid(), signal.SIGKILL), jumps)
    sender.send(task.run(pace))
