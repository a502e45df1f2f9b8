"""Fixtures: a running emulator with a clock that only tests move, and an Airflow that knows it by a connection."""

from __future__ import annotations

import copy
import gc
import itertools
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

# Airflow reads its home when it is first imported: before that it must be a throw-away one.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="payments-tests-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "True"
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = os.environ["AIRFLOW_HOME"]

import hypothesis
import pytest

from airflow_provider_payments.aep import redaction
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.http.auth import ClientCredentials
from airflow_provider_payments.aep.http.clock import Clock
from airflow_provider_payments.aep.http.transport import Transport
from airflow_provider_payments.emulator.http.server import EmulatorServer
from airflow_provider_payments.pytest_plugin import ExperiencePlatform
from tests.control_requests import control
from tests.fault_proxy import FaultProxy, fault_proxy

pytest_plugins = ["tests.processor_time"]

# How long an example takes says what else the machine does.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

#: A token of another test's emulator state would be refused once; scopes are part of a credential's identity.
SERIAL = itertools.count()
CONNECTION_ID = "aep_default"
#: The PayPal base connection that the seed documents use and the emulator holds.
PAYPAL = "24151d58-ffa7-4960-951d-58ffa7396097"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``--dist loadfile``, leave all of tests/system to one process: they share an Airflow that has started."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "tests/system" if file.startswith("tests/system/") else file

    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Leave modules and tests, which stay until the end, out of garbage collections, and collect more seldom."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class Emulator(ExperiencePlatform):
    """The running emulator, seen from outside: the fixture that users get, with requests that only our tests send."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._address = urlsplit(url).netloc

    def control(self, method: str, path: str, **options: Any) -> Any:
        return control(self._address, method, path, **options)

    def behave(self, **options: Any) -> None:
        """Set options of the emulator, such as ``lags={"dataset": {"listed": 5}}``."""
        self.control("PUT", "options", json=options)

    def posted(self, path: str) -> list[Any]:
        """The bodies of all POSTs to a path that ends so, in order, without the marks that they carry."""
        return [unmarked(r["body"]) for r in self.requests(method="POST") if r["path"].endswith(path)]


def unmarked(body: Any) -> Any:
    """A creation's body without its mark: the end of a description, or a dataset's tag."""
    if not isinstance(body, dict):
        return body
    body = copy.deepcopy(body)
    if "description" in body:
        body["description"] = re.sub(r" ?\[airflow:[^\]]*\]$", "", body["description"])
        if not body["description"] and "$ref" not in json.dumps(body):
            del body["description"]  # only schemas and field groups send an empty one
    if (body.get("tags") or {}).pop("airflow/mark", None) and not body["tags"]:
        del body["tags"]
    return body


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test's secret may be a word that this one looks for."""
    monkeypatch.setattr(redaction, "_known", {})


@pytest.fixture(scope="session")
def manual_server() -> Iterator[EmulatorServer]:
    with EmulatorServer(time="manual") as server:
        yield server


@pytest.fixture
def emulator(manual_server: EmulatorServer) -> Emulator:
    running = Emulator(manual_server.url)
    running.reset()
    return running


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[FaultProxy]:
    """The emulator behind a proxy that fails as it is told."""
    with fault_proxy(emulator.url) as running:
        yield running


@pytest.fixture
def naps() -> list[float]:
    """The seconds that clients waited, none of which was slept."""
    return []


def napping(naps: list[float], emulator: Emulator | None = None) -> Clock:
    """A clock that sleeps by taking note of it, while the emulator's moves on; nothing else takes any time."""

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if emulator:
            emulator.advance(seconds)

    return Clock(monotonic=lambda: sum(naps), sleep=sleep)


@pytest.fixture
def make_client(emulator: Emulator, naps: list[float]) -> Callable[..., Client]:
    """Make clients; each has a credential of its own, so that no token is shared between tests."""

    def make(url: str | None = None, read_timeout: float = 5.0, clock: Clock | None = None, **kwargs: Any) -> Client:
        transport = Transport(connect_timeout=2.0, read_timeout=read_timeout, clock=clock or napping(naps, emulator))
        given = {
            "org_id": "EMULATOR@AdobeOrg",
            "sandbox": "dev",
            "settle_seconds": 0.0,
            "dataflow_settle_seconds": 0.0,
        } | kwargs
        credential = given.pop("credential", None) or ClientCredentials(
            client_id="emulator-client",
            client_secret="emulator-secret",
            transport=transport,
            ims_url=url or emulator.url,
            scopes=f"openid,acp.test-{next(SERIAL)}",
        )
        return Client(credential=credential, transport=transport, url=url or emulator.url, **given)

    return make


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()


def connection_json(url: str, **extra: Any) -> str:
    """An Airflow connection to the emulator, as ``AIRFLOW_CONN_...`` takes it."""
    return Emulator(url).connection(**{"scopes": f"openid,acp.test-{next(SERIAL)}"} | extra)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put an Airflow connection into the environment."""

    def put(url: str, conn_id: str = CONNECTION_ID, **extra: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", connection_json(url, **extra))

    return put


@pytest.fixture
def connected(emulator: Emulator, connect: Callable[..., None]) -> Emulator:
    """The emulator, with the default Airflow connection leading to it."""
    connect(emulator.url)
    return emulator
