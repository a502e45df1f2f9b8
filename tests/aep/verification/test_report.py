"""The report: its schema, its text, and that it contains no data of the tenant."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import PlatformError
from airflow_provider_payments.aep.verification.checks import Check
from airflow_provider_payments.aep.verification.findings import Finding, Outcome
from airflow_provider_payments.aep.verification.report import Report, report_rows, report_text
from airflow_provider_payments.aep.verification.report_schema import report_schema
from tests.aep.verification.conftest import CREDENTIAL
from tests.conftest import PAYPAL, Emulator
from tests.secret_forms import forms

Verified = Callable[..., Report]
EXAMPLES = int(os.environ.get("REPORT_EXAMPLES", "0"))


def shapes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield each object schema with members, including nested ones."""
    if isinstance(schema, dict):
        yield from [schema] if "properties" in schema else []
        for each in schema.values():
            yield from shapes(each)


def test_reports_are_valid_against_the_schema(emulator: Emulator, verified: Verified) -> None:
    emulator.fail("status", method="POST", path="*/dataSets", nth=2, status=400)
    emulator.fail("status", method="DELETE", path="*/mappingSets/*", times=None, status=405)
    report = verified("dataset.names", "dataset.listed", "mapping_set.gone", "mapping_set.names")
    assert report.to_json()["summary"] == {"confirmed": 2, "contradicted": 1, "not tried": 1}
    assert report.to_json()["left"] == {"mapping_set": 3}
    jsonschema.validate(report.to_json(), report_schema())
    jsonschema.validate(verified("dataset.names", quick=True, base_connection_id=None).to_json(), report_schema())


def test_the_schema_describes_every_member_and_allows_no_other() -> None:
    found = list(shapes(report_schema()))
    assert len(found) == 5
    for shape in found:
        assert shape["additionalProperties"] is False
        assert [name for name, member in shape["properties"].items() if not member["description"]] == []


def test_the_text_of_a_report_fits_into_a_hundred_columns(verified: Verified) -> None:
    nothing = {"base_connection_id": None, "source": None, "credential": {}, "ingest": False}
    lines = report_text(verified(quick=True, **nothing)).splitlines()
    assert [line for line in lines if len(line) > 100] == []


def found(check: str, outcome: Outcome, **seen: Any) -> tuple[Check, Finding]:
    given = Check(check, f"It is {check}.", "`aep/api.py`", "ask", lambda trial: Finding(outcome))
    return given, Finding(outcome, seen, "" if outcome is not Outcome.NOT_TRIED else "it needs a shell")


def report(*findings: tuple[Check, Finding], left: tuple[str, ...] = ()) -> Report:
    return Report(findings, quick=False, ingest=False, day="2026-12-01", requests=7, left=left)


def test_contradictions_come_first_with_their_assumption_and_observation() -> None:
    given = report(
        found("a.b", Outcome.CONFIRMED, second="taken", code=""),
        found("c.d", Outcome.NOT_TRIED),
        found("e.f", Outcome.CONTRADICTED, maximum=None, is_so=False),
        left=("dataset", "mapping_set", "dataset"),
    )
    assert report_text(given).splitlines() == [
        "CONTRADICTED  e.f",
        "    It is e.f.",
        "    Seen: maximum: none, is so: false",
        "    Relied on: `aep/api.py`",
        "",
        "CONFIRMED  SEEN",
        "a.b        second: taken, code: none",
        "",
        "NOT TRIED",
        "    it needs a shell: c.d",
        "",
        "Not deleted by the services: 2 dataset, 1 mapping set",
        "",
        "Verify: 1 confirmed, 1 contradicted, 1 not tried; 7 requests.",
    ]
    assert [row["check"] for row in report_rows(given)] == ["e.f", "a.b", "c.d"]


