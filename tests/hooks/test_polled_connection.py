"""The polled connection: after ``close`` none of its clients sends a request."""

from __future__ import annotations

import gc
from collections.abc import Callable
from urllib.parse import urlsplit

import psutil
import pytest
from urllib3 import HTTPConnectionPool

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.hooks.polling import PolledConnection
from tests.conftest import CONNECTION_ID, Emulator


def sends_nothing(client: Client) -> bool:
    with pytest.raises(RequestError, match="cancelled: no waiters left"):
        client.get("/data/foundation/flowservice/flows")
    return True


def test_a_connection_first_read_after_close_sends_nothing(connected: Emulator) -> None:
    connection = PolledConnection(CONNECTION_ID)
    connection.close()
    assert sends_nothing(connection.client())


def test_close_reaches_clients_that_an_edit_has_replaced(connected: Emulator, connect: Callable[..., None]) -> None:
    connection = PolledConnection(CONNECTION_ID)
    first = connection.client()
    connect(connected.url, read_timeout=7)
    second = connection.client(max_age=0.0)
    assert second is not first
    connection.close()
    assert sends_nothing(second)
    assert sends_nothing(first)


def test_close_closes_connections_that_an_error_still_refers_to(connected: Emulator) -> None:
    port = urlsplit(connected.url).port

    def to_the_service() -> int:
        connections = psutil.Process().net_connections("inet")
        return sum(1 for one in connections if one.raddr and one.raddr.port == port and one.status == "ESTABLISHED")

    before = to_the_service()
    connection = PolledConnection(CONNECTION_ID)
    connection.client().get("/data/foundation/flowservice/flows")
    assert to_the_service() > before
    # The traceback of a cancelled wait's error refers to connection pools in the same way.
    held = [found for found in gc.get_objects() if issubclass(type(found), HTTPConnectionPool)]
    connection.close()
    assert to_the_service() <= before
    del held
