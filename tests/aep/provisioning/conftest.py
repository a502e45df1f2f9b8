"""A dataflow that is there, and a client whose requests fail as a test wants."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_payments.aep.api.client import Client
from tests.aep.chain import Chain
from tests.fault_proxy import FaultProxy


@pytest.fixture
def flow_id(chain: Chain) -> str:
    return chain.ensure(chain.dataflow()).existing.id


@pytest.fixture
def faulty(make_client: Callable[..., Client], proxy: FaultProxy) -> Client:
    """A client behind the proxy that fails as a test wants."""
    return make_client(proxy.url)
