"""
Connections that end at a given moment, whatever the other side does.

A read time-out bounds the wait for the next byte, so a server that sends a byte now and then is never timed out. One
thread of the process therefore shuts down the sockets of attempts whose time is over: their readers see an end. Only
the look-up of a host's name cannot be ended so.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

#: The thread ends after so many seconds without an attempt.
IDLE_SECONDS = 2.0


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
        self._socket: socket.socket | None = None

    def use(self, sock: socket.socket) -> None:
        """Take note of the socket that now carries the request."""
        with self._lock:
            self._socket = sock
            if self.was_cut:
                _shut_down(sock)

    def cut(self) -> None:
        """Shut the socket down, unless the attempt is over."""
        with self._lock:
            if self._over:
                return
            self.was_cut = True
            if self._socket is not None:
                _shut_down(self._socket)

    def end(self) -> None:
        """The socket may carry another request from now on."""
        with self._lock:
            self._over = True


def _shut_down(sock: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        sock.shutdown(socket.SHUT_RDWR)


class Cutoff:
    """Cuts attempts off when their time is over. Its thread lives as long as there are any."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew: a child has none of its parent's threads, and must not inherit a lock that one of them held."""
        self._changed = threading.Condition()
        self._attempts: set[Attempt] = set()
        self._thread: threading.Thread | None = None
        self._local = threading.local()

    @property
    def current(self) -> Attempt | None:
        """The attempt that this thread makes."""
        return getattr(self._local, "attempt", None)

    @contextmanager
    def after(self, seconds: float) -> Iterator[Attempt]:
        """Cut the connection that this thread uses in the block after so many seconds."""
        attempt = self._local.attempt = Attempt(time.monotonic() + min(seconds, threading.TIMEOUT_MAX))
        with self._changed:
            self._attempts.add(attempt)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="request-cutoff", daemon=True)
                self._thread.start()
            elif attempt.ends <= min(other.ends for other in self._attempts):
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
                    pause = min((attempt.ends - now for attempt in self._attempts), default=IDLE_SECONDS)
                    notified = self._changed.wait(pause)
                    if not notified and not self._attempts:
                        self._thread = None
                        return
            for attempt in due:
                attempt.cut()


cutoff = Cutoff()


os.register_at_fork(after_in_child=cutoff.reset)


class _Guarded:
    """A connection whose socket an attempt can shut down; a twin of its descriptor outlives the wrapping by TLS."""

    _twin: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        self._twin = sock.dup()
        self._guard()
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._guard()
        super().request(*args, **kwargs)  # type: ignore[misc]

    def close(self) -> None:
        super().close()  # type: ignore[misc]
        if self._twin is not None:
            self._twin.close()
            self._twin = None

    def _guard(self) -> None:
        if self._twin is not None and cutoff.current is not None:
            cutoff.current.use(self._twin)


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
