"""A failure of a request, a wait, the connection or Airflow's services affects no other wait of the poller."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.runs.flow_run import RunSelection
from airflow_provider_payments.aep.runs.wait import IDS_PER_REQUEST, Wait
from airflow_provider_payments.triggers.flow_run import MAX_POLL_ERRORS
from airflow_provider_payments.triggers.poller import MAX_FAILURES_UNSPLIT, Round, Waiter, _requests
from tests.conftest import CONNECTION_ID, Emulator
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.triggers.test_poller import FLOW_SERVICE, Fleet, Make, all_at_once, event, flow_of
from tests.triggers.test_poller import fleet as fleet

FOREVER = 10**6
ENDLESS = b'{"items": [], "_links": {"next": {"href": "/x?continuationToken=%d"}}}'


# ---- failed requests -----------------------------------------------------------------------------------------------


def waits_in(count: int) -> list[Wait]:
    return [Wait(RunSelection(f"flow-{number}", since=1e9)) for number in range(count)]


def failed(waits: list[Wait], status: int | None = None) -> None:
    for wait in waits:
        wait.error = RequestError(Failure.AMBIGUOUS, "GET", "/flows", status=status)


def sizes(waits: list[Wait]) -> set[int]:
    return {wait.group_size for wait in waits}


def test_a_failed_request_is_split_into_tenths_if_others_are_answered() -> None:
    waits, others = waits_in(100), waits_in(10)
    for expected in (10, 1, 1):
        this_round = Round(0.0, 2)
        size = min(sizes(waits))
        failed(waits[:size])
        this_round.end(waits[:size])
        this_round.end(others)
        assert sizes(waits[:size]) == {expected}
        waits = waits[:expected]
    waits[0].error = None
    Round(0.0, 1).end(waits)
    assert sizes(waits) == {IDS_PER_REQUEST}


def test_failed_requests_are_not_split_if_none_is_answered() -> None:
    requests = [waits_in(100), waits_in(100)]
    for _ in range(20):
        this_round = Round(0.0, 2)
        for waits in requests:
            failed(waits)
            this_round.end(waits)
    assert sizes([*requests[0], *requests[1]]) == {IDS_PER_REQUEST}


@pytest.mark.parametrize("status", [400, 414])
def test_a_refused_request_is_split_because_a_refusal_is_an_answer(status: int) -> None:
    waits = waits_in(50)
    failed(waits, status)
    Round(0.0, 1).end(waits)
    assert sizes(waits) == {5}


def test_the_only_request_is_split_after_three_failures() -> None:
    waits, seen = waits_in(30), []
    for _ in range(MAX_FAILURES_UNSPLIT + 1):
        failed(waits)
        Round(0.0, 1).end(waits)
        seen.append(min(sizes(waits)))
    assert seen == [100] * (MAX_FAILURES_UNSPLIT - 1) + [3, 3]


def test_requests_are_filled_and_do_not_mix_runs_and_dataflows() -> None:
    async def grouped() -> list[tuple[bool, int]]:
        waits = waits_in(250)
        for wait in waits[:120]:
            wait.known_run_id = f"run of {wait.flow_id}"
        for wait in waits[120:140]:
            wait.group_size = 10
        waits[0].group_size = 1
        requests = _requests([Waiter(wait, 10.0) for wait in waits])
        return [(group[0].wait.may_match_unknown_run, len(group)) for group in requests]

    assert asyncio.run(grouped()) == [
        (False, 1),
        (False, 100),
        (False, 19),
        (True, 10),
        (True, 10),
        (True, 100),
        (True, 10),
    ]


def test_a_dataflow_on_which_the_service_fails_ends_no_other_wait(fleet: Make) -> None:
    flows = fleet(120)
    failing = flows.ids[7]
    flows.proxy.fault("GET", f"*{failing}", status=500, times=FOREVER)

    async def later() -> None:
        await flows.requested(20)
        flows.let_run()

    async def together() -> list[Any]:
        waits = [asyncio.create_task(event(trigger)) for trigger in flows.triggers()]
        await later()
        others = await asyncio.gather(*(wait for wait, flow in zip(waits, flows.ids, strict=True) if flow != failing))
        waits[7].cancel()
        return list(others)

    events = asyncio.run(together())
    assert [flow_of(one) for one in events] == [flow for flow in flows.ids if flow != failing]


def test_a_hanging_request_delays_no_other_request(fleet: Make) -> None:
    flows = fleet(120)
    hanging = flows.ids[7]
    flows.proxy.fault("GET", f"*{hanging}", hang=True, times=FOREVER)

    async def together() -> list[Any]:
        waits = [asyncio.create_task(event(trigger)) for trigger in flows.triggers()]
        await flows.requested(3)
        flows.let_run()
        # In any order of requests, some waits share none with the hanging one.
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return [wait.result() for wait in done]

    began = time.monotonic()
    events = asyncio.run(together())
    assert events
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("trouble", ["hangs", "endless page tokens"])
def test_a_deadline_is_kept_regardless_of_the_service(trouble: str, fleet: Make) -> None:
    flows, page = fleet(3), iter(range(FOREVER))
    if trouble == "hangs":
        flows.proxy.fault("GET", FLOW_SERVICE, hang=True, times=FOREVER)
    else:
        flows.proxy.fault("GET", FLOW_SERVICE, reply=lambda _: (200, ENDLESS % next(page)), times=FOREVER)
    deadline = time.time() + 0.5
    events = asyncio.run(all_at_once([flows.trigger(flow_id, deadline=deadline) for flow_id in flows.ids]))
    assert {one["status"] for one in events} == {"timeout"}
    assert time.time() < deadline + 5


def test_a_rate_limit_after_failed_polls_ends_no_wait(fleet: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_payments.triggers.flow_run.MAX_UNANSWERED_SECONDS", 1.0)
    flows = fleet(1)
    flows.let_run()
    flows.proxy.fault("GET", FLOW_SERVICE, status=503, times=MAX_POLL_ERRORS)
    flows.proxy.fault("GET", FLOW_SERVICE, status=429, headers={"Retry-After": "1"}, times=2)
    assert [one["status"] for one in asyncio.run(all_at_once(flows.triggers()))] == ["ended"]


# ---- Airflow's metrics and connections -----------------------------------------------------------------------------


class Broken:
    """A metrics backend that fails."""

    calls = 0

    def incr(self, *_: Any, **__: Any) -> None:
        self.calls += 1
        raise OSError("statsd is gone")


def test_a_failing_metrics_backend_ends_no_wait(fleet: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken()
    monkeypatch.setattr("airflow_provider_payments.triggers.poller.Stats", broken)
    flows = fleet(3)

    async def later() -> None:
        await flows.requested(3)
        flows.let_run()

    events = asyncio.run(all_at_once(flows.triggers(), later()))
    assert [flow_of(one) for one in events] == flows.ids
    assert broken.calls > 3


def behind(proxy: FaultProxy, flows: Fleet) -> Fleet:
    """Return the same dataflows behind another proxy."""
    other = object.__new__(Fleet)
    other.emulator, other.proxy, other.ids, other.now = flows.emulator, proxy, flows.ids, flows.now
    return other


def test_a_wait_after_a_connection_edit_polls_the_new_host(
    fleet: Make, connect: Callable[..., None], emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_payments.triggers.poller.RENEWAL_INTERVAL_SECONDS", 0.0)
    flows = fleet(2)

    async def edited(other: Fleet) -> None:
        first = asyncio.create_task(event(flows.trigger(flows.ids[0])))
        await flows.requested(3)
        connect(other.proxy.url, ims_url=other.proxy.url)
        second = asyncio.create_task(event(flows.trigger(flows.ids[1])))
        await other.requested(1)
        before = flows.proxy.count("GET", FLOW_SERVICE)
        await other.requested(5)
        for wait in (first, second):
            wait.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert flows.proxy.count("GET", FLOW_SERVICE) <= before + 1

    with fault_proxy(emulator.url) as proxy:
        asyncio.run(edited(behind(proxy, flows)))


def test_a_refusal_is_not_final_after_the_connection_was_edited(
    fleet: Make, connect: Callable[..., None], emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_payments.triggers.poller.RENEWAL_INTERVAL_SECONDS", 0.0)
    flows, is_new = fleet(1), threading.Event()
    (run,) = emulator.objects("runs")
    with fault_proxy(emulator.url) as other:
        other.fault("GET", FLOW_SERVICE, first=is_new.set)
        flows.proxy.fault("GET", "/flows[?]", status=403, first=lambda: connect(other.url), times=FOREVER)
        flows.proxy.fault("GET", "/runs[?]", status=403, first=lambda: is_new.wait(10), times=FOREVER)
        slow = flows.trigger(flows.ids[0], selection={"run_id": run["id"]})
        events = asyncio.run(all_at_once([flows.trigger(flows.ids[0], deadline=time.time() + 1), slow]))
    assert is_new.is_set()
    assert [one["status"] for one in events] == ["timeout", "ended"]


def test_the_connection_is_read_once_for_many_waits(
    fleet: Make, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    flows = fleet(4)

    async def edited() -> list[Any]:
        first = asyncio.create_task(event(flows.trigger(flows.ids[0])))
        await flows.requested(3)
        # The connection no longer exists, but within a minute it is not read again.
        monkeypatch.delenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}")
        others = [asyncio.create_task(event(flows.trigger(flow_id))) for flow_id in flows.ids[1:]]
        await flows.requested(5)
        flows.let_run()
        return list(await asyncio.gather(first, *others))

    assert [flow_of(one) for one in asyncio.run(edited())] == flows.ids


UNKNOWN_HERE: dict[str, tuple[str, dict[str, Any]]] = {
    "HTML of another host": ("/flowservice/", {"status": 404, "body": b"<title>Not here</title>"}),
    "a list that is not there": ("/flowservice/flows?", {"status": 404}),
    "a token that is refused": ("/flowservice/", {"status": 401, "body": b'{"error_code": "401013"}'}),
    "a client that is unknown": ("/ims/", {"status": 400, "body": b'{"error": "invalid_client"}'}),
}


@pytest.mark.parametrize(("path", "answer"), UNKNOWN_HERE.values(), ids=UNKNOWN_HERE)
def test_a_connection_that_no_longer_works_is_read_again(
    path: str,
    answer: dict[str, Any],
    fleet: Make,
    connect: Callable[..., None],
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("triggers.poller", "hooks.polling"):
        monkeypatch.setattr(f"airflow_provider_payments.{module}.RENEWAL_INTERVAL_SECONDS", 0.0)
    flows = fleet(3)

    async def edited(other: Fleet) -> list[Any]:
        waits = [asyncio.create_task(event(trigger)) for trigger in flows.triggers()]
        await flows.requested(3)
        connect(other.proxy.url, ims_url=other.proxy.url)
        flows.proxy.fault("POST" if path == "/ims/" else "GET", path, **answer, times=FOREVER)
        if path == "/ims/":  # a new token is requested only once the old one is refused
            flows.proxy.fault("GET", FLOW_SERVICE, status=401, body=b'{"error_code": "401013"}')
        await other.requested(1)
        flows.let_run()
        return list(await asyncio.gather(*waits))

    with fault_proxy(emulator.url) as proxy:
        assert [flow_of(one) for one in asyncio.run(edited(behind(proxy, flows)))] == flows.ids


def test_a_temporarily_broken_connection_ends_no_wait(
    fleet: Make, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_payments.triggers.poller.RENEWAL_INTERVAL_SECONDS", 0.0)
    flows = fleet(4)

    async def edited() -> list[Any]:
        first = [asyncio.create_task(event(flows.trigger(flow_id))) for flow_id in flows.ids[:2]]
        await flows.requested(3)
        connect(flows.proxy.url, ims_url=flows.proxy.url, org_id="")
        others = [asyncio.create_task(event(flows.trigger(flow_id))) for flow_id in flows.ids[2:]]
        await flows.requested(5)
        flows.let_run()
        await asyncio.gather(*first)  # earlier waits do not need to read the connection again
        assert not any(wait.done() for wait in others)
        connect(flows.proxy.url, ims_url=flows.proxy.url)
        return list(await asyncio.gather(*first, *others))

    assert [flow_of(one) for one in asyncio.run(edited())] == flows.ids


def test_a_new_wait_does_not_poll_the_old_host_after_read_errors(
    fleet: Make, connect: Callable[..., None], emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_payments.triggers.poller.RENEWAL_INTERVAL_SECONDS", 0.0)
    flows = fleet(2)
    new = flows.ids[1]

    async def edited(other: Fleet) -> None:
        first = asyncio.create_task(event(flows.trigger(flows.ids[0])))
        await flows.requested(3)
        monkeypatch.delenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}")
        second = asyncio.create_task(event(flows.trigger(new)))
        await flows.requested(5)
        connect(other.proxy.url, ims_url=other.proxy.url)
        await other.requested(1)
        for wait in (first, second):
            wait.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert not flows.proxy.count("GET", new)

    with fault_proxy(emulator.url) as proxy:
        asyncio.run(edited(behind(proxy, flows)))
