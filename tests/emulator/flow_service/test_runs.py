"""Flow runs: their stages, metrics and activities, and the rows that they ingest."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.emulator.client import (
    BAD_PRODUCTS,
    CATALOG,
    FLOW,
    GOOD_PRODUCTS,
    PAYPAL,
    PAYPAL_SPEC,
    REST_FLOW_SPEC,
    STRIPE_SPEC,
    Client,
    sent,
)

RUN_SECONDS = 2
ALL = GOOD_PRODUCTS + BAD_PRODUCTS


def rows(client: Client, dataset: str, **params: Any) -> Any:
    return client.control("GET", f"datasets/{dataset}/rows", params=params)


def records(run: Any) -> tuple[int, int, int]:
    summary = run["metrics"]["recordSummary"]
    counts = (summary["inputRecordCount"], summary["outputRecordCount"], summary["failedRecordCount"])
    assert counts[0] == counts[1] + counts[2]
    return counts


def status(run: Any) -> str:
    return str(run["metrics"]["statusSummary"]["status"])


def test_a_run_starts_when_due_and_passes_through_its_stages(client: Client) -> None:
    body = client.prepared()
    flow = client.flow(body)["id"]
    client.advance(59)
    assert client.runs(flow) == []
    client.advance(1)
    (run,) = client.runs(flow)
    assert status(run) == "scheduled"
    assert run["activities"] == []
    assert run["createdAt"] == body["scheduleParams"]["startTime"] * 1000
    client.advance(0.5)
    (run,) = client.runs(flow)
    assert status(run) == "inProgress"
    assert [activity["id"] for activity in run["activities"]] == ["copyActivity"]
    client.advance(0.5)
    (run,) = client.runs(flow)
    assert status(run) == "inProgress"
    assert [activity["id"] for activity in run["activities"]] == ["copyActivity", "promotionActivity"]
    assert rows(client, body["_dataset"])["count"] == 0
    client.advance(0.5)
    assert client.item("runs", run["id"]) == client.runs(flow)[0]
    assert status(client.runs(flow)[0]) == "success"


def test_valid_rows_are_ingested_and_failed_rows_reported(client: Client) -> None:
    body = client.prepared()
    flow = client.flow(body)["id"]
    client.advance(60 + RUN_SECONDS)
    (run,) = client.runs(flow)
    assert records(run) == (ALL, GOOD_PRODUCTS, BAD_PRODUCTS)
    assert run["flowId"] == flow
    duration = run["metrics"]["durationSummary"]
    assert duration["startedAtUTC"] < duration["completedAtUTC"] <= run["createdAt"] + 2000
    assert run["metrics"]["sizeSummary"]["inputBytes"] > 0
    assert run["metrics"]["statusSummary"]["errors"][0]["code"] == "CONNECTOR-2001-500"
    copying, promotion = run["activities"]
    assert copying["durationSummary"]["extensions"] == {"windowStart": 0, "windowEnd": run["createdAt"]}
    assert copying["sourceInfo"][0]["id"] == body["sourceConnectionIds"][0]
    codes = {error["code"]: error.get("recordCount") for error in promotion["statusSummary"]["extensions"]["errors"]}
    assert codes == {"INGEST-1212-400": None, "DCVS-1111-400": 3, "MAPPER-3700-400": 2}
    manifest = promotion["statusSummary"]["extensions"]["manifest"]
    assert manifest["failedRecords"].startswith(client.url)
    landed = rows(client, body["_dataset"], limit=5000)
    assert landed["count"] == len(landed["rows"]) == GOOD_PRODUCTS
    first = landed["rows"][0]
    assert first["_id"].startswith("PROD-")
    assert first["_emulator"]["product"]["createTime"].endswith("Z")
    assert rows(client, body["_dataset"], start=1193, limit=10)["rows"] == landed["rows"][1193:]
    (reference,) = promotion["targetInfo"]
    (batch_id,) = reference["reference"]["ids"]
    assert len(batch_id) == 26
    batch = client.get(f"{CATALOG}/batches/{batch_id}")[batch_id]
    assert batch["status"] == "success"
    assert batch["metrics"]["outputRecordCount"] == GOOD_PRODUCTS
    assert batch["metrics"]["failedRecordCount"] == BAD_PRODUCTS
    assert batch["tags"]["flowId"] == [flow]
    assert list(client.get(f"{CATALOG}/batches", dataSet=body["_dataset"])) == [batch_id]
    assert client.refused("GET", f"{CATALOG}/batches/none", 404)["title"] == "NotFoundError"
    dataset = client.get(f"{CATALOG}/dataSets/{body['_dataset']}")[body["_dataset"]]
    assert (dataset["lastBatchId"], dataset["lastBatchStatus"]) == (batch_id, "success")
    assert "_emulator" in dataset["observableSchema"]["properties"]
    last = client.item("flows", flow)["lastRunDetails"]
    assert last == {"id": run["id"], "state": "success", **duration}


def test_the_second_run_ingests_only_new_rows(client: Client) -> None:
    body = client.prepared()
    flow = client.flow(body)["id"]
    client.advance(60 + 1800 + RUN_SECONDS)
    first, second = client.runs(flow)
    # A product is created every quarter of an hour.
    assert records(first)[0] == ALL
    assert records(second) == (2, 2, 0)
    assert second["activities"][0]["durationSummary"]["extensions"] == {
        "windowStart": first["createdAt"],
        "windowEnd": second["createdAt"],
    }
    assert second["createdAt"] == (body["scheduleParams"]["startTime"] + 1800) * 1000
    assert rows(client, body["_dataset"])["count"] == GOOD_PRODUCTS + 2
    newest = client.get(f"{FLOW}/runs", property=f"flowId=={flow}", orderby="-createdAt", limit=1)["items"]
    assert newest == [second]


def test_without_backfill_earlier_rows_are_not_ingested(client: Client) -> None:
    body = client.prepared()
    body["scheduleParams"]["backfill"] = False
    flow = client.flow(body)["id"]
    client.advance(60 + 1800 + RUN_SECONDS)
    first, second = client.runs(flow)
    # No row was copied, so the run has no promotion activity.
    assert records(first) == (0, 0, 0)
    assert status(first) == "success"
    assert [activity["id"] for activity in first["activities"]] == ["copyActivity"]
    assert first["activities"][0]["statusSummary"]["status"] == "success"
    assert first["metrics"]["fileSummary"]["activityRefs"] == ["copyActivity"]
    assert "errors" not in first["metrics"]["statusSummary"]
    assert records(second) == (2, 2, 0)


def test_too_many_errors_fail_the_run_and_ingest_no_row(client: Client) -> None:
    # 5 of 1200 rows are 0.417 percent; the share must be below the tolerated percentage.
    cases = ((0.5, "success"), ("0.5", "success"), (5 * 100 / 1200, "failed"), (0.4, "failed"), (None, "failed"))
    for percent, expected in cases:
        client.control("POST", "reset")
        body = client.prepared()
        body["options"] = {} if percent is None else {"partialIngestionPercent": percent}
        flow = client.flow(body)["id"]
        client.advance(60 + RUN_SECONDS)
        (run,) = client.runs(flow)
        assert status(run) == expected
        landed = rows(client, body["_dataset"])["count"]
        assert records(run) == (ALL, landed, ALL - landed)
        assert landed == (GOOD_PRODUCTS if expected == "success" else 0)
        errors = run["activities"][1]["statusSummary"]["extensions"]["errors"]
        assert errors[0]["code"] == ("INGEST-1211-400" if percent is None else "INGEST-1212-400")
        assert client.item("flows", flow)["lastRunDetails"]["state"] == expected


def test_the_metrics_and_activities_of_a_run(client: Client) -> None:
    body = client.prepared()
    flow = client.flow(body)["id"]
    client.advance(60 + RUN_SECONDS)
    (run,) = client.runs(flow)
    copying, promotion = run["activities"]
    created = run["createdAt"]
    assert run["providerRefId"] == f"M-{flow}-incremental-0:{run['id']}"
    assert run["flowSpec"] == {"id": body["flowSpec"]["id"], "version": "1.0"}
    assert (run["sandboxName"], run["imsOrgId"]) == ("dev", "EMULATOR@AdobeOrg")
    metrics = run["metrics"]
    assert metrics["recordSummary"] == {
        "inputRecordCount": ALL,
        "outputRecordCount": GOOD_PRODUCTS,
        "failedRecordCount": BAD_PRODUCTS,
        "createdRecordCount": GOOD_PRODUCTS,
        "updatedRecordCount": 0,
        "skippedRecordCount": 0,
        "deletedRecordCount": 0,
        "warningRecordCount": 0,
        "skippedInfo": [],
        "failedInfo": metrics["recordSummary"]["failedInfo"],
    }
    failed = {entry["code"]: entry["details"] for entry in metrics["recordSummary"]["failedInfo"]}
    assert failed == {"DCVS-1111-400": {"recordCount": 3}, "MAPPER-3700-400": {"recordCount": 2}}
    assert metrics["statusSummary"]["activityRefs"] == metrics["fileSummary"]["activityRefs"] == ["promotionActivity"]
    files = {"inputFileCount": 1, "outputFileCount": 1}
    assert {**metrics["fileSummary"], **files} == metrics["fileSummary"]
    assert promotion["fileSummary"]["extensions"]["manifest"]["fileInfo"].endswith("/meta?path=input_files")
    assert copying["fileSummary"] == files
    times = [activity["durationSummary"] for activity in (copying, promotion)]
    assert created < times[0]["startedAtUTC"] < times[0]["completedAtUTC"] == times[1]["startedAtUTC"]
    assert times[1]["completedAtUTC"] == metrics["durationSummary"]["completedAtUTC"] == run["updatedAt"]
    assert copying["sizeSummary"]["inputBytes"] == metrics["sizeSummary"]["inputBytes"] > ALL
    assert GOOD_PRODUCTS < metrics["sizeSummary"]["outputBytes"] == promotion["sizeSummary"]["outputBytes"]
    assert copying["statusSummary"] == {"status": "success", "extensions": {"type": "one-time"}}
    assert [activity["name"] for activity in run["activities"]] == ["Copy Activity", "Promotion Activity"]


def test_etag_changes_with_the_run(client: Client) -> None:
    flow = client.flow(client.prepared())["id"]
    client.advance(60)
    etags = []
    for _ in range(4):
        (run,) = client.runs(flow)
        assert re.fullmatch(r'"[0-9a-f]{8}-0000-0200-0000-[0-9a-f]{8}0000"', run["etag"])
        etags.append(run["etag"])
        client.advance(0.5)
    assert len(set(etags)) == 4
    client.advance(60)
    assert client.runs(flow)[0]["etag"] == etags[-1]


def test_a_run_fails_in_copying_if_the_credential_is_refused(client: Client) -> None:
    flow = client.flow(client.prepared())["id"]
    etag = client.item("connections", PAYPAL)["etag"]
    patch = [{"op": "replace", "path": "/auth/params/clientSecret", "value": "wrong"}]
    client.ask("PATCH", f"{FLOW}/connections/{PAYPAL}", json=patch, headers={"If-Match": etag})
    client.advance(60 + RUN_SECONDS)
    (run,) = client.runs(flow)
    assert status(run) == "failed"
    assert run["metrics"]["statusSummary"]["errors"][0]["code"] == "CONNECTOR-1001-500"
    assert [activity["id"] for activity in run["activities"]] == ["copyActivity"]
    assert run["metrics"]["sizeSummary"]["inputBytes"] == -1


def test_a_run_fails_if_its_dataset_was_deleted(client: Client) -> None:
    body = client.prepared()
    flow = client.flow(body)["id"]
    client.ask("DELETE", f"{CATALOG}/dataSets/{body['_dataset']}")
    client.advance(60 + RUN_SECONDS)
    (run,) = client.runs(flow)
    assert status(run) == "failed"
    assert records(run) == (ALL, 0, ALL)


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("state==success", 1),
        ("metrics.statusSummary.status==success", 1),
        ("metrics.statusSummary.status==failed", 0),
        ("metrics.recordSummary.failedRecordCount>=5", 1),
        ("metrics.recordSummary.failedRecordCount>5", 0),
        ("activities[].targetInfo[].type==TargetConnection", 1),
        ("metrics.durationSummary.startedAtUTC>=1", 1),
        ("metrics.durationSummary.startedAtUTC>=99999999999999", 0),
    ],
)
def test_runs_can_be_filtered_by_status_and_metrics(client: Client, expression: str, count: int) -> None:
    flow = client.flow(client.prepared())["id"]
    client.advance(60 + RUN_SECONDS)
    found = client.get(f"{FLOW}/runs", property=[f"flowId=={flow}", expression])["items"]
    assert len(found) == count


def test_a_dataflow_ingests_rows_of_a_rest_source(client: Client) -> None:
    schema = client.schema("charges", amount={"type": "integer"}, email={"type": "string"})
    dataset = client.dataset(schema)
    auth = {"specName": "OAuth2 Refresh Code", "params": {"accessToken": "sk"}}
    base = client.make(f"{FLOW}/connections", {"name": "Stripe", "auth": auth, "connectionSpec": {"id": STRIPE_SPEC}})
    source = client.source(
        baseConnectionId=base["id"],
        data={"format": "json"},
        params={"resourcePath": "charges"},
        connectionSpec={"id": STRIPE_SPEC, "version": "1.0"},
    )
    pairs = [
        ("data.id", "_id"),
        ("data.amount", "_emulator.product.amount"),
        ("data.billing_details.email", "_emulator.product.email"),
    ]
    body = sent(client.flow_body_of(source, schema, dataset, *pairs))
    body["flowSpec"]["id"] = REST_FLOW_SPEC
    client.flow_problem("POST", f"{FLOW}/flows", "1392-400", json=body)
    body["transformations"] = body["transformations"][1:]
    flow = client.flow(body)["id"]
    client.advance(60 + 1800 + RUN_SECONDS)
    assert [records(run) for run in client.runs(flow)] == [(1500, 1500, 0), (2, 2, 0)]
    first = rows(client, dataset)["rows"][0]
    assert first["_id"].startswith("ch_")
    assert isinstance(first["_emulator"]["product"]["amount"], int)


def test_status_filter_ignores_case(client: Client) -> None:
    body = client.prepared()
    body["options"]["partialIngestionPercent"] = 0.001
    flow = client.flow(body)["id"]
    client.advance(62)
    (run,) = client.runs(flow)
    assert status(run) == "failed"
    for path in ("metrics.statusSummary.status", "state"):
        for value, found in (("Failed", [run]), ("FAILED,success", [run]), ("Success", [])):
            filters = [f"flowId=={flow}", f"{path}=={value}"]
            assert client.get(f"{FLOW}/runs", property=filters)["items"] == found
        assert client.get(f"{FLOW}/runs", property=f"{path}!=Failed")["items"] == []


def test_a_failed_copy_refers_to_the_copy_activity(client: Client) -> None:
    auth = {
        "specName": "Client-Id-Secret Based Authentication",
        "params": {"host": "h", "clientId": "c", "clientSecret": "wrong"},
    }
    base = {"name": "c", "auth": auth, "connectionSpec": {"id": PAYPAL_SPEC, "version": "1.0"}}
    identifier = client.make(f"{FLOW}/connections", base)["id"]
    flow = client.flow(client.prepared(baseConnectionId=identifier))["id"]
    client.advance(62)
    (run,) = client.runs(flow)
    assert [activity["id"] for activity in run["activities"]] == ["copyActivity"]
    assert run["metrics"]["fileSummary"]["activityRefs"] == ["copyActivity"]
    assert run["metrics"]["statusSummary"]["activityRefs"] == ["copyActivity"]
