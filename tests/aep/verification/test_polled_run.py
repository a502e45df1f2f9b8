"""The flow run of a verification: the findings from it, and the number of its requests."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_payments.aep.verification.report import Report
from tests.conftest import PAYPAL, Emulator

Verified = Callable[..., Report]


def outcomes(report: Report) -> dict[str, str]:
    return {check.id.partition(".")[2]: str(finding.outcome) for check, finding in report.findings}


def reasons(report: Report) -> dict[str, str]:
    return {check.id.partition(".")[2]: finding.reason for check, finding in report.findings if finding.reason}


def test_the_run_ingests_about_ten_rows_into_a_dataset_that_is_deleted(emulator: Emulator, verified: Verified) -> None:
    verified("flow_run.counts")
    (body,) = emulator.posted("/runs")
    (run,) = emulator.objects("runs")
    assert 1 <= run["metrics"]["recordSummary"]["outputRecordCount"] <= 10
    assert body["params"]["windowEndTime"] - body["params"]["windowStartTime"] <= 30 * 86400 + 2
    assert emulator.objects("dataSets") == []


def test_a_run_without_failed_records_leaves_row_errors_untried(verified: Verified) -> None:
    report = verified("flow_run")
    assert reasons(report) == {"row_errors": "no record of the flow run has failed"}
    assert set(outcomes(report).values()) == {"confirmed", "not tried"}


def test_a_run_without_rows_leaves_checks_of_rows_untried(emulator: Emulator, verified: Verified) -> None:
    # The first two explorations list the tables and the columns.
    preview = {"data": [{"Create_Time": "2001-02-03 04:05:06"}]}
    path = f"*/connections/{PAYPAL}/explore"
    emulator.fail("status", method="GET", path=path, nth=3, status=200, body=preview)
    empty = "no row of the source falls into the flow run's window"
    assert reasons(verified("flow_run")) == dict.fromkeys(("counts", "batch", "row_errors"), empty)


def test_without_times_in_the_preview_the_window_is_the_last_day(emulator: Emulator, verified: Verified) -> None:
    emulator.fail("status", method="GET", path="*/explore", nth=3, status=200, body={"data": [{"Id": "1"}]})
    verified("flow_run.on_demand")
    (body,) = emulator.posted("/runs")
    assert body["params"]["windowEndTime"] - body["params"]["windowStartTime"] == 86400
    assert body["params"]["startTime"] - body["params"]["windowEndTime"] in (0, 1)


def test_a_run_that_never_ends_is_polled_for_ten_minutes(
    emulator: Emulator, verified: Verified, naps: list[float]
) -> None:
    emulator.order("stuck")
    report = verified("flow_run")
    unended = {name for name, outcome in outcomes(report).items() if outcome == "not tried"}
    assert unended == {"shown_ended", "statuses", "window", "counts", "batch", "row_errors"}
    assert 600 <= sum(naps) <= 800
    assert report.requests <= 90


def test_a_refused_request_for_a_run_is_sent_once(emulator: Emulator, verified: Verified) -> None:
    emulator.fail("status", method="POST", path="*/flowservice/runs", code="FLOW-1385-400")
    report = verified("flow_run.on_demand", "flow_run.listed", "flow_run.counts")
    assert outcomes(report) == {"on_demand": "contradicted", "listed": "not tried", "counts": "not tried"}
    reason = "the request for a flow run was answered 400 FLOW-1385-400"
    assert reasons(report) == {"listed": reason, "counts": reason}
    assert len(emulator.posted("/runs")) == 1


def test_a_dataflow_is_read_at_most_ten_times_for_an_active_run(emulator: Emulator, verified: Verified) -> None:
    emulator.control("PUT", "options", json={"last_run_shows_active": False})
    emulator.order("stuck")
    assert outcomes(verified("flow_run.shown_active")) == {"shown_active": "contradicted"}
    reads = [r for r in emulator.requests(method="GET") if "/flows/" in r["path"]]
    assert len(reads) <= 10


def test_a_refused_source_connection_is_sent_once(emulator: Emulator, verified: Verified) -> None:
    emulator.fail("status", method="POST", path="*/sourceConnections", times=None, code="FLOW-1330-400")
    reason = "a request that it needs was answered 400 FLOW-1330-400"
    assert reasons(verified("flow_run.on_demand", "flow_run.listed")) == {"on_demand": reason, "listed": reason}
    assert len(emulator.posted("/sourceConnections")) == 1


def test_a_refused_dataflow_is_sent_once(emulator: Emulator, verified: Verified) -> None:
    emulator.fail("status", method="POST", path="*/flows", code="FLOW-1321-400")
    assert set(reasons(verified("flow_run.on_demand", "flow_run.listed")).values()) == {
        "the creation of a dataflow that runs once was answered 400 FLOW-1321-400"
    }
    assert len(emulator.posted("/flows")) == 1


def test_a_late_run_lengthens_the_settle_time_of_dataflows(emulator: Emulator, verified: Verified) -> None:
    emulator.order("late", seconds=30)
    report = verified("flow_run.listed")
    ((_, finding),) = report.findings
    assert finding.seen["maximum"] >= 30
    assert list(report.recommended) == ["dataflow_settle_seconds"]
    assert report.recommended["dataflow_settle_seconds"] >= 90


def test_an_unexpected_raw_status_is_not_reported(emulator: Emulator, verified: Verified) -> None:
    emulator.order("unknown_status", status="tenant: 4711 <secret>")
    ((_, finding),) = verified("flow_run.statuses").findings
    assert finding.seen["statuses"][-1] == "unreadable"
    assert "secret" not in str(finding)
