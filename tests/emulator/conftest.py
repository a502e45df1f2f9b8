"""The client that the tests of the emulator share."""

from __future__ import annotations

import pytest
import requests

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.emulator.client import Client


@pytest.fixture
def client(manual_server: EmulatorServer) -> Client:
    """A client of a newly reset emulator with a manual clock."""
    # Reset before the client gets a token: a reset moves the clock back, and faults of an earlier test may still exist.
    requests.post(f"{manual_server.url}/__emulator__/reset", timeout=10).raise_for_status()
    return Client(manual_server.url)
