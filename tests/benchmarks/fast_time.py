"""
Time that passes faster: a service tells it, and a process lives by it.

Compressed periods would not be true: a dataflow that says that it runs every half an hour must not do so every thirty
seconds, and what the provider allows for lag and clocks is in seconds of the platform. So nothing is divided; both
sides have clocks that run faster.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import threading
import time
from dataclasses import dataclass

VARIABLE = "WAITING_FAST_TIME"


@dataclass(frozen=True)
class FastTime:
    """
    The time of day, which agreed with this machine's at some moment and has run faster since.

    :param factor: seconds that pass in each real one.
    :param origin: that moment, in epoch seconds.
    """

    factor: float = 1.0
    origin: float = 0.0

    def at(self, moment: float) -> float:
        """What it is when this machine's clock shows ``moment``."""
        return self.origin + (moment - self.origin) * self.factor

    def __str__(self) -> str:
        return f"{self.factor!r}@{self.origin!r}"

    @classmethod
    def read(cls, text: str) -> FastTime:
        factor, _, origin = text.partition("@")
        return cls(float(factor), float(origin))


def live_by_the_environment() -> asyncio.AbstractEventLoop:
    """
    Let this process live by the fast time that the environment names, and return an event loop that does.

    To be called before anything is imported that keeps a clock: a module that has one by name already keeps real
    time, as sockets do.
    """
    fast = FastTime.read(os.environ.get(VARIABLE, "1@0"))
    factor = fast.factor
    if factor != 1.0:
        _speed_up(fast)

    class Selector(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            return super().select(None if timeout is None else timeout / factor)

    return asyncio.SelectorEventLoop(Selector())


def _speed_up(fast: FastTime) -> None:
    wall, monotonic, sleep, wait = time.time, time.monotonic, time.sleep, threading.Condition.wait
    begun = monotonic()

    def shorter(self: threading.Condition, timeout: float | None = None) -> bool:
        return wait(self, None if timeout is None else timeout / fast.factor)

    time.time = lambda: fast.at(wall())
    time.monotonic = lambda: begun + (monotonic() - begun) * fast.factor
    time.sleep = lambda seconds: sleep(seconds / fast.factor)
    threading.Condition.wait = shorter  # type: ignore[method-assign]
