"""Checks that write: they ingest rows only if that is permitted, and leave no objects behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.resources.sources import SOURCES
from airflow_provider_payments.aep.verification.report import Report
from tests.aep.verification.contradict_flow_runs import FLOW_RUNS
from tests.aep.verification.contradict_writing import RECEIPT, WRITING
from tests.conftest import Emulator

KINDS = ("flows", "sourceConnections", "targetConnections", "mappingSets", "dataSets", "schemas", "fieldgroups")
Verified = Callable[..., Report]


def outcomes(report: Report) -> dict[str, str]:
    return {check.id: str(finding.outcome) for check, finding in report.findings}


def left(emulator: Emulator) -> list[dict[str, Any]]:
    return [item for kind in KINDS for item in emulator.objects(kind)]


def test_a_verification_leaves_no_objects_and_reports_none(emulator: Emulator, verified: Verified) -> None:
    assert verified().left == []
    assert left(emulator) == []


def test_without_ingest_no_dataflow_starts_and_no_run_is_requested(emulator: Emulator, verified: Verified) -> None:
    begun = emulator.control("GET", "clock")["now"]
    report = verified(ingest=False)
    bodies = emulator.posted("/flows")
    starts = [body["scheduleParams"]["startTime"] for body in bodies]
    assert len(starts) > 10
    assert min(starts) >= begun + 86_000
    assert [
        body for body in bodies if body["scheduleParams"]["frequency"] != "once" and body["scheduleParams"]["backfill"]
    ] == []
    assert emulator.posted("/runs") == []
    assert emulator.objects("runs") == []
    not_tried = [check for check, outcome in outcomes(report).items() if outcome == "not tried"]
    of_rows = ("flow_run.", "dataflow.start_time", "flow_service.filter_runs", "catalog.filter_batches")
    assert not_tried == [check for check in outcomes(report) if check.startswith(of_rows)]


def test_a_dataflow_that_starts_at_once_ingests_no_old_rows(emulator: Emulator, verified: Verified) -> None:
    assert outcomes(verified("dataflow.start_time_now", "dataflow.start_time_past")) == {
        "dataflow.start_time_now": "confirmed",
        "dataflow.start_time_past": "confirmed",
    }
    assert [body["scheduleParams"]["backfill"] for body in emulator.posted("/flows")] == [False, False]
    emulator.advance(7 * 86400)
    # A run may begin before its dataflow is deleted.
    read = [run["metrics"]["recordSummary"]["inputRecordCount"] for run in emulator.objects("runs")]
    assert sum(read) == 0


def test_an_accepted_dataflow_is_deleted_at_once(emulator: Emulator, verified: Verified) -> None:
    verified("dataflow.interval_15_minutes", "dataflow.once")
    sent = [r["method"] for r in emulator.requests() if "/flowservice/flows" in r["path"] and r["method"] != "GET"]
    assert sent == ["POST", "DELETE", "POST", "DELETE"]


def test_an_object_that_cannot_be_read_yet_is_deleted_at_the_end(emulator: Emulator, verified: Verified) -> None:
    emulator.fail("status", method="POST", path="*/flows", times=None, status=201, body=RECEIPT)
    report = verified("dataflow.interval_14_minutes")
    assert outcomes(report) == {"dataflow.interval_14_minutes": "contradicted"}
    assert report.left == []
    (deletion,) = [r for r in emulator.requests(method="DELETE") if r["path"].endswith("/flows/an-id")]
    assert deletion["status"] == 404


def test_the_object_of_an_unanswered_creation_is_found_by_its_mark(emulator: Emulator, verified: Verified) -> None:
    emulator.fail("apply_then_drop", method="POST", path="*/targetConnections")
    report = verified("flow_service.creation")
    assert outcomes(report) == {"flow_service.creation": "not tried"}
    assert left(emulator) == []


def test_a_renamed_dataflow_gets_its_name_back(emulator: Emulator, verified: Verified) -> None:
    verified("dataflow.name")
    (created,) = emulator.posted("/flows")
    renamed, restored = [r["body"][0]["value"] for r in emulator.requests(method="PATCH")]
    assert (renamed, restored) == (f"{created['name']} renamed", created["name"])


def test_changed_descriptions_keep_their_marks(emulator: Emulator, verified: Verified) -> None:
    verified("flow_service.if_match", "schema_registry.if_match")
    values = [r["body"][0]["value"] for r in emulator.requests(method="PATCH")]
    assert len(values) == 2
    assert all(value.startswith("changed by request") and "[airflow:payments-verify#" in value for value in values)


def test_a_source_without_tables_leaves_checks_of_delta_columns_untried(verified: Verified) -> None:
    report = verified(
        "dataflow", base_connection_id=None, source=SOURCES["stripe"], credential={"accessToken": "sk_test_verify"}
    )
    found = outcomes(report)
    of_tables = {"dataflow.without_delta_column", "dataflow.once_with_delta_column"}
    assert {check for check, outcome in found.items() if outcome != "confirmed"} == of_tables
    assert {found[check] for check in of_tables} == {"not tried"}


def test_an_object_is_polled_until_it_can_be_read(emulator: Emulator, verified: Verified) -> None:
    emulator.fail("read_lag", method="POST", path="*/tenant/schemas", seconds=10)
    assert outcomes(verified("schema.description")) == {"schema.description": "confirmed"}


def test_a_check_of_an_object_that_never_becomes_readable_is_not_tried(emulator: Emulator, verified: Verified) -> None:
    emulator.fail("read_lag", method="POST", path="*/tenant/schemas", seconds=1000)
    ((_, finding),) = verified("schema.description").findings
    assert (str(finding.outcome), finding.reason) == ("not tried", "no read by its id finds the schema")


@pytest.mark.parametrize(("quick", "ingest", "most"), [(False, True, 140), (True, False, 100)])
def test_checks_of_writing_and_runs_send_few_requests(verified: Verified, quick: bool, ingest: bool, most: int) -> None:
    assert verified(*WRITING, *FLOW_RUNS, quick=quick, ingest=ingest).requests <= most


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_forbidden_or_failed_writes_contradict_nothing(status: int, emulator: Emulator, verified: Verified) -> None:
    body = {"title": "Forbidden", "detail": "no"}
    for method, path in (("POST", "*/targetConnections"), ("POST", "*/flows"), ("PATCH", "*"), ("POST", "*/schemas")):
        emulator.fail("status", method=method, path=path, times=None, status=status, body=body)
    report = verified("flow_service", "schema_registry", "target_connection", "schema", "dataflow", "flow_run")
    assert [check.id for check in report.contradicted] == []
    assert report.left == left(emulator) == []


def test_a_page_of_a_proxy_confirms_nothing(emulator: Emulator, verified: Verified) -> None:
    emulator.fail("html", method="POST", path="*/flows", times=None, status=200)
    report = verified("dataflow.once", "dataflow.interval_15_minutes")
    assert set(outcomes(report).values()) == {"not tried"}
    assert left(emulator) == []
