"""Drafts: incomplete resources that are completed and published."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import FLOW, LAKE_SPEC, PAYPAL, PAYPAL_SPEC, STRIPE_SPEC, Client, sent

FLOWS = f"{FLOW}/flows"
DRAFTS: list[tuple[str, dict[str, Any]]] = [
    ("connections", {"connectionSpec": {"id": STRIPE_SPEC}}),
    ("sourceConnections", {"connectionSpec": {"id": PAYPAL_SPEC}}),
    ("targetConnections", {"connectionSpec": {"id": LAKE_SPEC}}),
    ("flows", {"flowSpec": {"id": "14518937-270c-4525-bdec-c2ba7cce3860"}}),
]


def draft(client: Client, kind: str, body: Any) -> str:
    identifier = str(client.make(f"{FLOW}/{kind}?mode=draft", body)["id"])
    assert client.item(kind, identifier)["state"] == "draft"
    return identifier


def complete(client: Client, kind: str, identifier: str, members: dict[str, Any]) -> None:
    patch = [{"op": "add", "path": f"/{name}", "value": value} for name, value in members.items()]
    headers = {"If-Match": client.item(kind, identifier)["etag"]}
    answer = client.ask("PATCH", f"{FLOW}/{kind}/{identifier}", json=patch, headers=headers)
    assert answer.status_code == 200, answer.text
    assert client.item(kind, identifier)["state"] == "draft"


def publish(client: Client, kind: str, identifier: str) -> None:
    before = client.item(kind, identifier)["etag"]
    answer = client.ask("POST", f"{FLOW}/{kind}/{identifier}/action", params={"op": "publish"})
    assert answer.status_code == 200, answer.text
    item = client.item(kind, identifier)
    assert answer.json() == {"id": identifier, "etag": item["etag"]}
    assert item["etag"] != before
    assert item["state"] == "enabled"


def not_published(client: Client, kind: str, identifier: str, code: str) -> str:
    detail = client.flow_problem("POST", f"{FLOW}/{kind}/{identifier}/action", code, params={"op": "publish"})
    assert client.item(kind, identifier)["state"] == "draft"
    return detail


@pytest.mark.parametrize(("kind", "body"), DRAFTS)
def test_a_draft_requires_only_a_spec(client: Client, kind: str, body: dict[str, Any]) -> None:
    identifier = draft(client, kind, body)
    assert [item["id"] for item in client.get(f"{FLOW}/{kind}", property="state==draft")["items"]] == [identifier]
    not_published(client, kind, identifier, "1304-400")
    client.flow_problem("POST", f"{FLOW}/{kind}?mode=draft", "1405-400", json={})
    client.flow_problem("POST", f"{FLOW}/{kind}?mode=draft", "1304-400", json={"name": "n"})
    client.flow_problem("POST", f"{FLOW}/{kind}?mode=ready", "1368-400", json=body)
    assert client.ask("DELETE", f"{FLOW}/{kind}/{identifier}").status_code == 204


@pytest.mark.parametrize(
    ("kind", "change", "named"),
    [
        ("connections", {"auth": "secret"}, "auth"),
        ("connections", {"auth": {"params": []}}, "auth.params"),
        ("sourceConnections", {"params": []}, "params"),
        ("targetConnections", {"data": {"format": 5}}, "data.format"),
        ("flows", {"sourceConnectionIds": [5]}, "sourceConnectionIds"),
        ("flows", {"scheduleParams": "hourly"}, "scheduleParams"),
        ("flows", {"transformations": [{"name": "Mapping", "params": 5}]}, "transformations[0].params"),
    ],
)
def test_the_types_of_the_members_of_a_draft_are_checked(
    client: Client, kind: str, change: dict[str, Any], named: str
) -> None:
    body = {**dict(DRAFTS)[kind], **change}
    assert f"'{named}'" in client.flow_problem("POST", f"{FLOW}/{kind}?mode=draft", "1000-400", json=body)


def test_a_draft_of_a_base_connection_is_completed_and_published(client: Client) -> None:
    identifier = draft(client, "connections", {"name": "later", "connectionSpec": {"id": STRIPE_SPEC}})
    assert client.get(f"{FLOW}/connections/{identifier}/test") == {"result": False}
    complete(client, "connections", identifier, {"auth": {"specName": "Basic", "params": {}}})
    not_published(client, "connections", identifier, "1415-400")
    complete(client, "connections", identifier, {"auth": {"specName": "OAuth2 Refresh Code", "params": {}}})
    assert "auth.params.accessToken" in not_published(client, "connections", identifier, "1304-400")
    complete(client, "connections", identifier, {"auth/params/accessToken": "sk"})
    publish(client, "connections", identifier)
    assert client.get(f"{FLOW}/connections/{identifier}/test") == {"result": True}


def test_drafts_of_source_and_target_connections_are_completed_and_published(client: Client) -> None:
    source = draft(client, "sourceConnections", {"connectionSpec": {"id": PAYPAL_SPEC}})
    base = draft(client, "connections", {"connectionSpec": {"id": PAYPAL_SPEC}})
    members = {"name": "s", "data": {"format": "tabular"}, "params": {"tableName": "PayPal.None"}}
    complete(client, "sourceConnections", source, {**members, "baseConnectionId": base})
    assert base in not_published(client, "sourceConnections", source, "1014-400")
    complete(client, "sourceConnections", source, {"baseConnectionId": PAYPAL})
    not_published(client, "sourceConnections", source, "1330-400")
    complete(client, "sourceConnections", source, {"params": {"tableName": "PayPal.Catalog_Products"}})
    publish(client, "sourceConnections", source)
    target = draft(client, "targetConnections", {"connectionSpec": {"id": LAKE_SPEC}})
    schema = client.schema()
    complete(client, "targetConnections", target, {"data": {"schema": {"id": schema}}})
    not_published(client, "targetConnections", target, "1325-400")
    complete(client, "targetConnections", target, {"params": {"dataSetId": client.dataset(schema)}})
    publish(client, "targetConnections", target)


def test_a_draft_dataflow_does_not_run_before_it_is_published(client: Client) -> None:
    body = sent(client.prepared())
    flow = draft(client, "flows", {"name": "f", "flowSpec": body["flowSpec"]})
    complete(client, "flows", flow, {key: body[key] for key in ("sourceConnectionIds", "targetConnectionIds")})
    (source,) = client.item("flows", flow)["inheritedAttributes"]["sourceConnections"]
    assert source["id"] == body["sourceConnectionIds"][0]
    assert flow in client.flow_problem("DELETE", f"{FLOW}/sourceConnections/{source['id']}", "1447-400")
    complete(client, "flows", flow, {"scheduleParams": body["scheduleParams"]})
    not_published(client, "flows", flow, "1304-400")
    complete(client, "flows", flow, {"transformations": body["transformations"][1:]})
    not_published(client, "flows", flow, "1367-400")
    complete(client, "flows", flow, {"transformations": body["transformations"]})
    client.advance(3600)
    assert client.runs(flow) == []
    not_published(client, "flows", flow, "1360-400")
    complete(client, "flows", flow, {"scheduleParams/startTime": client.now() + 60})
    for operation in ("enable", "disable"):
        client.flow_problem("POST", f"{FLOWS}/{flow}/action", "1422-400", params={"op": operation})
    publish(client, "flows", flow)
    assert client.runs(flow) == []
    client.advance(65)
    assert len(client.runs(flow)) == 1
    client.flow_problem("POST", f"{FLOWS}/{flow}/action", "1422-400", params={"op": "PUBLISH"})


def test_all_specs_support_drafts(client: Client) -> None:
    for kind in ("connectionSpecs", "flowSpecs"):
        specs = client.get(f"{FLOW}/{kind}")["items"]
        assert all(spec["attributes"]["isDraftModeSupported"] is True for spec in specs)


def test_a_dataflow_over_a_draft_is_refused(client: Client) -> None:
    body = sent(client.prepared())
    source = draft(client, "sourceConnections", {"connectionSpec": {"id": PAYPAL_SPEC}})
    client.flow_problem("POST", FLOWS, "1014-400", json={**body, "sourceConnectionIds": [source]})
    flow = draft(client, "flows", {**body, "sourceConnectionIds": [source]})
    not_published(client, "flows", flow, "1014-400")
