"""Refusals that confirm the assumptions are those that the client recognises."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_payments.aep.verification.findings import Finding, judged
from tests.conftest import Emulator

DATASET = "/data/foundation/catalog/dataSets/*"


@pytest.mark.parametrize(
    ("check", "status", "code", "holds"),
    [
        ("catalog.no_token", 401, "401010", True),
        ("catalog.no_token", 400, "400010", False),
        ("catalog.invalid_token", 401, "401010", False),
        ("catalog.invalid_token", 403, "401013", False),
        ("catalog.wrong_organisation", 400, "400003", True),
        ("catalog.wrong_organisation", 401, "401013", False),
        ("flow_service.wrong_organisation", 401, "FLOW-2001-401", True),
        ("flow_service.wrong_sandbox", 403, "FLOW-2111-403", True),
        ("flow_service.wrong_sandbox", 403, "FLOW-2120-403", False),
        ("catalog.wrong_sandbox", 403, "ForbiddenError", True),
        ("flow_service.unknown_id", 404, "FLOW-2100-404", False),
        ("flow_service.unknown_id", 404, "404040", False),
        ("flow_service.unknown_id", 410, "FLOW-1439-410", False),
    ],
)
def test_a_refusal_is_judged_by_its_status_and_code(
    check: str, status: int, code: str, holds: bool, emulator: Emulator, found: Callable[..., Finding]
) -> None:
    answered = {"status": status, "code": code, "form": "json"}
    emulator.control("PUT", "options", json={"refusals": {check: answered}})
    assert found(check) == judged(holds, **answered)


@pytest.mark.parametrize("check", ["no_token", "invalid_token", "wrong_organisation", "wrong_sandbox", "unknown_id"])
def test_a_refusal_in_html_contradicts(check: str, emulator: Emulator, found: Callable[..., Finding]) -> None:
    answered = {"status": 403 if check == "no_token" else 404, "code": "", "form": "html"}
    emulator.control("PUT", "options", json={"refusals": {f"catalog.{check}": answered}})
    assert found(f"catalog.{check}") == judged(False, **answered)


def test_an_empty_object_from_the_catalog_means_not_found(emulator: Emulator, found: Callable[..., Finding]) -> None:
    emulator.fail("status", method="GET", path=DATASET, status=200, body={})
    assert found("catalog.unknown_id") == judged(True, status=200, code="", form="json")
