"""Fixtures: a running emulator whose clock only tests move, and an Airflow connection to the emulator."""

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

# Airflow reads its home when it is first imported: set a temporary one before.
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

# The duration of an example depends on the load of the machine.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

#: Numbers the scopes of credentials, by which they cache tokens: a token from before a reset would be refused.
SERIAL = itertools.count()
CONNECTION_ID = "aep_default"
#: The PayPal base connection that the seed documents use and the emulator holds.
PAYPAL = "24151d58-ffa7-4960-951d-58ffa7396097"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``--dist loadfile``, run all of tests/system in one process, where they share a started Airflow."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "tests/system" if file.startswith("tests/system/") else file

    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Exclude modules and tests, which are never freed, from garbage collections, and collect less often."""
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
        """Return the bodies of all POSTs to paths with this end, in order, without their marks."""
        return [unmarked(r["body"]) for r in self.requests(method="POST") if r["path"].endswith(path)]


def unmarked(body: Any) -> Any:
    """Return the body of a creation without its mark: the end of a description, or a dataset's tag."""
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
    """Forget the secrets of other tests: one may be a word that this test expects in a text."""
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
    """Provide the emulator behind a proxy that injects the faults of a test."""
    with fault_proxy(emulator.url) as running:
        yield running


@pytest.fixture
def naps() -> list[float]:
    """Provide the list of the clients' waits in seconds; no client really sleeps."""
    return []


def napping(naps: list[float], emulator: Emulator | None = None) -> Clock:
    """Return a clock whose sleep appends to ``naps`` and moves the emulator's clock; nothing else takes time."""

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if emulator:
            emulator.advance(seconds)

    return Clock(monotonic=lambda: sum(naps), sleep=sleep)


@pytest.fixture
def make_client(emulator: Emulator, naps: list[float]) -> Callable[..., Client]:
    """Create clients; each has its own credential, so that tests share no token."""

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
    """Return an Airflow connection to the emulator, in the form of ``AIRFLOW_CONN_...``."""
    return Emulator(url).connection(**{"scopes": f"openid,acp.test-{next(SERIAL)}"} | extra)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put an Airflow connection into the environment."""

    def put(url: str, conn_id: str = CONNECTION_ID, **extra: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", connection_json(url, **extra))

    return put


@pytest.fixture
def connected(emulator: Emulator, connect: Callable[..., None]) -> Emulator:
    """Provide the emulator, with the default Airflow connection to it in the environment."""
    connect(emulator.url)
    return emulator
