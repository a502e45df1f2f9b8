"""Forced outcomes of flow runs."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.emulator.client import BAD_PRODUCTS, CATALOG, FLOW, GOOD_PRODUCTS, Client

ALL = GOOD_PRODUCTS + BAD_PRODUCTS
RUN_SECONDS = 2


def force_outcome(client: Client, **outcome: Any) -> Any:
    return client.control("POST", "outcomes", json=outcome)


def pending_outcomes(client: Client) -> Any:
    return client.control("GET", "outcomes")["outcomes"]


def status(run: Any) -> str:
    return str(run["metrics"]["statusSummary"]["status"])


def counts(run: Any) -> tuple[int, int, int]:
    summary = run["metrics"]["recordSummary"]
    return summary["inputRecordCount"], summary["outputRecordCount"], summary["failedRecordCount"]


def codes(run: Any) -> list[str]:
    return [error["code"] for error in run["metrics"]["statusSummary"].get("errors", [])]


def landed(client: Client, body: dict[str, Any]) -> int:
    return int(client.control("GET", f"datasets/{body['_dataset']}/rows")["count"])


def first_run(client: Client, **outcome: Any) -> tuple[Any, dict[str, Any]]:
    """Force the outcome of a new dataflow's first run; return the ended run and the body of the dataflow."""
    force_outcome(client, **outcome)
    body = client.prepared()
    flow = client.flow(body)["id"]
    client.advance(60 + RUN_SECONDS)
    (run,) = client.runs(flow)
    return run, body


def test_copying_fails(client: Client) -> None:
    run, body = first_run(client, outcome="fail_copy")
    assert (status(run), codes(run), counts(run)) == ("failed", ["CONNECTOR-1001-500"], (0, 0, 0))
    (copying,) = run["activities"]
    assert copying["statusSummary"]["status"] == "failed"
    assert copying["statusSummary"]["errors"] == run["metrics"]["statusSummary"]["errors"]
    assert copying["statusSummary"]["extensions"]["errors"][0]["code"] == "2200"
    assert copying["recordSummary"]["failedInfo"] == run["metrics"]["recordSummary"]["failedInfo"]
    assert run["metrics"]["sizeSummary"]["inputBytes"] == -1
    assert run["metrics"]["fileSummary"]["inputFileCount"] == -1
    assert run["metrics"]["durationSummary"].keys() == {"startedAtUTC", "completedAtUTC"}
    assert landed(client, body) == 0
    assert client.get(f"{CATALOG}/batches") == {}


def test_promotion_fails(client: Client) -> None:
    run, body = first_run(client, outcome="fail_promotion", completed=False)
    assert (status(run), codes(run), counts(run)) == ("failed", ["CONNECTOR-2001-500"], (ALL, 0, ALL))
    copying, promotion = run["activities"]
    assert copying["statusSummary"]["status"] == "success"
    assert promotion["statusSummary"]["status"] == "failed"
    assert [error["code"] for error in promotion["statusSummary"]["extensions"]["errors"]] == ["133"]
    assert run["metrics"]["sizeSummary"]["inputBytes"] == -1
    assert run["metrics"]["durationSummary"].keys() == {"startedAtUTC"}
    assert client.item("flows", run["flowId"])["lastRunDetails"].keys() == {"id", "state", "startedAtUTC"}
    (batch_id,) = promotion["targetInfo"][0]["reference"]["ids"]
    batch = client.get(f"{CATALOG}/batches/{batch_id}")[batch_id]
    assert (batch["status"], batch["metrics"]["failedRecordCount"]) == ("failed", ALL)
    assert [error["code"] for error in batch["errors"]] == ["133"]
    assert landed(client, body) == 0


@pytest.mark.parametrize(
    ("failed", "expected"), [(1, BAD_PRODUCTS), (BAD_PRODUCTS, BAD_PRODUCTS), (40, 40), (9999, ALL)]
)
def test_some_records_fail(client: Client, failed: int, expected: int) -> None:
    run, body = first_run(client, outcome="partial", failed=failed)
    assert (status(run), counts(run)) == ("partialSuccess", (ALL, ALL - expected, expected))
    extensions = run["activities"][1]["statusSummary"]["extensions"]["errors"]
    assert sum(error.get("recordCount", 0) for error in extensions) == expected
    assert landed(client, body) == ALL - expected
    (batch,) = client.get(f"{CATALOG}/batches").values()
    assert (batch["status"], batch["metrics"]["outputRecordCount"]) == ("success", ALL - expected)


