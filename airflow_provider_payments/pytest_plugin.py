"""
A pytest plugin: the fixture ``experience_platform``, an emulated Experience Platform for tests of your own DAGs.

It loads with every pytest run in an environment that has this package, so it imports no Airflow at all, and the
emulator's web server only when a test uses the fixture.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_payments.emulator.http.server import EmulatorServer

__all__ = ["ExperiencePlatform", "experience_platform"]

MARKER = "experience_platform"
CONN_ID = "aep_default"
_TIMES = ("fast", "real", "manual")
_TIMEOUT_SECONDS = 30


class ExperiencePlatform:
    """
    A running emulator and the Airflow connection that leads to it.

    Every method sends a request to the emulator's control interface, and raises ``ValueError`` with its message if it
    refuses the request.

    .. seealso:: ``docs/testing.md#the-fixture`` in the manual.

    :param url: URL of the emulator.
    :param sandbox: the sandbox of the connection, and of the methods. Defaults to ``"dev"``.
    :param conn_id: id of the Airflow connection. Defaults to ``"aep_default"``.
    """

    def __init__(self, url: str, sandbox: str = "dev", conn_id: str = CONN_ID) -> None:
        self.url = url
        self.sandbox = sandbox
        self.conn_id = conn_id

    def connection(self, **extra: Any) -> str:
        """
        Return an Airflow connection to the emulator as JSON, the form that ``AIRFLOW_CONN_...`` takes.

        :param extra: fields of the connection's extra that differ; ``None`` leaves one out.
        """
        settings = {
            "org_id": "EMULATOR@AdobeOrg",
            "sandbox": self.sandbox,
            "ims_url": self.url,
            # The emulator's lists do not lag: a creation whose answer was lost is visible at once.
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
        """
        Return every object of a kind in a sandbox, oldest first.

        :param kind: ``connections``, ``sourceConnections``, ``targetConnections``, ``flows``, ``runs``, ``schemas``,
            ``fieldgroups``, ``classes``, ``datatypes``, ``descriptors``, ``dataSets``, ``batches`` or ``mappingSets``.
        :param sandbox: name of the sandbox. Defaults to ``None``: that of the connection.
        """
        params = {"sandbox": sandbox or self.sandbox, "kind": kind}
        ((_, kinds),) = self.control("GET", "state", params=params)["sandboxes"].items()
        return list(kinds[kind])

    def rows(self, dataset_id: str, start: int = 0, limit: int = 100) -> dict[str, Any]:
        """
        Return the rows that landed in a dataset: their ``count``, and a page of ``rows``.

        :param dataset_id: id of the dataset.
        :param start: number of rows to leave out. Defaults to ``0``.
        :param limit: maximum number of rows in the page. Defaults to ``100``.
        """
        return dict(self.control("GET", f"datasets/{dataset_id}/rows", params={"start": start, "limit": limit}))

    def requests(self, **filters: Any) -> list[dict[str, Any]]:
        """
        Return the requests that the emulator received, in order, without those to its control interface.

        :param filters: ``method``, ``path`` (a prefix), ``status``.
        """
        return list(self.control("GET", "requests", params=filters)["requests"])

    def advance(self, seconds: float) -> float:
        """
        Move a manual clock forward, and return its time in epoch seconds; what falls due meanwhile happens.

        :param seconds: by how many.
        """
        return float(self.control("POST", "clock", json={"advance": seconds})["now"])

    def fail(self, action: str, *, method: str | None = None, path: str | None = None, **details: Any) -> str:
        """
        Let requests fail; return the fault's id.

        :param action: such as ``status``, ``delay``, ``drop_before``, ``apply_then_drop``;
            ``docs/emulator.md#faults`` lists all.
        :param method: only requests with this method. Defaults to ``None``: any.
        :param path: only requests to this path; ``*`` stands for any text. Defaults to ``None``: any.
        :param details: ``nth``, ``times``, ``probability``, and what the action takes, such as ``status``.
        """
        match = {"method": method, "path": path, "nth": details.pop("nth", None)}
        given = {name: value for name, value in match.items() if value is not None}
        return str(self.control("POST", "faults", json={"match": given, "action": action, **details})["id"])

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults, each with how often it ``matched`` and ``fired``."""
        return list(self.control("GET", "faults")["faults"])

    def order(self, outcome: str, **details: Any) -> None:
        """
        Set how the next flow run ends.

        :param outcome: such as ``fail_copy``, ``fail_promotion``, ``partial``, ``stuck``;
            ``docs/emulator.md#outcomes`` lists all.
        :param details: ``flowId`` or ``name`` of the dataflow, ``times``, and what the outcome takes.
        """
        self.control("POST", "outcomes", json={"outcome": outcome, "sandbox": self.sandbox, **details})

    def reset(self) -> None:
        """Remove every object, fault and recorded request."""
        self.control("POST", "reset")

    def control(self, method: str, path: str, **options: Any) -> Any:
        """
        Send a request to the control interface, and return its answer.

        :param method: the HTTP method.
        :param path: the part after ``/__emulator__/``.
        :param options: as :func:`requests.request` takes them.
        :raises ValueError: with the emulator's message, if it refuses the request.
        """
        import requests

        with requests.Session() as session:
            # A proxy of the environment cannot reach this machine's loopback.
            session.trust_env = False
            answer = session.request(method, f"{self.url}/__emulator__/{path}", timeout=_TIMEOUT_SECONDS, **options)
        body = answer.json()
        if not answer.ok:
            raise ValueError(body["error"])
        return body


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(time='fast', sandbox='dev', conn_id={CONN_ID!r}, like=None, **extra): how the fixture {MARKER} is "
        f"set up; time is one of {', '.join(_TIMES)}, like is a report of 'payments verify', extra goes into the "
        "connection's extra",
    )


