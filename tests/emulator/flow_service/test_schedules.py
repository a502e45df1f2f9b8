"""The schedule of a dataflow: each due time has one run, in order, and a disabled dataflow does not run."""

from __future__ import annotations

import itertools

from tests.emulator.client import (
    BAD_PRODUCTS,
    FLOW,
    GOOD_PRODUCTS,
    Client,
)
from tests.emulator.flow_service.test_runs import ALL, RUN_SECONDS, records, rows, status


def test_a_dataflow_that_runs_once_ingests_all_rows_in_a_single_run(client: Client) -> None:
    body = client.prepared()
    body["transformations"] = body["transformations"][1:]
    body["scheduleParams"] = {"startTime": client.now() + 60, "frequency": "once"}
    flow = client.flow(body)["id"]
    client.advance(7 * 86400)
    client.sign_in()
    (run,) = client.runs(flow)
    assert records(run) == (ALL, GOOD_PRODUCTS, BAD_PRODUCTS)


def test_runs_that_became_due_during_an_advance_run_in_order(client: Client) -> None:
    body = client.prepared()
    body["scheduleParams"]["interval"] = 15
    flow = client.flow(body)["id"]
    client.advance(60)
    client.advance(7 * 86400)
    client.sign_in()
    found = client.get(f"{FLOW}/runs", property=f"flowId=={flow}", limit=1000)["items"]
    start = body["scheduleParams"]["startTime"]
    assert [run["createdAt"] // 1000 for run in found] == [start + 900 * place for place in range(673)]
    windows = [run["activities"][0]["durationSummary"]["extensions"] for run in found[:-1]]
    assert windows[0]["windowStart"] == 0
    assert all(one["windowEnd"] == two["windowStart"] for one, two in itertools.pairwise(windows))
    assert all(run["metrics"]["durationSummary"]["completedAtUTC"] <= run["createdAt"] + 1500 for run in found[:-1])
    assert rows(client, body["_dataset"])["count"] == sum(records(run)[1] for run in found[:-1])


def test_disabled_and_deleted_flows_do_not_run(client: Client) -> None:
    body = client.prepared()
    flow = client.flow(body)["id"]
    client.ask("POST", f"{FLOW}/flows/{flow}/action", params={"op": "disable"})
    client.advance(60 + 1800)
    assert client.runs(flow) == []
    client.ask("POST", f"{FLOW}/flows/{flow}/action", params={"op": "enable"})
    client.advance(1800 + RUN_SECONDS)
    assert [records(run)[0] for run in client.runs(flow)] == [ALL + 4]
    client.ask("DELETE", f"{FLOW}/flows/{flow}")
    client.advance(7200)
    assert len(client.runs(flow)) == 1


def test_a_new_schedule_replaces_the_old_one(client: Client) -> None:
    flow = client.flow(client.prepared())
    later = client.now() + 1000
    patch = [{"op": "replace", "path": "/scheduleParams/startTime", "value": later}]
    answer = client.ask("PATCH", f"{FLOW}/flows/{flow['id']}", json=patch, headers={"If-Match": flow["etag"]})
    assert answer.status_code == 200
    client.advance(999)
    assert client.runs(flow["id"]) == []
    client.advance(1)
    patch = [{"op": "replace", "path": "/scheduleParams/interval", "value": 60}]
    client.ask("PATCH", f"{FLOW}/flows/{flow['id']}", json=patch, headers={"If-Match": answer.json()["etag"]})
    client.advance(3600)
    assert [run["createdAt"] // 1000 for run in client.runs(flow["id"])] == [later, later + 3600]


def test_months_of_runs_run_in_one_advance(client: Client) -> None:
    body = client.prepared()
    body["scheduleParams"]["interval"] = 15
    flow = client.flow(body)["id"]
    client.advance(60 * 86400)
    client.sign_in()
    assert client.get(f"{FLOW}/runs", property=f"flowId=={flow}", count="true") == {"count": 60 * 96}
    landed = rows(client, body["_dataset"])["count"]
    # Each of the 3000 rows that were created after the start is ingested once.
    assert landed == GOOD_PRODUCTS + 3000


def test_a_disabled_dataflow_that_runs_once_runs_when_enabled(client: Client) -> None:
    body = client.prepared()
    body["scheduleParams"] = {"startTime": client.now() + 60, "frequency": "once"}
    del body["transformations"][0]["params"]
    flow = client.flow(body)["id"]

    def act(operation: str) -> None:
        assert client.ask("POST", f"{FLOW}/flows/{flow}/action?op={operation}").status_code == 200

    act("disable")
    client.advance(3600)
    assert client.runs(flow) == []
    act("enable")
    client.advance(2)
    (run,) = client.runs(flow)
    assert status(run) == "success"
    for operation in ("disable", "enable", "enable"):
        act(operation)
        client.advance(3600)
    assert [item["id"] for item in client.runs(flow)] == [run["id"]]