@pytest.mark.parametrize(
    ("maxima", "recommended"),
    [
        ({"dataset": 1.1, "schema": 4.0, "dataflow": 9.9}, {"settle_seconds": 12, "dataflow_settle_seconds": 30}),
        ({"dataset": 0.0, "dataflow": 0.0}, {"settle_seconds": 5, "dataflow_settle_seconds": 20}),
        ({"dataflow": 10.0, "flow_run": 20.0, "other": 90.0}, {"dataflow_settle_seconds": 60}),
        ({"dataset": None, "dataflow": 1.0}, {}),
        ({}, {}),
    ],
    ids=repr,
)
def test_only_measured_settle_times_are_recommended(
    maxima: dict[str, float | None], recommended: dict[str, int]
) -> None:
    listed = [found(f"{kind}.listed", Outcome.CONFIRMED, maximum=seconds) for kind, seconds in maxima.items()]
    assert report(*listed).recommended == recommended


# ---- redaction -----------------------------------------------------------------------------------------------------


def texts(value: Any) -> Iterator[str]:
    """Yield all texts in a JSON value."""
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(each)


def of_the_tenant(emulator: Emulator) -> set[str]:
    """Return the texts that identify a tenant: ids, names, titles and URLs in the emulator's state and requests."""
    state = [emulator.control("GET", "state", params={"sandbox": name}) for name in ("dev", "prod")]
    requests = emulator.requests()
    all_texts = set(texts([state, requests]))
    identifying = {text for text in all_texts if re.search(r"[0-9a-f]{8}|://|payments verify|PayPal\.|@", text)}
    own = {
        "EMULATOR@AdobeOrg",
        "EMULATOR",
        "emulator-client",
        "emulator-secret",
        PAYPAL,
        CREDENTIAL["host"],
        CREDENTIAL["clientSecret"],
    }
    return identifying | own | {emulator.url, "_emulator", "platform.adobe.io"}


def leaks(report: Report, words: set[str]) -> list[str]:
    """Return the words that the report contains in any encoding."""
    written = json.dumps(report.to_json(), ensure_ascii=False).encode()
    return [word for word in words if any(form in written for form in forms(word))]


def test_a_report_contains_no_data_of_the_tenant(emulator: Emulator, client: Client, verified: Verified) -> None:
    identifying = {str(client.credential.token())}
    # At each step, because the objects are deleted at the end.
    report = verified(show=lambda what: identifying.update(of_the_tenant(emulator)))
    assert len(identifying) > 200
    assert leaks(report, identifying) == []
    assert not re.search(r"\bdev\b", json.dumps(report.to_json()))


TENANT = st.sampled_from(["contoso", "contoso-prod-1", "ACME_RETAIL", "Contoso Payments", "_contoso.pii", "42417777"])
REFUSALS = st.fixed_dictionaries(
    {"status": st.sampled_from([400, 401, 403, 404, 409, 412, 422, 500])},
    optional=dict.fromkeys(
        ("title", "detail", "error_code", "code", "error", "message", "errorMessage", "type", "error_type"), TENANT
    ),
)
PLACES = st.sampled_from(["fieldgroups", "schemas", "dataSets", "mappingSets", "targetConnections", "flows"])


def test_names_in_refusals_do_not_get_into_the_report(emulator: Emulator, verified: Verified) -> None:
    words = {"contoso", "ACME_RETAIL", "Contoso", "42417777"}
    outcomes: set[Outcome] = set()

    @settings(
        max_examples=EXAMPLES or 20,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(REFUSALS, PLACES, st.sampled_from(["POST", "GET", "DELETE"]), st.integers(1, 3))
    def each(body: dict[str, Any], place: str, method: str, nth: int) -> None:
        emulator.reset()
        fault = {"method": method, "path": f"*/{place}*", "nth": nth, "times": None}
        emulator.fail("status", **fault, status=body["status"], body=body)
        try:
            report = verified("dataset", "dataflow", quick=True)
        except PlatformError:
            return  # the sandbox cannot be verified at all
        assert leaks(report, words) == []
        outcomes.update(finding.outcome for _, finding in report.findings)

    each()
    assert outcomes >= {Outcome.CONFIRMED, Outcome.NOT_TRIED}
