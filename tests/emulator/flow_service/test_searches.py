"""Searches: queries of Flow Service in the body of a POST request."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.emulator.client import FLOW, PAYPAL_SPEC, REST_FLOW_SPEC, Client, sent


@pytest.fixture
def flows(client: Client) -> list[str]:
    body = sent(client.prepared())
    created = [client.flow({**body, "name": name, "description": "d & d"})["id"] for name in ("b", "a", "c")]
    client.ask("POST", f"{FLOW}/flows/{created[1]}/action", params={"op": "disable"})
    return created


def search(client: Client, kind: str, token: str = "", **body: Any) -> Any:
    path = f"{FLOW}/{kind}/search" + (f"?continuationToken={token}" if token else "")
    return client.make(path, body)


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (None, ["b", "a", "c"]),
        ("", ["b", "a", "c"]),
        ("state==enabled", ["b", "c"]),
        ("state==enabled&name==a,b", ["b"]),
        ("property=state==enabled&property=name==c", ["c"]),
        ("property=name%3D%3D%22a%22", ["a"]),
        ('description=="d %26 d"', ["b", "a", "c"]),
        ("inheritedAttributes.sourceConnections[].connectionSpec.id==" + PAYPAL_SPEC, ["b", "a", "c"]),
    ],
)
def test_a_search_filters_dataflows_by_a_query_string(
    client: Client, flows: list[str], query: str | None, found: list[str]
) -> None:
    body: dict[str, Any] = {} if query is None else {"queryString": query}
    assert names(search(client, "flows", **body)) == found
    assert search(client, "flows", **body, count=True) == {"count": len(found)}


def test_a_search_is_sorted_and_paged(client: Client, flows: list[str]) -> None:
    body: dict[str, Any] = {"queryString": "name!=x", "orderby": "-name", "limit": 2}
    answer = search(client, "flows", **body)
    assert names(answer) == ["c", "b"]
    href = urlsplit(answer["_links"]["next"]["href"])
    assert href.path == "/flows/search"
    token = parse_qs(href.query)["continuationToken"][0]
    repeats: list[dict[str, Any]] = [body, {}]
    for repeated in repeats:
        rest = search(client, "flows", token, **repeated)
        assert names(rest) == ["a"]
        assert rest["_links"] == {}


def test_a_search_shows_only_the_projected_fields(client: Client, flows: list[str]) -> None:
    items = search(client, "flows", projectionFields="name, state,none", limit=1)["items"]
    assert items == [{"id": flows[0], "name": "b", "state": "enabled"}]


def test_connections_and_flow_specs_can_be_searched(client: Client) -> None:
    assert names(search(client, "connections", queryString=f"connectionSpec.id=={PAYPAL_SPEC}")) == [
        "PayPal connection"
    ]
    (spec,) = search(client, "flowSpecs", queryString="name==RestStorageToAEP")["items"]
    assert spec["id"] == REST_FLOW_SPEC
    assert search(client, "flowSpecs", count=True) == {"count": 3}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"limit": 1001}, "1453-400"),
        ({"limit": 0}, "1453-400"),
        ({"limit": "5"}, "1453-400"),
        ({"limit": True}, "1453-400"),
        ({"limit": 5, "count": True}, "1401-400"),
        ({"count": "true"}, "1000-400"),
        ({"queryString": 5}, "1000-400"),
        ({"queryString": "name"}, "1453-400"),
        ({"queryString": "shoe==1"}, "1449-400"),
        ({"orderby": "shoe"}, "1433-400"),
        ({"groupByProperty": "name"}, "1441-400"),
        ([], "1000-400"),
        (None, "1405-400"),
    ],
)
def test_invalid_searches_are_refused(client: Client, body: Any, code: str) -> None:
    client.flow_problem("POST", f"{FLOW}/flows/search", code, json=body)
    assert len(search(client, "flows", limit=1000)["items"]) == 0


def test_a_token_of_another_list_is_refused(client: Client, flows: list[str]) -> None:
    href = search(client, "flows", limit=1)["_links"]["next"]["href"]
    params = parse_qs(urlsplit(href).query)
    client.flow_problem("POST", f"{FLOW}/connections/search", "1453-400", params=params, json={})
    client.flow_problem("POST", f"{FLOW}/flows/search", "1453-400", params=params, json={"queryString": "name==b"})
