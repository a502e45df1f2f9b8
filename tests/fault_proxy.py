"""A loopback proxy in front of the emulator that injects the faults of a test. It knows nothing of AEP."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Fault:
    """
    A fault of the next ``times`` requests with this method whose path and query contain ``path``; a ``*`` in ``path``
    matches any text.

    :param status: answer with this status without forwarding the request; ``None`` forwards it.
    :param cut: forward the request, send half of the answer and close the connection.
    :param lose: forward the request, then close the connection without an answer.
    :param before: close the connection without an answer, and do not forward the request.
    :param hang: keep the connection open without an answer until the test ends.
    :param first: called before anything else, such as a write of another client.
    :param reply: return the status and body to answer a path (with its query) with, or ``None`` for no answer.
    """

    method: str
    path: str
    status: int | None = None
    body: bytes = b'{"title": "Told to by a test"}'
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    lose: bool = False
    before: bool = False
    hang: bool = False
    first: Callable[[], object] | None = None
    reply: Callable[[str], tuple[int, bytes] | None] | None = None
    times: int = 1


class FaultProxy(ThreadingHTTPServer):
    """A proxy that forwards to ``upstream`` and keeps each request's method, path and status (0: no answer)."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.faults: list[Fault] = []
        self.asked: list[tuple[str, str, int]] = []
        self.authorizations: list[str] = []
        self.lock = threading.Lock()
        self.ended = threading.Event()

    def fault(self, method: str, path: str, **kwargs: object) -> Fault:
        """Inject a fault, and return it."""
        fault = Fault(method, path, **kwargs)  # type: ignore[arg-type]
        self.faults.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that a request meets, and count the request."""
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and fault.method == method and fnmatchcase(path, f"*{fault.path}*"):
                    fault.times -= 1
                    return fault
        return None

    def count(self, method: str, path: str) -> int:
        """Return the number of requests with this method whose path contains ``path``."""
        return sum(1 for asked_method, asked, _ in self.asked if asked_method == method and path in asked)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: FaultProxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.authorizations.append(self.headers.get("authorization", ""))
        fault = self.server.take(self.command, self.path)
        if fault and fault.first:
            fault.first()
        if fault and fault.hang:
            self._note(0)
            self.server.ended.wait(30)
            return self._drop()
        replied = fault.reply(self.path) if fault and fault.reply else None
        if fault and (fault.before or (fault.reply and not replied)):
            self._note(0)
            return self._drop()
        if replied:
            self._note(replied[0])
            return self._answer(replied[0], {"Content-Type": "application/json"}, replied[1])
        if fault and fault.status is not None:
            self._note(fault.status)
            return self._answer(fault.status, {"Content-Type": "application/json", **fault.headers}, fault.body)
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=30)
        upstream.request(self.command, self.path, body or None, dict(self.headers.items()))
        answer = upstream.getresponse()
        payload, headers = answer.read(), dict(answer.getheaders())
        upstream.close()
        if fault and fault.lose:
            self._note(0)
            return self._drop()
        self._note(answer.status)
        framing = ("content-length", "connection", "transfer-encoding")
        kept = {name: value for name, value in headers.items() if name.lower() not in framing}
        if fault and fault.cut:
            self._answer(answer.status, kept, payload, sent=len(payload) // 2)
            return self._drop()
        return self._answer(answer.status, kept, payload)

    def _note(self, status: int) -> None:
        self.server.asked.append((self.command, self.path, status))

    def _answer(self, status: int, headers: dict[str, str], body: bytes, sent: int | None = None) -> None:
        self.send_response_only(status)  # the date is the upstream's
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:sent])
        self.wfile.flush()

    def _drop(self) -> None:
        self.close_connection = True
        # The client sees a reset, not an orderly close.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def finish(self) -> None:
        with suppress(OSError, ValueError):  # the fault closed the connection
            super().finish()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    with FaultProxy(upstream) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.ended.set()
            proxy.shutdown()
            thread.join()
