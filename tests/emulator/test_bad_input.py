"""Odd and hostile bodies, queries, ids and request lines."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from airflow_provider_payments.emulator.catalog.state import Catalog
from airflow_provider_payments.emulator.data_prep.mapping_sets import MappingSets
from airflow_provider_payments.emulator.flow_service.state import FlowService
from airflow_provider_payments.emulator.ims.tokens import Tokens
from airflow_provider_payments.emulator.schema_registry.registry import Registry
from tests.emulator.client import (
    CATALOG,
    CREDENTIALS,
    DATA_PREP,
    FLOW,
    PAYPAL,
    PROFILE,
    REGISTRY,
    Client,
    field_group,
    mapping_body,
    sent,
    source_body,
    target_body,
)

JSON = {"Content-Type": "application/json"}
ODDITIES: list[Any] = [
    None,
    True,
    0,
    -1,
    10**40,
    1e308,
    "",
    "x",
    "\x00",
    "\ud800",
    "🙂" * 50,
    "a" * 5000,
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"a": {"b": {}}},
    {"$ref": 5},
    {"properties": []},
]


def writes(client: Client) -> list[tuple[str, str, Any]]:
    """Requests that the services accept, one for each kind of write."""
    body = client.prepared()
    flow = client.flow(body)
    schema = client.item("targetConnections", body["targetConnectionIds"][0])["data"]["schema"]["id"]
    auth = {"specName": "OAuth2 Refresh Code", "params": {"accessToken": "x"}}
    patch = [{"op": "replace", "path": "/name", "value": "n"}]
    mapping = mapping_body(schema)
    schema_ref = {"id": schema, "contentType": "application/vnd.adobe.xed+json;version=1"}
    dataset = {"name": "d", "description": "d", "schemaRef": schema_ref, "tags": {"a": ["b"]}}
    schema_body = {"title": "t", "type": "object", "description": "d", "allOf": [{"$ref": PROFILE}]}
    spec = {"id": "cc2c31d6-7b8c-4581-b49f-5c8698aa3ab3"}
    return [
        ("POST", f"{FLOW}/connections", {"name": "c", "auth": auth, "connectionSpec": spec}),
        ("POST", f"{FLOW}/sourceConnections", source_body()),
        ("POST", f"{FLOW}/targetConnections", target_body(schema, body["_dataset"])),
        ("POST", f"{FLOW}/flows", sent(body)),
        ("PATCH", f"{FLOW}/flows/{flow['id']}", patch),
        ("PATCH", f"{FLOW}/connections/{PAYPAL}", patch),
        ("POST", f"{REGISTRY}/tenant/fieldgroups", field_group("g", {"a": {"type": "integer"}})),
        ("POST", f"{REGISTRY}/tenant/schemas", schema_body),
        ("PUT", f"{REGISTRY}/tenant/schemas/{schema.replace('/', '%2F')}", schema_body),
        ("PATCH", f"{REGISTRY}/tenant/schemas/{schema.replace('/', '%2F')}", patch),
        ("POST", f"{CATALOG}/dataSets", dataset),
        ("PATCH", f"{CATALOG}/dataSets/{body['_dataset']}", dataset),
        ("PUT", f"{CATALOG}/dataSets/{body['_dataset']}", dataset),
        ("POST", f"{DATA_PREP}/mappingSets", mapping),
        ("POST", f"{DATA_PREP}/mappingSets/validate", mapping),
        ("POST", f"{DATA_PREP}/mappingSets/preview", {"data": [{"Product_Id": 1}], "mappingSet": mapping}),
        ("POST", "/__emulator__/clock", {"advance": 1}),
    ]


def mutated_bodies(body: Any) -> Iterator[Any]:
    """Yield copies of a body, in each of which one node is replaced by an odd value."""
    text = json.dumps(body)
    for place in range(_nodes(body)):
        for oddity in ODDITIES:
            copy = json.loads(text)
            yield _replaced(copy, [place], oddity)


def _nodes(node: Any) -> int:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return 1 + sum(_nodes(child) for child in children)


def _replaced(node: Any, countdown: list[int], oddity: Any) -> Any:
    if countdown[0] == 0:
        countdown[0] = -1
        return oddity
    countdown[0] -= 1
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        if countdown[0] >= 0:
            node[key] = _replaced(node[key], countdown, oddity)
    return node


def etag_of(client: Client, path: str) -> dict[str, str]:
    if path.startswith(f"{REGISTRY}/tenant/schemas/"):
        return {"If-Match": "*"}
    if not path.startswith((f"{FLOW}/flows/", f"{FLOW}/connections/")):
        return {}
    return {"If-Match": client.get(path)["items"][0]["etag"]}


def check_no_failure(answer: Any) -> None:
    assert answer.status_code < 500, answer.request.body
    assert "Traceback" not in answer.text
    if answer.content:
        answer.json()


def test_any_node_of_any_body_may_have_any_value(client: Client) -> None:
    chance = random.Random(7)
    for method, path, body in writes(client):
        for mutation in mutated_bodies(body):
            if chance.random() < 0.5:
                data = json.dumps(mutation).encode()
                check_no_failure(client.ask(method, path, data=data, headers={**JSON, **etag_of(client, path)}))
    # The objects that were accepted can be shown, listed and run.
    client.advance(7200)
    client.control("GET", "state")
    client.control("GET", "requests")
    for kind in ("connections", "sourceConnections", "targetConnections", "flows", "runs"):
        for order in ("", "name", "-params.x", "state"):
            check_no_failure(client.ask("GET", f"{FLOW}/{kind}", params={"orderby": order, "property": "name!=x"}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"{",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"NaN",
        b'{"a": Infinity}',
        b"9" * 5000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 500 + b"]" * 500,
        b'{"properties":' * 90 + b"{}" + b"}" * 90,
        b'{"a": "' + b"x" * 2_000_000 + b'"}',
        b"[" + b"[]," * 20_000 + b"[]]",
    ],
    ids=lambda data: f"{data[:12]!r}x{len(data)}",
)
def test_unreadable_bodies_are_answered(client: Client, data: bytes) -> None:
    for method, path, _ in writes(client):
        check_no_failure(client.ask(method, path, data=data, headers={**JSON, **etag_of(client, path)}))


def test_bodies_beyond_the_limits_are_refused(client: Client) -> None:
    names = json.dumps({"name": "x" * 10_000_000}).encode()
    client.refused("POST", f"{FLOW}/flows", 400, data=names, headers=JSON)
    client.refused("POST", f"{FLOW}/flows", 413, data=names + names, headers=JSON)
    deep = b'{"a":' * 99 + b"1" + b"}" * 99
    client.flow_problem("POST", f"{FLOW}/flows", "1304-400", data=deep, headers=JSON)
    client.flow_problem("POST", f"{FLOW}/flows", "1000-400", data=b"[" * 101 + b"]" * 101, headers=JSON)
    many = b"[" + b"{}," * 100_000 + b"{}]"
    detail = client.flow_problem("POST", f"{FLOW}/flows", "1000-400", data=many, headers=JSON)
    assert "more than 100000 objects and lists" in detail


@pytest.mark.parametrize(
    "query",
    [
        "property=%ff%fe",
        "property=%",
        "property=name==%00",
        "property=a.b.c..[]==1",
        "property=name[[[==1",
        "property=" + "a." * 3000 + "a==1",
        "property=" + "name==" + "a," * 5000,
        "orderby=%ff",
        "continuationToken=" + "A" * 9000,
        "continuationToken=eyJuIjoxLCJrIjpbMSwiYSIsIiJdfQ",
        "limit=" + "9" * 5000,
        "start=" + "9" * 5000 + "&limit=1",
        "name=" + "*" * 5000,
        "tags=:::",
        "properties=,,,",
        "&&&==;",
    ],
)
def test_hostile_queries_are_answered(client: Client, query: str) -> None:
    schema = client.schema()
    client.dataset(schema, "a" * 200)
    client.mapping(schema)
    client.source()
    for path in (
        f"{FLOW}/sourceConnections",
        f"{FLOW}/flowSpecs",
        f"{CATALOG}/dataSets",
        f"{DATA_PREP}/mappingSets",
        f"{REGISTRY}/tenant/schemas",
        f"{FLOW}/connections/{PAYPAL}/explore",
    ):
        answer = client.ask("GET", f"{path}?{query}", headers={"Accept": "application/vnd.adobe.xed+json"})
        check_no_failure(answer)


@pytest.mark.parametrize("identifier", ["..", "%2e%2e", "%00", "%ff", "a%2Fb", "🙂", "'" * 300, "%", "{id}", "null"])
def test_hostile_ids_are_answered(client: Client, identifier: str) -> None:
    for base in (f"{FLOW}/flows", f"{CATALOG}/dataSets", f"{DATA_PREP}/mappingSets", f"{REGISTRY}/tenant/schemas"):
        headers = {"Accept": "application/vnd.adobe.xed+json;version=1"}
        answer = client.ask("GET", f"{base}/{identifier}", headers=headers)
        assert answer.status_code in (200, 400, 404), answer.text
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /data/foundation/flowservice/flows/\xff\xfe HTTP/1.1",
        b"GET /\xf0\x9f\x98\x80 HTTP/1.1",
        b"NONSENSE / HTTP/1.1",
        b"GET http://elsewhere/nothing HTTP/1.1",
        b"nothing at all",
    ],
)
def test_hostile_request_lines_are_refused(client: Client, request_line: bytes) -> None:
    url = urlsplit(client.url)
    with socket.create_connection((url.hostname, url.port or 0), timeout=5) as connection:
        connection.sendall(request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = connection.recv(1000)
    assert answer.startswith(b"HTTP/1.1 4"), answer
    assert client.ask("GET", "/__emulator__/state").status_code == 200


@pytest.mark.parametrize("value", [b"1e999", b"-1e999", b"NaN", b"Infinity", b'"\\ud800"', b'"\\uDFFF x"'])
def test_infinite_numbers_and_lone_surrogates_are_refused(client: Client, value: bytes) -> None:
    for path in (
        f"{FLOW}/connections",
        f"{REGISTRY}/tenant/schemas",
        f"{CATALOG}/dataSets",
        f"{DATA_PREP}/mappingSets",
    ):
        body = b'{"title": [' + value + b"]}"
        answer = client.ask("POST", path, data=body, headers=JSON)
        assert answer.status_code == 400
        assert "not valid JSON" in answer.text
    assert {entry["body"] for entry in client.control("GET", "requests", params={"status": "400"})["requests"]} == {
        None
    }


def test_surrogate_pairs_are_stored_as_characters(client: Client) -> None:
    body = b'{"name": "\\ud83d\\ude42", "auth": {"specName": "OAuth2 Refresh Code", "params": {"accessToken": "x"}}, '
    body += b'"connectionSpec": {"id": "cc2c31d6-7b8c-4581-b49f-5c8698aa3ab3"}}'
    created = client.ask("POST", f"{FLOW}/connections", data=body, headers=JSON).json()
    assert client.item("connections", created["id"])["name"] == "🙂"


def test_a_patch_cannot_exceed_the_depth_of_nesting(client: Client) -> None:
    identifier = client.source()
    path, where = f"{FLOW}/sourceConnections/{identifier}", "/params/deep"
    nested: Any = {}
    for _ in range(90):
        nested = {"a": nested}

    def patch(place: str) -> dict[str, Any]:
        etag = client.item("sourceConnections", identifier)["etag"]
        return {"json": [{"op": "add", "path": place, "value": nested}], "headers": {"If-Match": etag}}

    assert client.ask("PATCH", path, **patch(where)).status_code == 200
    detail = client.flow_problem("PATCH", path, "1455-400", **patch(where + "/a" * 90 + "/b"))
    assert "deeper than 100 levels" in detail


@pytest.mark.parametrize(
    ("owner", "name", "path", "expected"),
    [
        (
            FlowService,
            "get",
            f"{FLOW}/flows/x",
            {"type": "https://ns.adobe.com/aep/errors/FLOW-1102-500", "status": 500},
        ),
        (Registry, "get", f"{REGISTRY}/tenant/schemas/x", {"title": "InternalServerError", "status": 500}),
        (Catalog, "get", f"{CATALOG}/dataSets/x", {"title": "InternalServerError", "status": 500}),
        (
            MappingSets,
            "parse",
            f"{DATA_PREP}/mappingSets",
            {"type": "https://ns.adobe.com/aep/errors/MAPPER-1000-500", "status": 500},
        ),
        (Tokens, "issue", "/ims/token/v3", {"error": "server_error"}),
        (
            FlowService,
            "stores",
            "/__emulator__/state",
            {"error": "The emulator failed; its process has written the cause to stderr."},
        ),
    ],
)
def test_a_bug_of_the_emulator_is_answered_in_the_services_form(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    owner: type,
    name: str,
    path: str,
    expected: dict[str, Any],
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise LookupError("a bug of the emulator")

    headers = {"Accept": "application/vnd.adobe.xed+json;version=1"}
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, property(broken) if name == "stores" else broken)
        method = "POST" if name in ("parse", "issue") else "GET"
        body = {"data": CREDENTIALS} if name == "issue" else {"json": {}}
        answer = client.ask(method, path, headers=headers, **body)
    assert answer.status_code == 500
    assert expected.items() <= answer.json().items()
    assert "a bug of the emulator" not in answer.text
    assert "LookupError: a bug of the emulator" in capsys.readouterr().err
    logged = client.control("GET", "requests", params={"status": 500})["requests"]
    if not path.startswith("/__emulator__"):
        assert [entry["request_id"] for entry in logged] == [answer.headers["x-request-id"]]
