"""Dataflows that runs are asked of, services that answer as they like, and what asks them."""

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
#: What the poller puts into one question.
QUESTION = 100


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
        One for each dataflow, for runs from now on.

        :param quiet_since: as the worker hands it over, by default its poll was just now; ``None``: there was none.
        """
        seen = None if quiet_since is None else self.now + quiet_since
        made = [RunSelection(flow_id, **{"since": self.now} | selection) for flow_id in self.ids]
        return [Wait(selection, self.now - 300, quiet_since=seen) for selection in made]

    def let_run(self) -> None:
        """Let each dataflow run once more; they begin within an hour of each other."""
        now = float(self.emulator.control("GET", "clock")["now"])
        starts = [flow["scheduleParams"]["startTime"] for flow in self.emulator.objects("flows")]
        self.emulator.advance(max(start + DAY * max(0, math.ceil((now - start) / DAY)) for start in starts) - now + 2)

    def let_begin(self) -> None:
        """The same, but the runs end only with :meth:`release`."""
        self.emulator.control("POST", "outcomes", json={"outcome": "stuck", "times": len(self.ids)})
        self.let_run()

    def release(self) -> None:
        self.emulator.control("POST", "outcomes/release")
        self.emulator.advance(2)

    def asked(self) -> list[dict[str, str]]:
        """What was asked since the last call: the filters of each question, or ``{"path": ...}`` for a single one."""
        paths, self.proxy.asked[:] = [path for _, path, _ in self.proxy.asked if "/ims/" not in path], []
        return [question_of(path) for path in paths]


def question_of(path: str) -> dict[str, str]:
    where, _, query = path.partition("?")
    filters = [value for name, value in parse_qsl(query) if name == "property"]
    split = [f.replace(">=", "==").partition("==") for f in filters]
    return {"of": where.rsplit("/flowservice/", 1)[1], **{name: value for name, _, value in split}}


@pytest.fixture
def fleet(emulator: Emulator) -> Iterator[Callable[..., Fleet]]:
    with fault_proxy(emulator.url) as proxy:
        yield lambda count, runs=1: Fleet(emulator, count, proxy, runs)


@pytest.fixture
def queries(make_client: Callable[..., Client]) -> Callable[[Fleet], RunQueries]:
    def make(of: Fleet) -> RunQueries:
        client = make_client(of.proxy.url)
        client.transport.attempts = 1
        return RunQueries(client)

    return make


def poll(asking: RunQueries, waits: list[Wait]) -> None:
    """Poll all waits once, as the poller does."""
    for first in range(0, len(waits), QUESTION):
        asking.poll(waits[first : first + QUESTION])


def ended(waits: list[Wait]) -> int:
    return sum(1 for wait in waits if wait.run and wait.run.completed_at)


Make = Callable[..., Fleet]
Ask = Callable[[Fleet], RunQueries]


def items(runs: list[Any]) -> bytes:
    return json.dumps({"items": runs}).encode()


class Service:
    """A service that answers what a function says, items or a status, ``None`` for nothing; it keeps what is asked."""

    def __init__(self, proxy: FaultProxy, answer: Callable[[dict[str, str]], list[Any] | int | None]) -> None:
        self.answer = answer
        self.asked: list[dict[str, str]] = []
        proxy.fault("GET", "/flowservice/", reply=self._reply, times=FOREVER)

    def _reply(self, path: str) -> tuple[int, bytes] | None:
        self.asked.append(question_of(path))
        answer = self.answer(self.asked[-1])
        if answer is None:
            return None
        return (answer, b"{}") if isinstance(answer, int) else (200, items(answer))


@pytest.fixture
def asking(proxy: FaultProxy, make_client: Callable[..., Client]) -> RunQueries:
    """Questions to whatever stands behind the proxy, each sent once."""
    client = make_client(proxy.url)
    client.transport.attempts = 1
    return RunQueries(client)


def waits_for(count: int) -> list[Wait]:
    return [Wait(RunSelection(f"flow-{number}", since=1e9), 1e9) for number in range(count)]
