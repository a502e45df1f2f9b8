"""An emulator with the option ``--like`` of a report behaves as the report's sandbox."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.verification.catalogue import ALL_CHECKS
from airflow_provider_payments.aep.verification.findings import Finding, Outcome
from airflow_provider_payments.aep.verification.report import Report
from airflow_provider_payments.emulator.control.like import options_like
from airflow_provider_payments.emulator.core.behaviour import KINDS, NO_LAG, PAGE_LIMITS, QUESTIONS, REFUSALS
from airflow_provider_payments.emulator.core.options import RuntimeOptions
from tests.aep.verification.contradictions import CONTRADICTIONS
from tests.conftest import Emulator

LAGS = tuple(asdict(NO_LAG))
#: All checks whose findings ``--like`` applies, except the Catalog's pages, which need more objects.
TAKEN_OVER = [
    *(f"{kind}.{what}" for kind, what in itertools.product(KINDS, (*LAGS, "names"))),
    *(f"{service}.pages" for service in PAGE_LIMITS if service != "catalog"),
    "flow_service.default_page",
    *QUESTIONS,
    *REFUSALS,
    "schema_registry.if_match_absent",
    "flow_run.shown_active",
    "clock.date",
    "clock.token_lifetime",
]
Again = Callable[[str], tuple[list[Finding], list[Finding]]]


@pytest.fixture
def again(
    emulator: Emulator, verified: Callable[..., Report], make_client: Callable[..., Client], tmp_path: Path
) -> Again:
    """Return a function that runs a check, then again in an emulator like the report, and returns both findings."""

    def run(check: str) -> tuple[list[Finding], list[Finding]]:
        report = verified(check)
        be_like(report, emulator, tmp_path)
        return findings(report), findings(verified(check, by=make_client()))

    return run


@pytest.mark.parametrize("check", TAKEN_OVER)
def test_an_emulator_like_a_report_contradicts_the_same_check_equally(
    check: str, emulator: Emulator, again: Again
) -> None:
    CONTRADICTIONS[check](emulator)
    first, second = again(check)
    assert [finding.outcome for finding in first] == [Outcome.CONTRADICTED]
    assert second == [about(finding) for finding in first]


def test_like_ignores_all_other_checks(tmp_path: Path) -> None:
    unreadable = dict.fromkeys(
        ("above", "ahead", "items", "maximum", "next", "parameter", "second", "seconds", "shown", "status"), "x"
    )
    others = {check.id for check in ALL_CHECKS} - {*TAKEN_OVER, "catalog.pages"}
    checks = [{"id": other, "outcome": "contradicted", "seen": unreadable} for other in sorted(others)]
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"format": 1, "checks": checks}))
    assert options_like(path) == RuntimeOptions()


def test_like_applies_a_catalog_page_above_the_maximum(
    emulator: Emulator, verified: Callable[..., Report], make_client: Callable[..., Client], tmp_path: Path
) -> None:
    for number in range(101):
        emulator.control("POST", "seed", json={"sandbox": "dev", "dataflows": 1, "name_prefix": str(number)})
    emulator.behave(page_limits={"catalog": {"above": "taken"}})
    report = verified("catalog.pages")
    assert [finding.outcome for finding in findings(report)] == [Outcome.CONTRADICTED]
    take_over(report, emulator, tmp_path)
    assert findings(verified("catalog.pages", by=make_client())) == findings(report)


@pytest.mark.parametrize("maximum", [99, 50, 1])
def test_like_applies_a_page_limit_below_that_of_our_requests(maximum: int, emulator: Emulator, again: Again) -> None:
    emulator.behave(page_limits={"data_prep": {"maximum": maximum, "above": "refused"}})
    first, second = again("data_prep.pages")
    assert [finding.outcome for finding in first] == [Outcome.CONTRADICTED]
    assert second == first


@pytest.mark.parametrize("lag", LAGS)
def test_like_applies_a_lag_longer_than_a_verification_waits(lag: str, emulator: Emulator, again: Again) -> None:
    emulator.behave(lags={"dataset": {lag: 300}})
    first, second = again(f"dataset.{lag}")
    assert [(finding.outcome, finding.seen["maximum"]) for finding in first] == [(Outcome.CONTRADICTED, None)]
    assert second == first


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {}, Outcome.CONFIRMED),
        (404, {}, Outcome.CONTRADICTED),
        (404, ["gone"], Outcome.CONTRADICTED),
        (404, "", Outcome.CONTRADICTED),
        (404, "<html></html>", Outcome.CONTRADICTED),
        (404, {"type": "about:blank", "title": "NotFoundError"}, Outcome.CONFIRMED),
        (403, {"error_code": "403025", "message": "Profile is not valid"}, Outcome.CONTRADICTED),
    ],
)
def test_like_applies_any_answer_to_an_unknown_id(
    status: int, body: Any, outcome: Outcome, emulator: Emulator, again: Again
) -> None:
    path = "/data/foundation/catalog/dataSets/*"
    emulator.fail("status", method="GET", path=path, times=None, status=status, body=body)
    first, second = again("catalog.unknown_id")
    assert [finding.outcome for finding in first] == [outcome]
    assert second == first


def test_an_emulator_like_its_own_report_confirms_every_check(
    emulator: Emulator, verified: Callable[..., Report], make_client: Callable[..., Client], tmp_path: Path
) -> None:
    be_like(verified(), emulator, tmp_path)
    emulator.order("partial", times=None)
    # The time between two requests is reported as a lag.
    report = verified(by=make_client(settle_seconds=10.0))
    assert [(c.id, f.seen, f.reason) for c, f in report.findings if f.outcome != Outcome.CONFIRMED] == []


def be_like(report: Report, emulator: Emulator, folder: Path) -> None:
    emulator.reset()
    take_over(report, emulator, folder)


def take_over(report: Report, emulator: Emulator, folder: Path) -> None:
    path = folder / "report.json"
    path.write_text(json.dumps(report.to_json()))
    emulator.behave(**asdict(options_like(path)))


def findings(report: Report) -> list[Finding]:
    return [finding for _, finding in report.findings]


def about(finding: Finding) -> Any:
    """Return a finding that equals another measurement of the same seconds."""
    seen = {name: pytest.approx(of, rel=0.2, abs=2) if type(of) is float else of for name, of in finding.seen.items()}
    return Finding(finding.outcome, seen, finding.reason)
