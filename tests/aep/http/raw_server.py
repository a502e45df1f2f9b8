"""A loopback server that sends arbitrary bytes: slowly, endlessly, broken, or nothing. It knows nothing of AEP."""

from __future__ import annotations

import itertools
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

#: Seconds between two parts of a slow answer.
PAUSE = 0.02
#: An endless answer ends after this time, so that a failing test ends.
MAX_SECONDS = 4.0
GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"items": []}'


class RawServer:
    """
    Answers one request after the other, on any number of connections.

    :param answers: functions that send one answer each; the last one sends all further answers.
    :param context: the TLS context; without one the server uses plain HTTP.
    :param unasked: whether the first answer is sent before any request was received.
    """

    def __init__(
        self, *answers: Callable[[Connection], None], context: ssl.SSLContext | None = None, unasked: bool = False
    ) -> None:
        self._answers = [*answers[:-1]]
        self._last = answers[-1]
        self._context = context
        self._unasked = unasked
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self.requests: list[bytes] = []
        #: The number of connections, and the number of the connection of each request.
        self.connections = 0
        self.connection_numbers: list[int] = []
        self.ended = threading.Event()
        #: Set when a client has closed a connection in the middle of an answer.
        self.dropped = threading.Event()

    def start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def accept(self) -> None:
        with suppress(OSError):  # the listener is closed at the end of the test
            while True:
                accepted, _ = self._listener.accept()
                self.connections += 1
                self._sockets.append(accepted)
                self.start(self._serve, accepted, self.connections)

    def _serve(self, accepted: socket.socket, number: int) -> None:
        with suppress(OSError, EOFError), accepted:
            sock = self._context.wrap_socket(accepted, server_side=True) if self._context else accepted
            self._sockets.append(sock)  # with TLS, the accepted socket can no longer be shut down
            with sock:
                connection = Connection(self, sock)
                while True:
                    if not self._unasked:
                        self.requests.append(connection.request())
                        self.connection_numbers.append(number)
                    with self._lock:
                        answer = self._answers.pop(0) if self._answers else self._last
                    answer(connection)

    def end(self) -> None:
        self.ended.set()
        for sock in (self._listener, *self._sockets):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


class Connection:
    """One connection of a server."""

    def __init__(self, server: RawServer, sock: socket.socket) -> None:
        self.server = server
        self._socket = sock

    def request(self) -> bytes:
        """Read one request."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._read()
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        while length and len(head.split(b"\r\n\r\n", 1)[1]) < int(length[1]):
            head += self._read()
        return head

    def _read(self) -> bytes:
        if not (data := self._socket.recv(65536)):
            raise EOFError
        return data

    def send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError:
            self.server.dropped.set()
            raise


def sends(*pieces: bytes, close: bool = False) -> Callable[[Connection], None]:
    """Return an answer of some bytes that are sent at once."""

    def answer(connection: Connection) -> None:
        connection.send(b"".join(pieces))
        if close:
            raise EOFError

    return answer


def trickles(head: bytes, endless: Iterable[bytes] = (b" ",)) -> Callable[[Connection], None]:
    """Return an answer whose head is sent at once, and whose endless rest is sent slowly."""

    def answer(connection: Connection) -> None:
        connection.send(head)
        for piece in itertools.islice(itertools.cycle(endless), int(MAX_SECONDS / PAUSE)):
            if connection.server.ended.wait(PAUSE):
                raise EOFError
            connection.send(piece)
        raise EOFError

    return answer


def hangs(connection: Connection) -> None:
    """Send nothing until the test ends, or until the client closes the connection."""
    try:
        connection.request()
    except (OSError, EOFError):
        connection.server.dropped.set()
        raise


@contextmanager
def raw_server(
    *answers: Callable[[Connection], None], context: ssl.SSLContext | None = None, unasked: bool = False
) -> Iterator[RawServer]:
    server = RawServer(*answers, context=context, unasked=unasked)
    server.start(server.accept)
    try:
        yield server
    finally:
        server.end()
