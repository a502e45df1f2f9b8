"""Deadlines of operations, and the estimate of the platform's time."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import Failure, InvalidInputError, RequestError
from airflow_provider_payments.aep.http.call import Call
from airflow_provider_payments.aep.http.retries import decide
from tests.aep.chain import FLOW_SERVICE
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

FLOWS = f"{FLOW_SERVICE}/flows"
DAY = 86400


@pytest.fixture
def proxied(make_client: Callable[..., Client], proxy: FaultProxy) -> Client:
    """A client that has its token and reaches the emulator through the failing proxy."""
    client = make_client(proxy.url)
    client.credential.token()
    return client


def platform_time(emulator: Emulator) -> float:
    return float(emulator.control("GET", "clock")["now"])


# ---- deadlines -----------------------------------------------------------------------------------------------------

LEFT: dict[str, tuple[dict[str, Any], int, float, bool]] = {
    # name: failure, attempt, remaining seconds, whether it is retried
    "a back-off that fits": ({"failure": Failure.NOT_SENT}, 3, 4.0, True),
    "a back-off that does not": ({"failure": Failure.NOT_SENT}, 3, 3.9, False),
    "a retry-after that fits": ({"failure": Failure.THROTTLED, "retry_after": 7.0}, 1, 7.0, True),
    "a retry-after that does not": ({"failure": Failure.THROTTLED, "retry_after": 7.0}, 1, 6.9, False),
    "no wait and no time left": ({"failure": Failure.THROTTLED, "retry_after": 0.0}, 1, 0.0, True),
    "after the deadline": ({"failure": Failure.NOT_SENT}, 1, -1.0, False),
    "no deadline": ({"failure": Failure.AMBIGUOUS}, 4, math.inf, True),
}


@pytest.mark.parametrize(("failed", "attempt", "left", "should_retry"), LEFT.values(), ids=LEFT)
def test_a_wait_longer_than_the_remaining_time_is_not_begun(
    failed: dict[str, Any], attempt: int, left: float, should_retry: bool
) -> None:
    error = RequestError(method="GET", path="/x", **failed)
    assert decide(error, attempt=attempt, safe=True, remaining=left).should_retry is should_retry


def test_all_attempts_of_a_request_end_before_the_deadline(
    proxied: Client, proxy: FaultProxy, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "random", lambda: 1.0)  # the shortest back-off: other values may leave no time to send
    proxy.fault("GET", FLOWS, status=500, times=99)
    with proxied.transport.within(4.0), pytest.raises(RequestError) as failed:
        proxied.get(FLOWS)
    assert naps == [0.5, 1.0, 2.0]  # the fourth back-off takes 4 s
    assert proxy.count("GET", FLOWS) == 4
    assert (failed.value.status, failed.value.retryable) == (500, True)


def test_a_retry_after_beyond_the_deadline_is_raised_not_slept(
    proxied: Client, proxy: FaultProxy, naps: list[float]
) -> None:
    proxy.fault("GET", FLOWS, status=429, headers={"Retry-After": "5"})
    with proxied.transport.within(4.0), pytest.raises(RequestError) as failed:
        proxied.get(FLOWS)
    assert (failed.value.retry_after, failed.value.retryable, naps) == (5.0, True, [])
    assert proxy.count("GET", FLOWS) == 1


def test_after_the_deadline_nothing_is_sent(proxied: Client, proxy: FaultProxy) -> None:
    with proxied.transport.within(4.0):
        proxied.get(FLOWS)
        proxied.transport.clock.sleep(4.0)
        with pytest.raises(RequestError, match="the operation's time has elapsed") as failed:
            proxied.get(FLOWS)
    assert (failed.value.failure, failed.value.retryable) == (Failure.NOT_SENT, True)
    assert proxy.count("GET", FLOWS) == 1
    # Outside the block there is no deadline.
    assert proxied.get(FLOWS)["items"] == []


def test_an_answer_is_not_awaited_beyond_the_deadline(proxied: Client, proxy: FaultProxy) -> None:
    proxy.fault("GET", FLOWS, hang=True)
    with proxied.transport.within(0.25), pytest.raises(RequestError, match=r"no (complete )?answer within 0\.25 s"):
        proxied.get(FLOWS)
    assert proxy.count("GET", FLOWS) == 1


def test_the_earlier_of_nested_deadlines_applies(client: Client) -> None:
    transport = client.transport
    with transport.within(10.0):
        with transport.within(100.0):
            assert transport.remaining == 10.0
        with transport.within(5.0):
            transport.clock.sleep(2.0)
            assert transport.remaining == 3.0
        assert transport.remaining == 8.0
    assert transport.remaining == math.inf


def test_a_deadline_applies_to_its_thread_only(client: Client) -> None:
    seen: list[float] = []
    with client.transport.within(10.0):
        other = threading.Thread(target=lambda: seen.append(client.transport.remaining))
        other.start()
        other.join()
    assert seen == [math.inf]


@pytest.mark.parametrize("seconds", [49.9, 50, 0, -1, math.nan])
def test_an_operation_timeout_below_the_settle_times_is_refused(
    seconds: float, make_client: Callable[..., Client]
) -> None:
    with pytest.raises(
        InvalidInputError, match=r"operation_timeout=.*more seconds than the longest settle time plus 1, 51"
    ):
        make_client(settle_seconds=10.0, dataflow_settle_seconds=50.0, operation_timeout=seconds)


@pytest.mark.parametrize("name", ["settle_seconds", "dataflow_settle_seconds"])
@pytest.mark.parametrize("seconds", [-1.0, math.nan])
def test_a_negative_settle_time_is_refused(name: str, seconds: float, make_client: Callable[..., Client]) -> None:
    with pytest.raises(InvalidInputError, match=f"{name}=.*it must be 0 or more seconds"):
        make_client(**{name: seconds})


# ---- the platform's time -------------------------------------------------------------------------------------------


def test_the_platforms_time_passes_between_its_answers(client: Client, emulator: Emulator) -> None:
    emulator.advance(DAY)
    client.get(FLOWS)
    estimate = client.transport.now()
    assert estimate == platform_time(emulator) > time.time() + DAY / 2
    client.transport.clock.sleep(5.0)
    assert client.transport.now() == estimate + 5.0


def test_a_jump_of_the_platforms_clock_is_adopted_after_five_answers(client: Client, emulator: Emulator) -> None:
    for _ in range(9):
        client.get(FLOWS)
    before = client.transport.now()
    emulator.advance(3600.0)
    seen = []
    for _ in range(5):
        client.get(FLOWS)
        seen.append(client.transport.now() - before)
    assert seen == [0.0, 0.0, 0.0, 0.0, 3600.0]


def test_a_platform_clock_behind_the_local_clock_is_used(proxied: Client, proxy: FaultProxy) -> None:
    proxy.fault("GET", FLOWS, status=200, body=b'{"items": []}', headers={"Date": "Sun, 01 Mar 2020 12:00:00 GMT"})
    proxied.get(FLOWS)
    assert proxied.transport.now() == 1583064000.0


@pytest.mark.parametrize("date", ["yesterday", ""])
def test_an_unreadable_date_does_not_change_the_time(date: str, proxied: Client, proxy: FaultProxy) -> None:
    proxied.get(FLOWS)
    estimate = proxied.transport.now()
    proxy.fault("GET", FLOWS, status=200, body=b'{"items": []}', headers={"Date": date})
    proxied.get(FLOWS)
    assert proxied.transport.now() == estimate


def test_dates_of_the_identity_service_are_ignored(client: Client, emulator: Emulator) -> None:
    emulator.advance(DAY)
    client.credential.token()
    client.transport.send(Call("GET", f"{emulator.url}/__emulator__/clock"))
    assert client.transport.now() < time.time() + DAY / 2


def test_a_retry_after_date_is_relative_to_the_answers_date(
    proxied: Client, proxy: FaultProxy, naps: list[float]
) -> None:
    # Dates years before the local time.
    dates = {"Date": "Sun, 01 Mar 2020 12:00:00 GMT", "Retry-After": "Sun, 01 Mar 2020 12:00:40 GMT"}
    proxy.fault("GET", FLOWS, status=503, headers=dates)
    proxied.get(FLOWS)
    assert naps == [40.0]
