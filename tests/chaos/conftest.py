"""A fixture for the emulator in virtual time."""

from __future__ import annotations

import pytest

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.chaos.timeline import Platform


@pytest.fixture
def platform(manual_server: EmulatorServer) -> Platform:
    return Platform(manual_server.url)
