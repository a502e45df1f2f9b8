"""Fleets of dataflows, scripted services, and the queries that poll them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.runs.batch_polling import RunQueries
from airflow_provider_payments.aep.runs.flow_run import RunSelection
from airflow_provider_payments.aep.runs.wait import Wait
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy, fault_proxy

DAY = 86400.0
FOREVER = 10**6
#: Number of waits that the poller puts into one request.
WAITS_PER_REQUEST = 100


class Fleet:
    """Dataflows that run once a day, and have done so for some days."""

    def __init__(self, emulator: Emulator, count: int, proxy: FaultProxy, runs: int = 1) -> None:
        self.emulator, self.proxy = emulator, proxy
        order = {"sandbox": "dev", "dataflows": count, "runs_per_dataflow": runs, "enabled": True}
        emulator.control("POST", "seed", json=order)
        self.ids = [flow["id"] for flow in emulator.objects("flows")]
        self.now = float(emulator.control("GET", "clock")["now"])

    def waits(self, quiet_since: float | None = 0.0, **selection: Any) -> list[Wait]:
        """
        Return a wait for each dataflow, for runs from now on.

        :param quiet_since: seconds from now to the worker's poll; by default the worker has polled just now, ``None``
            means that it has not polled.
        """
        polled_at = None if quiet_since is None else self.now + quiet_since
        selections = [RunSelection(flow_id, **{"since": self.now} | selection) for flow_id in self.ids]
        return [Wait(selection, self.now - 300, quiet_since=polled_at) for selection in selections]

    def let_run(self) -> None:
        """Let each dataflow run once more; the runs begin within an hour of each other."""
        now = float(self.emulator.control("GET", "clock")["now"])
        starts = [flow["scheduleParams"]["startTime"] for flow in self.emulator.objects("flows")]
        self.emulator.advance(max(start + DAY * max(0, math.ceil((now - start) / DAY)) for start in starts) - now + 2)

    def let_begin(self) -> None:
        """Let a run of each dataflow begin that ends only with :meth:`release`."""
        self.emulator.control("POST", "outcomes", json={"outcome": "stuck", "times": len(self.ids)})
        self.let_run()

    def release(self) -> None:
        self.emulator.control("POST", "outcomes/release")
        self.emulator.advance(2)

    def requests(self) -> list[dict[str, str]]:
        """Return the collection and the filters of each request since the last call."""
        paths, self.proxy.asked[:] = [path for _, path, _ in self.proxy.asked if "/ims/" not in path], []
        return [parse_request(path) for path in paths]


def parse_request(path: str) -> dict[str, str]:
    where, _, query = path.partition("?")
    filters = [value for name, value in parse_qsl(query) if name == "property"]
    split = [f.replace(">=", "==").partition("==") for f in filters]
    return {"of": where.rsplit("/flowservice/", 1)[1], **{name: value for name, _, value in split}}


@pytest.fixture
def fleet(emulator: Emulator) -> Iterator[Callable[..., Fleet]]:
    with fault_proxy(emulator.url) as proxy:
        yield lambda count, runs=1: Fleet(emulator, count, proxy, runs)


@pytest.fixture
def make_queries(make_client: Callable[..., Client]) -> Callable[[Fleet], RunQueries]:
    def make(fleet: Fleet) -> RunQueries:
        client = make_client(fleet.proxy.url)
        client.transport.attempts = 1
        return RunQueries(client)

    return make


def poll(queries: RunQueries, waits: list[Wait]) -> None:
    """Poll all waits once, as the poller does."""
    for first in range(0, len(waits), WAITS_PER_REQUEST):
        queries.poll(waits[first : first + WAITS_PER_REQUEST])


def ended(waits: list[Wait]) -> int:
    return sum(1 for wait in waits if wait.run and wait.run.completed_at)


MakeFleet = Callable[..., Fleet]
MakeQueries = Callable[[Fleet], RunQueries]


def items(runs: list[Any]) -> bytes:
    return json.dumps({"items": runs}).encode()


class Service:
    """
    A service whose answers a function returns; it records the requests.

    :param answer: returns the items or the status of an answer, or ``None`` to let the emulator answer.
    """

    def __init__(self, proxy: FaultProxy, answer: Callable[[dict[str, str]], list[Any] | int | None]) -> None:
        self.answer = answer
        self.requests: list[dict[str, str]] = []
        proxy.fault("GET", "/flowservice/", reply=self._reply, times=FOREVER)

    def _reply(self, path: str) -> tuple[int, bytes] | None:
        self.requests.append(parse_request(path))
        answer = self.answer(self.requests[-1])
        if answer is None:
            return None
        return (answer, b"{}") if isinstance(answer, int) else (200, items(answer))


@pytest.fixture
def queries(proxy: FaultProxy, make_client: Callable[..., Client]) -> RunQueries:
    """The queries of a client behind the proxy, each sent once."""
    client = make_client(proxy.url)
    client.transport.attempts = 1
    return RunQueries(client)


def waits_for(count: int) -> list[Wait]:
    return [Wait(RunSelection(f"flow-{number}", since=1e9), 1e9) for number in range(count)]
