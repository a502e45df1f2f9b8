"""The retry loop: one decision for each attempt, and no wait longer than the remaining time."""

from __future__ import annotations

import logging
import random
import re
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.http.auth import AccessToken
from airflow_provider_payments.aep.http.call import Call
from airflow_provider_payments.aep.http.clock import Clock
from airflow_provider_payments.aep.http.transport import Transport

CALL = Call("GET", "http://127.0.0.1:9/", credential=AccessToken("id", "token"))


@dataclass
class Time:
    """A simulated time that passes in sleeps, and a little with each reading of the clock."""

    now: float = 0.0
    end: float = 0.0
    naps: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        self.now += 1e-9
        return self.now

    def sleep(self, seconds: float) -> None:
        if self.now + seconds > self.end + 1e-6:
            self.late.append(seconds)
        self.naps.append(seconds)
        self.now += seconds


class Closed:
    """A pace that fails each attempt before it is sent."""

    def __init__(self, failure: Failure, retry_after: float | None = None) -> None:
        self.given: dict[str, Any] = {"failure": failure, "method": "GET", "path": "/x", "retry_after": retry_after}

    def __enter__(self) -> None:
        raise RequestError(**self.given)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""


def attempt(time: Time, seconds: float, failure: Failure, retry_after: float | None = None) -> None:
    transport = Transport(clock=Clock(time.monotonic, time.sleep))
    transport.pace = Closed(failure, retry_after)
    time.end = time.now + seconds
    with transport.within(seconds), pytest.raises(RequestError):
        transport.send(CALL)


@pytest.mark.parametrize("failure", [Failure.NOT_SENT, Failure.THROTTLED, Failure.AMBIGUOUS])
def test_no_jittered_wait_is_longer_than_the_remaining_time(failure: Failure) -> None:
    time, waited = Time(), set[int]()
    for _ in range(2000):
        time.naps.clear()
        attempt(time, 2.3, failure)
        waited.add(len(time.naps))
    assert time.late == []
    assert waited == {1, 2}  # a third wait takes 2 s at least


def test_a_retry_after_is_slept_completely_or_not_at_all() -> None:
    time = Time()
    for retry_after in (2.0, 2.4):
        attempt(time, 2.3, Failure.THROTTLED, retry_after)
    assert (time.naps, time.late) == ([2.0], [])


def test_the_logged_wait_with_jitter_is_slept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    drawn: list[float] = []
    draw = random.random
    monkeypatch.setattr(random, "random", lambda: drawn.append(draw()) or drawn[-1])
    time = Time()
    caplog.set_level(logging.WARNING)
    attempt(time, 1000.0, Failure.NOT_SENT)
    assert len(drawn) == 5
    assert time.naps == [2**n * (1 - jitter / 2) for n, jitter in enumerate(drawn[:4])]
    assert re.findall(r"retrying in ([\d.]+) s", caplog.text) == [f"{nap:.1f}" for nap in time.naps]
    assert re.findall(r"attempt (\d of \d)", caplog.text) == ["1 of 5", "2 of 5", "3 of 5", "4 of 5"]
