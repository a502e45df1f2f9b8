"""``FlowRunEventTrigger``: failures are logged, do not end the trigger, and delay no others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.sensors.flows import advance_to_run
from tests.triggers.asset_watcher import Supervisor, Watcher, live, until
from tests.triggers.events import RUNS, from_3_3, ids, trigger
from tests.triggers.events import flow_id as flow_id
from tests.triggers.events import proxied as proxied
from tests.triggers.events import supervisor as supervisor


def test_failed_polls_never_end_the_trigger(
    supervisor: Supervisor, connected: Emulator, flow_id: str, proxied: FaultProxy, said: Callable[[str], int]
) -> None:
    advance_to_run(connected)
    proxied.fault("GET", RUNS, status=503, headers={"Retry-After": "0"}, times=5)
    live(trigger(flow_id, since=0, poll_interval=0.001), supervisor, until(lambda: supervisor.events))
    assert supervisor.run_ids() == ids(connected, flow_id)
    assert said(f"Could not poll for runs of dataflow {flow_id} for asset arrived") == 5


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        ({"status": 403}, "next poll in 600 s"),
        ({"status": 429, "headers": {"Retry-After": "1800"}}, "next poll in 1800 s"),
        ({"status": 429, "headers": {"Retry-After": "86400"}}, "next poll in 86400 s"),
    ],
    ids=str,
)
def test_after_a_refusal_polling_pauses(
    supervisor: Supervisor, flow_id: str, proxied: FaultProxy, said: Callable[[str], int], fault: Any, pause: str
) -> None:
    proxied.fault("GET", RUNS, **fault, times=1000)
    lines = 0

    def is_logged() -> bool:
        nonlocal lines
        lines += said(pause)
        return lines > 0

    live(trigger(flow_id), supervisor, until(is_logged))
    assert proxied.count("GET", RUNS) == 1


def test_a_retry_after_does_not_delay_the_triggerers_end(
    supervisor: Supervisor, flow_id: str, proxied: FaultProxy
) -> None:
    proxied.fault("GET", RUNS, status=429, headers={"Retry-After": "15"}, times=1000)
    begun = time.monotonic()
    live(trigger(flow_id), supervisor, until(lambda: proxied.count("GET", RUNS)))
    assert time.monotonic() - begun < 15
    assert proxied.count("GET", RUNS) == 1


def test_a_missing_dataflow_is_reported(
    supervisor: Supervisor, connected: Emulator, said: Callable[[str], int]
) -> None:
    live(trigger("00000000-0000-0000-0000-000000000000"), supervisor, until(lambda: said("next poll in 600 s")))
    assert supervisor.states == {}
    assert connected.requests(path=f"/data/foundation{RUNS}") == []


def test_a_deleted_connection_does_not_end_the_trigger(supervisor: Supervisor, said: Callable[[str], int]) -> None:
    live(trigger(aep_conn_id="no_such_connection"), supervisor, until(lambda: said("no_such_connection")))
    assert supervisor.states == {}


def test_storing_the_state_is_retried(
    supervisor: Supervisor, connected: Emulator, flow_id: str, said: Callable[[str], int]
) -> None:
    advance_to_run(connected)

    async def life(watcher: Watcher) -> None:
        await watcher.until(lambda: supervisor.state and watcher.runner.events, store=False)
        supervisor.error = ConnectionError("no database")
        await watcher.until(lambda: said("asset arrived: Airflow's state store: ConnectionError: no database"))
        assert supervisor.state["announced"] == {}
        supervisor.error = None
        await watcher.until(lambda: supervisor.state["announced"])

    live(trigger(flow_id, since=0), supervisor, life)
    assert supervisor.run_ids() == ids(connected, flow_id)


def test_a_store_that_answers_after_13_seconds_is_waited_for(
    supervisor: Supervisor, connected: Emulator, flow_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    advance_to_run(connected)
    supervisor.answers.clear()

    async def life(watcher: Watcher) -> None:
        await watcher.until(lambda: supervisor.reads)
        watcher.advance(13)
        for _ in range(3):
            await asyncio.sleep(0)  # lets timers that are due run first
        supervisor.answers.set()
        await watcher.until(lambda: supervisor.events)

    live(trigger(flow_id, since=0, poll_interval=600), supervisor, life)
    assert "Could not" not in caplog.text


def test_a_store_that_does_not_answer_is_logged_and_retried_soon(
    supervisor: Supervisor, connected: Emulator, flow_id: str, said: Callable[[str], int]
) -> None:
    advance_to_run(connected)
    supervisor.answers.clear()

    async def life(watcher: Watcher) -> None:
        await watcher.until(lambda: supervisor.reads)
        watcher.advance(61)
        await watcher.until(
            lambda: said("next poll in 5 s: StateStoreError: Airflow's state store has not answered for 60 s")
        )
        supervisor.answers.set()
        watcher.advance(5)
        await watcher.until(lambda: supervisor.events)

    live(trigger(flow_id, since=0, poll_interval=600), supervisor, life)
    assert supervisor.run_ids() == ids(connected, flow_id)


def test_polls_without_new_runs_write_no_state(supervisor: Supervisor, connected: Emulator, flow_id: str) -> None:
    advance_to_run(connected)

    async def life(watcher: Watcher) -> None:
        await watcher.until(lambda: supervisor.state and supervisor.state["announced"])
        writes, requests = supervisor.writes, len(connected.requests())
        await watcher.until(lambda: len(connected.requests()) >= requests + 5)
        assert supervisor.writes == writes
        assert {r["method"] for r in connected.requests()[requests:]} == {"GET"}

    live(trigger(flow_id, since=0), supervisor, life)


@from_3_3
def test_the_trigger_does_not_run_without_a_shared_stream() -> None:
    with pytest.raises(RuntimeError, match="only as the trigger of an asset watcher"):
        trigger().run().__anext__().send(None)
