from __future__ import annotations

import pytest

from airflow_provider_payments.emulator.server import EmulatorServer
from tests.emulator.client import Client


@pytest.fixture
def client(manual_server: EmulatorServer) -> Client:
    """A client of a freshly reset emulator whose clock the test moves."""
    client = Client(manual_server.url)
    client.control("POST", "reset")
    # The clock went back with the reset: the token's life is to begin where the test does.
    client.sign_in()
    return client
