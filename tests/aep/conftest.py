"""Fixtures of the platform's tests: a chain of resources to start from, and one proxy for all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_payments.aep.client import Client
from airflow_provider_payments.emulator.server import EmulatorServer
from tests.aep.chain import Chain
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy, fault_proxy


@pytest.fixture(scope="session")
def _proxy(manual_server: EmulatorServer) -> Iterator[FaultProxy]:
    with fault_proxy(manual_server.url) as running:
        yield running


@pytest.fixture
def proxy(emulator: Emulator, _proxy: FaultProxy) -> FaultProxy:
    """The emulator behind a proxy that fails as it is told; it has forgotten what it was told before."""
    _proxy.faults.clear()
    _proxy.asked.clear()
    _proxy.authorizations.clear()
    return _proxy


@pytest.fixture
def chain(client: Client, naps: list[float]) -> Chain:
    """The steps up to a dataflow, made straight at the emulator."""
    return Chain(client, naps)
