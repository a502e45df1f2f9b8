"""Checks of the emulator's guesses: their requests, and answers that prove nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.verification.report import Report
from airflow_provider_payments.aep.verification.samples import PREVIEWS, VALIDATED
from tests.conftest import Emulator

Verified = Callable[..., Report]
PREVIEWED = [f"data_prep.{one.id}" for samples in PREVIEWS.values() for one in samples]
PREVIEW, VALIDATION = "*/mappingSets/preview", "*/mappingSets/validate"


def found(report: Report) -> dict[str, str]:
    return {check.id: str(finding.outcome) for check, finding in report.findings}


def answer(path: str, body: Any, emulator: Emulator, status: int = 200) -> None:
    emulator.fail("status", method="POST", path=path, times=None, status=status, body=body)


def test_all_samples_of_a_group_are_previewed_with_one_request(emulator: Emulator, verified: Verified) -> None:
    report = verified(*PREVIEWED)
    assert found(report) == dict.fromkeys(PREVIEWED, "confirmed")
    assert len(emulator.posted("/mappingSets/preview")) == len(PREVIEWS)
    assert emulator.posted("/mappingSets") == []


def test_a_refused_preview_leaves_its_checks_untried(emulator: Emulator, verified: Verified) -> None:
    answer(PREVIEW, {"title": "Not today"}, emulator, status=400)
    report = verified(*PREVIEWED)
    assert found(report) == dict.fromkeys(PREVIEWED, "not tried")
    assert {finding.reason for _, finding in report.findings} == {"the preview of a mapping set was answered 400"}
    assert len(emulator.posted("/mappingSets/preview")) == len(PREVIEWS)


@pytest.mark.parametrize("body", [{}, [], [{"data": None, "errors": [{}]}], [{"data": {"_emulator": {}}}], "text"])
def test_a_preview_without_the_trivial_mapping_leaves_its_checks_untried(
    body: Any, emulator: Emulator, verified: Verified
) -> None:
    answer(PREVIEW, body, emulator)
    assert found(verified(*PREVIEWED)) == dict.fromkeys(PREVIEWED, "not tried")


def test_a_preview_may_be_one_object(emulator: Emulator, verified: Verified) -> None:
    answer(PREVIEW, {"data": {"_emulator": {"paymentsVerify": {"reference": "1", "blanks": 12}}}}, emulator)
    assert found(verified("data_prep.blanks", "data_prep.preview_list")) == {
        "data_prep.blanks": "confirmed",
        "data_prep.preview_list": "contradicted",
    }


def test_a_report_contains_numbers_and_times_of_a_preview_only(emulator: Emulator, verified: Verified) -> None:
    landed = {"reference": "1", "blanks": "a tenant's text", "nested_null": {"a": 1, "b": 2}, "split_empty_parts": 2}
    answer(PREVIEW, [{"data": {"_emulator": {"paymentsVerify": landed}}}], emulator)
    checks = ("data_prep.blanks", "data_prep.nested_null", "data_prep.split_empty_parts")
    seen = {check.id: finding.seen["value"] for check, finding in verified(*checks).findings}
    assert seen == dict(zip(checks, ("other", "object of 2", 2), strict=True))


@pytest.mark.parametrize("results", [[], [{"status": "SUCCESS"}], [{"status": "FAILED"}] * (len(VALIDATED) + 1)])
def test_a_validation_without_a_result_for_each_mapping_proves_nothing(
    results: list[Any], emulator: Emulator, verified: Verified
) -> None:
    answer(VALIDATION, {"validationResponse": results}, emulator)
    checks = ("data_prep.function_name", "data_prep.array_as_value", "data_prep.validation_errors")
    assert found(verified(*checks)) == dict.fromkeys(checks, "not tried")


def test_no_other_dataflow_uses_the_draft(verified: Verified) -> None:
    # The second remaining dataflow needs another target connection.
    checks = ("dataflow.draft_used", "dataflow.once", "dataflow.once_with_interval")
    assert found(verified(*checks)) == dict.fromkeys(checks, "confirmed")


def test_a_quick_run_leaves_checks_of_guesses_untried(verified: Verified) -> None:
    report = verified("data_prep.blanks", "flow_service.unknown_path", "schema_registry.without_type", quick=True)
    assert {finding.reason for _, finding in report.findings} == {"it needs a run without --quick"}
