"""Fixtures: an existing dataflow, and a client behind the failing proxy."""

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
    """A client behind the proxy, which fails as the test requests."""
    return make_client(proxy.url)