def test_a_stuck_run_stays_in_progress_until_its_release(client: Client) -> None:
    run, body = first_run(client, outcome="stuck")
    flow = run["flowId"]
    client.advance(1800)
    stuck, regular = client.runs(flow)
    assert (status(stuck), status(regular)) == ("inProgress", "success")
    assert stuck["metrics"]["durationSummary"].keys() == {"startedAtUTC"}
    assert counts(regular) == (2, 2, 0)
    assert client.control("POST", "outcomes/release", json={"flowId": "another"}) == {"released": []}
    assert client.control("POST", "outcomes/release") == {"released": [run["id"]]}
    client.advance(RUN_SECONDS)
    ended = client.item("runs", run["id"])
    assert (status(ended), counts(ended)) == ("success", (ALL, GOOD_PRODUCTS, BAD_PRODUCTS))
    duration = ended["metrics"]["durationSummary"]
    assert duration["completedAtUTC"] - duration["startedAtUTC"] > 1800 * 1000
    assert landed(client, body) == GOOD_PRODUCTS + 2
    assert client.item("flows", flow)["lastRunDetails"]["id"] == regular["id"]
    assert client.control("POST", "outcomes/release", json={"flowId": flow}) == {"released": []}


def test_a_release_also_releases_runs_that_are_not_stuck_yet(client: Client) -> None:
    client.control("POST", "outcomes", json={"outcome": "stuck", "times": 2})
    body = client.prepared()
    flows = [client.flow(body)["id"] for _ in range(2)]
    client.advance(60)
    waiting = {flow: client.runs(flow)[0] for flow in flows}
    assert {status(run) for run in waiting.values()} == {"scheduled"}
    released = client.control("POST", "outcomes/release", json={"flowId": flows[0]})["released"]
    assert released == [waiting[flows[0]]["id"]]
    client.advance(RUN_SECONDS)
    assert [status(client.runs(flow)[0]) for flow in flows] == ["success", "inProgress"]
    assert client.control("POST", "outcomes/release")["released"] == [waiting[flows[1]]["id"]]
    client.advance(RUN_SECONDS)
    assert status(client.runs(flows[1])[0]) == "success"


def test_a_cancelled_run_ingests_nothing(client: Client) -> None:
    run, body = first_run(client, outcome="cancelled")
    assert (status(run), counts(run), codes(run)) == ("cancelled", (0, 0, 0), [])
    assert "completedAtUTC" in run["metrics"]["durationSummary"]
    assert landed(client, body) == 0


@pytest.mark.parametrize("completed", [True, False])
def test_a_run_with_an_unknown_status_ingests_its_rows(client: Client, completed: bool) -> None:
    run, body = first_run(client, outcome="unknown_status", status="quarantined", completed=completed)
    assert (status(run), counts(run)) == ("quarantined", (ALL, GOOD_PRODUCTS, BAD_PRODUCTS))
    assert ("completedAtUTC" in run["metrics"]["durationSummary"]) is completed
    assert landed(client, body) == GOOD_PRODUCTS
    client.advance(1000)
    assert client.item("runs", run["id"]) == run


def test_a_late_run_is_listed_after_its_delay(client: Client) -> None:
    force_outcome(client, outcome="late", seconds=30)
    body = client.prepared()
    flow = client.flow(body)["id"]
    client.advance(60 + 29)
    assert client.runs(flow) == []
    assert "lastRunDetails" not in client.item("flows", flow)
    assert landed(client, body) == GOOD_PRODUCTS
    client.advance(1)
    (run,) = client.runs(flow)
    assert (status(run), run["createdAt"]) == ("success", body["scheduleParams"]["startTime"] * 1000)
    assert client.item("flows", flow)["lastRunDetails"]["id"] == run["id"]


def test_a_late_run_is_not_the_last_run_if_another_started_later(client: Client) -> None:
    force_outcome(client, outcome="late", seconds=2000)
    flow = client.flow(client.prepared())["id"]
    client.advance(60 + 2000)
    regular, late = client.runs(flow)
    assert late["createdAt"] < regular["createdAt"]
    assert client.item("flows", flow)["lastRunDetails"]["id"] == regular["id"]


def test_outcomes_apply_to_the_runs_that_they_select(client: Client) -> None:
    body = client.prepared()
    first = client.flow({**body, "name": "first"})["id"]
    second = client.flow({**body, "name": "second"})["id"]
    by_id = force_outcome(client, outcome="fail_copy", flowId=second, times=2)
    assert by_id == {"outcome": "fail_copy", "flowId": second, "times": 2, "completed": True}
    by_name = force_outcome(client, outcome="cancelled", name="first", sandbox="dev")
    elsewhere = force_outcome(client, outcome="stuck", name="first", sandbox="prod")
    for_any = force_outcome(client, outcome="unknown_status", status="odd")
    assert pending_outcomes(client) == [by_id, by_name, elsewhere, for_any]
    client.advance(60 + RUN_SECONDS)
    assert pending_outcomes(client) == [{**by_id, "times": 1}, elsewhere, for_any]
    client.advance(1800)
    assert [[status(run) for run in client.runs(flow)] for flow in (first, second)] == [
        ["cancelled", "odd"],
        ["failed", "failed"],
    ]
    assert pending_outcomes(client) == [elsewhere]
    assert client.control("DELETE", "outcomes") == {"outcomes": [elsewhere]}
    assert pending_outcomes(client) == []
    client.advance(1800)
    assert [status(client.runs(flow)[-1]) for flow in (first, second)] == ["success", "success"]


