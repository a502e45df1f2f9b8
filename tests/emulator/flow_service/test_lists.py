"""Lists of Flow Service: filters, order, limit, and pages with continuation tokens."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.emulator.client import FLOW, PAYPAL, PAYPAL_SPEC, Client

SOURCES = f"{FLOW}/sourceConnections"


def names(answer: dict[str, Any]) -> list[str]:
    return [item["name"] for item in answer["items"]]


@pytest.fixture
def sources(client: Client) -> list[str]:
    columns = [{"name": name, "type": "string"} for name in ("Product_Id", "Type")]
    params = {"tableName": "PayPal.Catalog_Products"}
    created = []
    for number, name in enumerate(("b", "a", "c, d", "a")):
        created.append(client.source(name=name, params={**params, **({"columns": columns} if number == 1 else {})}))
        client.advance(10)
    return created


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("name==a", ["a", "a"]),
        ('name=="a"', ["a", "a"]),
        ("name == 'b'", ["b"]),
        ("name==a,b", ["b", "a", "a"]),
        ('name=="c, d"', ["c, d"]),
        ("name==c, d", []),
        ("name!=a", ["b", "c, d"]),
        ("name!=a,b", ["c, d"]),
        ("name>=b", ["b", "c, d"]),
        ("connectionSpec.id==" + PAYPAL_SPEC, ["b", "a", "c, d", "a"]),
        ("baseConnectionId==" + PAYPAL, ["b", "a", "c, d", "a"]),
        ("params.columns[].name==Type", ["a"]),
        ("params.columns[].name==Type,Other", ["a"]),
        ("params.columns.name==Type", []),
        ("params.none==1", []),
        ("data.schema==null", ["b", "a", "c, d", "a"]),
        ("createdAt>0", ["b", "a", "c, d", "a"]),
        ("createdAt<0", []),
    ],
)
def test_property_filters(client: Client, sources: list[str], expression: str, found: list[str]) -> None:
    assert names(client.get(SOURCES, property=expression)) == found
    assert client.get(SOURCES, property=expression, count="true") == {"count": len(found)}


def test_filters_are_combined(client: Client, sources: list[str]) -> None:
    both = ["name==a", "params.columns[].name==Type"]
    assert [item["id"] for item in client.get(SOURCES, property=both)["items"]] == [sources[1]]
    several = f"id=={sources[3]},{sources[0]}"
    assert [item["id"] for item in client.get(SOURCES, property=several)["items"]] == [sources[0], sources[3]]
    since = client.item("sourceConnections", sources[2])["createdAt"]
    assert names(client.get(SOURCES, property=[f"createdAt>={since}", "name==a"])) == ["a"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"property": "name~a"}, "1440-400"),
        ({"property": "name=a"}, "1450-400"),
        ({"property": "name!>a"}, "1450-400"),
        ({"property": "name<>a"}, "1450-400"),
        ({"property": "name"}, "1453-400"),
        ({"property": ""}, "1453-400"),
        ({"property": "createdAt=="}, "1453-400"),
        ({"property": "shoe==1"}, "1449-400"),
        ({"property": "createdAt>=1,2"}, "1443-400"),
        ({"property": "createdAt==1,2"}, "1452-400"),
        ({"property": "updatedAt>=yesterday"}, "1452-400"),
        ({"property": "id>=a"}, "1448-400"),
        ({"property": "connectionSpec.id<a"}, "1448-400"),
        ({"property": 'connectionSpec=={"id":"a"}'}, "1454-400"),
        ({"offset": "5"}, "1451-400"),
        ({"start": "5", "page": "1"}, "1451-400"),
        ({"limit": "5", "count": "true"}, "1401-400"),
        ({"count": "maybe"}, "1453-400"),
        ({"limit": "0"}, "1453-400"),
        ({"limit": "-1"}, "1453-400"),
        ({"limit": "many"}, "1453-400"),
        ({"limit": "٣"}, "1453-400"),
        ({"orderby": "--name"}, "1432-400"),
        ({"orderby": "#id"}, "1433-400"),
        ({"orderby": "name desc"}, "1432-400"),
        ({"orderby": "shoe"}, "1433-400"),
        ({"continuationToken": "nonsense"}, "1453-400"),
        ({"continuationToken": "e30"}, "1453-400"),
        ({"continuationToken": "eyJuIjoxfQ", "orderby": "name"}, "1453-400"),
    ],
)
def test_invalid_queries_are_refused(client: Client, params: dict[str, str], code: str) -> None:
    client.flow_problem("GET", SOURCES, code, params=params)


@pytest.mark.parametrize(
    "kind",
    ["connections", "sourceConnections", "targetConnections", "flows", "runs", "connectionSpecs", "flowSpecs"],
)
def test_a_start_is_accepted_and_has_no_effect(client: Client, sources: list[str], kind: str) -> None:
    client.flow(client.prepared())
    client.advance(100)
    whole = client.get(f"{FLOW}/{kind}", limit=20)
    assert whole["items"]
    for start in ("0", "1", "20", "x"):
        assert client.get(f"{FLOW}/{kind}", start=start, limit=20) == whole
    assert client.get(f"{FLOW}/{kind}", start=1, count="true") == {"count": len(whole["items"])}


def test_lists_can_be_sorted(client: Client, sources: list[str]) -> None:
    assert names(client.get(SOURCES, orderby="name")) == ["a", "a", "b", "c, d"]
    assert names(client.get(SOURCES, orderby="-name")) == ["c, d", "b", "a", "a"]
    assert names(client.get(SOURCES, orderby="+createdAt")) == ["b", "a", "c, d", "a"]
    newest = client.get(SOURCES, orderby="-createdAt", limit=1)["items"]
    assert [item["id"] for item in newest] == [sources[3]]
    # An unencoded plus sign in a query is decoded as a blank.
    assert client.ask("GET", f"{SOURCES}?orderby=+name").status_code == 200


def test_a_huge_limit_is_accepted(client: Client, sources: list[str]) -> None:
    assert len(client.get(SOURCES, limit=10**30)["items"]) == 4
    assert len(client.get(SOURCES, limit=2, count="false")["items"]) == 2


@pytest.mark.parametrize("order", [None, "name", "-name", "-createdAt", "description"])
@pytest.mark.parametrize("filtered", [False, True])
def test_pages_are_stable_while_items_come_and_go(client: Client, order: str | None, filtered: bool) -> None:
    created = [client.source(name=f"n{number % 4}") for number in range(10)]
    params: dict[str, Any] = {"limit": 3}
    if order:
        params["orderby"] = order
    if filtered:
        params["property"] = f"baseConnectionId=={PAYPAL}"
    answer = client.get(SOURCES, **params)
    seen = [item["id"] for item in answer["items"]]
    # The last item of the page is deleted and another one created: neither may shift the other items.
    assert client.ask("DELETE", f"{SOURCES}/{seen[-1]}").status_code == 204
    late = client.source(name="n9")
    while "next" in answer["_links"]:
        href = answer["_links"]["next"]["href"]
        token = parse_qs(urlsplit(href).query)["continuationToken"][0]
        assert "=" not in token
        answer = client.get(FLOW + href)
        assert len(answer["items"]) <= 3
        seen += [item["id"] for item in answer["items"]]
    assert [identifier for identifier in seen if identifier != late].count(created[0]) == 1
    assert sorted(set(seen) - {late}) == sorted(created)
    assert len(seen) == len(set(seen))
    if order is None:
        assert seen[-1] == late


def token_of(answer: dict[str, Any]) -> str:
    href = urlsplit(answer["_links"]["next"]["href"])
    ((name, (token,)),) = parse_qs(href.query).items()
    assert name == "continuationToken"
    return str(token)


def walk(client: Client, path: str, **params: Any) -> list[str]:
    """The ids on all pages of a list; each page is requested by the link of the page before."""
    answer = client.get(path, **params)
    seen = [item["id"] for item in answer["items"]]
    while "next" in answer["_links"]:
        answer = client.get(FLOW + answer["_links"]["next"]["href"])
        seen += [item["id"] for item in answer["items"]]
    return seen


def test_a_token_alone_continues_a_list(client: Client, sources: list[str]) -> None:
    first = client.get(SOURCES, limit=2, property="name!=b", orderby="-createdAt")
    assert first["_links"]["next"]["href"].startswith("/sourceConnections?continuationToken=")
    token = token_of(first)
    answer = client.get(SOURCES, continuationToken=token)
    assert [item["id"] for item in answer["items"]] == [sources[1]]
    assert answer["_links"] == {}
    # Clients may also repeat the parameters of the first request.
    repeated = {"limit": 2, "property": "name!=b", "orderby": "-createdAt", "continuationToken": token}
    assert client.get(SOURCES, **repeated) == answer


def test_tokens_are_bound_to_their_list(client: Client, sources: list[str]) -> None:
    token = token_of(client.get(SOURCES, limit=1))
    for path, params in (
        (SOURCES, {"property": "name==a"}),
        (SOURCES, {"orderby": "name"}),
        (f"{FLOW}/connections", {}),
        (f"{FLOW}/flowSpecs", {}),
    ):
        client.flow_problem("GET", path, "1453-400", params={**params, "continuationToken": token})
    for forged in (token[:-1], ("B" if token[0] == "A" else "A") + token[1:], token + "AAAA", token[::-1]):
        client.flow_problem("GET", SOURCES, "1453-400", params={"continuationToken": forged})
    other = {"x-sandbox-name": "prod"}
    client.flow_problem("GET", SOURCES, "1453-400", params={"continuationToken": token}, headers=other)
    client.control("POST", "reset")
    client.sign_in()
    client.flow_problem("GET", SOURCES, "1453-400", params={"continuationToken": token})


def test_pages_lag_behind_writes(client: Client, sources: list[str]) -> None:
    fault = {"action": "list_lag", "seconds": 60, "times": None, "match": {"path": "*/sourceConnections*"}}
    assert client.ask("POST", "/__emulator__/faults", json=fault).status_code in (200, 201)
    late = client.source(name="late")
    assert client.ask("DELETE", f"{SOURCES}/{sources[1]}").status_code == 204
    for params in ({}, {"orderby": "-createdAt"}, {"property": "name!=x"}, {"property": f"baseConnectionId=={PAYPAL}"}):
        assert sorted(walk(client, SOURCES, limit=2, **params)) == sorted(sources)
        counted = {key: value for key, value in params.items() if key == "property"}
        assert client.get(SOURCES, count="true", **counted) == {"count": 4}
    assert client.get(SOURCES, property=f"id=={late}")["items"] == []
    assert len(client.get(SOURCES, property=f"id=={sources[1]}")["items"]) == 1
    assert client.item("sourceConnections", late)["name"] == "late"
    client.flow_problem("GET", f"{SOURCES}/{sources[1]}", "1439-404")
    client.advance(61)
    assert walk(client, SOURCES, limit=2) == [sources[0], *sources[2:], late]
    assert client.get(SOURCES, count="true") == {"count": 4}


@pytest.mark.parametrize(
    ("kind", "expression", "found"),
    [
        ("connectionSpecs", "name==paypal,square", ["paypal", "square"]),
        ("connectionSpecs", 'attributes.connectorName="PayPal"', ["paypal"]),
        ("connectionSpecs", "attributes.isSource==true&property=attributes.category==Payments", 3),
        ("flowSpecs", "attributes.notification.flowRun.enabled==true", 3),
        ("flowSpecs", "optionSpec.name==x", "1423-400"),
        ("connectionSpecs", 'name="paypal"', "1450-400"),
    ],
)
def test_specs_can_be_filtered(client: Client, kind: str, expression: str, found: Any) -> None:
    path = f"{FLOW}/{kind}?property={expression}"
    if isinstance(found, str):
        client.flow_problem("GET", path, found)
    elif isinstance(found, int):
        assert len(client.get(path)["items"]) == found
    else:
        assert names(client.get(path)) == found


def test_values_are_compared_by_their_type(client: Client) -> None:
    body = client.prepared()
    body["options"]["partialIngestionPercent"] = 7.5
    body["scheduleParams"]["interval"] = "30"
    flow = client.flow(body)["id"]
    for expression, found in (
        ("options.partialIngestionPercent==7.5", True),
        ("options.partialIngestionPercent==7.50", True),
        ("options.partialIngestionPercent>10", False),
        ("options.partialIngestionPercent>7", True),
        ("options.errorDiagnosticsEnabled==true", True),
        ("options.errorDiagnosticsEnabled==false", False),
        ("options.isSampleDataflow!=true", True),
        ("scheduleParams.interval==30", True),
        ("scheduleParams.frequency>=minute", True),
        ("inheritedAttributes.properties.isSourceFlow==true", True),
        ("inheritedAttributes.properties.isDestinationFlow==true", False),
        (f"sourceConnectionIds[]==x,{body['sourceConnectionIds'][0]}", True),
        ("transformations[].params.deltaColumn.name==Create_Time", True),
        ("transformations[].name==Copy,None", True),
        ("transformations[].name!=Copy", False),
        ("lastRunDetails.id==null", False),
    ):
        items = client.get(f"{FLOW}/flows", property=expression)["items"]
        assert [item["id"] for item in items] == ([flow] if found else []), expression


def test_values_with_commas_and_quotes(client: Client) -> None:
    for name in ("a,b", '"a', "b"):
        client.source(name=name)
    for wanted, found in (
        ('"a,b"', ["a,b"]),
        ('"a,b', ['"a', "b"]),
        ("'a,b',b", ["a,b", "b"]),
        ("b,", ["b"]),
        ('""', []),
    ):
        items = client.get(f"{FLOW}/sourceConnections", property=f"name=={wanted}")["items"]
        assert [item["name"] for item in items] == found, wanted


def test_pages_continue_after_older_items_are_added(client: Client, sources: list[str]) -> None:
    """A store that was chronological until the first page continues after the last item of that page."""
    for orderby, expected in (("createdAt", sources[2:]), ("-createdAt", sources[1::-1])):
        page = client.get(SOURCES, orderby=orderby, limit=2)
        client.control("POST", "seed", json={"sandbox": "dev", "dataflows": 1, "runs_per_dataflow": 1})
        rest = client.get(SOURCES, continuationToken=token_of(page), limit=100)["items"]
        assert [item["id"] for item in rest if item["id"] in sources] == expected


def test_descending_order_lists_the_newest_of_equal_times_first(client: Client) -> None:
    created = [client.source(name=name) for name in "abc"]
    assert walk(client, SOURCES, orderby="-createdAt", limit=1) == created[::-1]
    # After an item with an earlier creation time is added, the list is sorted in another way, but into the same order.
    client.control("POST", "seed", json={"sandbox": "dev", "dataflows": 1, "runs_per_dataflow": 1})
    for orderby, expected in (("createdAt", created), ("-createdAt", created[::-1])):
        assert [one for one in walk(client, SOURCES, orderby=orderby, limit=1) if one in created] == expected, orderby


@pytest.mark.parametrize("understood", [True, False])
def test_a_filter_by_a_non_ascii_name_may_find_nothing(client: Client, understood: bool) -> None:
    client.control("PUT", "options", json={"queries_are_utf8": understood})
    client.source(name="Zahlungen für März")
    client.source(name="Zahlungen")
    filtered = {
        name: names(client.get(SOURCES, property=f"name=={name}")) for name in ("Zahlungen für März", "Zahlungen")
    }
    assert filtered == {"Zahlungen für März": ["Zahlungen für März"] * understood, "Zahlungen": ["Zahlungen"]}
    assert names(client.get(SOURCES)) == ["Zahlungen für März", "Zahlungen"]
