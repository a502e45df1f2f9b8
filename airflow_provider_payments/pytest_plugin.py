"""
A pytest plugin with the fixture ``experience_platform``, an emulated Experience Platform for tests of your own DAGs.

Every pytest run in an environment with this package loads the plugin, so it never imports Airflow, and imports the
emulator's web server only if a test uses the fixture.
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
    A running emulator, and the Airflow connection to it.

    Each method except :meth:`connection` sends a request to the emulator's control interface, and raises ``ValueError``
    with the emulator's message if the request is refused.

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
        Return an Airflow connection to the emulator as JSON, in the form of the variable ``AIRFLOW_CONN_...``.

        :param extra: fields of the connection's extra that replace the defaults; ``None`` leaves a field out.
        """
        settings = {
            "org_id": "EMULATOR@AdobeOrg",
            "sandbox": self.sandbox,
            "ims_url": self.url,
            # The emulator's lists do not lag, so the object of a creation whose answer was lost is visible at once.
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
        Return the rows of a dataset: their ``count``, and a page of ``rows``.

        :param dataset_id: id of the dataset.
        :param start: number of rows to skip. Defaults to ``0``.
        :param limit: maximum number of rows in the page. Defaults to ``100``.
        """
        return dict(self.control("GET", f"datasets/{dataset_id}/rows", params={"start": start, "limit": limit}))

    def requests(self, **filters: Any) -> list[dict[str, Any]]:
        """
        Return the requests that the emulator received, in order, without those to its control interface.

        :param filters: ``method``, ``path`` (a prefix) and ``status`` of the requests to return.
        """
        return list(self.control("GET", "requests", params=filters)["requests"])

    def advance(self, seconds: float) -> float:
        """
        Advance a manual clock, and return its time in epoch seconds. Events that fall due in that time take place.

        :param seconds: number of seconds.
        """
        return float(self.control("POST", "clock", json={"advance": seconds})["now"])

    def fail(self, action: str, *, method: str | None = None, path: str | None = None, **details: Any) -> str:
        """
        Inject a fault into requests, and return the fault's id.

        :param action: such as ``status``, ``delay``, ``drop_before``, ``apply_then_drop``;
            ``docs/emulator.md#faults`` lists all.
        :param method: method of the requests. Defaults to ``None``: any.
        :param path: path of the requests; ``*`` matches any text. Defaults to ``None``: any.
        :param details: ``nth``, ``times``, ``probability``, and the action's parameters, such as ``status``.
        """
        match = {"method": method, "path": path, "nth": details.pop("nth", None)}
        given = {name: value for name, value in match.items() if value is not None}
        return str(self.control("POST", "faults", json={"match": given, "action": action, **details})["id"])

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults, each with the number of requests that it ``matched``, and for which it ``fired``."""
        return list(self.control("GET", "faults")["faults"])

    def order(self, outcome: str, **details: Any) -> None:
        """
        Set the outcome of the next flow run.

        :param outcome: such as ``fail_copy``, ``fail_promotion``, ``partial``, ``stuck``;
            ``docs/emulator.md#outcomes`` lists all.
        :param details: ``flowId`` or ``name`` of the dataflow, ``times``, and the outcome's parameters.
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
        :param options: keyword arguments of :func:`requests.request`.
        :raises ValueError: with the emulator's message, if the request is refused.
        """
        import requests

        with requests.Session() as session:
            # Ignore a proxy of the environment, which cannot reach this machine's loopback.
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
    """Yield a function that returns an emulator for a clock and a report, which is started at the first request."""
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

    The marker ``experience_platform`` sets the clock (``time``), the sandbox, the connection's id (``conn_id``) and
    extra, and the emulator's behaviour: ``like`` is the path of a report of ``payments verify``, relative to pytest's
    root directory, whose sandbox the emulator imitates.

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