@pytest.fixture(scope="session")
def _experience_platform_servers() -> Iterator[Callable[[str, Path | None], EmulatorServer]]:
    """Start one emulator for each kind of clock and each report, when a test needs it first."""
    with ExitStack() as running:
        servers: dict[tuple[str, Path | None], EmulatorServer] = {}

        def serve(time: str, like: Path | None) -> EmulatorServer:
            try:
                from airflow_provider_payments.emulator.control.like import ReportError
                from airflow_provider_payments.emulator.http.server import EmulatorServer
            except ModuleNotFoundError as error:
                pytest.fail(f"The emulator needs {error.name}: install airflow-provider-payments[demo].", pytrace=False)
            if (time, like) not in servers:
                try:
                    server = EmulatorServer(time=time, like=like)  # type: ignore[arg-type]
                except ReportError as error:
                    pytest.fail(f"@pytest.mark.{MARKER}(like=...): {error}", pytrace=False)
                servers[time, like] = running.enter_context(server)
            return servers[time, like]

        yield serve


@pytest.fixture
def experience_platform(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    _experience_platform_servers: Callable[[str, Path | None], EmulatorServer],
) -> ExperiencePlatform:
    """
    Provide an empty Experience Platform on loopback, and an Airflow connection to it in the environment.

    The marker ``experience_platform`` changes its clock (``time``), the sandbox, the connection's id and extra, and how
    the emulator behaves: ``like`` the sandbox in a report of ``payments verify``, a path below pytest's root directory.

    .. seealso:: ``docs/testing.md#the-fixture`` in the manual.
    """
    marker = request.node.get_closest_marker(MARKER)
    options = dict(marker.kwargs) if marker else {}
    time = options.pop("time", "fast")
    if time not in _TIMES or (marker and marker.args):
        pytest.fail(f"@pytest.mark.{MARKER} takes keywords; time={time!r}, allowed: {', '.join(_TIMES)}", pytrace=False)
    like = options.pop("like", None)
    url = _experience_platform_servers(time, None if like is None else request.config.rootpath / like).url
    platform = ExperiencePlatform(url, options.pop("sandbox", "dev"), options.pop("conn_id", CONN_ID))
    platform.reset()
    monkeypatch.setenv(f"AIRFLOW_CONN_{platform.conn_id.upper()}", platform.connection(**options))
    return platform
