"""A verification of the emulator, in the emulator's own time."""

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

#: What the emulator's PayPal takes as a login.
CREDENTIAL = {"host": "api.sandbox.paypal.com", "clientId": "verify", "clientSecret": "a-secret"}


@pytest.fixture
def verified(client: Client) -> Callable[..., Report]:
    """Verify the sandbox ``dev``, by default with everything that checks may need."""

    def ask(
        *only: str,
        by: Client = client,
        announce: Callable[[str], None] = lambda text: None,
        show: Callable[[str], None] = lambda what: None,
        **question: Any,
    ) -> Report:
        given = {
            "base_connection_id": PAYPAL,
            "source": SOURCES["paypal"],
            "credential": CREDENTIAL,
            "ingest": True,
        } | question
        return verify(by, VerificationOptions("dev", only=only, **given), announce, show)

    return ask


@pytest.fixture
def found(verified: Callable[..., Report]) -> Callable[..., Finding]:
    """Verify one check; return what was found."""

    def ask(check: str, **question: Any) -> Finding:
        ((_, finding),) = verified(check, **question).findings
        return finding

    return ask
