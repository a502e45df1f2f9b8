"""The control interface and the page accept requests from this machine, and none from pages of other web sites."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest
import requests

from tests.emulator.client import CREDENTIALS, FLOW, Client

OWN = ("/", "/__emulator__", "/__emulator__/state", "/__emulator__/nothing", "/__emulator__/requests/")
LOOPBACK = ("127.0.0.1", "127.0.0.1:8900", "127.255.3.9:1", "localhost", "LocalHost:65535", "[::1]", "[::1]:8900")
FOREIGN = (
    *(
        "evil.example",
        "evil.example:8900",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.localhost.example",
    ),
    *(
        "10.0.0.1",
        "128.0.0.1",
        "1270.0.0.1",
        "127.0.0.1@evil.example",
        "evil.example/127.0.0.1",
        "[::2]",
        "::1",
        "[::1",
    ),
    *("127.0.0.1, evil.example", "127.0.0.1:", "localhost:80x", "x localhost", "\xb2localhost", "localhost\xa0"),
)


def ask(client: Client, path: str, headers: dict[str, str], method: str = "GET") -> requests.Response:
    return requests.request(method, client.url + path, headers=headers, timeout=10)


def check_refused(answer: requests.Response, named: str) -> None:
    assert answer.status_code == 403, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"error"}
    assert named in answer.json()["error"]


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_hosts_are_answered(client: Client, host: str) -> None:
    for path in OWN:
        assert ask(client, path, {"Host": host}).status_code == (404 if "nothing" in path else 200)
    own = {"Host": host, "Origin": f"http://{host}"}
    assert ask(client, "/__emulator__/reset", own, "POST").status_code == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_other_hosts_are_refused(client: Client, host: str) -> None:
    for path in OWN:
        check_refused(ask(client, path, {"Host": host}), "loopback")


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "", "http://127.0.0.1:1", "http://localhost", "https://{host}", "http://{host}.x"],
)
def test_pages_of_other_origins_are_refused(client: Client, origin: str) -> None:
    client.flow(client.prepared())
    given = origin.format(host=urlsplit(client.url).netloc)
    for path, method in (("/", "GET"), ("/__emulator__/reset", "POST"), ("/__emulator__/faults", "DELETE")):
        check_refused(ask(client, path, {"Origin": given}, method), given)
    assert len(client.get(f"{FLOW}/flows")["items"]) == 1


@pytest.mark.parametrize(
    ("version", "headers"),
    [
        ("1.0", ()),
        ("1.1", ("Host: 127.0.0.1", "Origin: http://127.0.0.1", "Origin: http://evil.example")),
    ],
)
def test_requests_without_a_host_or_with_two_origins_are_refused(
    client: Client, version: str, headers: tuple[str, ...]
) -> None:
    lines = (f"GET /__emulator__/state HTTP/{version}", *headers, "Connection: close", "", "")
    url = urlsplit(client.url)
    with socket.create_connection((url.hostname, url.port or 0), timeout=5) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 ")
    assert "error" in json.loads(body)


def test_a_request_refused_by_the_control_interface_is_not_logged(client: Client) -> None:
    before = client.control("GET", "requests")
    ask(client, "/__emulator__/state", {"Host": "evil.example"})
    assert client.control("GET", "requests") == before


@pytest.mark.parametrize("headers", [{"Host": "platform.adobe.io"}, {"Origin": "https://experience.adobe.com"}])
def test_the_services_answer_any_origin(client: Client, headers: dict[str, str]) -> None:
    answer = requests.post(f"{client.url}/ims/token/v3", data=CREDENTIALS, headers=headers, timeout=10)
    assert answer.status_code == 200
    assert client.ask("GET", f"{FLOW}/flows", headers=headers).status_code == 200
