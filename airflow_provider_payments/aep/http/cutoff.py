"""
Connections that are cut off at a given time, regardless of what the server does.

A read timeout limits the wait for the next byte, so a server that sends a byte now and then never runs into it.
Therefore one thread of the process shuts down the sockets of attempts whose time has elapsed, and their readers see the
end of the stream. Only the lookup of a host name cannot be ended in this way.
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

#: The thread ends after this time without an attempt.
IDLE_SECONDS = 2.0
#: Above 0, because a timeout of 0 makes a socket non-blocking.
MIN_TIMEOUT_SECONDS = 0.001


class Attempt:
    """
    One request that is being sent or answered, and its socket.

    :param ends_at: when the request is cut off, by ``time.monotonic``.
    """

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.was_cut = False
        self._has_ended = False
        self._lock = threading.Lock()
        self._duplicate: socket.socket | None = None

    def use(self, descriptor: int) -> None:
        """
        Record the socket of the request.

        A duplicate of its descriptor is kept, because TLS replaces the socket by a wrapper, and because a connection
        that the server closes after its answer releases its socket before the body is read.
        """
        # The address family is irrelevant for a shutdown, and finding it out would cost system calls.
        duplicate = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=os.dup(descriptor))
        with self._lock:
            self._close_duplicate()
            self._duplicate = duplicate
            if self.was_cut:
                self._shut_down()

    def cut(self) -> None:
        """Shut the socket down, unless the attempt has ended."""
        with self._lock:
            if not self._has_ended:
                self.was_cut = True
                self._shut_down()

    def end(self) -> None:
        """Release the socket, which may be used by another request from now on."""
        with self._lock:
            self._has_ended = True
            self._close_duplicate()

    def _shut_down(self) -> None:
        if self._duplicate is not None:
            with suppress(OSError):  # the server has closed the connection already
                self._duplicate.shutdown(socket.SHUT_RDWR)

    def _close_duplicate(self) -> None:
        if self._duplicate is not None:
            self._duplicate.close()
            self._duplicate = None


class Cutoff:
    """Cuts off attempts whose time has elapsed, in a thread that runs while there are attempts."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start again in a child process, which has no threads of its parent and must not inherit their locks."""
        self._changed = threading.Condition()
        self._attempts: set[Attempt] = set()
        self._thread: threading.Thread | None = None
        #: When the thread checks the attempts next, by ``time.monotonic``.
        self._wakes_at = -math.inf
        self._local = threading.local()

    @property
    def current(self) -> Attempt | None:
        """The current attempt of this thread."""
        return getattr(self._local, "attempt", None)

    @property
    def remaining(self) -> float:
        """The remaining seconds of this thread's current attempt."""
        return self.current.ends_at - time.monotonic() if self.current else math.inf

    @contextmanager
    def after(self, seconds: float) -> Iterator[Attempt]:
        """Cut off the connection that this thread uses in the block after ``seconds``."""
        attempt = self._local.attempt = Attempt(time.monotonic() + min(seconds, threading.TIMEOUT_MAX))
        with self._changed:
            self._attempts.add(attempt)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="request-cutoff", daemon=True)
                self._thread.start()
            elif attempt.ends_at < self._wakes_at:  # only if necessary: a notification costs a switch of threads
                self._wakes_at = attempt.ends_at
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
                due = [attempt for attempt in self._attempts if attempt.ends_at <= now]
                self._attempts.difference_update(due)
                if not due:
                    # Not longer than IDLE_SECONDS, because no notification tells that the last attempt has ended.
                    pause = min([attempt.ends_at - now for attempt in self._attempts] + [IDLE_SECONDS])
                    self._wakes_at = now + pause
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
    #: The host name for DNS; unlike ``host``, it keeps a trailing dot.
    _dns_host: str

    def _new_conn(self) -> socket.socket:
        """Try the addresses of the host within the attempt's time; urllib3 would use the whole timeout for each."""
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
        if self.sock is not None:  # a kept-alive connection; a new one is guarded in `_new_conn`
            self._guard(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]

    def _guard(self, sock: socket.socket) -> None:
        if cutoff.current is not None:
            cutoff.current.use(sock.fileno())


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, allowed_gai_family(), socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # urllib3 repeats the lookup, and raises its own error
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
    """An adapter whose connections :data:`cutoff` can end, including those through a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):  # a SOCKS proxy has its own connection classes
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def close(self) -> None:
        """Close kept-alive connections at once; urllib3 waits until no reference to their pool is left."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - the pools themselves cannot be iterated
                if (pool := manager.pools.get(key)) is not None:
                    pool.close()
        super().close()


class GuardedSession(Session):
    """A session with guarded connections that follows no redirect."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("https://", "http://"):
            self.mount(scheme, GuardedAdapter())

    def get_redirect_target(self, resp: Response) -> None:
        """Return no target: to follow a redirect, ``requests`` would read the whole body."""
