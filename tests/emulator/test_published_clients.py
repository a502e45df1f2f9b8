"""Requests of published clients and samples that differ from the interface's description."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.client import (
    CATALOG,
    DATA_PREP,
    FLOW,
    LAKE_SPEC,
    PAYPAL,
    PROFILE,
    REGISTRY,
    XED,
    XED_FULL,
    Client,
    field_group,
    mapping_body,
)

SCHEMAS, GROUPS = f"{REGISTRY}/tenant/schemas", f"{REGISTRY}/tenant/fieldgroups"
PERSON = "https://ns.adobe.com/xdm/context/profile-person-details"
EVENT = "https://ns.adobe.com/xdm/context/experienceevent"
GOOGLE_CLOUD_SPEC = "32e8f412-cdf7-464c-9885-78184cb113fd"


def test_a_schema_without_a_type_is_an_object(client: Client) -> None:
    created = client.make(SCHEMAS, {"title": "t", "description": "", "allOf": [{"$ref": PROFILE}]})
    assert created["type"] == "object"
    body = {"title": "u", "type": "array", "description": "", "allOf": [{"$ref": PROFILE}]}
    assert client.refused("POST", SCHEMAS, 400, json=body)["type"].endswith("XDM-1501-400")


@pytest.mark.parametrize(("kind", "identifier"), [("classes", PROFILE), ("fieldgroups", PERSON)])
def test_global_resources_can_be_read_by_tenant_paths(client: Client, kind: str, identifier: str) -> None:
    for form in (XED_FULL, f"{XED}; version=1"):
        options = {"headers": {"Accept": form}}
        expected = client.ask("GET", f"{REGISTRY}/global/{kind}/{quote(identifier, safe='')}", **options)
        assert expected.json()["$id"] == identifier
        for name in (quote(identifier, safe=""), expected.json()["meta:altId"]):
            answer = client.ask("GET", f"{REGISTRY}/tenant/{kind}/{name}", **options)
            assert (answer.status_code, answer.json()) == (200, expected.json())
    path = f"{REGISTRY}/tenant/schemas/{quote(identifier, safe='')}"
    assert client.refused("GET", path, 404, headers={"Accept": XED_FULL})["title"] == "Resource not found"
    assert client.refused("DELETE", f"{REGISTRY}/tenant/{kind}/{quote(identifier, safe='')}", 404)["status"] == 404
    assert client.ask("GET", f"{REGISTRY}/tenant/{kind}", headers={"Accept": XED}).json()["results"] == []


def test_a_single_definition_keeps_its_name_and_several_are_merged(client: Client) -> None:
    def only_definition(group: Any) -> Any:
        ((name, definition),) = group["definitions"].items()
        assert group["allOf"] == [{"$ref": f"#/definitions/{name}", "type": "object", "meta:xdmType": "object"}]
        return name, definition["properties"]["_emulator"]["properties"].keys()

    body = field_group("g", {"a": {}})
    body = {
        **body,
        "definitions": {"property": body["definitions"]["own"]},
        "allOf": [{"$ref": "#/definitions/property"}],
    }
    created = client.make(GROUPS, body)
    assert only_definition(created) == ("property", {"product"})
    tree = {"properties": {"_emulator": {"type": "object", "properties": {"b": {}}}}}
    patch = [{"op": "add", "path": "/definitions/more", "value": tree}]
    # Adobe's own samples send the patch without If-Match.
    client.control("PUT", "options", json={"registry_requires_if_match": False})
    grown = client.ask("PATCH", f"{GROUPS}/{created['meta:altId']}", json=patch).json()
    # Two definitions with fields of the same object are merged into one.
    assert only_definition(grown) == ("customFields", {"product", "b"})


def test_a_quoted_version_in_accept_is_accepted(client: Client) -> None:
    path = f"{SCHEMAS}/{quote(client.schema(), safe='')}"
    quoted = client.ask("GET", path, headers={"Accept": 'application/vnd.adobe.xed-full+json; version="1"'})
    assert quoted.json() == client.ask("GET", path, headers={"Accept": XED_FULL}).json()


@pytest.mark.parametrize(("parent", "behaviour"), [(PROFILE, "record"), (EVENT, "time-series"), (None, "adhoc")])
def test_datasets_are_classified(client: Client, parent: str | None, behaviour: str) -> None:
    if parent is None:
        adhoc = {"properties": {"_adhoc": {"type": "object", "properties": {"a": {"type": "string"}}}}}
        references = [{"$ref": "https://ns.adobe.com/xdm/data/adhoc"}, adhoc]
        own_class = {"type": "object", "title": "c", "description": "", "allOf": references}
        parent = client.make(f"{REGISTRY}/tenant/classes", own_class)["$id"]
    schema = client.make(SCHEMAS, {"title": "s", "description": "", "allOf": [{"$ref": parent}]})["$id"]
    dataset = client.dataset(schema)
    path = f"{CATALOG}/dataSets/{dataset}"
    assert client.get(path)[dataset]["classification"] == {"dataBehavior": behaviour, "managedBy": "CUSTOMER"}
    change = {"classification": {"managedBy": "SYSTEM"}}
    assert client.ask("PATCH", f"{CATALOG}/v2/dataSets/{dataset}", json=change).status_code == 200
    shown = client.get(path, properties="classification")[dataset]
    assert shown == {"classification": {"dataBehavior": behaviour, "managedBy": "SYSTEM"}}


def test_mapping_sets_are_listed_from_the_beginning(client: Client) -> None:
    identifiers = [client.make(f"{DATA_PREP}/mappingSets", mapping_body(client.schema()))["id"]]
    assert [item["id"] for item in client.get(f"{DATA_PREP}/mappingSets", limit=5)["data"]] == identifiers
    assert client.get(f"{DATA_PREP}/mappingSets", limit=5, start=1)["data"] == []


@pytest.mark.parametrize("kind", ["connections", "flows"])
def test_an_etag_without_its_quotes_is_refused(client: Client, kind: str) -> None:
    identifier = PAYPAL if kind == "connections" else client.flow(client.prepared())["id"]
    path, etag = f"{FLOW}/{kind}/{identifier}", client.item(kind, identifier)["etag"]
    patch = [{"op": "replace", "path": "/name", "value": "new"}]
    for stale in (etag.strip('"'), etag[:-2] + '"', '"0-0"'):
        message = client.flow_problem("PATCH", path, "1404-412", json=patch, headers={"If-Match": stale})
        assert stale in message
        assert etag in message
    assert client.ask("PATCH", path, json=patch, headers={"If-Match": etag}).status_code == 200
    assert client.item(kind, identifier)["name"] == "new"


def test_an_action_may_have_an_etag(client: Client) -> None:
    flow = client.flow(client.prepared())["id"]
    path, etag = f"{FLOW}/flows/{flow}/action?op=disable", client.item("flows", flow)["etag"]
    client.flow_problem("POST", path, "1404-412", headers={"If-Match": "0-0"})
    assert client.ask("POST", path, headers={"If-Match": etag}).json()["id"] == flow
    assert client.item("flows", flow)["state"] == "disabled"


def test_the_data_lake_is_found_by_its_name(client: Client) -> None:
    (spec,) = client.get(f"{FLOW}/connectionSpecs", property='name=="datalake"')["items"]
    assert spec["id"] == LAKE_SPEC


def test_google_cloud_storage_can_be_a_source(client: Client) -> None:
    auth = "Basic Authentication for google-cloud"
    body: dict[str, Any] = {
        "name": "Google Cloud Storage Base Connection",
        "auth": {"specName": auth, "params": {"accessKeyId": "GOOG1", "secretAccessKey": "hidden"}},
        "connectionSpec": {"id": GOOGLE_CLOUD_SPEC, "version": "1.0"},
    }
    base = client.make(f"{FLOW}/connections", body)["id"]
    assert client.item("connections", base)["auth"] == {"specName": auth, "params": {"accessKeyId": "GOOG1"}}
    (folder,) = client.get(f"{FLOW}/connections/{base}/explore", objectType="root")
    assert folder["type"] == "folder"
    source = {
        "name": "source",
        "baseConnectionId": base,
        "data": {"format": "delimited"},
        "params": {"path": f"{folder['path']}*", "recursive": True},
        "connectionSpec": body["connectionSpec"],
    }
    assert client.make(f"{FLOW}/sourceConnections", source)["id"]
    (flow_spec,) = client.get(f"{FLOW}/flowSpecs", property="name==CloudStorageToAEP")["items"]
    assert GOOGLE_CLOUD_SPEC in flow_spec["sourceConnectionSpecIds"]
    del body["auth"]["params"]["secretAccessKey"]
    assert "secretAccessKey" in client.flow_problem("POST", f"{FLOW}/connections", "1304-400", json=body)


def test_records_without_an_identifier_are_ingested_if_none_is_mapped(client: Client) -> None:
    schema = client.schema()
    dataset = client.dataset(schema)
    flow = client.flow(
        client.flow_body_of(client.source(), schema, dataset, ("Product_Name", "_emulator.product.name"))
    )
    client.advance(70)
    (run,) = client.runs(flow["id"])
    assert run["metrics"]["statusSummary"] == {"status": "success"}
    assert run["metrics"]["recordSummary"]["failedRecordCount"] == 0
    rows = client.control("GET", f"datasets/{dataset}/rows?limit=1")
    assert rows["count"] == run["metrics"]["recordSummary"]["inputRecordCount"]
    assert rows["rows"][0].keys() == {"_emulator"}


def test_the_last_batches_of_datasets_are_listed(client: Client) -> None:
    path, body = f"{CATALOG}/lastBatches", client.prepared()
    client.dataset(client.schema("other"), "empty")
    assert client.get(path) == {}
    flow = client.flow(body)["id"]
    client.advance(70)
    client.control("POST", "outcomes", json={"outcome": "fail_promotion", "flowId": flow})
    client.advance(1800)
    first, second = client.get(f"{CATALOG}/batches").values()
    dataset = body["_dataset"]
    expected = {
        "lastBatchId": second["id"],
        "lastBatchStatus": "failed",
        "lastSuccessfulBatchId": first["id"],
        "lastFailedBatchId": second["id"],
        "imsOrg": "EMULATOR@AdobeOrg",
        "sandboxId": second["sandboxId"],
        "created": first["created"],
        "updated": second["updated"],
    }
    assert client.get(path) == client.get(path, dataSetId=dataset, lastBatchStatus="failed") == {dataset: expected}
    assert client.get(path, dataSetId="none") == client.get(path, lastBatchStatus="success") == {}
    assert client.get(path, properties="lastBatchId") == {dataset: {"lastBatchId": second["id"]}}
