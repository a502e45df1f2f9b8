"""Objects that the control interface hides from the credential, as access labels do."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.client import CATALOG, DATA_PREP, FLOW, PROFILE, REGISTRY, XED, Client, mapping_body, sent
from tests.emulator.schema_registry.registry import ANY_VERSION, GROUPS, SCHEMAS, problem, schema_body

KINDS = ("connections", "sourceConnections", "targetConnections", "flows", "runs")
EXPORT = "/data/foundation/export"


def hide(client: Client, kind: str, identifier: str) -> None:
    hidden = client.control("POST", "hidden", json={"kind": kind, "id": identifier})["hidden"]
    assert {"kind": kind, "id": identifier, "sandbox": "dev"} in hidden


def show(client: Client, identifier: str) -> None:
    shown = client.control("DELETE", f"hidden/{identifier}")["hidden"]
    assert {entry["id"] for entry in shown} == {identifier}


def chain(client: Client) -> tuple[dict[str, Any], dict[str, str]]:
    """Create a dataflow and let it run once; return its body and the id of an object of each kind."""
    body = client.prepared()
    flow = client.flow(body)["id"]
    client.advance(120)
    source, target = body["sourceConnectionIds"][0], body["targetConnectionIds"][0]
    ids = {"connections": client.item("sourceConnections", source)["baseConnectionId"]}
    ids |= {"sourceConnections": source, "targetConnections": target, "flows": flow}
    return body, {**ids, "runs": client.runs(flow)[0]["id"]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_hidden_object_of_flow_service_is_absent_until_it_is_shown(client: Client, kind: str) -> None:
    _, ids = chain(client)
    path = f"{FLOW}/{kind}/{ids[kind]}"
    before, listed = client.get(path), client.get(f"{FLOW}/{kind}")["items"]
    hide(client, kind, ids[kind])
    client.flow_problem("GET", path, "1439-404")
    assert client.refused("GET", path, 404)["report"]["id"] == ids[kind]
    rest = [item for item in listed if item["id"] != ids[kind]]
    assert client.get(f"{FLOW}/{kind}")["items"] == rest
    assert client.get(f"{FLOW}/{kind}", count="true")["count"] == len(rest)
    assert client.get(f"{FLOW}/{kind}", property=f"id=={ids[kind]}")["items"] == []
    assert {"kind": kind, "id": ids[kind], "sandbox": "dev"} in client.control("GET", "hidden")["hidden"]
    state = client.control("GET", "state", params={"sandbox": "dev", "kind": kind})
    assert ids[kind] in [item["id"] for item in state["sandboxes"]["dev"][kind]]
    show(client, ids[kind])
    assert client.get(path) == before
    assert client.get(f"{FLOW}/{kind}")["items"] == listed
    assert client.control("GET", "hidden") == {"hidden": []}


@pytest.mark.parametrize("kind", KINDS[:4])
def test_changing_a_hidden_object_is_refused_with_403(client: Client, kind: str) -> None:
    _, ids = chain(client)
    path, etag = f"{FLOW}/{kind}/{ids[kind]}", client.item(kind, ids[kind])["etag"]
    hide(client, kind, ids[kind])
    patch = [{"op": "add", "path": "/name", "value": "n"}]
    client.flow_problem("PATCH", path, "2120-403", json=patch, headers={"If-Match": etag})
    client.flow_problem("DELETE", path, "2120-403")
    client.flow_problem("POST", f"{path}/action", "2120-403", params={"op": "disable"})
    show(client, ids[kind])
    assert client.item(kind, ids[kind])["etag"] == etag


def test_references_to_hidden_objects_are_refused(client: Client) -> None:
    body, ids = chain(client)
    schema = client.item("targetConnections", ids["targetConnections"])["data"]["schema"]["id"]
    dataset = body["_dataset"]
    content = {"name": "d", "schemaRef": {"id": schema, "contentType": f"{XED};version=1"}}
    creations: tuple[tuple[str, str, str, Any, int], ...] = (
        ("schemas", schema, f"{CATALOG}/dataSets", content, 400),
        ("schemas", schema, f"{DATA_PREP}/mappingSets", mapping_body(schema), 400),
    )
    for kind, identifier, path, refused, status in creations:
        hide(client, kind, identifier)
        client.refused("POST", path, status, json=refused)
        show(client, identifier)
    for kind, identifier in (("dataSets", dataset), ("schemas", schema)):
        hide(client, kind, identifier)
    target = {**client.item("targetConnections", ids["targetConnections"]), "name": "t"}
    kept = {name: target[name] for name in ("name", "data", "params", "connectionSpec")}
    client.refused("POST", f"{FLOW}/targetConnections", 404, json=kept)
    assert len(client.control("DELETE", "hidden")["hidden"]) == 2
    client.make(f"{FLOW}/targetConnections", kept)


@pytest.mark.parametrize(
    ("kind", "code"),
    [("sourceConnections", "1439"), ("targetConnections", "1439"), ("schemas", "1439"), ("mappingSets", "1419")],
)
def test_a_dataflow_over_a_hidden_object_is_refused(client: Client, kind: str, code: str) -> None:
    body = client.prepared()
    schema = client.item("targetConnections", body["targetConnectionIds"][0])["data"]["schema"]["id"]
    ids = {
        "sourceConnections": body["sourceConnectionIds"][0],
        "targetConnections": body["targetConnectionIds"][0],
        "schemas": schema,
        "mappingSets": body["transformations"][1]["params"]["mappingId"],
    }
    hide(client, kind, ids[kind])
    code = f"{code}-{404 if code == '1439' else 400}"
    assert ids[kind] in client.flow_problem("POST", f"{FLOW}/flows", code, json=sent(body))
    show(client, ids[kind])
    flow = client.flow(body)
    hide(client, kind, ids[kind])
    patch = [{"op": "replace", "path": "/name", "value": "n"}]
    headers = {"If-Match": flow["etag"]}
    assert ids[kind] in client.flow_problem("PATCH", f"{FLOW}/flows/{flow['id']}", code, json=patch, headers=headers)


def test_a_run_of_a_hidden_dataflow_cannot_be_requested(client: Client) -> None:
    _, ids = chain(client)
    hide(client, "flows", ids["flows"])
    body = {"flowId": ids["flows"], "params": {}}
    assert ids["flows"] in client.flow_problem("POST", f"{FLOW}/runs", "1430-400", json=body)


def test_a_hidden_dataflow_hides_its_runs_but_keeps_running(client: Client) -> None:
    body, ids = chain(client)
    hide(client, "flows", ids["flows"])
    hide(client, "mappingSets", body["transformations"][1]["params"]["mappingId"])
    hide(client, "schemas", client.item("targetConnections", ids["targetConnections"])["data"]["schema"]["id"])
    client.flow_problem("GET", f"{FLOW}/runs/{ids['runs']}", "1439-404")
    client.advance(3600)
    assert client.get(f"{FLOW}/runs")["items"] == []
    client.control("DELETE", f"hidden/{ids['flows']}")
    statuses = [run["metrics"]["statusSummary"]["status"] for run in client.runs(ids["flows"])]
    assert len(statuses) > 1
    assert set(statuses) == {"success"}


def test_objects_of_other_services_can_be_hidden(client: Client) -> None:
    body, _ = chain(client)
    dataset, mapping = body["_dataset"], body["transformations"][1]["params"]["mappingId"]
    (batch,) = client.get(f"{CATALOG}/batches")
    for kind, identifier, path, absent in (
        ("dataSets", dataset, f"{CATALOG}/dataSets/{dataset}", f"{CATALOG}/dataSets"),
        ("batches", batch, f"{CATALOG}/batches/{batch}", f"{CATALOG}/batches"),
        ("mappingSets", mapping, f"{DATA_PREP}/mappingSets/{mapping}", f"{DATA_PREP}/mappingSets?limit=9"),
    ):
        assert identifier in str(client.get(absent))
        hide(client, kind, identifier)
        client.refused("GET", path, 404)
        assert identifier not in str(client.get(absent))
    assert client.refused("DELETE", f"{CATALOG}/dataSets/{dataset}", 404)["detail"] == "DataSet not found."
    client.refused("GET", f"{EXPORT}/batches/{batch}/files", 404)
    client.refused("GET", f"{EXPORT}/files/{batch}-1", 404)


def test_resources_of_the_registry_can_be_hidden_by_their_kind(client: Client) -> None:
    group = client.make(GROUPS, {"title": "g", "type": "object", "meta:intendedToExtend": [PROFILE], **OWN})["$id"]
    schema = client.make(SCHEMAS, schema_body("s", PROFILE, group))["$id"]
    identity = {"@type": "xdm:descriptorIdentity", "xdm:namespace": "Email", "xdm:property": "xdm:code"}
    identity |= {"xdm:sourceSchema": schema, "xdm:sourceVersion": 1, "xdm:sourceProperty": "/_emulator/a"}
    descriptor = client.make(f"{REGISTRY}/tenant/descriptors", identity)["@id"]
    client.refused("POST", "/__emulator__/hidden", 404, json={"kind": "schemas", "id": group})
    for kind, identifier, code in (
        ("fieldgroups", group, "1011-404"),
        ("schemas", schema, "1012-404"),
        ("descriptors", descriptor, "1014-404"),
    ):
        hide(client, kind, identifier)
        path = f"{REGISTRY}/tenant/{kind}"
        form = "application/vnd.adobe.xdm+json" if kind == "descriptors" else f"{XED}; version=1"
        problem(client, "GET", f"{path}/{quote(identifier, safe='')}", code, headers={"Accept": form})
        problem(client, "DELETE", f"{path}/{quote(identifier, safe='')}", code, headers=ANY_VERSION)
        accept = "application/vnd.adobe.xdm-v2-link+json" if kind == "descriptors" else XED
        assert identifier not in client.ask("GET", path, headers={"Accept": accept}).text
    problem(client, "POST", SCHEMAS, "1011-404", json=schema_body("t", PROFILE, group))
    assert client.get(f"{REGISTRY}/stats")["counts"]["schemas"] == 0


OWN = {
    "definitions": {"own": {"properties": {"_emulator": {"type": "object", "properties": {"a": {"type": "string"}}}}}},
    "allOf": [{"$ref": "#/definitions/own"}],
}


def test_every_service_refuses_a_credential_without_access_to_the_sandbox(client: Client) -> None:
    hide(client, "sandboxes", "dev")
    client.flow_problem("GET", f"{FLOW}/flows", "2120-403")
    problem(client, "GET", f"{REGISTRY}/stats", "2010-403")
    for path in (f"{CATALOG}/dataSets", f"{EXPORT}/batches/x/files"):
        assert client.refused("GET", path, 403)["title"] == "ForbiddenError"
    assert client.refused("GET", f"{DATA_PREP}/mappingSets?limit=1", 403)["title"] == "Forbidden"
    sandboxes = "/data/foundation/sandbox-management"
    assert [one["name"] for one in client.get(sandboxes)["sandboxes"]] == ["prod"]
    client.control("PUT", "options", json={"sandbox_admin": True})
    assert len(client.get(f"{sandboxes}/sandboxes")["sandboxes"]) == 2
    assert Client(client.url, "prod").get(f"{FLOW}/flows")["items"] == []
    show(client, "dev")
    assert client.get(f"{FLOW}/flows")["items"] == []
    assert len(client.get(sandboxes)["sandboxes"]) == 2


def test_invalid_requests_to_hide_are_refused(client: Client) -> None:
    for body in ({}, {"kind": "flows"}, {"id": "x"}, {"kind": "cars", "id": "x"}, {"kind": "flows", "id": ""}, [], 5):
        client.refused("POST", "/__emulator__/hidden", 400, json=body)
    client.refused("POST", "/__emulator__/hidden", 400, json={"kind": "flows", "id": "x", "more": 1})
    client.refused("POST", "/__emulator__/hidden", 404, json={"kind": "sandboxes", "id": "stage"})
    assert "not hidden" in client.refused("DELETE", "/__emulator__/hidden/x", 404)["error"]
    hide(client, "sandboxes", "dev")
    client.control("POST", "reset")
    assert client.control("GET", "hidden") == {"hidden": []}


def test_a_connection_of_a_hidden_dataflow_cannot_be_deleted(client: Client) -> None:
    _, ids = chain(client)
    hide(client, "flows", ids["flows"])
    client.flow_problem("DELETE", f"{FLOW}/sourceConnections/{ids['sourceConnections']}", "1447-400")
