from __future__ import annotations

import pytest
import requests

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.emulator.client import Client


@pytest.fixture
def client(manual_server: EmulatorServer) -> Client:
    """A client of a freshly reset emulator whose clock the test moves."""
    # Before signing in: the clock goes back with the reset, and what a test left behind may stand in the way.
    requests.post(f"{manual_server.url}/__emulator__/reset", timeout=10).raise_for_status()
    return Client(manual_server.url)
