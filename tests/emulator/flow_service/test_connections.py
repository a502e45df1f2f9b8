"""Base, source and target connections: creation, exploring, changes and deletion; and the specs."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.emulator.client import (
    CRM_FLOW_SPEC,
    FLOW,
    LAKE_SPEC,
    PAYPAL,
    PAYPAL_SPEC,
    SQUARE_SPEC,
    STRIPE_SPEC,
    Client,
    source_body,
    target_body,
)

CONNECTIONS = f"{FLOW}/connections"
PRODUCTS = "PayPal.Catalog_Products"
FILE_SPECS = (
    "ecadc60c-7455-4d87-84dc-2a0e293d997b",
    "4c10e202-c428-4796-9208-5f1f5732b1cf",
    "b7bf2577-4520-42c9-bae9-cad01560f7bc",
    "32e8f412-cdf7-464c-9885-78184cb113fd",
)
UNKNOWN = "11111111-1111-4111-8111-111111111111"


def paypal_body(**params: Any) -> dict[str, Any]:
    credential = {"host": "api.sandbox.paypal.com", "clientId": "id", "clientSecret": "hush", **params}
    return {
        "name": "PayPal",
        "auth": {"specName": "Client-Id-Secret Based Authentication", "params": credential},
        "connectionSpec": {"id": PAYPAL_SPEC, "version": "1.0"},
    }


def stripe_body(token: str = "sk") -> dict[str, Any]:
    return {
        "name": "Stripe",
        "auth": {"specName": "OAuth2 Refresh Code", "params": {"accessToken": token}},
        "connectionSpec": {"id": STRIPE_SPEC, "version": "1.0"},
    }


def square_body() -> dict[str, Any]:
    names = ("host", "clientId", "clientSecret", "accessToken", "refreshToken")
    return {
        "name": "Square",
        "auth": {"specName": "OAuth2 Refresh Code", "params": dict.fromkeys(names, "x")},
        "connectionSpec": {"id": SQUARE_SPEC, "version": "1.0"},
    }


def test_creation_and_lookup(client: Client) -> None:
    answer = client.ask("POST", CONNECTIONS, json=paypal_body())
    assert answer.status_code == 201
    created = answer.json()
    assert created.keys() == {"id", "etag"}
    assert answer.headers["Location"].endswith(f"/connections/{created['id']}")
    item = client.item("connections", created["id"])
    assert item["etag"] == item["version"] == created["etag"]
    assert created["etag"].startswith('"')
    assert created["etag"].endswith('"')
    assert item["auth"]["params"] == {"host": "api.sandbox.paypal.com", "clientId": "id"}
    assert item["state"] == "enabled"
    assert item["sandboxName"] == "dev"
    assert "hush" not in client.ask("GET", "/__emulator__/state").text
    assert "hush" not in client.ask("GET", "/__emulator__/requests").text


def test_names_need_not_be_unique(client: Client) -> None:
    assert client.make(CONNECTIONS, paypal_body())["id"] != client.make(CONNECTIONS, paypal_body())["id"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"connectionSpec": None}, "1304-400"),
        ({"connectionSpec": {}}, "1304-400"),
        ({"connectionSpec": {"id": UNKNOWN}}, "1413-400"),
        ({"connectionSpec": "text"}, "1000-400"),
        ({"auth": None}, "1304-400"),
        ({"auth": {"specName": "Basic Authentication", "params": {}}}, "1415-400"),
        ({"auth": {"specName": "Client-Id-Secret Based Authentication", "params": {"host": "h"}}}, "1304-400"),
        ({"auth": {"specName": "Client-Id-Secret Based Authentication"}}, "1304-400"),
        ({"name": 5}, "1000-400"),
        ({"state": "delete-finalizing"}, "1456-400"),
        ({"state": []}, "1456-400"),
    ],
)
def test_invalid_base_connections_are_refused(client: Client, change: dict[str, Any], code: str) -> None:
    client.flow_problem("POST", CONNECTIONS, code, json={**paypal_body(), **change})


def test_empty_and_unreadable_bodies_are_refused(client: Client) -> None:
    for path in ("connections", "sourceConnections", "targetConnections", "flows"):
        headers = {"Content-Type": "application/json"}
        client.flow_problem("POST", f"{FLOW}/{path}", "1405-400")
        client.flow_problem("POST", f"{FLOW}/{path}", "1405-400", json={})
        client.flow_problem("POST", f"{FLOW}/{path}", "1000-400", json=[])
        client.flow_problem("POST", f"{FLOW}/{path}", "1000-400", data=b"{", headers=headers)


def test_a_connection_test_reports_whether_the_credential_is_accepted(client: Client) -> None:
    assert client.get(f"{CONNECTIONS}/{PAYPAL}/test") == {"result": True}
    for body in (paypal_body(clientSecret="wrong"), stripe_body("wrong")):
        created = client.make(CONNECTIONS, body)
        assert client.get(f"{CONNECTIONS}/{created['id']}/test") == {"result": False}
        client.flow_problem("GET", f"{CONNECTIONS}/{created['id']}/explore", "1001-401", params={"objectType": "root"})
    client.flow_problem("GET", f"{CONNECTIONS}/{UNKNOWN}/test", "1439-404")


def test_tables_can_be_explored_and_previewed(client: Client) -> None:
    path = f"{CONNECTIONS}/{PAYPAL}/explore"
    tables = client.get(path, objectType="root")
    assert [table["path"] for table in tables][:4] == [
        "PayPal.Billing_Plans",
        "PayPal.Billing_Plans_Payment_Definition",
        "PayPal.Billing_Plans_Payment_Definition_Charge_Models",
        "PayPal.Catalog_Products",
    ]
    assert all(table["type"] == "table" and table["canPreview"] for table in tables)
    products = client.get(path, objectType="TABLE", object="PayPal.Catalog_Products")
    assert products["format"] == "flat"
    columns = {column["name"]: column for column in products["schema"]["columns"]}
    assert list(columns) == ["Product_Id", "Product_Name", "Description", "Type", "Create_Time"]
    assert columns["Create_Time"]["meta:xdmType"] == "date-time"
    rows = client.get(path, objectType="table", object="PayPal.Catalog_Products", preview="true")["data"]
    assert rows[0].keys() == columns.keys()
    for params, code in (
        ({}, "1359-400"),
        ({"objectType": ""}, "1337-400"),
        ({"objectType": "shelf"}, "1358-400"),
        ({"objectType": "rest"}, "1358-400"),
        ({"objectType": "table"}, "1359-400"),
        ({"objectType": "table", "object": "PayPal.None"}, "1330-400"),
        ({"objectType": "table", "object": "PayPal.Catalog_Products", "filters": "e30="}, "1353-400"),
    ):
        client.flow_problem("GET", path, code, params=params)


def test_rest_resources_and_tables_of_square_can_be_explored(client: Client) -> None:
    stripe = client.make(CONNECTIONS, stripe_body())["id"]
    path = f"{CONNECTIONS}/{stripe}/explore"

    def params(source: bytes) -> dict[str, str]:
        return {"objectType": "rest", "preview": "true", "sourceParams": base64.b64encode(source).decode()}

    charges = client.get(path, **params(b'{"resourcePath": "charges"}'))
    assert charges["format"] == "hierarchical"
    assert charges["schema"]["properties"]["data"]["properties"]["amount"]["type"] == "integer"
    assert charges["data"][0]["data"]["id"].startswith("ch_")
    client.flow_problem("GET", path, "1330-400", params=params(b'{"resourcePath": "none"}'))
    client.flow_problem("GET", path, "1304-400", params=params(b"{}"))
    client.flow_problem("GET", path, "1000-400", params=params(b"nonsense"))
    client.flow_problem("GET", path, "1000-400", params=params(b"[]"))
    square = client.make(CONNECTIONS, square_body())["id"]
    tables = client.get(f"{CONNECTIONS}/{square}/explore", objectType="root")
    assert "Square.Payments" in [table["name"] for table in tables]


def test_configs_are_listed_and_specs_cannot_be_explored_or_written(client: Client) -> None:
    items = client.get(f"{CONNECTIONS}/{PAYPAL}/configs")["items"]
    assert {"columnName": "Product_Id", "columnType": "string"} in items
    assert len({item["columnName"] for item in items}) == len(items)
    client.flow_problem("GET", f"{CONNECTIONS}/{UNKNOWN}/configs", "1439-404")
    lake = client.make(CONNECTIONS, {"connectionSpec": {"id": LAKE_SPEC}})["id"]
    client.flow_problem("GET", f"{CONNECTIONS}/{lake}/explore", "1336-400", params={"objectType": "root"})
    for view in ("explore", "configs"):
        client.flow_problem("GET", f"{FLOW}/connectionSpecs/{PAYPAL_SPEC}/{view}", "1372-400")
        client.flow_problem("GET", f"{FLOW}/connectionSpecs/{UNKNOWN}/{view}", "1439-404")
    for path in ("connectionSpecs", "flowSpecs"):
        client.flow_problem("POST", f"{FLOW}/{path}", "1426-400", json={"name": "own"})
        client.flow_problem("PUT", f"{FLOW}/{path}/{UNKNOWN}", "1426-400", json={"name": "own"})


@pytest.mark.parametrize("kind", ["connections", "sourceConnections", "targetConnections", "flows"])
def test_actions_of_providers_are_refused(client: Client, kind: str) -> None:
    body = client.prepared()
    client.flow(body)
    identifier = client.get(f"{FLOW}/{kind}", limit=1)["items"][0]["id"]
    path = f"{FLOW}/{kind}/{identifier}/action"
    for params, code in (
        ({}, "1359-400"),
        ({"op": "dance"}, "1398-400"),
        ({"op": "FINALIZE_UPDATE"}, "1402-400"),
        ({"op": "publish", "subOp": "reverse"}, "1435-400"),
        ({"op": "publish", "subOp": "APPLY"}, "1422-400"),
    ):
        client.flow_problem("POST", path, code, params=params)
    client.flow_problem("POST", path, "1404-412", params={"op": "publish"}, headers={"If-Match": '"0-0"'})
    client.flow_problem("POST", path, "1000-400", params={"op": "publish"}, json=[5])
    assert client.item(kind, identifier)["state"] == "enabled"


@pytest.mark.parametrize(
    ("operation", "path", "message"),
    [
        ("replace", "/description", 'Missing field "description"'),
        ("remove", "/description", 'Missing field "description"'),
        ("replace", "/keyWhichDoesNotExist", 'Missing field "keyWhichDoesNotExist"'),
        ("replace", "/params/none/deeper", 'Missing field "none"'),
        ("add", "/params/none/deeper", 'Missing field "none"'),
        ("remove", "/params/columns/0/none", 'Missing field "none"'),
        ("replace", "/params/columns/4", "Array index 4 is out of bounds"),
        ("add", "/params/columns/5", "Array index 5 is out of bounds"),
        ("remove", "/params/columns/-", '"-" is not an index of a list'),
        ("replace", "/params/columns/01x", '"01x" is not an index of a list'),
        ("add", "/name/a", 'There is no "a" in a value'),
    ],
)
def test_the_refusal_of_a_patch_names_the_absent_member(
    client: Client, operation: str, path: str, message: str
) -> None:
    columns = [{"name": name, "type": "string"} for name in ("Product_Id", "Product_Name", "Type", "Create_Time")]
    params = {"tableName": PRODUCTS, "columns": columns}
    created = client.make(f"{FLOW}/sourceConnections", source_body(params=params))
    before = client.item("sourceConnections", created["id"])
    patch = [{"op": operation, "path": path, **({} if operation == "remove" else {"value": "x"})}]
    address, headers = f"{FLOW}/sourceConnections/{created['id']}", {"If-Match": created["etag"]}
    detail = client.flow_problem("PATCH", address, "1455-400", json=patch, headers=headers)
    assert detail.startswith("An error has occurred while validating patch instructions: ")
    assert message in detail
    assert client.refused("PATCH", address, 400, json=patch, headers=headers)["title"] == "Invalid request"
    assert client.item("sourceConnections", created["id"]) == before


def test_a_patch_requires_the_current_etag(client: Client) -> None:
    created = client.make(CONNECTIONS, paypal_body())
    path = f"{CONNECTIONS}/{created['id']}"
    patch = [{"op": "Replace", "path": "/name", "value": "renamed"}]
    current = {"If-Match": created["etag"]}
    client.flow_problem("PATCH", path, "1403-400", json=patch)
    client.flow_problem("PATCH", path, "1404-412", json=patch, headers={"If-Match": '"0-0-0"'})
    changed = client.ask("PATCH", path, json=patch, headers=current).json()
    assert changed["etag"] != created["etag"]
    client.flow_problem("PATCH", path, "1404-412", json=patch, headers=current)
    current = {"If-Match": changed["etag"]}
    client.flow_problem("PATCH", path, "1404-412", json=patch, headers={"If-Match": changed["etag"].strip('"')[:-1]})
    for bad, code in (
        ([{"op": "replace", "path": "/connectionSpec/id", "value": "x"}], "1414-400"),
        ([{"op": "move", "path": "/name", "from": "/x"}], "1434-400"),
        ([{"op": "replace", "path": "/name"}], "1455-400"),
        ([{"path": "/name"}], "1455-400"),
        ([], "1405-400"),
        ({}, "1455-400"),
        ([5], "1455-400"),
        ([{"op": "replace", "path": "/id", "value": "x"}], "1365-400"),
        ([{"op": "add", "path": "/none", "value": "x"}], "1365-400"),
        ([{"op": "replace", "path": "name", "value": "x"}], "1365-400"),
        ([{"op": "remove", "path": "/auth/params"}], "1304-400"),
        ([{"op": "replace", "path": "/name", "value": 5}], "1000-400"),
    ):
        client.flow_problem("PATCH", path, code, json=bad, headers=current)
    locked = [{"op": "replace", "path": "/state", "value": "disabled"}]
    assert client.refused("PATCH", path, 400, json=locked, headers=current)["title"] == "Bad Request"
    secret = [{"op": "replace", "path": "/auth/params/clientSecret", "value": "wrong"}]
    assert client.ask("PATCH", path, json=secret, headers=current).status_code == 200
    assert client.get(f"{path}/test") == {"result": False}
    assert client.item("connections", created["id"])["name"] == "renamed"


def test_a_used_connection_cannot_be_deleted(client: Client) -> None:
    created = client.make(CONNECTIONS, paypal_body())["id"]
    answer = client.ask("DELETE", f"{CONNECTIONS}/{created}")
    assert (answer.status_code, answer.content) == (204, b"")
    client.flow_problem("GET", f"{CONNECTIONS}/{created}", "1439-404")
    client.flow_problem("DELETE", f"{CONNECTIONS}/{created}", "1439-404")
    body = client.prepared()
    flow = client.flow(body)["id"]
    assert flow in client.flow_problem("DELETE", f"{CONNECTIONS}/{PAYPAL}", "1418-400")
    for kind, member in (("sourceConnections", "sourceConnectionIds"), ("targetConnections", "targetConnectionIds")):
        client.flow_problem("DELETE", f"{FLOW}/{kind}/{body[member][0]}", "1447-400")
    for path in (f"flows/{flow}", f"sourceConnections/{body['sourceConnectionIds'][0]}", f"connections/{PAYPAL}"):
        assert client.ask("DELETE", f"{FLOW}/{path}").status_code == 204


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": None}, "1304-400"),
        ({"data": None}, "1304-400"),
        ({"data": {}}, "1304-400"),
        ({"data": {"format": "xml"}}, "1327-400"),
        ({"data": {"format": 5}}, "1000-400"),
        ({"connectionSpec": None}, "1304-400"),
        ({"connectionSpec": {"id": UNKNOWN}}, "1413-400"),
        ({"connectionSpec": {"id": SQUARE_SPEC}}, "1413-400"),
        ({"connectionSpec": {"id": LAKE_SPEC}}, "1413-400"),
        ({"baseConnectionId": None}, "1304-400"),
        ({"baseConnectionId": UNKNOWN}, "1439-404"),
        ({"params": None}, "1304-400"),
        ({"params": {}}, "1304-400"),
        ({"params": {"tableName": "PayPal.None"}}, "1330-400"),
        (
            {"params": {"tableName": "PayPal.Catalog_Products", "columns": [{"name": "x", "type": "string"}]}},
            "1330-400",
        ),
        ({"params": {"tableName": "PayPal.Catalog_Products", "columns": [{"name": "Type"}]}}, "1304-400"),
        ({"params": {"tableName": "PayPal.Catalog_Products", "columns": "all"}}, "1000-400"),
        ({"data": {"format": "tabular", "schema": {"id": "https://ns.adobe.com/none"}}}, "1439-404"),
    ],
)
def test_invalid_source_connections_are_refused(client: Client, change: dict[str, Any], code: str) -> None:
    client.flow_problem("POST", f"{FLOW}/sourceConnections", code, json=source_body(**change))


def test_a_source_connection_is_returned_as_sent(client: Client) -> None:
    params = {"path": "PayPal.Catalog_Products"}
    for form in ("tabular", "parquet_xdm"):
        item = client.item("sourceConnections", client.source(data={"format": form}, params=params))
        assert item["data"] == {"format": form, "schema": None, "properties": None}
        assert item["params"] == params
        assert item["baseConnectionId"] == PAYPAL
        spec = {"id": PAYPAL_SPEC, "version": "1.0"}
        assert item["inheritedAttributes"] == {"baseConnection": {"id": PAYPAL, "connectionSpec": spec}}


def test_invalid_target_connections_are_refused(client: Client) -> None:
    schema = client.schema()
    dataset = client.dataset(schema)
    path, body = f"{FLOW}/targetConnections", target_body(schema, dataset)
    lake = client.make(CONNECTIONS, {"name": "dataset base", "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"}})
    client.make(path, {**body, "baseConnectionId": lake["id"], "data": {"format": "parquet_xdm", **body["data"]}})
    for change, code in (
        ({"connectionSpec": {"id": PAYPAL_SPEC, "version": "1.0"}}, "1307-400"),
        ({"connectionSpec": None}, "1304-400"),
        ({"data": None}, "1304-400"),
        ({"data": {"schema": {"id": "https://ns.adobe.com/none"}}}, "1439-404"),
        ({"data": {"schema": {"id": schema, "version": "2.0"}}}, "1000-400"),
        ({"params": None}, "1325-400"),
        ({"params": {"dataSetId": ""}}, "1325-400"),
        ({"params": {"dataSetId": "5e8918669cbbee18ad9771f3"}}, "1439-404"),
        ({"baseConnectionId": UNKNOWN}, "1439-404"),
        ({"baseConnectionId": PAYPAL}, "1413-400"),
    ):
        client.flow_problem("POST", path, code, json={**body, **change})
    for version in ("1.0", "application/vnd.adobe.xed-full+json; version=1.3"):
        client.make(path, {**body, "data": {"schema": {"id": schema, "version": version}}})


def test_connection_specs(client: Client) -> None:
    specs = {spec["id"]: spec for spec in client.get(f"{FLOW}/connectionSpecs")["items"]}
    assert {PAYPAL_SPEC, SQUARE_SPEC, STRIPE_SPEC, LAKE_SPEC, *FILE_SPECS} == specs.keys()
    assert specs[LAKE_SPEC]["targetSpec"]["spec"]["required"] == ["dataSetId"]
    (auth,) = specs[STRIPE_SPEC]["authSpec"]
    assert auth["name"] == "OAuth2 Refresh Code"
    assert client.get(f"{FLOW}/connectionSpecs", property='name=="paypal"')["items"] == [specs[PAYPAL_SPEC]]
    assert client.item("connectionSpecs", PAYPAL_SPEC) == specs[PAYPAL_SPEC]
    client.flow_problem("GET", f"{FLOW}/connectionSpecs/{UNKNOWN}", "1439-404")


def test_flow_specs(client: Client) -> None:
    (spec,) = client.get(f"{FLOW}/flowSpecs", property='name=="CRMToAEP"')["items"]
    assert PAYPAL_SPEC in spec["sourceConnectionSpecIds"]
    assert spec["targetConnectionSpecIds"] == [LAKE_SPEC]
    assert [entry["name"] for entry in spec["transformationSpecs"]] == ["Copy", "Mapping"]
    assert spec["runSpec"]["spec"]["required"] == ["startTime", "windowStartTime", "windowEndTime", "deltaColumn"]
    schedule = spec["scheduleSpec"]["spec"]
    assert schedule["properties"]["frequency"]["enum"] == ["once", "minute", "hour", "day", "week"]
    assert schedule["else"]["then"] == {"properties": {"interval": {"minimum": 15}}}
    found = client.get(f"{FLOW}/flowSpecs", property=f"sourceConnectionSpecIds[]=={STRIPE_SPEC}")["items"]
    assert [spec["name"] for spec in found] == ["RestStorageToAEP"]


@pytest.mark.parametrize("named", [{}, {"version": None}], ids=["left out", "null"])
def test_a_spec_named_without_a_version_is_shown_with_the_newest(client: Client, named: dict[str, Any]) -> None:
    connection = client.item("connections", PAYPAL)
    body = {"name": "again", "auth": connection["auth"], "connectionSpec": {"id": PAYPAL_SPEC, **named}}
    body["auth"] = {**body["auth"], "params": {**body["auth"]["params"], "clientSecret": "secret"}}
    created = client.make(f"{FLOW}/connections", body)["id"]
    assert client.item("connections", created)["connectionSpec"] == {"id": PAYPAL_SPEC, "version": "1.0"}
    source = client.source(connectionSpec={"id": PAYPAL_SPEC, **named})
    assert client.item("sourceConnections", source)["connectionSpec"] == {"id": PAYPAL_SPEC, "version": "1.0"}
    flow = client.prepared() | {"flowSpec": {"id": CRM_FLOW_SPEC, **named}}
    shown = client.item("flows", client.flow(flow)["id"])
    assert shown["flowSpec"] == {"id": CRM_FLOW_SPEC, "version": "1.0"}
