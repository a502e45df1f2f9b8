"""Every code of Flow Service's two catalogues of errors: a request provokes it, or a reason says why none can."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.client import (
    FLOW,
    LAKE_SPEC,
    PAYPAL,
    PAYPAL_SPEC,
    STRIPE_SPEC,
    Client,
    edited,
    source_body,
    target_body,
)

Provocation = Callable[[Client, str], object]
JSON = {"Content-Type": "application/json"}
UNKNOWN = "11111111-1111-4111-8111-111111111111"
NEW_NAME = {"op": "replace", "path": "/name", "value": "n"}


def asking(method: str, path: str, **options: Any) -> Provocation:
    return lambda client, code: client.flow_problem(method, FLOW + path, code, **options)


def listing(kind: str = "connections", **params: Any) -> Provocation:
    return asking("GET", f"/{kind}", params=params)


def exploring(**params: Any) -> Provocation:
    return asking("GET", f"/connections/{PAYPAL}/explore", params=params)


def acting(body: Any = None, **params: Any) -> Provocation:
    return asking("POST", f"/connections/{PAYPAL}/action", params=params, json=body)


def patching(*operations: Any) -> Provocation:
    """A patch of a base connection with its current etag."""

    def provoke(client: Client, code: str) -> None:
        headers = {"If-Match": client.item("connections", PAYPAL)["etag"]}
        client.flow_problem("PATCH", f"{FLOW}/connections/{PAYPAL}", code, json=list(operations), headers=headers)

    return provoke


def connecting(**changes: Any) -> Provocation:
    auth = {"specName": "OAuth2 Refresh Code", "params": {"accessToken": "t"}}
    body = {"name": "c", "auth": auth, "connectionSpec": {"id": STRIPE_SPEC, "version": "1.0"}}
    return asking("POST", "/connections", json={**body, **changes})


def sourcing(**changes: Any) -> Provocation:
    return asking("POST", "/sourceConnections", json=source_body(**changes))


def targeting(**changes: Any) -> Provocation:
    def provoke(client: Client, code: str) -> None:
        schema = client.schema()
        body = {**target_body(schema, client.dataset(schema)), **changes}
        client.flow_problem("POST", f"{FLOW}/targetConnections", code, json=body)

    return provoke


def flowing(changes: dict[str, Any]) -> Provocation:
    return lambda client, code: client.flow_problem(
        "POST", f"{FLOW}/flows", code, json=edited(client.prepared(), changes)
    )


def repatching(changes: dict[str, Any], after: int = 0) -> Provocation:
    """A patch of a dataflow whose start time is a minute after its creation.

    :param after: the seconds between the creation and the patch.
    """

    def provoke(client: Client, code: str) -> None:
        flow = client.flow(client.prepared())["id"]
        client.advance(after)
        patch = [{"op": "add", "path": path, "value": value} for path, value in changes.items()]
        headers = {"If-Match": client.item("flows", flow)["etag"]}
        client.flow_problem("PATCH", f"{FLOW}/flows/{flow}", code, json=patch, headers=headers)

    return provoke


def stale_etag(client: Client, code: str) -> None:
    path = f"{FLOW}/connections/{PAYPAL}"
    stale = {"If-Match": client.item("connections", PAYPAL)["etag"]}
    assert client.ask("PATCH", path, json=[NEW_NAME], headers=stale).status_code == 200
    client.flow_problem("PATCH", path, code, json=[NEW_NAME], headers=stale)


def used_base_connection(client: Client, code: str) -> None:
    flow = client.flow(client.prepared())["id"]
    assert flow in client.flow_problem("DELETE", f"{FLOW}/connections/{PAYPAL}", code)


def used_source_connection(client: Client, code: str) -> None:
    body = client.prepared()
    flow = client.flow(body)["id"]
    source = body["sourceConnectionIds"][0]
    assert flow in client.flow_problem("DELETE", f"{FLOW}/sourceConnections/{source}", code)


def initializing_connection(client: Client, code: str) -> None:
    body = {"connectionSpec": {"id": LAKE_SPEC, "version": "1.0"}, "state": "initializing"}
    created = client.make(f"{FLOW}/connections", body)
    path = f"{FLOW}/connections/{created['id']}"
    client.flow_problem("DELETE", path, code)
    client.flow_problem("PATCH", path, code, json=[NEW_NAME], headers={"If-Match": created["etag"]})


def mapping_to_unknown_destination(client: Client, code: str) -> None:
    body = client.prepared()
    schema = client.item("targetConnections", body["targetConnectionIds"][0])["data"]["schema"]["id"]
    mapping = client.mapping(schema, ("Product_Id", "_id"), ("Product_Name", "product.name"))
    changed = edited(body, {"transformations.1.params.mappingId": mapping})
    assert mapping in client.flow_problem("POST", f"{FLOW}/flows", code, json=changed)


def schemas_that_differ(client: Client, code: str) -> None:
    changed = {"transformations.1.params.mappingId": client.mapping(client.schema("another"))}
    client.flow_problem("POST", f"{FLOW}/flows", code, json=edited(client.prepared(), changed))


def enabling_a_draft(client: Client, code: str) -> None:
    body = client.prepared()
    created = client.make(f"{FLOW}/flows?mode=draft", {"flowSpec": body["flowSpec"]})
    client.flow_problem("POST", f"{FLOW}/flows/{created['id']}/action", code, params={"op": "enable"})


def flow_on_a_draft(client: Client, code: str) -> None:
    source = client.make(f"{FLOW}/sourceConnections?mode=draft", source_body())["id"]
    changed = {"sourceConnectionIds": [source]}
    client.flow_problem("POST", f"{FLOW}/flows", code, json=edited(client.prepared(), changed))


def wrong_credential(client: Client, code: str) -> None:
    auth = {"specName": "OAuth2 Refresh Code", "params": {"accessToken": "wrong"}}
    created = client.make(f"{FLOW}/connections", {"auth": auth, "connectionSpec": {"id": STRIPE_SPEC}})
    client.flow_problem("GET", f"{FLOW}/connections/{created['id']}/explore", code, params={"objectType": "root"})


def absent_file(client: Client, code: str) -> None:
    auth = {"specName": "ConnectionString", "params": {"connectionString": "AccountName=a;AccountKey=b"}}
    spec = {"id": "4c10e202-c428-4796-9208-5f1f5732b1cf", "version": "1.0"}
    created = client.make(f"{FLOW}/connections", {"auth": auth, "connectionSpec": spec})
    params = {"objectType": "file", "object": "/none.csv", "fileType": "delimited"}
    client.flow_problem("GET", f"{FLOW}/connections/{created['id']}/explore", code, params=params)


ONCE = {"scheduleParams.frequency": "once", "scheduleParams.interval": ...}
PQL = base64.b64encode(b'{"type": "PQL"}').decode()
FLOW_SERVICE: dict[str, Provocation] = {
    "1401-400": listing(limit=5, count="true"),
    "1402-400": acting(op="finalize"),
    "1403-400": asking("PATCH", f"/connections/{PAYPAL}", json=[NEW_NAME]),
    "1404-412": stale_etag,
    "1405-400": asking("POST", "/connections"),
    "1406-400": acting(op="publish", subOp="progress,apply"),
    "1407-400": acting({"status": {"value": "failed"}}, op="publish", subOp="progress"),
    "1408-400": acting({"status": {"value": "completed"}, "percentCompleted": 50}, op="publish"),
    "1410-400": flowing({"state": "enabled"}),
    "1411-400": asking("GET", "/baseConnections/123"),
    "1412-400": flowing({"transformations.1.params.mappingVersion": "7"}),
    "1413-400": connecting(connectionSpec={"id": UNKNOWN}),
    "1414-400": patching({"op": "replace", "path": "/connectionSpec/id", "value": PAYPAL_SPEC}),
    "1415-400": connecting(auth={"specName": "Basic Authentication", "params": {"accessToken": "t"}}),
    "1417-400": initializing_connection,
    "1418-400": used_base_connection,
    "1419-400": mapping_to_unknown_destination,
    "1422-400": enabling_a_draft,
    "1423-400": listing("connectionSpecs", property="baseSpec==x"),
    "1425-400": schemas_that_differ,
    "1426-400": asking("POST", "/connectionSpecs", json={"name": "own", "providerId": UNKNOWN}),
    "1431-400": flowing({"policy": {"fields": []}}),
    "1432-400": listing(orderby="--name"),
    "1433-400": listing(orderby="#id"),
    "1434-400": patching({"op": "move", "path": "/name", "from": "/description"}),
    "1435-400": acting(op="publish", subOp="reverse"),
    "1436-400": acting(op="publish", subOp="PROGRESS"),
    "1437-400": acting({"status": {"value": "started"}}, op="publish"),
    "1439-404": asking("GET", f"/flows/{UNKNOWN}"),
    "1440-400": listing(property="name~a"),
    "1441-400": asking("POST", "/flowSpecs/search", json={"groupByProperty": "name"}),
    "1443-400": listing(property="createdAt<=1,2"),
    "1446-400": asking("POST", "/runs", json={"flowId": "", "params": {}}),
    "1447-400": used_source_connection,
    "1448-400": listing(property="id>=a"),
    "1449-400": listing(property="connections==a"),
    "1450-400": listing(property="name!>a"),
    "1451-400": listing(testParam="a"),
    "1452-400": listing(property="createdAt==1676643256,1676643210"),
    "1453-400": listing(property="createdAt=="),
    "1454-400": listing(property='connectionSpec=={"id":"a"}'),
    "1455-400": patching({"op": "replace", "path": "/name"}),
    "1456-400": connecting(state="delete-finalizing"),
}
SOURCES: dict[str, Provocation] = {
    "1000-400": asking("POST", "/connections", data=b"{", headers=JSON),
    "1001-401": wrong_credential,
    "1003-404": absent_file,
    "1014-400": flow_on_a_draft,
    "1302-400": connecting(connectionSpec={"id": LAKE_SPEC}),
    "1304-400": connecting(auth={"specName": "OAuth2 Refresh Code", "params": {}}),
    "1307-400": targeting(connectionSpec={"id": PAYPAL_SPEC, "version": "1.0"}),
    "1317-400": flowing({"scheduleParams": {}}),
    "1321-400": flowing({"sourceConnectionIds": [UNKNOWN, UNKNOWN]}),
    "1325-400": targeting(params={}),
    "1327-400": sourcing(data={"format": "xml"}),
    "1328-400": flowing({"transformations.1": ...}),
    "1330-400": sourcing(params={"tableName": "PayPal.None"}),
    "1337-400": exploring(objectType="table", object=""),
    "1340-400": flowing({"scheduleParams.startTime": "soon"}),
    "1353-400": exploring(objectType="table", object="PayPal.Catalog_Products", filters=PQL),
    "1358-400": exploring(objectType="shelf"),
    "1359-400": exploring(objectType="table"),
    "1360-400": flowing({"scheduleParams.startTime": 1567411548}),
    "1361-400": flowing({"scheduleParams.frequency": "once"}),
    "1362-400": flowing({"scheduleParams.interval": 14}),
    "1363-400": flowing({"scheduleParams.interval": 10**12}),
    "1364-400": flowing({**ONCE, "scheduleParams.backfill": True}),
    "1365-400": repatching({"/sourceConnectionIds/0": UNKNOWN}),
    "1366-400": repatching({"/scheduleParams/startTime": 4102444800}, after=61),
    "1367-400": flowing({"transformations.0": ...}),
    "1368-400": flowing({"mode": "draft"}),
    "1369-400": flowing(ONCE),
    "1370-400": flowing({"transformations.1.params": ...}),
    "1392-400": flowing({"transformations.1.name": "Map"}),
    "1397-400": flowing({"scheduleParams.frequency": "fortnight"}),
    "1403-400": repatching({"/scheduleParams/frequency": "once"}, after=61),
    "1404-400": repatching({"/scheduleParams/backfill": False}, after=61),
}

# The reasons for which no request provokes a code; a fault can answer with the code.
INTERNAL = "a failure inside the platform"
GATEWAY = "the gateway refuses such headers before the service, with a code of its own"
BATCH = "every source here is a batch source"
PROVIDER = "only the provider of a source can cause this state, with a token of its own"
GENERIC = "a general error, for which the emulator has a more specific code"
NO_AGGREGATION = "no parameter for aggregation is published"
NO_ROW_FILTER = "none of the sources here filters rows: 1353 comes first"
FRAME = "../test_ims_and_gateway.py"
RUNS = "test_on_demand_runs.py"
FLOW_SERVICE_OTHERS: dict[str, str] = {
    **dict.fromkeys(("1102-500", "1103-503", "1104-504", "1400-500", "2102-500", "2104-500", "2107-500"), INTERNAL),
    **dict.fromkeys(("2108-500", "2116-500", "2117-500", "2200-500", "2250-500"), INTERNAL),
    **dict.fromkeys(("1100-400", "1101-404", "1409-400", "1416-400", "1420-400", "1421-400"), PROVIDER),
    **dict.fromkeys(("1444-400", "1457-400", "1458-400"), PROVIDER),
    **dict.fromkeys(("1438-400", "1442-400"), NO_AGGREGATION),
    "1424-400": "a user token cannot send requests across sandboxes: 2111 comes first",
    "1445-400": "patching connections is enabled",
    **dict.fromkeys(("1427-400", "1428-400", "1429-400", "1430-400"), RUNS),
    **dict.fromkeys(("2001-401", "2100-404", "2105-400", "2110-400", "2111-403", "2112-400", "2113-400"), FRAME),
    **dict.fromkeys(("2000-401", "2002-401", "2114-400", "2115-400"), GATEWAY),
    **dict.fromkeys(("2101-404", "2103-404"), "a sandbox is named by its name only: its id is refused with 2110"),
    "2106-404": "a request that names no sandbox is refused with 2105",
    **dict.fromkeys(("2118-403", "2120-403", "2121-403"), "every token has all permissions here"),
    "2119-400": "no operation here needs a specId in the query",
}
SOURCES_OTHERS: dict[str, str] = {
    **dict.fromkeys(("1005-500", "1006-408", "1011-503", "1012-504"), INTERNAL),
    **dict.fromkeys(("1100-400", "1600-400", "1105-401", "1605-401", "1008-401"), GENERIC),
    **dict.fromkeys(("1002-403", "1009-403", "1106-403", "1606-403", "1102-404", "1602-404"), GENERIC),
    **dict.fromkeys(("1013-412", "1107-412", "1607-412"), GENERIC),
    "1004-415": "the gateway refuses other media types before the service",
    "1301-400": "an auth spec that is not the connection spec's is 1415",
    **dict.fromkeys(("1333-400", "1385-400"), BATCH),
    **dict.fromkeys(("1354-400", "1355-400", "1356-400", "1357-400"), NO_ROW_FILTER),
    **dict.fromkeys(("1380-400", "1381-400", "1382-400", "1383-400", "1384-400"), RUNS),
    **dict.fromkeys(("1386-400", "1387-400", "1388-400", "1401-400"), RUNS),
}
FLOW_SERVICE_CATALOGUE = (
    "1100-400 1101-404 1102-500 1103-503 1104-504 1400-500 1401-400 1402-400 1403-400 1404-412 1405-400 1406-400 "
    "1407-400 1408-400 1409-400 1410-400 1411-400 1412-400 1413-400 1414-400 1415-400 1416-400 1417-400 1418-400 "
    "1419-400 1420-400 1421-400 1422-400 1423-400 1424-400 1425-400 1426-400 1427-400 1428-400 1429-400 1430-400 "
    "1431-400 1432-400 1433-400 1434-400 1435-400 1436-400 1437-400 1438-400 1439-404 1440-400 1441-400 1442-400 "
    "1443-400 1444-400 1445-400 1446-400 1447-400 1448-400 1449-400 1450-400 1451-400 1452-400 1453-400 1454-400 "
    "1455-400 1456-400 1457-400 1458-400 2000-401 2001-401 2002-401 2100-404 2101-404 2102-500 2103-404 2104-500 "
    "2105-400 2106-404 2107-500 2108-500 2110-400 2111-403 2112-400 2113-400 2114-400 2115-400 2116-500 2117-500 "
    "2118-403 2119-400 2120-403 2121-403 2200-500 2250-500"
)
SOURCES_CATALOGUE = (
    "1000-400 1014-400 1100-400 1600-400 1001-401 1008-401 1105-401 1605-401 1002-403 1009-403 1106-403 1606-403 "
    "1003-404 1102-404 1602-404 1004-415 1006-408 1013-412 1107-412 1607-412 1005-500 1011-503 1012-504 1301-400 "
    "1302-400 1304-400 1307-400 1317-400 1321-400 1325-400 1327-400 1328-400 1370-400 1330-400 1333-400 1337-400 "
    "1358-400 1359-400 1340-400 1353-400 1354-400 1355-400 1356-400 1357-400 1360-400 1361-400 1362-400 1363-400 "
    "1364-400 1365-400 1366-400 1367-400 1368-400 1369-400 1380-400 1381-400 1382-400 1383-400 1384-400 1385-400 "
    "1386-400 1387-400 1388-400 1392-400 1397-400 1401-400 1403-400 1404-400"
)


@pytest.mark.parametrize("code", FLOW_SERVICE)
def test_a_request_provokes_each_code_of_flow_service(client: Client, code: str) -> None:
    FLOW_SERVICE[code](client, code)


@pytest.mark.parametrize("code", SOURCES)
def test_a_request_provokes_each_code_of_sources(client: Client, code: str) -> None:
    SOURCES[code](client, code)


BOTH = pytest.mark.parametrize(
    ("catalogue", "provoked", "others"),
    [
        (FLOW_SERVICE_CATALOGUE, FLOW_SERVICE, FLOW_SERVICE_OTHERS),
        (SOURCES_CATALOGUE, SOURCES, SOURCES_OTHERS),
    ],
    ids=["flow service", "sources"],
)


@BOTH
def test_each_code_of_the_catalogue_is_provoked_or_explained(
    catalogue: str, provoked: dict[str, Any], others: dict[str, str]
) -> None:
    assert not provoked.keys() & others.keys()
    assert provoked.keys() | others.keys() == set(catalogue.split())
    for code, where in others.items():
        if where.endswith(".py"):
            assert f'"{code}"' in (Path(__file__).parent / where).read_text(), code


@BOTH
def test_a_fault_can_answer_with_every_code(
    client: Client, catalogue: str, provoked: dict[str, Any], others: dict[str, str]
) -> None:
    for code in catalogue.split():
        client.control("POST", "faults", json={"action": "status", "code": f"FLOW-{code}"})
        client.flow_problem("GET", f"{FLOW}/flows", code)
    assert client.get(f"{FLOW}/flows")["items"] == []