def test_a_reset_removes_outcomes(client: Client) -> None:
    run, _ = first_run(client, outcome="stuck", times=5)
    assert status(run) == "inProgress"
    client.control("POST", "reset")
    assert pending_outcomes(client) == []
    assert client.control("POST", "outcomes/release") == {"released": []}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "outcome"),
        ({"outcome": "explode"}, "explode"),
        ({"outcome": ["stuck"]}, "outcome"),
        ({"outcome": "stuck", "flow": "x"}, "flow"),
        ({"outcome": "stuck", "failed": 3}, "failed"),
        ({"outcome": "stuck", "times": 0}, "times"),
        ({"outcome": "stuck", "times": "2"}, "times"),
        ({"outcome": "stuck", "flowId": 7}, "flowId"),
        ({"outcome": "stuck", "name": ""}, "name"),
        ({"outcome": "stuck", "sandbox": "nowhere"}, "sandbox"),
        ({"outcome": "stuck", "sandbox": {}}, "sandbox"),
        ({"outcome": "partial", "failed": 0}, "failed"),
        ({"outcome": "partial", "failed": True}, "failed"),
        ({"outcome": "fail_copy", "completed": "no"}, "completed"),
        ({"outcome": "unknown_status"}, "status"),
        ({"outcome": "unknown_status", "status": ""}, "status"),
        ({"outcome": "late"}, "seconds"),
        ({"outcome": "late", "seconds": -1}, "seconds"),
    ],
)
def test_invalid_outcomes_are_refused(client: Client, body: dict[str, Any], named: str) -> None:
    assert named in client.refused("POST", "/__emulator__/outcomes", 400, json=body)["error"]
    assert pending_outcomes(client) == []


def test_invalid_releases_are_refused(client: Client) -> None:
    bodies: tuple[Any, ...] = ({"flow": "x"}, {"flowId": 1}, [])
    for body in bodies:
        client.refused("POST", "/__emulator__/outcomes/release", 400, json=body)


OUTCOMES: tuple[dict[str, Any], ...] = (
    {"outcome": "fail_copy"},
    {"outcome": "fail_promotion"},
    {"outcome": "partial", "failed": 1},
    {"outcome": "partial", "failed": 7},
    {"outcome": "cancelled", "completed": False},
    {"outcome": "stuck"},
    {"outcome": "unknown_status", "status": "odd", "completed": False},
    {"outcome": "late", "seconds": 700},
)


@pytest.mark.parametrize("seed", range(6))
def test_every_record_is_accounted_for(client: Client, seed: int) -> None:
    """For any history: input = output + failed for each run, the dataset holds all output, and no row twice."""
    chance = random.Random(seed)
    body = client.prepared()
    percent = chance.choice((None, 0.001, 0.4, 0.5, 5, 60, 100))
    body["options"] = {"errorDiagnosticsEnabled": chance.random() < 0.5}
    if percent is not None:
        body["options"]["partialIngestionPercent"] = percent
    flow = client.flow(body)["id"]
    client.advance(60)
    for _ in range(30):
        if chance.random() < 0.5:
            force_outcome(client, **chance.choice(OUTCOMES))
        client.advance(chance.choice((0.5, 900, 1800, 5400)))
        client.sign_in()
        runs = client.runs(flow)
        if runs and chance.random() < 0.6:
            chosen = chance.choice(runs)["id"]
            answer = client.ask("POST", f"{FLOW}/runs/{chosen}/action?op=re-trigger")
            assert answer.status_code in (200, 400)
        if chance.random() < 0.2:
            client.control("POST", "outcomes/release")
    client.control("DELETE", "outcomes")
    client.control("POST", "outcomes/release")
    client.ask("POST", f"{FLOW}/flows/{flow}/action?op=disable")
    client.advance(3600)
    runs = client.runs(flow)
    assert 30 < len(runs) < 100
    assert not {"inProgress", "scheduled"} & {status(run) for run in runs}
    for run in runs:
        read, wrote, failed = counts(run)
        assert read == wrote + failed
        assert min(read, wrote, failed) >= 0
        assert wrote == 0 or status(run) in ("success", "partialSuccess", "odd")
        if status(run) == "success":
            assert failed == 0 or failed * 100 / read < float(percent or 0)
    batches = client.get(f"{CATALOG}/batches", limit=100)
    assert len(batches) == sum(1 for run in runs if counts(run)[0])
    assert sum(batch["metrics"]["outputRecordCount"] for batch in batches.values()) == sum(counts(r)[1] for r in runs)
    found = client.control("GET", f"datasets/{body['_dataset']}/rows", params={"limit": 9999})["rows"]
    assert len(found) == sum(counts(run)[1] for run in runs)
    # Two products have the id of another product, but different other values.
    assert len({json.dumps(record) for record in found}) == len(found)
