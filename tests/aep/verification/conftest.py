"""Fixtures: verifications of an emulator, with its simulated clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.resources.sources import SOURCES
from airflow_provider_payments.aep.verification.findings import Finding
from airflow_provider_payments.aep.verification.options import VerificationOptions
from airflow_provider_payments.aep.verification.report import Report
from airflow_provider_payments.aep.verification.verify import verify
from tests.conftest import PAYPAL

#: A credential that the emulated PayPal accepts.
CREDENTIAL = {"host": "api.sandbox.paypal.com", "clientId": "verify", "clientSecret": "a-secret"}


@pytest.fixture
def verified(client: Client) -> Callable[..., Report]:
    """Return a function that verifies the sandbox ``dev``; by default its options meet all needs of checks."""

    def run(
        *only: str,
        by: Client = client,
        announce: Callable[[str], None] = lambda text: None,
        show: Callable[[str], None] = lambda what: None,
        **options: Any,
    ) -> Report:
        given = {
            "base_connection_id": PAYPAL,
            "source": SOURCES["paypal"],
            "credential": CREDENTIAL,
            "ingest": True,
        } | options
        return verify(by, VerificationOptions("dev", only=only, **given), announce, show)

    return run


@pytest.fixture
def found(verified: Callable[..., Report]) -> Callable[..., Finding]:
    """Return a function that runs one check and returns its finding."""

    def run(check: str, **options: Any) -> Finding:
        ((_, finding),) = verified(check, **options).findings
        return finding

    return run
