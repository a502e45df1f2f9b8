"""The emulator confirms each check, and can contradict each check."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_payments.aep.verification.catalogue import ALL_CHECKS
from airflow_provider_payments.aep.verification.findings import Outcome
from airflow_provider_payments.aep.verification.report import Report
from tests.aep.verification.contradictions import CONTRADICTIONS
from tests.conftest import Emulator

IDS = [check.id for check in ALL_CHECKS]


def outcomes(report: Report) -> dict[str, str]:
    return {check.id: str(finding.outcome) for check, finding in report.findings}


def test_the_emulator_confirms_every_check(emulator: Emulator, verified: Callable[..., Report]) -> None:
    emulator.order("partial", times=None)  # the check of row errors needs failed rows
    report = verified()
    assert outcomes(report) == dict.fromkeys(IDS, "confirmed")
    assert report.requests <= 400


def test_every_check_has_a_unique_id_and_a_contradiction() -> None:
    assert len(set(IDS)) == len(IDS)
    assert sorted(CONTRADICTIONS) == sorted(IDS)


@pytest.mark.parametrize("check", IDS)
def test_a_check_is_contradicted_if_the_platform_behaves_otherwise(
    check: str, emulator: Emulator, verified: Callable[..., Report]
) -> None:
    CONTRADICTIONS[check](emulator)
    ((_, finding),) = verified(check).findings
    assert finding.outcome is Outcome.CONTRADICTED, finding
