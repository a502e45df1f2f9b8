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
    made = []
    for number, name in enumerate(("b", "a", "c, d", "a")):
        made.append(client.source(name=name, params={**params, **({"columns": columns} if number == 1 else {})}))
        client.advance(10)
    return made


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
        ({"property": "name"}, "1451-400"),
        ({"property": ""}, "1451-400"),
        ({"property": "shoe==1"}, "1423-400"),
        ({"property": "createdAt>=1,2"}, "1443-400"),
        ({"limit": "5", "count": "true"}, "1401-400"),
        ({"count": "maybe"}, "1453-400"),
        ({"limit": "0"}, "1453-400"),
        ({"limit": "-1"}, "1453-400"),
        ({"limit": "many"}, "1453-400"),
        ({"limit": "٣"}, "1453-400"),
        ({"orderby": "*name"}, "1432-400"),
        ({"orderby": "name desc"}, "1432-400"),
        ({"orderby": "shoe"}, "1433-400"),
        ({"continuationToken": "nonsense"}, "1453-400"),
        ({"continuationToken": "e30"}, "1453-400"),
        ({"continuationToken": "eyJuIjoxfQ", "orderby": "name"}, "1453-400"),
    ],
)
def test_refusals(client: Client, params: dict[str, str], code: str) -> None:
    client.flow_problem("GET", SOURCES, code, params=params)


def test_order(client: Client, sources: list[str]) -> None:
    assert names(client.get(SOURCES, orderby="name")) == ["a", "a", "b", "c, d"]
    assert names(client.get(SOURCES, orderby="-name")) == ["c, d", "b", "a", "a"]
    assert names(client.get(SOURCES, orderby="+createdAt")) == ["b", "a", "c, d", "a"]
    newest = client.get(SOURCES, orderby="-createdAt", limit=1)["items"]
    assert [item["id"] for item in newest] == [sources[3]]
    # Sent without encoding, the plus sign arrives as a blank.
    assert client.ask("GET", f"{SOURCES}?orderby=+name").status_code == 200


def test_limit_is_no_trap(client: Client, sources: list[str]) -> None:
    assert len(client.get(SOURCES, limit=10**30)["items"]) == 4
    assert len(client.get(SOURCES, limit=2, count="false")["items"]) == 2


@pytest.mark.parametrize("order", [None, "name", "-name", "-createdAt", "description"])
@pytest.mark.parametrize("filtered", [False, True])
def test_pages_are_stable_while_items_come_and_go(client: Client, order: str | None, filtered: bool) -> None:
    made = [client.source(name=f"n{number % 4}") for number in range(10)]
    params: dict[str, Any] = {"limit": 3}
    if order:
        params["orderby"] = order
    if filtered:
        params["property"] = f"baseConnectionId=={PAYPAL}"
    seen = []
    path = SOURCES
    answer = client.get(path, **params)
    seen += [item["id"] for item in answer["items"]]
    # The last one seen goes away, and another comes: neither may shift the rest.
    assert client.ask("DELETE", f"{SOURCES}/{seen[-1]}").status_code == 204
    late = client.source(name="n9")
    while "next" in answer["_links"]:
        href = answer["_links"]["next"]["href"]
        token = parse_qs(urlsplit(href).query)["continuationToken"][0]
        assert "=" not in token
        answer = client.get(FLOW + href)
        assert len(answer["items"]) <= 3
        seen += [item["id"] for item in answer["items"]]
    assert [identifier for identifier in seen if identifier != late].count(made[0]) == 1
    assert sorted(set(seen) - {late}) == sorted(made)
    assert len(seen) == len(set(seen))
    if order is None:
        assert seen[-1] == late


def test_next_page_by_token_alone(client: Client, sources: list[str]) -> None:
    href = client.get(SOURCES, limit=3)["_links"]["next"]["href"]
    assert href.startswith("/sourceConnections?")
    token = parse_qs(urlsplit(href).query)["continuationToken"][0]
    answer = client.get(SOURCES, continuationToken=token)
    assert [item["id"] for item in answer["items"]] == sources[3:]
    assert answer["_links"] == {}


def test_values_with_commas_and_quotes(client: Client) -> None:
    for name in ("a,b", '"a', "b"):
        client.source(name=name)
    for wanted, found in (
        ('"a,b"', ["a,b"]),
        ('"a,b', ['"a', "b"]),
        ("'a,b',b", ["a,b", "b"]),
        ("b,", ["b"]),
        ("", []),
    ):
        items = client.get(f"{FLOW}/sourceConnections", property=f"name=={wanted}")["items"]
        assert [item["name"] for item in items] == found, wanted
