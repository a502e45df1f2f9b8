"""A pytest plugin: the fixture ``experience_platform``, an emulated Experience Platform for tests of your own DAGs.

It loads with every pytest run in an environment that has this package, so nothing heavy is imported before a test asks
for the fixture: no Airflow at all, the emulator's web server only then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.http.server import EmulatorServer

MARKER = "experience_platform"
CONN_ID = "aep_default"
_TIMES = ("fast", "real", "manual")
_SECONDS = 30


class ExperiencePlatform:
    """A running emulator and the Airflow connection that leads to it.

    Every method speaks HTTP to the emulator's control interface and raises ``ValueError`` with its words when it
    refuses what was asked.

    :param url: where the emulator answers.
    :param sandbox: the sandbox that the connection and, by default, the methods use.
    :param conn_id: the id of the Airflow connection.
    """

    def __init__(self, url: str, sandbox: str = "dev", conn_id: str = CONN_ID) -> None:
        self.url = url
        self.sandbox = sandbox
        self.conn_id = conn_id

    def connection(self, **extra: Any) -> str:
        """Return an Airflow connection to the emulator as JSON, the form that ``AIRFLOW_CONN_...`` takes.

        :param extra: fields of the connection's extra that are to differ; ``None`` leaves one out.
        """
        settings = {
            "org_id": "EMULATOR@AdobeOrg",
            "sandbox": self.sandbox,
            "ims_url": self.url,
            # The emulator's lists do not lag: a creation whose answer was lost shows at once.
            "settle_seconds": 0,
            "dataflow_settle_seconds": 0,
        } | extra
        return json.dumps(
            {
                "conn_type": "aep",
                "host": self.url,
                "login": "emulator-client",
                "password": "emulator-secret",
                "extra": {name: value for name, value in settings.items() if value is not None},
            }
        )

    def objects(self, kind: str, sandbox: str | None = None) -> list[dict[str, Any]]:
        """Return every object of a kind in a sandbox, oldest first.

        :param kind: ``connections``, ``sourceConnections``, ``targetConnections``, ``flows``, ``runs``, ``schemas``,
            ``fieldgroups``, ``classes``, ``datatypes``, ``descriptors``, ``dataSets``, ``batches`` or ``mappingSets``.
        :param sandbox: the connection's when left out.
        """
        wanted = {"sandbox": sandbox or self.sandbox, "kind": kind}
        ((_, kinds),) = self.control("GET", "state", params=wanted)["sandboxes"].items()
        return list(kinds[kind])

    def rows(self, dataset_id: str, start: int = 0, limit: int = 100) -> dict[str, Any]:
        """Return what landed in a dataset: ``count``, and ``rows`` from a place on.

        :param limit: maximum number of rows.
        """
        return dict(self.control("GET", f"datasets/{dataset_id}/rows", params={"start": start, "limit": limit}))

    def requests(self, **filters: Any) -> list[dict[str, Any]]:
        """Return the requests that the emulator was asked, in order, without its control interface.

        :param filters: ``method``, ``path`` (a prefix), ``status``.
        """
        return list(self.control("GET", "requests", params=filters)["requests"])

    def advance(self, seconds: float) -> float:
        """Move a manual clock forward; what falls due happens. Return the time, in epoch seconds."""
        return float(self.control("POST", "clock", json={"advance": seconds})["now"])

    def fail(self, action: str, *, method: str | None = None, path: str | None = None, **details: Any) -> str:
        """Let requests fail; return the fault's id.

        :param action: such as ``status``, ``delay``, ``drop_before``, ``apply_then_drop``; docs/emulator.md lists all.
        :param method: only requests with it; any when left out.
        :param path: only requests to it; ``*`` stands for any text.
        :param details: ``nth``, ``times``, ``probability``, and what the action takes, such as ``status``.
        """
        match = {"method": method, "path": path, "nth": details.pop("nth", None)}
        given = {name: value for name, value in match.items() if value is not None}
        return str(self.control("POST", "faults", json={"match": given, "action": action, **details})["id"])

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults, each with how often it ``matched`` and ``fired``."""
        return list(self.control("GET", "faults")["faults"])

    def order(self, outcome: str, **details: Any) -> None:
        """Say how the next flow run ends.

        :param outcome: such as ``fail_copy``, ``fail_promotion``, ``partial``, ``stuck``; docs/emulator.md lists all.
        :param details: ``flowId`` or ``name`` of the dataflow, ``times``, and what the outcome takes.
        """
        self.control("POST", "outcomes", json={"outcome": outcome, "sandbox": self.sandbox, **details})

    def reset(self) -> None:
        """Back to the beginning: no object, no fault, no request."""
        self.control("POST", "reset")

    def control(self, method: str, path: str, **options: Any) -> Any:
        """Call the control interface and return its answer.

        :param path: what follows ``/__emulator__/``.
        :param options: as :func:`requests.request` takes them.
        """
        import requests

        with requests.Session() as session:
            # A proxy from the environment does not know the way to this machine's loopback.
            session.trust_env = False
            answer = session.request(method, f"{self.url}/__emulator__/{path}", timeout=_SECONDS, **options)
        body = answer.json()
        if not answer.ok:
            raise ValueError(body["error"])
        return body


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(time='fast', sandbox='dev', conn_id={CONN_ID!r}, **extra): how the fixture {MARKER} is set up; "
        f"time is one of {', '.join(_TIMES)}, extra goes into the connection's extra",
    )


@pytest.fixture(scope="session")
def _experience_platform_servers() -> Iterator[Callable[[str], EmulatorServer]]:
    """One emulator for each way of telling the time, started when first needed."""
    with ExitStack() as running:
        servers: dict[str, EmulatorServer] = {}

        def serve(time: str) -> EmulatorServer:
            try:
                from airflow_provider_payments.emulator.http.server import EmulatorServer
            except ModuleNotFoundError as error:
                pytest.fail(f"The emulator needs {error.name}: install airflow-provider-payments[demo].", pytrace=False)
            if time not in servers:
                servers[time] = running.enter_context(EmulatorServer(time=time))  # type: ignore[arg-type]
            return servers[time]

        yield serve


@pytest.fixture
def experience_platform(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    _experience_platform_servers: Callable[[str], EmulatorServer],
) -> ExperiencePlatform:
    """An empty Experience Platform on loopback, and an Airflow connection to it in the environment.

    The marker ``experience_platform`` sets it up otherwise: its time, the sandbox, the connection's id and extra.
    """
    marker = request.node.get_closest_marker(MARKER)
    options = dict(marker.kwargs) if marker else {}
    time = options.pop("time", "fast")
    if time not in _TIMES or (marker and marker.args):
        pytest.fail(f"@pytest.mark.{MARKER} takes keywords; time={time!r}, allowed: {', '.join(_TIMES)}", pytrace=False)
    url = _experience_platform_servers(time).url
    platform = ExperiencePlatform(url, options.pop("sandbox", "dev"), options.pop("conn_id", CONN_ID))
    platform.reset()
    monkeypatch.setenv(f"AIRFLOW_CONN_{platform.conn_id.upper()}", platform.connection(**options))
    return platform
