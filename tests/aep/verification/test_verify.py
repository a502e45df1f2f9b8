"""The conditions, the requests and the end of a verification."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import InvalidInputError, RequestError, UnsettledError
from airflow_provider_payments.aep.verification.findings import Outcome
from airflow_provider_payments.aep.verification.options import VerificationOptions
from airflow_provider_payments.aep.verification.report import Report
from airflow_provider_payments.aep.verification.verify import verify
from tests.conftest import PAYPAL, Emulator


def writes(emulator: Emulator) -> list[dict[str, Any]]:
    return [request for request in emulator.requests() if request["method"] != "GET" and "/ims/" not in request["path"]]


@pytest.mark.parametrize(
    ("options", "field", "allowed"),
    [
        ({"sandbox": "prod"}, "sandbox", "repeat the name of the connection's sandbox, 'dev'"),
        ({"only": ["dataset", "datasets"]}, "only", "the id of a check, or one of "),
        (
            {"base_connection_id": "11111111-2222-4333-8444-555555555555"},
            "base_connection_id",
            "the id of a base connection of sandbox 'dev'",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused_before_any_write(
    options: dict[str, Any], field: str, allowed: str, client: Client, emulator: Emulator
) -> None:
    with pytest.raises(InvalidInputError) as raised:
        verify(client, VerificationOptions(**{"sandbox": "dev"} | options), lambda text: None)
    assert raised.value.field == field
    assert allowed in str(raised.value)
    assert writes(emulator) == []


def test_a_production_sandbox_is_refused_without_allow_production(
    make_client: Callable[..., Client], emulator: Emulator
) -> None:
    client = make_client(sandbox="prod")
    with pytest.raises(InvalidInputError, match="is of type production, not development"):
        verify(client, VerificationOptions("prod"), lambda text: None)
    assert writes(emulator) == []
    allowed = verify(
        client, VerificationOptions("prod", only=["field_group"], allow_production=True), lambda text: None
    )
    assert {str(finding.outcome) for _, finding in allowed.findings} == {"confirmed"}


def test_a_sandbox_whose_type_cannot_be_read_counts_as_production(client: Client, emulator: Emulator) -> None:
    emulator.fail("status", path="*/sandbox-management*", status=403, times=None)
    with pytest.raises(InvalidInputError, match="has a type that cannot be read"):
        verify(client, VerificationOptions("dev"), lambda text: None)
    assert writes(emulator) == []


def test_a_verification_is_announced_before_its_first_request(client: Client, emulator: Emulator) -> None:
    announced_texts: list[str] = []

    def announce(text: str) -> None:
        assert emulator.requests() == []
        announced_texts.append(text)

    verify(client, VerificationOptions("dev", only=["clock"]), announce)
    assert len(announced_texts) == 1


def test_a_base_connection_is_polled_until_it_can_be_read(verified: Callable[..., Report], emulator: Emulator) -> None:
    emulator.behave(lags={"base_connection": {"readable": 5}})
    report = verified("source_connection.readable", base_connection_id=None)
    assert [str(finding.outcome) for _, finding in report.findings] == ["confirmed"]


def test_an_unanswered_creation_of_the_base_connection_ends_the_verification(
    verified: Callable[..., Report], emulator: Emulator
) -> None:
    emulator.fail("apply_then_drop", method="POST", path="*/connections")
    with pytest.raises(UnsettledError, match="the creation of a base connection was not answered"):
        verified("source_connection.readable", base_connection_id=None)
    assert left_in(emulator) == []


@pytest.mark.parametrize("option", ["read_only", "marks"])
def test_a_connection_that_may_not_write_or_mark_is_refused(
    option: str, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    client = make_client(**{option: option == "read_only"})
    with pytest.raises(InvalidInputError, match=option):
        verify(client, VerificationOptions("dev"), lambda text: None)
    assert emulator.requests() == []


def test_no_request_changes_profile_or_identities(verified: Callable[..., Report], emulator: Emulator) -> None:
    verified()
    sent = [f"{request['path']} {json.dumps(request['body'])}" for request in writes(emulator)]
    assert [text for text in sent if "descriptors" in text or "union" in text or "unifiedProfile" in text] == []


@pytest.mark.parametrize(("quick", "limit"), [(False, 400), (True, 150)])
def test_a_verification_stays_within_its_request_limit(
    quick: bool, limit: int, verified: Callable[..., Report], emulator: Emulator
) -> None:
    report = verified(quick=quick)
    sent = [request for request in emulator.requests() if "/ims/" not in request["path"]]
    assert report.requests <= len(sent) <= limit
    assert {str(finding.outcome) for _, finding in report.findings} <= {"confirmed", "not tried"}
    assert Counter(request["method"] for request in sent)["POST"] >= 10


def test_a_slow_sandbox_exhausts_the_request_limit_and_is_cleaned_up(
    verified: Callable[..., Report], emulator: Emulator
) -> None:
    emulator.behave(lags={kind: {"listed": 60, "gone": 60} for kind in ("dataset", "target_connection", "dataflow")})
    report = verified(quick=True)
    reasons = {finding.reason for _, finding in report.findings if finding.reason}
    assert any("the number of requests" in reason for reason in reasons)
    assert left_in(emulator) == []


FORBIDDEN = {"title": "ForbiddenError", "detail": "no"}


def test_checks_of_a_service_that_forbids_everything_are_not_tried(
    verified: Callable[..., Report], emulator: Emulator
) -> None:
    emulator.fail("status", path="/data/foundation/conversion/*", times=None, status=403, body=FORBIDDEN)
    report = verified("mapping_set", "data_prep", "dataset", quick=True)
    tried = [check.id for check, finding in report.findings if finding.outcome is not Outcome.NOT_TRIED]
    assert {check.partition(".")[0] for check in tried} == {"dataset"}
    assert report.contradicted == []
    assert left_in(emulator) == []


def test_a_credential_that_may_not_list_any_kind_is_refused(client: Client, emulator: Emulator) -> None:
    emulator.fail("status", path="/data/foundation/*", times=None, status=403, body=FORBIDDEN)
    with pytest.raises(RequestError, match="403 - ForbiddenError"):
        verify(client, VerificationOptions("dev", allow_production=True), lambda text: None)
    assert writes(emulator) == []


def test_rate_limited_requests_are_sent_again(verified: Callable[..., Report], emulator: Emulator) -> None:
    emulator.control("PUT", "rate-limit", json={"requests_a_minute": 60, "burst": 10})
    report = verified("dataset", "target_connection")
    assert {str(finding.outcome) for _, finding in report.findings} == {"confirmed"}
    assert left_in(emulator) == []


def test_a_base_connection_of_another_source_is_refused(client: Client, emulator: Emulator) -> None:
    emulator.fail(
        "status",
        path=f"*/connections/{PAYPAL}",
        status=200,
        body={"items": [{"id": PAYPAL, "connectionSpec": {"id": "other"}}]},
    )
    with pytest.raises(InvalidInputError, match="the base connection of a payments source: paypal, square, stripe"):
        verify(client, VerificationOptions("dev", base_connection_id=PAYPAL), lambda text: None)
    assert writes(emulator) == []


def left_in(emulator: Emulator) -> list[str]:
    """Return the names of objects that verifications left behind."""
    kinds = emulator.control("GET", "state", params={"sandbox": "dev"})
    return [text for text in json.dumps(kinds).split('"') if text.startswith("payments verify")]
