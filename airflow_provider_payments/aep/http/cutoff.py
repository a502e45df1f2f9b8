"""
Connections that end at a given moment, whatever the other side does.

A read time-out bounds the wait for the next byte, so a server that sends a byte now and then is never timed out. One
thread of the process therefore shuts down the sockets of attempts whose time is over: their readers see an end. Only
the look-up of a host's name cannot be ended so.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from requests import Response, Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds without an attempt after which the thread ends.
IDLE_SECONDS = 2.0
#: 0 would mean a socket that does not wait at all.
MIN_TIMEOUT_SECONDS = 0.001


class Attempt:
    """
    One request on its way, and the socket that carries it.

    :param ends: when it is cut off, by ``time.monotonic``.
    """

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.was_cut = False
        self._over = False
        self._lock = threading.Lock()
        self._twin: socket.socket | None = None

    def use(self, descriptor: int) -> None:
        """
        Take note of the socket that now carries the request.

        A twin of its descriptor is kept: the wrapping by TLS replaces the socket, and a connection that the server
        closes after its answer gives it away before the body is read.
        """
        # The family does not matter; to find it out would take calls of the system.
        twin = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=os.dup(descriptor))
        with self._lock:
            self._forget()
            self._twin = twin
            if self.was_cut:
                self._shut_down()

    def cut(self) -> None:
        """Shut the socket down, unless the attempt is over."""
        with self._lock:
            if not self._over:
                self.was_cut = True
                self._shut_down()

    def end(self) -> None:
        """The socket may carry another request from now on."""
        with self._lock:
            self._over = True
            self._forget()

    def _shut_down(self) -> None:
        if self._twin is not None:
            with suppress(OSError):  # the other side has closed it already
                self._twin.shutdown(socket.SHUT_RDWR)

    def _forget(self) -> None:
        if self._twin is not None:
            self._twin.close()
            self._twin = None


class Cutoff:
    """Cuts attempts off when their time is over. Its thread lives as long as there are any."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew: a child has none of its parent's threads, and must not inherit a lock that one of them held."""
        self._changed = threading.Condition()
        self._attempts: set[Attempt] = set()
        self._thread: threading.Thread | None = None
        #: When the thread looks next, by ``time.monotonic``.
        self._wakes = -math.inf
        self._local = threading.local()

    @property
    def current(self) -> Attempt | None:
        """The attempt that this thread makes."""
        return getattr(self._local, "attempt", None)

    @property
    def remaining(self) -> float:
        """Seconds that the attempt of this thread has left."""
        return self.current.ends - time.monotonic() if self.current else math.inf

    @contextmanager
    def after(self, seconds: float) -> Iterator[Attempt]:
        """Cut the connection that this thread uses in the block after ``seconds``."""
        attempt = self._local.attempt = Attempt(time.monotonic() + min(seconds, threading.TIMEOUT_MAX))
        with self._changed:
            self._attempts.add(attempt)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="request-cutoff", daemon=True)
                self._thread.start()
            elif attempt.ends < self._wakes:  # each time would cost a switch of threads
                self._wakes = attempt.ends
                self._changed.notify()
        try:
            yield attempt
        finally:
            attempt.end()
            self._local.attempt = None
            with self._changed:
                self._attempts.discard(attempt)

    def _watch(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                due = [attempt for attempt in self._attempts if attempt.ends <= now]
                self._attempts.difference_update(due)
                if not due:
                    # No longer, so that it notices ended attempts without being notified of each.
                    pause = min([attempt.ends - now for attempt in self._attempts] + [IDLE_SECONDS])
                    self._wakes = now + pause
                    notified = self._changed.wait(pause)
                    if not notified and not self._attempts:
                        self._thread = None
                        return
            for attempt in due:
                attempt.cut()


cutoff = Cutoff()


os.register_at_fork(after_in_child=cutoff.reset)


class _Guarded:
    """A connection whose socket an attempt can shut down."""

    port: int
    sock: socket.socket | None
    timeout: Any
    #: As it is looked up; ``host`` is without a dot at its end.
    _dns_host: str

    def _new_conn(self) -> socket.socket:
        """Try the addresses of the host, all within the attempt's time: urllib3 would give each the whole time-out."""
        name, timeout = self._dns_host, self.timeout
        first, *others = _addresses(name, self.port)
        try:
            while True:
                self._dns_host = first
                self.timeout = max(min(timeout, cutoff.remaining), MIN_TIMEOUT_SECONDS)
                try:
                    sock: socket.socket = super()._new_conn()  # type: ignore[misc]
                except (NewConnectionError, ConnectTimeoutError):
                    if not others or cutoff.remaining <= 0:
                        raise
                    first, *others = others
                else:
                    self._guard(sock)
                    return sock
        finally:
            self._dns_host, self.timeout = name, timeout

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:  # kept alive; else it comes by `_new_conn`
            self._guard(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]

    def _guard(self, sock: socket.socket) -> None:
        if cutoff.current is not None:
            cutoff.current.use(sock.fileno())


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, allowed_gai_family(), socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # urllib3 looks it up again, and says what is wrong
        return [host]
    return [str(address[0]) for *_, address in found]


class _GuardedHTTPConnection(_Guarded, HTTPConnection):
    pass


class _GuardedHTTPSConnection(_Guarded, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPSConnection


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class GuardedAdapter(HTTPAdapter):
    """Gives a session connections that :data:`cutoff` can end, through a proxy too."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):  # that has connections of its own
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def close(self) -> None:
        """Close kept connections at once; urllib3 waits until nothing refers to their pool, as an error's frames do."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - it cannot be iterated
                if (pool := manager.pools.get(key)) is not None:
                    pool.close()
        super().close()


class GuardedSession(Session):
    """A session of such connections that follows no redirect and chooses no proxy: its caller names the proxy."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("https://", "http://"):
            self.mount(scheme, GuardedAdapter())

    def get_redirect_target(self, resp: Response) -> None:
        """Return ``None``: to follow a redirect, ``requests`` would read the body to its end."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Take the CA bundle from the environment, but no proxy, which ``requests`` would look up for every request."""
        if verify is True:
            verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        return {"proxies": proxies, "stream": stream, "verify": verify, "cert": cert}
