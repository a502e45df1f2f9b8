"""Runs on demand with a data window, and retries of runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.emulator.client import BAD_PRODUCTS, CATALOG, FLOW, GOOD_PRODUCTS, Client

ALL = GOOD_PRODUCTS + BAD_PRODUCTS
RUN_SECONDS = 2
DELTA = {"name": "Create_Time"}
MAPPING = 1


def once(client: Client) -> dict[str, Any]:
    """The body of a dataflow that is scheduled to run once, tomorrow."""
    body = client.prepared()
    body["scheduleParams"] = {"startTime": client.now() + 86400, "frequency": "once"}
    body["transformations"] = [body["transformations"][MAPPING]]
    return body


def params(client: Client, **changes: Any) -> dict[str, Any]:
    """The parameters of a run that starts at once, with a data window from the epoch to now."""
    now = client.now()
    return {"startTime": now, "windowStartTime": 0, "windowEndTime": now, "deltaColumn": DELTA, **changes}


def run_on_demand(client: Client, flow: str, **changes: Any) -> str:
    """Create a run on demand and return its id."""
    return str(client.make(f"{FLOW}/runs", {"flowId": flow, "params": params(client, **changes)})["id"])


def counts(run: Any) -> tuple[int, int, int]:
    summary = run["metrics"]["recordSummary"]
    return summary["inputRecordCount"], summary["outputRecordCount"], summary["failedRecordCount"]


def status(run: Any) -> str:
    return str(run["metrics"]["statusSummary"]["status"])


def creation_times(client: Client) -> list[int]:
    """The creation times of the products that a run ingests, ascending."""
    body = once(client)
    run_on_demand(client, client.flow(body)["id"])
    client.advance(RUN_SECONDS)
    landed = client.control("GET", f"datasets/{body['_dataset']}/rows", params={"limit": 5000})["rows"]
    times = [record["_emulator"]["product"]["createTime"] for record in landed]
    return sorted(int(datetime.fromisoformat(text).timestamp()) for text in times)


def force_outcome(client: Client, **outcome: Any) -> None:
    client.control("POST", "outcomes", json=outcome)


def test_a_run_on_demand_reads_its_data_window(client: Client) -> None:
    body = once(client)
    flow = client.flow(body)["id"]
    requested = params(client)
    answer = client.ask("POST", f"{FLOW}/runs", json={"flowId": flow, "params": requested})
    assert answer.status_code == 201
    receipt = answer.json()
    assert receipt["items"] == [{"id": receipt["id"], "etag": receipt["etag"]}]
    assert answer.headers["Location"].endswith(f"/runs/{receipt['id']}")
    run = client.item("runs", receipt["id"])
    assert (status(run), run["activities"], run["params"]) == ("scheduled", [], requested)
    assert run["etag"] == receipt["etag"]
    client.advance(RUN_SECONDS)
    (run,) = client.runs(flow)
    assert status(run) == "success"
    # Two products have creation times that cannot be read: no data window contains them.
    assert counts(run) == (ALL - 2, GOOD_PRODUCTS, 3)
    assert run["activities"][0]["durationSummary"]["extensions"] == {
        "windowStart": 0,
        "windowEnd": requested["windowEndTime"] * 1000,
    }
    assert client.control("GET", f"datasets/{body['_dataset']}/rows")["count"] == GOOD_PRODUCTS
    assert client.item("flows", flow)["lastRunDetails"]["id"] == run["id"]


def test_a_data_window_excludes_its_start_and_includes_its_end(client: Client) -> None:
    at = creation_times(client)
    body = {**same_chain_again(client), "name": "windows"}
    flow = client.flow(body)["id"]
    tenth, twentieth = at[9], at[19]
    assert at[8] < tenth < at[10]
    assert at[18] < twentieth < at[20]
    for begin, end, expected in ((tenth, twentieth, 10), (tenth - 1, twentieth, 11), (tenth, twentieth - 1, 9)):
        identifier = run_on_demand(client, flow, windowStartTime=begin, windowEndTime=end)
        client.advance(RUN_SECONDS)
        assert counts(client.item("runs", identifier))[1] == expected
    landed = client.control("GET", f"datasets/{body['_dataset']}/rows")["count"]
    assert landed == len(at) + 10 + 11 + 9


def same_chain_again(client: Client) -> dict[str, Any]:
    """The body of another dataflow with the connections and the mapping set of the only existing dataflow."""
    (flow,) = client.get(f"{FLOW}/flows")["items"]
    target = client.item("targetConnections", flow["targetConnectionIds"][0])
    mapping = next(entry for entry in flow["transformations"] if entry["name"] == "Mapping")
    return {
        "flowSpec": flow["flowSpec"],
        "sourceConnectionIds": flow["sourceConnectionIds"],
        "targetConnectionIds": flow["targetConnectionIds"],
        "transformations": [mapping],
        "scheduleParams": flow["scheduleParams"],
        "options": {"errorDiagnosticsEnabled": True, "partialIngestionPercent": 5},
        "_dataset": target["params"]["dataSetId"],
    }


def test_the_first_run_on_demand_sets_the_delta_column(client: Client) -> None:
    created = client.flow(once(client))
    flow = created["id"]
    without = {name: value for name, value in params(client).items() if name != "deltaColumn"}
    client.flow_problem("POST", f"{FLOW}/runs", "1383-400", json={"flowId": flow, "params": without})
    unknown = {**without, "deltaColumn": {"name": "Updated"}}
    message = client.flow_problem("POST", f"{FLOW}/runs", "1380-400", json={"flowId": flow, "params": unknown})
    assert "Updated" in message
    assert "Copy" not in str(client.item("flows", flow)["transformations"])
    run_on_demand(client, flow)
    item = client.item("flows", flow)
    assert item["transformations"][0] == {"name": "Copy", "params": {"deltaColumn": DELTA}}
    assert item["transformations"][1]["name"] == "Mapping"
    assert item["etag"] != created["etag"]
    client.make(f"{FLOW}/runs", {"flowId": flow, "params": without})
    run_on_demand(client, flow)
    other = {**without, "deltaColumn": {"name": "Product_Name"}}
    message = client.flow_problem("POST", f"{FLOW}/runs", "1382-400", json={"flowId": flow, "params": other})
    assert "Product_Name" in message
    assert "Create_Time" in message
    assert len(client.runs(flow)) == 3
    # The Copy transformation that the run has added to the dataflow does not block a patch.
    patch = [{"op": "replace", "path": "/name", "value": "renamed"}]
    answer = client.ask("PATCH", f"{FLOW}/flows/{flow}", json=patch, headers={"If-Match": item["etag"]})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"flowId": None}, "1446-400"),
        ({"flowId": ""}, "1446-400"),
        ({"flowId": "3abea21c-7e36-4be1-bec1-d3bad0e3e0de"}, "1430-400"),
        ({"flowId": 5}, "1430-400"),
        ({"params": None}, "1384-400"),
        ({"params": {}}, "1384-400"),
        ({"params": [1]}, "1384-400"),
        ({"startTime": None}, "1384-400"),
        ({"windowStartTime": ""}, "1384-400"),
        ({"windowEndTime": None}, "1384-400"),
        ({"windowEndTime": "soon"}, "1340-400"),
        ({"windowStartTime": -1}, "1340-400"),
        ({"startTime": 1.5}, "1340-400"),
        ({"startTime": True}, "1340-400"),
        ({"windowEndTime": 1670455947000}, "1340-400"),
        ({"windowStartTime": 1651584991, "windowEndTime": 1651584990}, "1381-400"),
        ({"deltaColumn": {}}, "1383-400"),
        ({"deltaColumn": {"name": ""}}, "1383-400"),
        ({"deltaColumn": "Create_Time"}, "1384-400"),
        ({"deltaColumn": {"name": 3}}, "1384-400"),
        ({"predecessors": [{"flowId": "none"}]}, "1429-400"),
        ({"predecessors": [{"flowRunId": "none"}]}, "1428-400"),
        ({"predecessors": ["none"]}, "1000-400"),
    ],
)
def test_invalid_runs_on_demand_are_refused(client: Client, changes: dict[str, Any], code: str) -> None:
    flow = client.flow(once(client))["id"]
    body: dict[str, Any] = {"flowId": flow, "params": params(client)}
    for name, value in changes.items():
        (body if name in ("flowId", "params", "predecessors") else body["params"])[name] = value
    client.flow_problem("POST", f"{FLOW}/runs", code, json=body)
    assert client.runs(flow) == []
    assert len(client.item("flows", flow)["transformations"]) == 1


def test_unreadable_bodies_are_refused(client: Client) -> None:
    client.flow_problem("POST", f"{FLOW}/runs", "1405-400", json={})
    client.flow_problem("POST", f"{FLOW}/runs", "1000-400", json=[1])
    client.flow_problem("POST", f"{FLOW}/runs", "1000-400", data=b"{", headers={"Content-Type": "application/json"})


def test_runs_on_demand_require_an_enabled_dataflow_that_runs_once(client: Client) -> None:
    flow = client.flow(client.prepared())["id"]
    body = {"flowId": flow, "params": params(client)}
    assert "minute" in client.flow_problem("POST", f"{FLOW}/runs", "1386-400", json=body)
    client.control("POST", "reset")
    client.sign_in()
    flow = client.flow(once(client))["id"]
    client.ask("POST", f"{FLOW}/flows/{flow}/action?op=disable")
    body = {"flowId": flow, "params": params(client)}
    assert "disabled" in client.flow_problem("POST", f"{FLOW}/runs", "1380-400", json=body)


def test_times_may_be_text_and_the_start_may_be_later(client: Client) -> None:
    flow = client.flow(once(client))["id"]
    now = client.now()
    requested = {
        "startTime": str(now + 600),
        "windowStartTime": "0",
        "windowEndTime": "16515859567",
        "deltaColumn": DELTA,
    }
    # The body of the tutorial has the additional member 'status'.
    identifier = client.make(f"{FLOW}/runs/", {"flowId": flow, "params": requested, "status": "active"})["id"]
    client.advance(600)
    assert status(client.item("runs", identifier)) == "scheduled"
    client.advance(0.3)
    run = client.item("runs", identifier)
    assert run["metrics"]["durationSummary"] == {"startedAtUTC": (now + 600) * 1000 + 200}
    client.advance(RUN_SECONDS)
    run = client.item("runs", identifier)
    assert (status(run), run["params"]) == ("success", requested)
    # The window ends in the far future, but the run reads only rows that exist.
    assert counts(run)[0] <= ALL


def test_runs_on_demand_do_not_change_the_schedule(client: Client) -> None:
    body = once(client)
    flow = client.flow(body)["id"]
    run_on_demand(client, flow, startTime=1)
    client.advance(RUN_SECONDS)
    assert [status(run) for run in client.runs(flow)] == ["success"]
    client.advance(86400 + RUN_SECONDS)
    client.sign_in()
    first, second = client.runs(flow)
    assert second["createdAt"] == body["scheduleParams"]["startTime"] * 1000
    assert counts(second)[0] > counts(first)[0]
    landed = client.control("GET", f"datasets/{body['_dataset']}/rows")["count"]
    assert landed == counts(first)[1] + counts(second)[1]


def retry_run(client: Client, run: str, operation: str = "re-trigger", **options: Any) -> Any:
    answer = client.ask("POST", f"{FLOW}/runs/{run}/action", params={"op": operation}, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused_retry(client: Client, run: str, code: str, operation: str = "re-trigger", **options: Any) -> str:
    return client.flow_problem("POST", f"{FLOW}/runs/{run}/action", code, params={"op": operation}, **options)


@pytest.mark.parametrize("outcome", ["fail_copy", "fail_promotion"])
def test_a_failed_run_can_be_retried_until_a_retry_succeeds(client: Client, outcome: str) -> None:
    force_outcome(client, outcome=outcome, times=2)
    body = client.prepared()
    flow = client.flow(body)["id"]
    client.advance(60 + RUN_SECONDS)
    (failed,) = client.runs(flow)
    assert status(failed) == "failed"
    # A scheduled run of the next data window takes place before the retry.
    client.advance(1800)
    first = retry_run(client, failed["id"])
    client.advance(RUN_SECONDS)
    assert status(client.item("runs", first["id"])) == "success"
    regular = client.runs(flow)[1]
    assert status(regular) == "failed"
    second = retry_run(client, regular["id"], "RE_TRIGGER")
    client.advance(RUN_SECONDS)
    originals, retries = client.runs(flow)[:2], client.runs(flow)[2:]
    assert [run["id"] for run in retries] == [first["id"], second["id"]]
    assert retries[1]["etag"] != second["etag"]
    for original, retry in zip(originals, retries, strict=True):
        window = original["activities"][0]["durationSummary"]["extensions"]
        assert retry["activities"][0]["durationSummary"]["extensions"] == window
    assert counts(retries[0]) == (ALL, GOOD_PRODUCTS, BAD_PRODUCTS)
    assert counts(retries[1]) == (2, 2, 0)
    for run in (failed["id"], regular["id"], first["id"], second["id"]):
        assert "success" in refused_retry(client, run, "1387-400")
    assert client.control("GET", f"datasets/{body['_dataset']}/rows")["count"] == GOOD_PRODUCTS + 2


def test_a_failed_retry_can_be_retried(client: Client) -> None:
    force_outcome(client, outcome="fail_copy", times=2)
    flow = client.flow(client.prepared())["id"]
    client.advance(60 + RUN_SECONDS)
    (failed,) = client.runs(flow)
    retry = retry_run(client, failed["id"], "Re-Trigger")
    assert "scheduled" in refused_retry(client, failed["id"], "1387-400")
    client.advance(RUN_SECONDS)
    assert status(client.item("runs", retry["id"])) == "failed"
    last = retry_run(client, failed["id"])
    client.advance(RUN_SECONDS)
    assert counts(client.item("runs", last["id"])) == (ALL, GOOD_PRODUCTS, BAD_PRODUCTS)
    assert "success" in refused_retry(client, retry["id"], "1387-400")


def test_a_successful_run_without_records_can_be_retried(client: Client) -> None:
    body = client.prepared()
    body["scheduleParams"]["backfill"] = False
    flow = client.flow(body)["id"]
    client.advance(60 + RUN_SECONDS)
    (empty,) = client.runs(flow)
    assert (status(empty), counts(empty)) == ("success", (0, 0, 0))
    retry = retry_run(client, empty["id"])
    client.advance(RUN_SECONDS)
    assert counts(client.item("runs", retry["id"])) == (0, 0, 0)
    client.advance(1800)
    full = client.runs(flow)[-1]
    assert counts(full) == (2, 2, 0)
    refused_retry(client, full["id"], "1387-400")


def test_a_retry_of_a_run_on_demand_reads_the_same_window(client: Client) -> None:
    force_outcome(client, outcome="fail_promotion")
    flow = client.flow(once(client))["id"]
    requested = run_on_demand(client, flow)
    client.advance(RUN_SECONDS)
    failed = client.item("runs", requested)
    assert (status(failed), counts(failed)) == ("failed", (ALL - 2, 0, ALL - 2))
    retry = retry_run(client, requested)
    client.advance(RUN_SECONDS)
    run = client.item("runs", retry["id"])
    assert counts(run) == (ALL - 2, GOOD_PRODUCTS, 3)
    assert run["params"] == failed["params"]


def test_invalid_retries_are_refused(client: Client) -> None:
    force_outcome(client, outcome="fail_copy")
    flow = client.flow(client.prepared())["id"]
    client.advance(60 + RUN_SECONDS)
    (run,) = client.runs(flow)
    client.flow_problem("POST", f"{FLOW}/runs/none/action", "1439-404", params={"op": "re-trigger"})
    client.flow_problem("POST", f"{FLOW}/runs/{run['id']}/action", "1359-400")
    assert "cancel" in refused_retry(client, run["id"], "1401-400", "cancel")
    refused_retry(client, run["id"], "1404-412", headers={"If-Match": '"old"'})
    client.ask("POST", f"{FLOW}/flows/{flow}/action?op=disable")
    assert "disabled" in refused_retry(client, run["id"], "1388-400")
    client.ask("POST", f"{FLOW}/flows/{flow}/action?op=enable")
    retry_run(client, run["id"], headers={"If-Match": run["etag"]})
    client.ask("DELETE", f"{FLOW}/flows/{flow}")
    refused_retry(client, run["id"], "1430-400")
    assert len(client.runs(flow)) == 2


def test_runs_are_written_by_their_provider_only(client: Client) -> None:
    flow = client.flow(client.prepared())["id"]
    client.advance(60 + RUN_SECONDS)
    (run,) = client.runs(flow)
    address = f"{FLOW}/runs/{run['id']}"
    client.flow_problem("PUT", address, "1427-400", json=run, headers={"If-Match": run["etag"]})
    for method in ("PATCH", "DELETE"):
        assert client.ask(method, address, json={}).status_code == 405
    assert client.item("runs", run["id"]) == run
    assert list(client.get(f"{CATALOG}/batches")) == run["activities"][1]["targetInfo"][0]["reference"]["ids"]
