"""Dataflows: creation, the rules for their parts, changes, actions and deletion."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import DATA_PREP, FLOW, REST_FLOW_SPEC, Client, edited, mapping_body, sent, source_body
from tests.emulator.samples.test_samples import base_connection

FLOWS = f"{FLOW}/flows"
UNKNOWN = "11111111-1111-4111-8111-111111111111"


def test_a_dataflow_is_returned_with_its_inherited_attributes(client: Client) -> None:
    body = client.prepared()
    body["scheduleParams"] = {"startTime": str(client.now() + 60), "frequency": "minute", "interval": "30"}
    answer = client.ask("POST", FLOWS, json=sent(body))
    assert answer.status_code == 201
    created = answer.json()
    assert answer.headers["Location"].endswith(f"/flows/{created['id']}")
    flow = client.item("flows", created["id"])
    for member in ("name", "flowSpec", "sourceConnectionIds", "transformations", "scheduleParams"):
        assert flow[member] == body[member]
    assert flow["state"] == "enabled"
    assert flow["options"] == {"isSampleDataflow": False, **body["options"]}
    (source,) = flow["inheritedAttributes"]["sourceConnections"]
    assert source["id"] == body["sourceConnectionIds"][0]
    assert source["baseConnection"]["id"]
    assert flow["runs"] == f"/runs?property=flowId=={created['id']}"
    assert "lastRunDetails" not in flow
    assert client.get(f"{FLOW}{flow['runs']}")["items"] == []
    found = client.get(FLOWS, property=f"sourceConnectionIds[]=={source['id']}")["items"]
    assert [item["id"] for item in found] == [created["id"]]


def test_a_repeated_creation_creates_another_dataflow(client: Client) -> None:
    body = client.prepared()
    assert client.flow(body)["id"] != client.flow(body)["id"]


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("name", ..., "1304-400"),
        ("name", 5, "1000-400"),
        ("flowSpec", ..., "1304-400"),
        ("flowSpec.id", UNKNOWN, "1413-400"),
        ("flowSpec.id", REST_FLOW_SPEC, "1413-400"),
        ("sourceConnectionIds", ..., "1304-400"),
        ("sourceConnectionIds", [], "1321-400"),
        ("sourceConnectionIds", [UNKNOWN], "1439-404"),
        ("targetConnectionIds", [UNKNOWN, UNKNOWN], "1321-400"),
        ("targetConnectionIds", [UNKNOWN], "1439-404"),
        ("targetConnectionIds", [5], "1000-400"),
        ("state", "enabled", "1410-400"),
        ("mode", "draft", "1368-400"),
        ("transformations", ..., "1304-400"),
        ("transformations", [], "1328-400"),
        ("transformations", "x", "1000-400"),
        ("transformations", [5], "1392-400"),
        ("transformations.1.name", "Map", "1392-400"),
        ("transformations.1", ..., "1328-400"),
        ("transformations.0", ..., "1367-400"),
        ("transformations.0.params", {}, "1367-400"),
        ("transformations.0.params", {"deltaColum": {"name": "Create_Time"}}, "1392-400"),
        ("transformations.0.params.deltaColumn.name", "updatedAt", "1367-400"),
        ("transformations.1.params.mappingId", ..., "1304-400"),
        ("transformations.1.params.mappingId", UNKNOWN, "1419-400"),
        ("transformations.1.params.mappingVersion", "7", "1412-400"),
        ("transformations.1.params.mappingVersion", "x", "1412-400"),
        ("scheduleParams", ..., "1304-400"),
        ("scheduleParams", {}, "1317-400"),
        ("scheduleParams.frequency", ..., "1304-400"),
        ("scheduleParams.frequency", "fortnight", "1397-400"),
        ("scheduleParams.frequency", ["minute"], "1397-400"),
        ("scheduleParams.startTime", ..., "1304-400"),
        ("scheduleParams.startTime", "soon", "1340-400"),
        ("scheduleParams.startTime", 1790000000000, "1340-400"),
        ("scheduleParams.startTime", "1567411548", "1360-400"),
        ("scheduleParams.startTime", -5, "1360-400"),
        ("scheduleParams.interval", ..., "1304-400"),
        ("scheduleParams.interval", 14, "1362-400"),
        ("scheduleParams.interval", "14", "1362-400"),
        ("scheduleParams.interval", 0, "1362-400"),
        ("scheduleParams.interval", "x", "1000-400"),
        ("scheduleParams.interval", 10**15, "1363-400"),
        ("scheduleParams.backfill", "perhaps", "1000-400"),
        ("options.partialIngestionPercent", 0, "1000-400"),
        ("options.partialIngestionPercent", "all", "1000-400"),
        ("options.errorDiagnosticsEnabled", 7, "1000-400"),
        ("options", [], "1000-400"),
    ],
)
def test_invalid_dataflows_are_refused(client: Client, path: str, value: Any, code: str) -> None:
    body = client.prepared()
    client.flow_problem("POST", FLOWS, code, json=edited(body, {path: value}))
    assert client.get(FLOWS)["items"] == []


def test_the_refusal_of_a_misspelt_delta_column_names_the_right_one(client: Client) -> None:
    body = edited(client.prepared(), {"transformations.0.params": {"deltaColum": {"name": "Create_Time"}}})
    assert "'deltaColumn'" in client.flow_problem("POST", FLOWS, "1392-400", json=body)


def test_a_dataflow_that_runs_once_has_no_interval_or_backfill(client: Client) -> None:
    body = client.prepared()
    once = edited(body, {"scheduleParams": {"startTime": client.now() + 60, "frequency": "once"}})
    client.flow_problem("POST", FLOWS, "1369-400", json=once)
    once = edited(once, {"transformations.0": ...})
    client.flow_problem("POST", FLOWS, "1361-400", json=edited(once, {"scheduleParams.interval": 15}))
    client.flow_problem("POST", FLOWS, "1364-400", json=edited(once, {"scheduleParams.backfill": True}))
    client.make(FLOWS, once)


def test_each_frequency_has_a_minimum_interval(client: Client) -> None:
    body = client.prepared()
    for frequency, least in (("minute", 15), ("hour", 1), ("day", 1), ("week", 1)):
        schedule = {"startTime": client.now() + 60, "frequency": frequency, "interval": least}
        client.make(FLOWS, edited(body, {"scheduleParams": schedule}))
        client.flow_problem(
            "POST", FLOWS, "1362-400", json=edited(body, {"scheduleParams": {**schedule, "interval": least - 1}})
        )


def test_a_start_time_up_to_thirty_seconds_ago_is_accepted(client: Client) -> None:
    body, now = client.prepared(), client.now()
    for ago in (0, 1, 5, 30):
        client.make(FLOWS, edited(body, {"scheduleParams.startTime": now - ago}))
    client.flow_problem("POST", FLOWS, "1360-400", json=edited(body, {"scheduleParams.startTime": now - 31}))


def test_a_start_time_can_be_changed_to_now(client: Client) -> None:
    flow = client.flow(client.prepared())["id"]
    start = client.now() - 5
    patched(client, flow, {"op": "replace", "path": "/scheduleParams/startTime", "value": start})
    assert client.item("flows", flow)["scheduleParams"]["startTime"] == start
    client.advance(60)
    (run,) = client.runs(flow)
    assert run["metrics"]["statusSummary"]["status"] == "success"
    not_patched(client, flow, "1366-400", "/scheduleParams/startTime", client.now())


def test_a_mapping_set_must_fit_the_source_and_the_target(client: Client) -> None:
    body = client.prepared()
    schema = client.item("targetConnections", body["targetConnectionIds"][0])["data"]["schema"]["id"]
    for pairs, what in (
        ((("Product_Id", "_id"), ("Product_Name", "product.name")), "product.name"),
        ((("Product_Id", "_id"), ("Colour", "_emulator.product.name")), "Colour"),
        ((("Product_Id", "_id"), ("Type", "_id")), "two mappings"),
    ):
        mapping = client.mapping(schema, *pairs)
        message = client.flow_problem(
            "POST", FLOWS, "1419-400", json=edited(body, {"transformations.1.params.mappingId": mapping})
        )
        assert what in message
    columns = [{"name": name, "type": "string"} for name in ("Product_Id", "Create_Time")]
    narrow = client.source(params={"tableName": "PayPal.Catalog_Products", "columns": columns})
    message = client.flow_problem("POST", FLOWS, "1419-400", json=edited(body, {"sourceConnectionIds": [narrow]}))
    assert "Product_Name" in message


def test_a_mapping_from_a_path_that_the_source_lacks_is_refused(client: Client) -> None:
    base, spec = base_connection(client, "charges")
    source = client.source(
        baseConnectionId=base,
        data={"format": "json"},
        params={"resourcePath": "charges"},
        connectionSpec={"id": spec, "version": "1.0"},
    )
    schema = client.schema()
    dataset = client.dataset(schema)
    rest = {"flowSpec.id": REST_FLOW_SPEC, "transformations.0": ...}
    for path in ("data.id.", "data..id", "data\\.id", "data.refunds.data[x].id", "data.refunds.data[].id"):
        body = client.flow_body_of(source, schema, dataset, (path, "_id"))
        assert path in client.flow_problem("POST", FLOWS, "1419-400", json=edited(body, rest))
    for path in ("data.id", "${data.id}", "data.billing_details.email"):
        body = client.flow_body_of(source, schema, dataset, (path, "_id"))
        assert client.flow(edited(body, rest))


def test_schemas_must_agree(client: Client) -> None:
    body = client.prepared()
    other = client.schema("another")
    mapping = client.mapping(other)
    changed = edited(body, {"transformations.1.params.mappingId": mapping})
    client.flow_problem("POST", FLOWS, "1425-400", json=changed)
    target = client.target(other, body["_dataset"])
    client.flow_problem("POST", FLOWS, "1425-400", json=edited(body, {"targetConnectionIds": [target]}))
    client.flow_problem("POST", FLOWS, "1425-400", json=edited(changed, {"targetConnectionIds": [target]}))


def patched(client: Client, flow: str, *operations: dict[str, Any]) -> None:
    headers = {"If-Match": client.item("flows", flow)["etag"]}
    answer = client.ask("PATCH", f"{FLOWS}/{flow}", json=list(operations), headers=headers)
    assert answer.status_code == 200, answer.text


def not_patched(client: Client, flow: str, code: str, path: str, value: Any, *more: dict[str, Any]) -> None:
    headers = {"If-Match": client.item("flows", flow)["etag"]}
    operation = {"op": "add", "path": path, "value": value}
    client.flow_problem("PATCH", f"{FLOWS}/{flow}", code, json=[operation, *more], headers=headers)


def test_a_patch_changes_a_dataflow_or_is_refused(client: Client) -> None:
    body = client.prepared()
    flow = client.flow(body)["id"]
    patched(
        client,
        flow,
        {"op": "replace", "path": "/name", "value": "renamed"},
        {"op": "add", "path": "/description", "value": "d"},
        {"op": "replace", "path": "/scheduleParams/interval", "value": "45"},
    )
    item = client.item("flows", flow)
    assert (item["name"], item["description"], item["scheduleParams"]["interval"]) == ("renamed", "d", "45")
    assert item["lastOperation"]["operation"] == "update"
    assert client.get(FLOWS, property="name==flow")["items"] == []
    assert len(client.get(FLOWS, property="name==renamed")["items"]) == 1
    not_patched(client, flow, "1365-400", "/state", "disabled")
    not_patched(client, flow, "1365-400", "/sourceConnectionIds/0", UNKNOWN)
    not_patched(client, flow, "1362-400", "/scheduleParams/interval", 5)
    not_patched(client, flow, "1360-400", "/scheduleParams/startTime", client.now() - 100)
    not_patched(client, flow, "1412-400", "/transformations/1/params/mappingVersion", "1")
    mapping = body["transformations"][1]["params"]["mappingId"]
    schema = client.get(f"{DATA_PREP}/mappingSets/{mapping}")["xdmSchema"]
    assert client.ask("PUT", f"{DATA_PREP}/mappingSets/{mapping}", json=mapping_body(schema)).status_code == 200
    new_version = {"name": "Mapping", "params": {"mappingId": mapping, "mappingVersion": 1}}
    patched(client, flow, {"op": "replace", "path": "/transformations/1", "value": new_version})
    client.advance(61)
    not_patched(client, flow, "1366-400", "/scheduleParams/startTime", client.now() + 100)
    not_patched(client, flow, "1404-400", "/scheduleParams/backfill", False)
    once = {"startTime": body["scheduleParams"]["startTime"], "frequency": "once"}
    not_patched(client, flow, "1403-400", "/scheduleParams/frequency", "once")
    not_patched(client, flow, "1403-400", "/scheduleParams", once, {"op": "remove", "path": "/transformations/0"})


def test_a_dataflow_can_be_disabled_and_enabled(client: Client) -> None:
    flow = client.flow(client.prepared())["id"]
    for operation, state in (("disable", "disabled"), ("ENABLE", "enabled")):
        before = client.item("flows", flow)["etag"]
        answer = client.ask("POST", f"{FLOWS}/{flow}/action", params={"op": operation})
        assert answer.status_code == 200
        item = client.item("flows", flow)
        assert answer.json() == {"id": flow, "etag": item["etag"]}
        assert item["etag"] != before
        assert item["state"] == state
    client.flow_problem("POST", f"{FLOWS}/{flow}/action", "1398-400", params={"op": "dance"})
    client.flow_problem("POST", f"{FLOWS}/{flow}/action", "1359-400")
    client.flow_problem("POST", f"{FLOWS}/{UNKNOWN}/action", "1439-404", params={"op": "enable"})


def test_a_deleted_dataflow_does_not_run(client: Client) -> None:
    flow = client.flow(client.prepared())["id"]
    assert client.ask("DELETE", f"{FLOWS}/{flow}").status_code == 204
    client.flow_problem("GET", f"{FLOWS}/{flow}", "1439-404")
    client.advance(3600)
    assert client.runs(flow) == []


@pytest.mark.parametrize("version", ["2.0", "1", ""])
def test_only_the_existing_version_of_a_spec_is_accepted(client: Client, version: str) -> None:
    body = client.prepared()
    body["flowSpec"]["version"] = version
    assert "flowSpec.version" in client.flow_problem("POST", f"{FLOW}/flows", "1413-400", json=sent(body))
    del body["flowSpec"]["version"]
    client.flow(body)
    source = source_body()
    source["connectionSpec"]["version"] = version
    detail = client.flow_problem("POST", f"{FLOW}/sourceConnections", "1413-400", json=source)
    assert "connectionSpec.version" in detail
    del source["connectionSpec"]["version"]
    client.make(f"{FLOW}/sourceConnections", source)
