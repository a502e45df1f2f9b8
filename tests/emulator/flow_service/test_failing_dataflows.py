"""The platform disables a scheduled dataflow whose runs have all failed for 30 days."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import FLOW, Client
from tests.emulator.flow_service.test_run_outcomes import force_outcome, pending_outcomes, status
from tests.emulator.page.test_page import page

DAY = 86400
RUN_SECONDS = 2


def daily(client: Client) -> str:
    """Create a dataflow that runs once a day, and wait until its first run has ended; return its id."""
    body = client.prepared()
    start = client.now() + 60
    body["scheduleParams"] = {"startTime": start, "frequency": "day", "interval": 1, "backfill": False}
    flow = str(client.flow(body)["id"])
    client.advance(60 + RUN_SECONDS)
    return flow


def days(client: Client, count: float) -> None:
    client.advance(count * DAY)
    client.sign_in()


def always_fail(client: Client) -> None:
    force_outcome(client, outcome="fail_copy", times=None)


def state(client: Client, flow: str) -> str:
    return str(client.item("flows", flow)["state"])


def act(client: Client, flow: str, operation: str) -> None:
    assert client.ask("POST", f"{FLOW}/flows/{flow}/action", params={"op": operation}).status_code == 200


@pytest.mark.parametrize("first", ["fail_copy", "fail_promotion"])
def test_thirty_days_of_failures_disable_a_dataflow(client: Client, first: str) -> None:
    # A run that fails in promotion takes longer: later runs end less than a multiple of whole days after it.
    force_outcome(client, outcome=first)
    always_fail(client)
    flow = daily(client)
    days(client, 29)
    before = client.item("flows", flow)
    assert before["state"] == "enabled"
    days(client, 1)
    after = client.item("flows", flow)
    assert after["state"] == "disabled"
    assert after["etag"] != before["etag"]
    assert after["lastOperation"]["operation"] == "disable"
    assert after["updatedAt"] == after["lastRunDetails"]["completedAtUTC"] > before["updatedAt"]
    assert [item["id"] for item in client.get(f"{FLOW}/flows", property="state==disabled")["items"]] == [flow]
    assert "disabled" in page(client, dataflow=flow).all("div", "head")[0].text
    runs = client.runs(flow)
    assert [status(run) for run in runs] == ["failed"] * 31
    days(client, 40)
    assert client.runs(flow) == runs


def test_one_long_advance_disables_a_dataflow_after_the_same_run(client: Client) -> None:
    always_fail(client)
    flow = daily(client)
    days(client, 300)
    assert (state(client, flow), len(client.runs(flow))) == ("disabled", 31)


@pytest.mark.parametrize("other", [None, {"outcome": "partial", "failed": 1}, {"outcome": "cancelled"}])
def test_any_status_but_failed_resets_the_time_of_failing(client: Client, other: dict[str, Any] | None) -> None:
    always_fail(client)
    flow = daily(client)
    days(client, 25)
    client.control("DELETE", "outcomes")
    if other:
        force_outcome(client, **other)
    days(client, 1)
    always_fail(client)
    days(client, 30)
    assert state(client, flow) == "enabled"
    days(client, 1)
    assert state(client, flow) == "disabled"


def test_enabling_a_disabled_dataflow_allows_thirty_more_days_of_failures(client: Client) -> None:
    always_fail(client)
    flow = daily(client)
    days(client, 30)
    act(client, flow, "enable")
    days(client, 30)
    assert state(client, flow) == "enabled"
    days(client, 1)
    assert state(client, flow) == "disabled"


def test_enabling_an_enabled_dataflow_does_not_reset_the_time_of_failing(client: Client) -> None:
    always_fail(client)
    flow = daily(client)
    days(client, 29)
    act(client, flow, "enable")
    days(client, 1)
    assert state(client, flow) == "disabled"


def test_disabling_a_dataflow_does_not_end_its_active_run(client: Client) -> None:
    always_fail(client)
    flow = daily(client)
    days(client, 28)
    client.control("DELETE", "outcomes")
    force_outcome(client, outcome="stuck")
    always_fail(client)
    days(client, 2)
    assert state(client, flow) == "disabled"
    assert [status(run) for run in client.runs(flow)][-3:] == ["failed", "inProgress", "failed"]
    assert len(client.control("POST", "outcomes/release")["released"]) == 1
    client.advance(RUN_SECONDS)
    assert [status(run) for run in client.runs(flow)][-3:] == ["failed", "success", "failed"]
    assert state(client, flow) == "disabled"


def test_failures_do_not_disable_a_dataflow_that_runs_once(client: Client) -> None:
    always_fail(client)
    body = client.prepared()
    body["transformations"] = body["transformations"][1:]
    body["scheduleParams"] = {"startTime": client.now() + 60, "frequency": "once"}
    flow = str(client.flow(body)["id"])
    client.advance(60 + RUN_SECONDS)
    for _ in range(2):
        (*_, last) = client.runs(flow)
        assert client.ask("POST", f"{FLOW}/runs/{last['id']}/action?op=re-trigger").status_code == 200
        days(client, 40)
    assert [status(run) for run in client.runs(flow)] == ["failed"] * 3
    assert state(client, flow) == "enabled"


def test_a_run_may_fail_after_its_dataflow_was_deleted(client: Client) -> None:
    always_fail(client)
    flow = daily(client)
    days(client, 28)
    client.control("DELETE", "outcomes")
    force_outcome(client, outcome="stuck")
    always_fail(client)
    days(client, 1)
    (stuck,) = (run for run in client.runs(flow) if status(run) == "inProgress")
    source = client.item("flows", flow)["sourceConnectionIds"][0]
    assert client.ask("DELETE", f"{FLOW}/flows/{flow}").status_code == 204
    assert client.ask("DELETE", f"{FLOW}/sourceConnections/{source}").status_code == 204
    days(client, 5)
    client.control("POST", "outcomes/release")
    client.advance(RUN_SECONDS)
    assert status(client.item("runs", stuck["id"])) == "failed"
    assert client.ask("GET", f"{FLOW}/flows/{flow}").status_code == 404


def test_an_outcome_for_all_runs_stays_pending(client: Client) -> None:
    always_fail(client)
    assert pending_outcomes(client) == [{"outcome": "fail_copy", "times": None, "completed": True}]
    daily(client)
    days(client, 3)
    assert pending_outcomes(client) == [{"outcome": "fail_copy", "times": None, "completed": True}]
    assert page(client).all("table")[0].cells() == [["fail_copy", "any", "any", "all"]]
    assert client.control("DELETE", "outcomes")["outcomes"][0]["times"] is None
    assert pending_outcomes(client) == []
