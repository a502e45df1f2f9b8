"""Each kind of fault: the answer that a client receives, and the effect on the emulator's state."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.emulator.client import (
    CATALOG,
    CREDENTIALS,
    DATA_PREP,
    FLOW,
    REGISTRY,
    Client,
    source_body,
)
from tests.emulator.http.faults import SOURCES, add, counts, logged, post, stored

# The registry's answer to a credential without the permission for a resource.
LACKING = {"type": "http://ns.adobe.com/aep/errors/XDM-2010-403", "title": "Permission management access denied"}


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        (f"{FLOW}/flows", 401, {"error_code": "401013", "message": "Oauth token is not valid"}),
        (f"{REGISTRY}/tenant/schemas", 429, {"error_code": "429050", "message": "Too many requests"}),
        (f"{FLOW}/flows", 503, {"type": "https://ns.adobe.com/aep/errors/FLOW-1103-503", "status": 503}),
        (f"{FLOW}/flows", 500, {"type": "https://ns.adobe.com/aep/errors/FLOW-1102-500", "status": 500}),
        (f"{CATALOG}/dataSets", 500, {"title": "InternalServerError", "status": 500}),
        (f"{DATA_PREP}/mappingSets", 503, {"title": "Service Unavailable", "status": 503}),
        (f"{FLOW}/flows", 403, {"type": "https://ns.adobe.com/aep/errors/FLOW-2120-403", "title": "Forbidden"}),
        (f"{REGISTRY}/tenant/schemas", 403, LACKING),
        (f"{CATALOG}/dataSets", 403, {"title": "ForbiddenError", "status": 403}),
        ("/data/foundation/export/batches/x/files", 403, {"title": "ForbiddenError", "status": 403}),
        (f"{DATA_PREP}/mappingSets", 403, {"title": "Forbidden", "status": 403}),
        ("/ims/token/v3", 503, {"error": "temporarily_unavailable"}),
        ("/ims/token/v3", 500, {"error": "server_error"}),
    ],
)
def test_a_status_fault_answers_in_the_form_of_the_service(
    client: Client, path: str, status: int, body: dict[str, Any]
) -> None:
    fault = add(client, "status", status=status, headers={"Retry-After": 7}, match={"path": path})
    answer = client.ask("GET" if "/export/" in path else "POST", path, json={})
    assert answer.status_code == status
    assert answer.headers["Retry-After"] == "7"
    assert {key: answer.json()[key] for key in body} == body
    assert counts(client, fault) == (1, 1)


def test_a_status_fault_applies_nothing_and_accepts_any_body(client: Client) -> None:
    add(client, "status", status=418, body={"mine": [1]})
    answer = post(client)
    assert (answer.status_code, answer.json()) == (418, {"mine": [1]})
    assert answer.headers["Content-Type"] == "application/json"
    add(client, "status", status=500, body="out of order", headers={"Content-Type": "text/x-own"})
    answer = post(client)
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (500, "out of order", "text/x-own")
    add(client, "status", status=204, body={"never": "sent"})
    answer = post(client)
    assert (answer.status_code, answer.content) == (204, b"")
    assert stored(client) == []


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("2000-401", "Invalid authorization token"),
        ("2002-401", "Header is missing"),
        ("2106-404", "Get default sandbox error"),
        ("2118-403", "Missing permission"),
        ("2120-403", "Forbidden"),
        ("2121-403", "Forbidden"),
        ("1103-503", "Service Unavailable"),
    ],
)
def test_a_status_fault_can_answer_with_any_code(client: Client, code: str, title: str) -> None:
    add(client, "status", code=f"FLOW-{code}", times=2)
    assert "fault-1" in client.flow_problem("POST", SOURCES, code, json=source_body())
    assert post(client).json()["title"] == title
    assert stored(client) == []


@pytest.mark.parametrize("code", ["XDM-1010-404", "MAPPER-3700-400"])
def test_a_status_fault_can_answer_with_codes_of_other_services(client: Client, code: str) -> None:
    add(client, "status", code=code)
    answer = post(client)
    assert answer.status_code == answer.json()["status"] == int(code[-3:])
    assert answer.json()["type"].endswith(f"/{code}")


def test_a_fault_denies_permission_in_one_service_until_it_is_removed(client: Client) -> None:
    right = {"path": f"{REGISTRY}/*", "method": ["GET", "POST"]}
    fault = add(client, "status", code="XDM-2010-403", times=None, match=right)
    for method, path in (("GET", f"{REGISTRY}/stats"), ("POST", f"{REGISTRY}/tenant/schemas")):
        answer = client.refused(method, path, 403, json={})
        assert {name: answer[name] for name in LACKING} == LACKING
        assert answer["detail"] == answer["report"]["detailed-message"]
    assert client.get(f"{CATALOG}/dataSets") == {}
    client.control("DELETE", f"faults/{fault}")
    assert client.get(f"{REGISTRY}/stats")["counts"]["schemas"] == 0


def test_a_code_of_six_digits_is_answered_by_the_gateway(client: Client) -> None:
    add(client, "status", code="403025")
    body = client.refused("POST", SOURCES, 403, json=source_body())
    assert body["error_code"] == "403025"
    assert "fault-1" in body["message"]


def test_a_delayed_request_is_applied_later_and_others_at_once(client: Client) -> None:
    fault = add(client, "delay", seconds=0.3)
    answers: list[int] = []
    began = time.monotonic()
    slow = threading.Thread(target=lambda: answers.append(post(Client(client.url)).status_code))
    slow.start()
    while counts(client, fault) != (1, 1):
        assert time.monotonic() - began < 5
    assert stored(client) == []
    (entry,) = logged(client, method="POST", path=SOURCES)
    assert (entry["status"], entry["fault"]) == (None, {"id": fault, "action": "delay"})
    assert answers == []
    slow.join()
    assert time.monotonic() - began >= 0.3
    assert answers == [201]
    assert len(stored(client)) == 1
    assert logged(client, method="POST", path=SOURCES)[0]["status"] == 201


def delayed(client: Client, end: Callable[[], Any]) -> list[Exception]:
    """Delay a request, then reset or stop the emulator; return the errors that the client receives.

    :param end: resets or stops the emulator.
    """
    fault = add(client, "delay", seconds=60)
    failures: list[Exception] = []

    def ask() -> None:
        try:
            post(Client(client.url))
        except requests.ConnectionError as error:
            failures.append(error)

    slow = threading.Thread(target=ask)
    slow.start()
    while counts(client, fault) != (1, 1):
        pass
    end()
    slow.join(5)
    return failures


def test_a_reset_ends_delayed_requests_without_effect(client: Client) -> None:
    (failure,) = delayed(client, lambda: client.control("POST", "reset"))
    assert "closed connection without response" in str(failure)
    assert stored(client) == []


def test_stopping_does_not_wait_for_delayed_requests(capfd: pytest.CaptureFixture[str]) -> None:
    with EmulatorServer(time="manual") as server:
        began = time.monotonic()
        assert len(delayed(Client(server.url), server.stop)) == 1
        assert time.monotonic() - began < 4
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("action", "applied"), [("drop_before", 0), ("apply_then_drop", 1)])
def test_drops_close_the_connection_without_a_byte(client: Client, action: str, applied: int) -> None:
    fault = add(client, action, times=2)
    with pytest.raises(requests.ConnectionError, match="Remote end closed connection without response"):
        post(client)
    assert exchange_bytes(client) == b""
    assert len(stored(client)) == 2 * applied
    assert post(client).status_code == 201
    assert len(stored(client)) == 2 * applied + 1
    assert counts(client, fault) == (3, 2)
    statuses = [(entry["status"], bool(entry["fault"])) for entry in logged(client, method="POST", path=SOURCES)]
    assert statuses == [(None, True), (None, True), (201, False)]


@pytest.mark.parametrize("applied", [False, True])
def test_the_reset_fault_resets_the_tcp_connection(client: Client, applied: bool) -> None:
    add(client, "reset", apply=applied, times=2)
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        post(client)
    with pytest.raises(ConnectionResetError):
        exchange_bytes(client)
    assert len(stored(client)) == 2 * applied


def exchange_bytes(client: Client, missing: int = 0) -> bytes:
    """Send a request over a new connection; return all bytes received until the server closes the connection.

    :param missing: the number of bytes of the body that are announced but not sent.
    """
    url, body = urlsplit(client.url), json.dumps(source_body()).encode()
    lines = [f"POST {SOURCES} HTTP/1.1", f"Host: {url.netloc}", "Content-Type: application/json"]
    lines += [f"{name}: {value!s}" for name, value in client.session.headers.items() if name.startswith("x-")]
    lines += [
        f"Authorization: {client.session.headers['Authorization']!s}",
        f"Content-Length: {len(body) + missing}",
        "",
        "",
    ]
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=5) as connection:
        connection.sendall("\r\n".join(lines).encode() + body)
        if missing:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_an_incomplete_request_has_no_effect_and_is_not_logged(client: Client) -> None:
    assert exchange_bytes(client, missing=1) == b""
    assert stored(client) == []
    assert logged(client, method="POST", path=SOURCES) == []


def test_apply_then_status_applies_the_request_and_answers_the_status(client: Client) -> None:
    add(client, "apply_then_status", status=503, headers={"Retry-After": "1"})
    answer = post(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["type"].endswith("FLOW-1103-503")
    assert len(stored(client)) == 1


def test_a_truncated_answer_announces_more_than_it_sends(client: Client) -> None:
    add(client, "truncate", times=2)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        post(client)
    head, _, body = exchange_bytes(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 201")
    whole = int(head.lower().partition(b"content-length: ")[2].split()[0])
    assert len(body) == whole // 2 > 0
    assert len(stored(client)) == 2


def test_bad_json_has_the_right_status(client: Client) -> None:
    add(client, "bad_json")
    answer = post(client)
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert stored(client)[0] in answer.text
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_the_html_fault_answers_with_a_proxys_page(client: Client) -> None:
    add(client, "html")
    add(client, "html", status=503, headers={"Retry-After": "3"})
    for status, title in ((502, "502 Bad Gateway"), (503, "503 Service Unavailable")):
        answer = post(client)
        assert answer.status_code == status
        assert answer.headers["Content-Type"].startswith("text/html")
        assert f"<title>{title}</title>" in answer.text
    assert answer.headers["Retry-After"] == "3"
    assert stored(client) == []


def test_expire_token_revokes_all_tokens(client: Client) -> None:
    other = Client(client.url)
    add(client, "expire_token")
    dead = {"error_code": "401013", "message": "Oauth token is not valid"}
    assert client.refused("POST", SOURCES, 401, json=source_body()) == dead
    for one in (client, other):
        assert one.refused("GET", SOURCES, 401) == dead
    client.sign_in()
    assert client.get(SOURCES)["items"] == []


def test_faults_apply_to_the_identity_service(client: Client) -> None:
    add(client, "apply_then_drop", match={"path": "/ims/*"})
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{client.url}/ims/token/v3", data=CREDENTIALS, timeout=5)
    assert requests.post(f"{client.url}/ims/token/v3", data=CREDENTIALS, timeout=5).status_code == 200


def test_parallel_creations_among_faults_corrupt_nothing(client: Client) -> None:
    faults = [
        {"match": {"method": "POST"}, "action": "delay", "seconds": 0.02, "probability": 0.3, "times": None},
        {"match": {"method": "POST"}, "action": "drop_before", "times": 17, "probability": 0.5},
        {"match": {"method": "POST"}, "action": "apply_then_drop", "times": 13, "probability": 0.5},
    ]
    client.control("POST", "faults", json={"seed": 3, "faults": faults})
    created: list[str] = []
    lost: list[str] = []

    def work(number: int) -> None:
        name = f"source {number}"
        try:
            answer = requests.post(
                client.url + SOURCES, json=source_body(name=name), headers=dict(client.session.headers), timeout=10
            )
            created.append(answer.json()["id"])
        except requests.ConnectionError:
            lost.append(name)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    delayed, dropped, applied = (fault["fired"] for fault in client.control("GET", "faults")["faults"])
    assert delayed > 20
    assert (dropped, applied) == (17, 13)
    assert len(lost) == 30
    assert len(created) == len(set(created)) == 170
    assert len(stored(client)) == len(set(stored(client))) == 183
    assert set(created) <= set(stored(client))
    listed = client.get(SOURCES, limit=1000)["items"]
    assert sorted(item["id"] for item in listed) == sorted(stored(client))
    assert len({item["name"] for item in listed}) == 183
    assert len(logged(client, method="POST", path=SOURCES)) == 200
    assert len(logged(client, path=SOURCES, status="none")) == 30
