"""A client for polling from worker threads, and the Airflow connection behind it."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments.aep.errors import Failure, RequestError, UnreadableError
from airflow_provider_payments.aep.http.auth import ClientCredentials
from airflow_provider_payments.aep.http.clock import Clock
from airflow_provider_payments.aep.http.throttle import Throttle
from airflow_provider_payments.hooks.connection import client_from
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.http.transport import Transport

__all__ = ["PolledConnection", "polling_client"]

log = logging.getLogger(__name__)

#: Maximum size of an answer. The longest page of a list has 2 MiB.
MAX_BODY_BYTES = 8 * 2**20
#: Maximum seconds to wait for the next byte of an answer; it is short because the next poll is the retry.
MAX_READ_TIMEOUT_SECONDS = 15.0
#: Minimum seconds between two renewals of a refused token, and between two readings of a connection.
RENEWAL_INTERVAL_SECONDS = 60.0


def polling_client(connection: Any, ended: threading.Event) -> Client:
    """
    Return a client that sends each request once, because the next poll is the retry; a 429 throttles all threads.

    Only a request whose token was refused is sent a second time at once, with a new token.

    :param connection: the Airflow connection.
    :param ended: as soon as this event is set, a pause of the client ends with an error.
    """

    def sleep(seconds: float) -> None:
        if ended.wait(seconds):
            raise RequestError(Failure.NOT_SENT, "GET", "/runs", reason="cancelled: no waiters left")

    client = client_from(connection)
    if isinstance(client.credential, ClientCredentials):
        credential = attrs.evolve(client.credential, renewal_interval_seconds=RENEWAL_INTERVAL_SECONDS)
        client = attrs.evolve(client, credential=credential)
    transport = client.transport
    transport.attempts, transport.max_body_bytes = 1, MAX_BODY_BYTES
    transport.timeouts = (transport.timeouts[0], min(transport.timeouts[1], MAX_READ_TIMEOUT_SECONDS))
    transport.clock = Clock(sleep=sleep)
    transport.pace = Throttle(transport.clock)
    return client


class PolledConnection:
    """
    The client of an Airflow connection that may be edited while the client is in use.

    Its methods block, so they must not run on an event loop.

    :param conn_id: id of the Airflow connection.
    """

    def __init__(self, conn_id: str) -> None:
        self.conn_id = conn_id
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._client: Client | None = None
        #: The transports of all clients, including replaced ones, whose requests may be pending.
        self._transports: list[Transport] = []
        self._settings: tuple[Any, ...] = ()
        #: Monotonic time at which the connection was last read.
        self.read_at = -float("inf")

    @property
    def age(self) -> float:
        """Seconds since the connection was read."""
        return time.monotonic() - self.read_at

    def client(self, max_age: float = float("inf")) -> Client:
        """
        Return the client. The same client is returned as long as the connection does not change.

        :param max_age: seconds after which the connection is read again. Defaults to infinite: it is read once.
        :raises UnreadableError: if there is a client, and the connection cannot be read again.
        """
        with self._lock:  # one thread reads the connection, the others wait for it
            if self._client is None:
                return self._read()
            if self.age > max_age:
                try:
                    return self._read()
                except Exception as error:  # a secrets backend may raise anything; an edit may not be complete
                    raise UnreadableError(f"connection {self.conn_id}", str(error)) from error
            return self._client

    def _read(self) -> Client:
        connection = ExperiencePlatformHook.get_connection(self.conn_id)
        settings = (connection.get_uri(), connection.extra)
        client = self._client
        if client is None or settings != self._settings:
            if client is not None:
                log.info("Connection %s has changed; polling continues with the new one", self.conn_id)
            client = polling_client(connection, self._ended)
            self._transports.append(client.transport)
            if self._ended.is_set():  # closed while the connection was read
                client.transport.close()
        self._client, self._settings, self.read_at = client, settings, time.monotonic()
        return client

    def close(self) -> None:
        """Abort pending requests, and refuse further ones."""
        self._ended.set()
        for transport in tuple(self._transports):
            transport.close()
