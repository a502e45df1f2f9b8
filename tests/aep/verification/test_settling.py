"""Measured lags equal those of the emulator's options."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.report import Report
from tests.conftest import Emulator

DELAY_NAMES = ("listed", "readable", "gone", "gone_by_id")


def ids(kind: str) -> list[str]:
    return [f"{kind}.{what}" for what in DELAY_NAMES]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seconds", [0.5, 7, 33])
def test_lags_are_measured_within_a_fifth_or_two_seconds(
    seconds: float, kind: str, emulator: Emulator, verified: Callable[..., Report]
) -> None:
    lags = {what: seconds + 3 * place for place, what in enumerate(DELAY_NAMES)}
    emulator.behave(lags={kind: lags})
    seen = {check.id: finding.seen for check, finding in verified(*ids(kind)).findings}
    for what, wanted in lags.items():
        measured = seen[f"{kind}.{what}"]["maximum"]
        assert wanted - 0.1 <= measured <= wanted + max(2, wanted / 5), what


def test_lags_of_all_kinds_at_once_are_measured(emulator: Emulator, verified: Callable[..., Report]) -> None:
    emulator.behave(lags={kind: dict.fromkeys(DELAY_NAMES, 5) for kind in KINDS})
    report = verified(*(check for kind in KINDS for check in ids(kind)))
    seen = {check.id: finding.seen for check, finding in report.findings}
    assert {name: 5 <= shown["maximum"] <= 7 for name, shown in seen.items()} == dict.fromkeys(seen, True)
    # Three times the longest lag, but at least 20 s for dataflows.
    assert 15 <= report.recommended["settle_seconds"] <= 21
    assert 20 <= report.recommended["dataflow_settle_seconds"] <= 21


def test_checks_that_a_failure_interrupts_are_not_tried(emulator: Emulator, verified: Callable[..., Report]) -> None:
    emulator.fail("status", method="GET", path="*/targetConnections", nth=2, status=503, times=None)
    report = verified(*ids("target_connection"))
    assert {str(finding.outcome) for _, finding in report.findings} == {"not tried"}
    assert {finding.reason for _, finding in report.findings} == {
        "a request that it needs was answered 503 FLOW-1103-503"
    }
