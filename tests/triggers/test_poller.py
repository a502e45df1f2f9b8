"""The waits on a connection share one poller, and do not affect each other."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.http.clock import Clock
from airflow_provider_payments.aep.http.throttle import MAX_PAUSE_SECONDS, Throttle
from airflow_provider_payments.aep.runs.flow_run import RunSelection
from airflow_provider_payments.aep.runs.wait import Wait
from airflow_provider_payments.triggers.flow_run import FlowRunTrigger
from airflow_provider_payments.triggers.poller import EAGER_POLL_LIMIT, Waiter
from tests.conftest import CONNECTION_ID, Emulator
from tests.fault_proxy import FaultProxy, fault_proxy

#: Seconds after which each dataflow has run once more; a token lives longer.
ROUND_SECONDS = 47000
#: The path of all requests for dataflows and runs.
FLOW_SERVICE = "/flowservice/"
GONE = "00000000-0000-4000-8000-000000000000"


class Fleet:
    """Dataflows behind a proxy, each with one earlier run that no wait is for."""

    def __init__(self, emulator: Emulator, proxy: FaultProxy, count: int) -> None:
        self.emulator, self.proxy = emulator, proxy
        order = {"sandbox": "dev", "dataflows": count, "runs_per_dataflow": 1, "enabled": True}
        emulator.control("POST", "seed", json=order)
        self.ids = [flow["id"] for flow in emulator.objects("flows")]
        self.now = float(emulator.control("GET", "clock")["now"])

    def trigger(self, flow_id: str, **arguments: Any) -> FlowRunTrigger:
        selection = asdict(RunSelection(flow_id, since=self.now))
        return FlowRunTrigger(
            **{
                "aep_conn_id": CONNECTION_ID,
                "selection": selection,
                "poll_interval": 0.01,
                # The worker has just polled.
                "quiet_since": self.now,
            }
            | arguments
        )

    def triggers(self, **arguments: Any) -> list[FlowRunTrigger]:
        return [self.trigger(flow_id, **arguments) for flow_id in self.ids]

    def let_run(self) -> None:
        self.emulator.advance(ROUND_SECONDS)

    async def requested(self, times: int) -> None:
        """Wait for a number of further requests."""
        expected = self.proxy.count("GET", FLOW_SERVICE) + times
        async with asyncio.timeout(20):
            while self.proxy.count("GET", FLOW_SERVICE) < expected:
                await asyncio.sleep(0.001)


@pytest.fixture
def fleet(emulator: Emulator, connect: Callable[..., None]) -> Iterator[Callable[[int], Fleet]]:
    with fault_proxy(emulator.url) as proxy:
        connect(proxy.url, ims_url=proxy.url)
        yield lambda count: Fleet(emulator, proxy, count)


async def event(trigger: FlowRunTrigger) -> Any:
    async with asyncio.timeout(30):
        (only,) = [event.payload async for event in trigger.run()]
        return only


async def all_at_once(triggers: list[FlowRunTrigger], first: Any = None) -> list[Any]:
    waits = [asyncio.create_task(event(trigger)) for trigger in triggers]
    if first:
        await first
    return await asyncio.gather(*waits)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("flow-run-poller")]


def polling_threads() -> list[str]:
    return [thread.name for thread in threads()]


def flow_of(event: Any) -> str:
    return str(event["run"]["flow_id"])


Make = Callable[[int], Fleet]


def test_many_waits_share_a_token_and_their_requests(fleet: Make) -> None:
    flows = fleet(300)

    async def later() -> None:
        await flows.requested(12)
        flows.let_run()

    # No other run fits in between, so the last run is accepted as the first.
    events = asyncio.run(all_at_once(flows.triggers(quiet_since=flows.now + 10000), later()))
    assert [flow_of(event) for event in events] == flows.ids
    assert {event["run"]["raw_status"] for event in events} <= {"success", "failed"}
    paths = [path for _, path, _ in flows.proxy.asked]
    assert sum("/ims/token" in path for path in paths) == 1
    # Every fifth request verifies one dataflow by its list of runs.
    assert len([path for path in paths if "flowId" in path]) < 20
    assert len(paths) < 60  # single requests would be 300 for each poll


def test_the_poller_ends_with_the_last_wait_and_restarts_with_the_next(fleet: Make) -> None:
    flows = fleet(3)

    async def twice() -> None:
        for _ in range(2):
            waits = [asyncio.create_task(event(trigger)) for trigger in flows.triggers()]
            await flows.requested(2)
            assert polling_threads()
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    asyncio.run(twice())
    for thread in threads():
        thread.join(20)
    assert not polling_threads()


def test_cancelling_a_wait_does_not_affect_the_others(fleet: Make) -> None:
    flows = fleet(3)

    async def leave() -> list[Any]:
        first, *others = [asyncio.create_task(event(trigger)) for trigger in flows.triggers()]
        await flows.requested(2)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await flows.requested(2)
        flows.proxy.asked.clear()
        await flows.requested(3)
        assert not any(flows.ids[0] in path for _, path, _ in flows.proxy.asked)
        flows.let_run()
        return list(await asyncio.gather(*others))

    assert [flow_of(event) for event in asyncio.run(leave())] == flows.ids[1:]


def test_an_error_of_one_wait_does_not_affect_another(fleet: Make) -> None:
    flows = fleet(4)

    async def later() -> None:
        await flows.requested(20)
        flows.let_run()

    lost, *events = asyncio.run(all_at_once([flows.trigger(GONE), *flows.triggers()], later()))
    assert (lost["status"], lost["retryable"]) == ("error", False)
    assert "404" in lost["message"]
    assert [flow_of(event) for event in events] == flows.ids


def test_a_slow_service_does_not_block_the_loop(fleet: Make) -> None:
    flows = fleet(3)
    flows.proxy.fault("GET", FLOW_SERVICE, hang=True)

    async def meanwhile() -> list[Any]:
        waits = [asyncio.create_task(event(flows.trigger(i, deadline=time.time() + 0.2))) for i in flows.ids]
        await flows.requested(1)
        for _ in range(1000):
            await asyncio.sleep(0)
        flows.proxy.ended.set()
        return list(await asyncio.gather(*waits))

    assert {event["status"] for event in asyncio.run(meanwhile())} == {"timeout"}


def test_a_long_retry_after_pauses_all_waits(fleet: Make) -> None:
    flows = fleet(3)
    flows.proxy.fault("GET", FLOW_SERVICE, status=429, headers={"Retry-After": "3600"}, times=99)
    waits = [flows.trigger(flow_id, deadline=time.time() + 1) for flow_id in flows.ids]
    events = asyncio.run(all_at_once(waits))
    assert {event["status"] for event in events} == {"timeout"}
    assert flows.proxy.count("GET", FLOW_SERVICE) == 1


def test_a_wait_that_joins_during_a_pause_keeps_its_deadline(fleet: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_payments.triggers.flow_run.MIN_FIRST_POLL_SECONDS", 0.1)
    flows = fleet(2)
    flows.proxy.fault("GET", FLOW_SERVICE, status=429, headers={"Retry-After": "3600"}, times=99)

    async def join() -> Any:
        first = asyncio.create_task(event(flows.trigger(flows.ids[0], deadline=time.time() + 1)))
        await flows.requested(1)
        second = await event(flows.trigger(flows.ids[1], deadline=time.time() - 60))
        await first
        return second

    assert asyncio.run(join())["status"] == "timeout"


def test_no_request_is_sent_after_the_last_wait(fleet: Make) -> None:
    flows = fleet(3)
    flows.proxy.fault("GET", FLOW_SERVICE, status=429, headers={"Retry-After": "30"}, times=99)

    async def leave() -> None:
        waits = [asyncio.create_task(event(trigger)) for trigger in flows.triggers()]
        await flows.requested(1)
        for _ in range(100):
            await asyncio.sleep(0.001)  # until its thread sleeps
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)

    asyncio.run(leave())
    for thread in threads():
        thread.join(20)
    assert not polling_threads()
    assert flows.proxy.count("GET", FLOW_SERVICE) == 1


def test_a_pending_poll_is_aborted_with_the_last_wait(fleet: Make) -> None:
    flows, left = fleet(3), threading.Event()
    flows.proxy.fault("GET", FLOW_SERVICE, first=lambda: left.wait(20))

    async def leave() -> None:
        waits = [asyncio.create_task(event(trigger)) for trigger in flows.triggers()]
        while flows.proxy.faults[0].times != 0:
            await asyncio.sleep(0.001)  # until the first request has been sent
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        left.set()

    asyncio.run(leave())
    for thread in threads():
        thread.join(20)
    assert flows.proxy.count("GET", FLOW_SERVICE) <= 1


def _rate_limited(retry_after: float) -> RequestError:
    return RequestError(Failure.THROTTLED, "GET", "/runs", status=429, retry_after=retry_after)


def test_a_sleeping_thread_observes_a_retry_after_received_meanwhile() -> None:
    now, others = [0.0], [_rate_limited(20)]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if others:
            throttle.__exit__(RequestError, others.pop(), None)

    throttle = Throttle(Clock(lambda: now[0], sleep))
    with pytest.raises(RequestError), throttle:
        raise _rate_limited(5)
    with throttle:
        assert now[0] == 25


def test_a_long_pause_is_bounded_and_blocks_no_thread() -> None:
    now = [0.0]
    slept: list[float] = []
    throttle = Throttle(Clock(lambda: now[0], slept.append))
    with pytest.raises(RequestError), throttle:
        raise _rate_limited(1e8)
    with pytest.raises(RequestError) as refused:
        throttle.__enter__()
    assert not slept
    assert refused.value.retry_after == MAX_PAUSE_SECONDS
    now[0] += MAX_PAUSE_SECONDS
    with throttle:
        pass


def test_an_edited_connection_is_read_again(fleet: Make) -> None:
    flows = fleet(3)

    async def later() -> None:
        await flows.requested(5)  # later than the first poll, for which the connection was read
        flows.proxy.fault("GET", FLOW_SERVICE, status=403)  # as if the credential had been replaced
        await flows.requested(3)
        flows.let_run()

    events = asyncio.run(all_at_once(flows.triggers(), later()))
    assert [flow_of(event) for event in events] == flows.ids


def test_a_persistent_refusal_ends_every_wait(fleet: Make) -> None:
    flows = fleet(3)
    flows.proxy.fault("GET", FLOW_SERVICE, status=403, times=10**6)
    events = asyncio.run(all_at_once(flows.triggers()))
    assert [(event["status"], event["retryable"]) for event in events] == [("error", False)] * 3


@pytest.mark.parametrize(
    ("others", "expected"),
    [(0, [1, 3, 7, 12, 22]), (EAGER_POLL_LIMIT, [10, 12, 22])],
    ids=["few", "many"],
)
def test_intervals_grow_and_the_last_poll_precedes_the_deadline(others: int, expected: list[float]) -> None:
    async def dues() -> list[float]:
        now = asyncio.get_running_loop().time()
        waiter = Waiter(Wait(RunSelection("flow"), 0.0), 10.0, others, last_poll=now + 12)
        seen = []
        for _ in expected:
            seen.append(waiter.due - now)
            waiter.schedule_next(waiter.due, early=0.0)
        return seen

    assert asyncio.run(dues()) == pytest.approx(expected, abs=0.01)


def test_connections_do_not_share_a_poller(fleet: Make, connect: Callable[..., None]) -> None:
    flows = fleet(4)
    connect(flows.emulator.url, conn_id="other")
    triggers = [*flows.triggers()[:2], *(flows.trigger(i, aep_conn_id="other") for i in flows.ids[2:])]

    async def later() -> None:
        await flows.requested(2)
        flows.let_run()

    assert [flow_of(event) for event in asyncio.run(all_at_once(triggers, later()))] == flows.ids
    requests = json.dumps(flows.proxy.asked)
    assert flows.ids[0] in requests
    assert flows.ids[3] not in requests


def test_each_wait_logs_in_its_own_task(fleet: Make) -> None:
    flows = fleet(3)
    task = contextvars.ContextVar[str]("task", default="nobody's")
    lines: list[tuple[str, str]] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append((task.get(), record.getMessage()))

    async def in_its_context(flow_id: str) -> None:
        task.set(flow_id)
        trigger = flows.trigger(flow_id)
        logger = logging.getLogger(f"wait.{flow_id}")
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        trigger._log = logger
        await event(trigger)

    handler = Handler()

    async def together() -> None:
        flows.let_run()
        async with asyncio.TaskGroup() as group:
            for flow_id in flows.ids:
                group.create_task(in_its_context(flow_id))

    asyncio.run(together())
    runs = {run["id"]: run["flowId"] for run in flows.emulator.objects("runs")}
    owners = [(who, runs[line.split()[2]]) for who, line in lines if line.startswith("flow run")]
    assert sorted(owners) == sorted((flow_id, flow_id) for flow_id in flows.ids)


def test_the_pollers_log_lines_belong_to_no_task(fleet: Make) -> None:
    flows = fleet(1)
    flows.proxy.fault("GET", FLOW_SERVICE, status=429, headers={"Retry-After": "3600"}, times=99)
    task = contextvars.ContextVar[str]("task", default="nobody's")
    tasks: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tasks.append(task.get())

    async def in_its_context() -> None:
        task.set("the first")
        await event(flows.trigger(flows.ids[0], deadline=time.time() + 1))

    logger, handler = logging.getLogger("airflow_provider_payments.triggers.poller"), Handler()
    logger.addHandler(handler)
    try:
        asyncio.run(in_its_context())
    finally:
        logger.removeHandler(handler)
    assert tasks == ["nobody's"]
