"""Fixtures of the client's tests: a chain of resources, a failing proxy, and the emulator's time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.http.auth import ClientCredentials
from airflow_provider_payments.aep.http.transport import Clock, Transport
from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.aep.chain import Chain
from tests.chaos.timeline import Platform, Timeline
from tests.conftest import SERIAL, Emulator, napping
from tests.fault_proxy import FaultProxy, fault_proxy


@pytest.fixture(scope="session")
def _proxy(manual_server: EmulatorServer) -> Iterator[FaultProxy]:
    with fault_proxy(manual_server.url) as running:
        yield running


@pytest.fixture
def proxy(emulator: Emulator, _proxy: FaultProxy) -> FaultProxy:
    """The emulator behind a proxy that fails as a test requests; without the faults of other tests."""
    _proxy.faults.clear()
    _proxy.asked.clear()
    _proxy.authorizations.clear()
    return _proxy


@pytest.fixture
def chain(client: Client, naps: list[float]) -> Chain:
    """The steps up to a dataflow, created directly at the emulator."""
    return Chain(client, naps)


@pytest.fixture
def timeline(emulator: Emulator) -> Timeline:
    """The emulator's time, which passes while a client waits."""
    return Timeline(Platform(emulator.url))


@pytest.fixture
def credential(emulator: Emulator, naps: list[float]) -> Callable[..., ClientCredentials]:
    """Make credentials whose scopes differ from those of other tests, so that they share no token."""
    serial = next(SERIAL)

    def make(**given: Any) -> ClientCredentials:
        usual: dict[str, Any] = {
            "client_id": "emulator-client",
            "client_secret": "emulator-secret",
            "transport": Transport(clock=napping(naps)),
            "ims_url": emulator.url,
            "scopes": f"openid,acp.own-{serial}",
        }
        return ClientCredentials(**usual | given)

    return make


@attrs.frozen
class Stepping(ClientCredentials):
    """A credential that calls ``step`` before each request, for example to let other writers act."""

    step: Callable[[], None] = attrs.field(default=lambda: None, repr=False)

    def token(self) -> str:
        self.step()
        return super().token()


@pytest.fixture
def make_writer(emulator: Emulator, make_client: Callable[..., Client], timeline: Timeline) -> Callable[..., Chain]:
    """Make chains in the emulator's time, with the settle times of a live platform and their own naps."""

    def make(url: str | None = None, seconds: float = 0.0, **kwargs: Any) -> Chain:
        naps: list[float] = []

        def sleep(nap: float) -> None:
            naps.append(nap)
            timeline.sleep(nap)

        clock = Clock(lambda: timeline.now, sleep)
        credential = Stepping(
            client_id="emulator-client",
            client_secret="emulator-secret",
            transport=Transport(clock=clock),
            ims_url=emulator.url,
            scopes=f"openid,acp.writer-{next(SERIAL)}",
            step=lambda: timeline.sleep(seconds) if seconds else None,
        )
        given = {"clock": clock, "credential": credential, "settle_seconds": 10.0, "dataflow_settle_seconds": 50.0}
        return Chain(make_client(url, **given | kwargs), naps)

    return make


@pytest.fixture
def writer(make_writer: Callable[..., Chain]) -> Chain:
    """A chain directly at the emulator, in its time."""
    return make_writer()
