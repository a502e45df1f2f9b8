"""Fixtures for watchers: a dataflow, a proxy in front of the emulator, and a supervisor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.triggers.flow_run_event import FlowRunEventTrigger
from airflow_provider_payments.versions import has_event_streams
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.chain import make_dataflow
from tests.sensors.flows import runs
from tests.triggers.asset_watcher import Supervisor

RUNS = "/flowservice/runs"
from_3_3 = pytest.mark.skipif(not has_event_streams(), reason="Airflow 3.3 and newer acknowledge events")


def trigger(flow_id: str = "flow", **arguments: Any) -> FlowRunEventTrigger:
    return FlowRunEventTrigger(**{"flow_id": flow_id, "asset": "arrived", "poll_interval": 0.01} | arguments)


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    if not has_event_streams():
        pytest.skip("Airflow 3.3 and newer acknowledge events")
    from airflow.sdk.execution_time import task_runner

    supervisor = Supervisor()
    # Airflow keeps its connection to the supervisor in this attribute.
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)
    return supervisor


@pytest.fixture
def flow_id(connected: Emulator) -> str:
    """A dataflow that has not run yet; its first run has five bad records."""
    return str(make_dataflow(partial_ingestion_percent=5)["id"])


@pytest.fixture
def proxied(flow_id: str, proxy: FaultProxy, connect: Callable[..., None]) -> FaultProxy:
    connect(proxy.url)
    return proxy


def ids(emulator: Emulator, flow_id: str) -> list[str]:
    return [run["id"] for run in runs(emulator, flow_id)]
