"""
Clocks that run faster than real time, for a service and for a process.

Shorter periods would not be realistic: a dataflow with a schedule of half an hour must not run every thirty seconds,
and the provider's tolerances for lag and clocks are in seconds of the platform. So the periods are kept, and the clocks
of both sides run faster.
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
    A clock that agreed with this machine's at its origin and has run faster since.

    :param factor: the seconds that pass in each real second.
    :param origin: the origin, in epoch seconds.
    """

    factor: float = 1.0
    origin: float = 0.0

    def at(self, real_time: float) -> float:
        """Return the time of this clock at a time of this machine's clock."""
        return self.origin + (real_time - self.origin) * self.factor

    def __str__(self) -> str:
        return f"{self.factor!r}@{self.origin!r}"

    @classmethod
    def read(cls, text: str) -> FastTime:
        factor, _, origin = text.partition("@")
        return cls(float(factor), float(origin))


def use_fast_time() -> asyncio.AbstractEventLoop:
    """
    Let the clocks of this process run as fast as the environment says, and return an event loop that does so too.

    Call this before importing any module that uses a clock: a module that has already imported a function of the clock
    by name keeps real time, as sockets do.
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
    origin = monotonic()

    def scaled_wait(self: threading.Condition, timeout: float | None = None) -> bool:
        return wait(self, None if timeout is None else timeout / fast.factor)

    time.time = lambda: fast.at(wall())
    time.monotonic = lambda: origin + (monotonic() - origin) * fast.factor
    time.sleep = lambda seconds: sleep(seconds / fast.factor)
    threading.Condition.wait = scaled_wait  # type: ignore[method-assign]
