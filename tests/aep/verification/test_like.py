"""An emulator with the options of a report behaves as the sandbox of the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.verification.findings import Outcome
from airflow_provider_payments.aep.verification.report import Report
from airflow_provider_payments.emulator.control.like import options_like
from tests.aep.verification.contradict_questions import CONTRADICTIONS, PAGE_LIMITS, QUESTIONS, REFUSALS, SERVICES
from tests.conftest import Emulator

#: Checks that an emulator's options contradict; a date is never seen twice.
OPTIONS = [
    *QUESTIONS,
    *(f"{service}.pages" for service in PAGE_LIMITS),
    *(f"{service}.{case}" for service in SERVICES for case in REFUSALS),
    "clock.token_lifetime",
]


@pytest.mark.parametrize("check", OPTIONS)
def test_an_emulator_like_a_report_gives_the_same_report(
    check: str,
    emulator: Emulator,
    verified: Callable[..., Report],
    make_client: Callable[..., Client],
    tmp_path: Path,
) -> None:
    CONTRADICTIONS[check](emulator)
    report = verified(check)
    be_like(report, emulator, tmp_path)
    assert verified(check, by=make_client()).findings == report.findings


def test_an_emulator_like_a_report_of_the_emulator_confirms_every_check(
    emulator: Emulator, verified: Callable[..., Report], make_client: Callable[..., Client], tmp_path: Path
) -> None:
    be_like(verified(), emulator, tmp_path)
    emulator.order("partial", times=None)
    # Between two requests passes some time, which the emulator takes for a lag.
    report = verified(by=make_client(settle_seconds=10.0))
    assert [(c.id, f.seen, f.reason) for c, f in report.findings if f.outcome != Outcome.CONFIRMED] == []


def be_like(report: Report, emulator: Emulator, folder: Path) -> None:
    path = folder / "report.json"
    path.write_text(json.dumps(report.to_json()))
    emulator.reset()
    emulator.control("PUT", "options", json=asdict(options_like(path)))
