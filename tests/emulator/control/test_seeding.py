"""Dataflows with a history of ended runs, created by one request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import CATALOG, CRM_FLOW_SPEC, DATA_PREP, FLOW, REST_FLOW_SPEC, Client

DAY_MILLIS = 86_400_000
SPECS = {"paypal": CRM_FLOW_SPEC, "square": CRM_FLOW_SPEC, "stripe": REST_FLOW_SPEC}


def seeded(client: Client, **seed: Any) -> Any:
    return client.control("POST", "seed", json={"sandbox": "dev", **seed})


@pytest.mark.parametrize("source", SPECS)
def test_seeded_chains_are_complete(client: Client, source: str) -> None:
    created = seeded(client, dataflows=3, runs_per_dataflow=4, source=source, name_prefix="load")
    assert (created["sandbox"], created["dataflows"]["count"], created["runs"]["count"]) == ("dev", 3, 12)
    flows = client.get(f"{FLOW}/flows")["items"]
    assert [flow["name"] for flow in flows] == ["load 1", "load 2", "load 3"]
    assert [flows[0]["id"], flows[-1]["id"]] == [created["dataflows"]["first"], created["dataflows"]["last"]]
    assert len({(flow["sourceConnectionIds"][0], flow["targetConnectionIds"][0]) for flow in flows}) == 3
    for flow in flows:
        assert flow["flowSpec"]["id"] == SPECS[source]
        assert flow["state"] == "disabled"
        begin = client.item("sourceConnections", flow["sourceConnectionIds"][0])
        assert begin["baseConnectionId"] == created["baseConnection"]
        assert client.get(f"{FLOW}/connections/{created['baseConnection']}/test") == {"result": True}
        end = client.item("targetConnections", flow["targetConnectionIds"][0])
        assert end["params"]["dataSetId"] == created["dataset"]
        assert end["data"]["schema"]["id"] == created["schema"]
        mapping = next(one for one in flow["transformations"] if one["name"] == "Mapping")
        assert client.get(f"{DATA_PREP}/mappingSets/{mapping['params']['mappingId']}")["id"] == created["mappingSet"]
    assert (
        client.get(f"{CATALOG}/dataSets/{created['dataset']}")[created["dataset"]]["schemaRef"]["id"]
        == created["schema"]
    )


def test_the_history_is_plausible(client: Client) -> None:
    now = client.now() * 1000
    created = seeded(client, dataflows=40, runs_per_dataflow=10)
    runs = client.get(f"{FLOW}/runs", limit=1000)["items"]
    assert len(runs) == created["runs"]["count"] == 400
    assert [runs[0]["id"], runs[-1]["id"]] == [created["runs"]["first"], created["runs"]["last"]]
    begun = [run["createdAt"] for run in runs]
    assert begun == sorted(begun)
    kinds = {"clean": 0, "partial": 0, "failed": 0}
    for run in runs:
        times, records = run["metrics"]["durationSummary"], run["metrics"]["recordSummary"]
        assert run["createdAt"] <= times["startedAtUTC"] < times["completedAtUTC"] < now
        failed = records["failedRecordCount"]
        assert records["inputRecordCount"] == records["outputRecordCount"] + failed
        all_failed = failed == records["inputRecordCount"]
        assert run["metrics"]["statusSummary"]["status"] == ("failed" if all_failed else "success")
        kinds["failed" if all_failed else "partial" if failed else "clean"] += 1
    assert kinds["clean"] > 300
    assert min(kinds["partial"], kinds["failed"]) >= 1
    for flow in client.get(f"{FLOW}/flows")["items"]:
        own = client.runs(flow["id"])
        start = flow["scheduleParams"]["startTime"] * 1000
        assert [run["createdAt"] for run in own] == [start + day * DAY_MILLIS for day in range(10)]
        assert flow["createdAt"] <= start
        assert flow["lastRunDetails"]["id"] == own[-1]["id"]


def test_the_same_seed_request_gives_the_same_counts(client: Client) -> None:
    counts = []
    for prefix in ("a", "a", "b"):
        client.control("POST", "reset")
        client.sign_in()
        seeded(client, dataflows=2, runs_per_dataflow=20, name_prefix=prefix)
        counts.append([run["metrics"]["recordSummary"] for run in client.get(f"{FLOW}/runs")["items"]])
    assert counts[0] == counts[1] != counts[2]


def test_seeded_dataflows_do_not_run_until_they_are_enabled(client: Client) -> None:
    created = seeded(client, dataflows=2, runs_per_dataflow=1, source="stripe")
    client.advance(3 * 86400)
    client.sign_in()
    assert client.get(f"{FLOW}/runs", count="true")["count"] == 2
    flow = created["dataflows"]["last"]
    assert client.ask("POST", f"{FLOW}/flows/{flow}/action?op=enable").status_code == 200
    client.advance(86400)
    client.sign_in()
    history, run = client.runs(flow)
    assert run["createdAt"] == history["createdAt"] + 4 * DAY_MILLIS
    assert run["metrics"]["statusSummary"]["status"] == "success"


@pytest.mark.parametrize("source", SPECS)
def test_enabled_seeded_dataflows_keep_running_and_fill_the_dataset(client: Client, source: str) -> None:
    created = seeded(client, dataflows=2, runs_per_dataflow=2, source=source, enabled=True)
    client.advance(86000)
    last = [client.runs(created["dataflows"][place])[-1] for place in ("first", "last")]
    assert client.get(f"{FLOW}/runs", count="true")["count"] == 6
    for run in last:
        records = run["metrics"]["recordSummary"]
        assert run["metrics"]["statusSummary"]["status"] == "success"
        assert records["outputRecordCount"] > 0
    landed = client.control("GET", f"datasets/{created['dataset']}/rows?limit=1")["count"]
    assert landed == sum(run["metrics"]["recordSummary"]["outputRecordCount"] for run in last)


def test_without_history_a_dataflow_waits_for_its_start(client: Client) -> None:
    created = seeded(client, dataflows=1, enabled=True)
    assert created["runs"] == {"count": 0}
    flow = client.item("flows", created["dataflows"]["first"])
    start = flow["scheduleParams"]["startTime"]
    assert start > client.now()
    client.advance(start - client.now())
    assert [run["createdAt"] for run in client.runs(flow["id"])] == [start * 1000]


def test_seeds_are_cumulative_and_limited_to_their_sandbox(client: Client) -> None:
    first = seeded(client, dataflows=1, runs_per_dataflow=1)
    again = seeded(client, dataflows=2, runs_per_dataflow=2)
    assert first["schema"] != again["schema"]
    flows = client.get(f"{FLOW}/flows")["items"]
    assert [flow["name"] for flow in flows] == ["seeded 1", "seeded 1", "seeded 2"]
    assert client.get(f"{FLOW}/runs", count="true")["count"] == 5
    answer = client.ask("GET", f"{FLOW}/flows?count=true", headers={"x-sandbox-name": "prod"})
    assert answer.json()["count"] == 0


@pytest.mark.parametrize(
    ("seed", "named"),
    [
        ({}, "'sandbox' is missing"),
        ({"sandbox": "dev"}, "'dataflows' is missing"),
        ({"sandbox": "stage", "dataflows": 1}, "'sandbox' is \"stage\": it must be one of dev, prod"),
        ({"sandbox": "dev", "dataflows": 0}, "'dataflows' is 0: it must be a whole number from 1 to 20000"),
        ({"sandbox": "dev", "dataflows": 20_001}, "'dataflows'"),
        ({"sandbox": "dev", "dataflows": True}, "'dataflows' is true"),
        ({"sandbox": "dev", "dataflows": 1.5}, "'dataflows' is 1.5"),
        ({"sandbox": "dev", "dataflows": 1, "runs_per_dataflow": -1}, "'runs_per_dataflow' is -1"),
        ({"sandbox": "dev", "dataflows": 20_000, "runs_per_dataflow": 11}, "a whole number from 0 to 10"),
        ({"sandbox": "dev", "dataflows": 1, "source": "visa"}, "one of paypal, square, stripe"),
        ({"sandbox": "dev", "dataflows": 1, "name_prefix": " "}, "'name_prefix'"),
        ({"sandbox": "dev", "dataflows": 1, "name_prefix": "x" * 101}, "'name_prefix'"),
        ({"sandbox": "dev", "dataflows": 1, "enabled": "yes"}, "'enabled' is \"yes\": it must be true or false"),
        ({"sandbox": "dev", "dataflows": 1, "flows": 1}, "'flows' is unknown in a seed"),
        ([], "must be a JSON object"),
    ],
)
def test_invalid_seed_requests_are_refused_by_member(client: Client, seed: Any, named: str) -> None:
    assert named in client.refused("POST", "/__emulator__/seed", 400, json=seed)["error"]
    assert client.get(f"{FLOW}/flows", count="true")["count"] == 0
