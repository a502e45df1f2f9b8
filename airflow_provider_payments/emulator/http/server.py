"""The emulator within a process: a server in a thread of its own."""

from __future__ import annotations

import os
import socket
import threading
from types import TracebackType

import uvicorn

from airflow_provider_payments.emulator.control.like import options_like
from airflow_provider_payments.emulator.core.clock import TimeMode
from airflow_provider_payments.emulator.core.options import Options, RuntimeOptions
from airflow_provider_payments.emulator.core.rate_limit import Limit
from airflow_provider_payments.emulator.http.app import make_app
from airflow_provider_payments.emulator.http.connection import TransportProtocol
from airflow_provider_payments.emulator.organisation import Organisation

__all__ = ["EmulatorServer", "listening_socket", "make_server", "origin"]

_STOP_SECONDS = 5


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a bound socket. It is bound before the server starts, so that a port in use is an early error.

    :param host: a name or an address.
    :param port: 0 for any free port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def origin(sock: socket.socket) -> str:
    """Return the URL of a bound socket."""
    host, port = sock.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, organisation: Organisation) -> None:
        super().__init__(config)
        self.organisation = organisation

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.organisation.faults.discarded.set()
        await super().shutdown(sockets)


def make_server(organisation: Organisation) -> uvicorn.Server:
    """Return a server of an organisation. It logs nothing, and it stops without waiting for connections or delays."""
    config = uvicorn.Config(
        make_app(organisation),
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        http=TransportProtocol,
        # The middleware sends the Date header of the emulator's clock. Forwarded addresses are not trusted.
        server_header=False,
        date_header=False,
        proxy_headers=False,
        # A client may poll once a minute: its next request must not coincide with the close of an idle connection.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    return _Server(config, organisation)


class EmulatorServer:
    """A context manager that runs an emulator on loopback.

    :param host: the address to listen on.
    :param port: the port to listen on; 0 for any free port.
    :param client_id: the API key that the gateway accepts.
    :param client_secret: the secret of the client.
    :param org: the id of the organisation.
    :param time: the mode of the clock: ``fast``, ``real`` or ``manual``.
    :param rate_limit: the requests a minute that the gateway accepts; no limit unless given.
    :param burst: the requests that the gateway accepts at once; the requests of a minute unless given.
    :param like: the path of a report of ``payments verify``: the emulator behaves like the sandbox of the report; as
        documented by Adobe unless given.
    :raises ReportError: if the file is not such a report.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        client_id: str = Options.client_id,
        client_secret: str = Options.client_secret,
        org: str = Options.org,
        time: TimeMode = "fast",
        rate_limit: float | None = None,
        burst: int | None = None,
        like: str | os.PathLike[str] | None = None,
    ) -> None:
        limit = None if rate_limit is None else Limit(rate_limit, burst)
        runtime = RuntimeOptions() if like is None else options_like(like)
        self.options = Options(client_id, client_secret, org, time, rate_limit=limit, runtime=runtime)
        self._address = (host, port)
        self._url: str | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The URL of all services; available only between :meth:`start` and :meth:`stop`."""
        if self._url is None:
            raise RuntimeError("The emulator is not running.")
        return self._url

    def start(self) -> EmulatorServer:
        """Start the server; return as soon as it accepts connections."""
        if self._thread is not None:
            raise RuntimeError("The emulator is already running.")
        sock = listening_socket(*self._address)
        # From now on the kernel queues connections: a client need not wait until the event loop runs.
        sock.listen(2048)
        self._url = origin(sock)
        self._server = make_server(Organisation(self.options, self._url))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [sock]}, name="experience-platform-emulator", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop the server; does nothing if the server is not running."""
        server, thread = self._server, self._thread
        self._server = self._thread = self._url = None
        if server is None or thread is None:
            return
        server.should_exit = True
        thread.join(_STOP_SECONDS / 2)
        if thread.is_alive():
            server.force_exit = True
            thread.join(_STOP_SECONDS / 2)

    def __enter__(self) -> EmulatorServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
