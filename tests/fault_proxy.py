"""A loopback proxy before the emulator that answers, cuts or loses what a test tells it to. It knows no AEP."""

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
    What happens to the next ``times`` requests of this method whose path, with its query, contains ``path``; a ``*``
    in it stands for anything.

    :param status: answer this without asking the upstream; ``None`` asks it.
    :param cut: after asking, send half of the answer and close the connection.
    :param lose: after asking (or instead, where ``before``), close the connection without an answer.
    :param hang: keep the connection open without an answer until the test ends.
    :param first: what happens before all that: what somebody else does meanwhile.
    :param reply: what answers instead, by the path with its query: a status and a body, or ``None`` for no answer.
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
    """Forwards to ``upstream`` and keeps a list of what was asked: method, path, status (0: no answer)."""

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
        fault = Fault(method, path, **kwargs)  # type: ignore[arg-type]
        self.faults.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and fault.method == method and fnmatchcase(path, f"*{fault.path}*"):
                    fault.times -= 1
                    return fault
        return None

    def count(self, method: str, path: str) -> int:
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
        # A reset, not an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def finish(self) -> None:
        with suppress(OSError, ValueError):  # the connection was dropped on purpose
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
