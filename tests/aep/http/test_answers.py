"""The interpretation of answers: kind of failure, number of attempts and text of the error."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_payments.aep.api import flow_service
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.http.answers import (
    Answer,
    Expected,
    Received,
    a_document,
    an_item,
    an_object,
    anything,
    read,
)
from airflow_provider_payments.aep.http.auth import ClientCredentials
from airflow_provider_payments.aep.http.call import Call
from airflow_provider_payments.aep.http.transport import Transport
from tests.aep.chain import DATA_PREP, FLOW_SERVICE
from tests.aep.http.raw_server import Connection, RawServer, raw_server, sends
from tests.fault_proxy import FaultProxy

FLOWS = f"{FLOW_SERVICE}/flows"
CONNECTIONS = f"{FLOW_SERVICE}/connections"
VALIDATE = f"{DATA_PREP}/mappingSets/validate"
TOKEN = "/ims/token/v3"

AMBIGUOUS, FINAL, THROTTLED = Failure.AMBIGUOUS, Failure.FINAL, Failure.THROTTLED
HTML = b"<!doctype html>\n<HTML><head><Title lang=en>\n Sign  in &amp; go\n</title></head></html>"
SAYS_HTML = 'answered HTML ("Sign in & go") instead of JSON'
NO_JSON = "the answer is not JSON"
REFUSAL = b'{"title": "No", "detail": "Because."}'


@dataclass(frozen=True)
class Case:
    """
    An answer and its interpretation.

    :param status: the status of the answer.
    :param body: the body of the answer.
    :param failure: the expected kind of failure.
    :param text: a part of the error's text.
    :param headers: the headers of the answer.
    :param accepted: the requests for which the answer is no failure.
    """

    status: int
    body: bytes
    failure: Failure
    text: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    accepted: tuple[str, ...] = ()


CASES = {
    # ---- 2xx without the expected shape
    "200 HTML": Case(200, HTML, AMBIGUOUS, SAYS_HTML),
    "200 HTML without a title": Case(200, b"\n <p>hello", AMBIGUOUS, "answered HTML instead of JSON"),
    "200 blank": Case(200, b" \r\n", AMBIGUOUS, "answered blank"),
    "204": Case(204, b"", AMBIGUOUS, "answered blank"),
    "200 null": Case(200, b"null", AMBIGUOUS, "answered nothing instead of an object"),
    "200 list": Case(200, b"[]", AMBIGUOUS, "answered a list instead of an object", accepted=("write",)),
    "200 text": Case(200, b'"fine"', AMBIGUOUS, "answered text instead of an object"),
    "200 number": Case(200, b"1e999", AMBIGUOUS, "answered a number instead of an object"),
    "200 true": Case(200, b"true", AMBIGUOUS, "answered true or false instead of an object"),
    "200 not JSON": Case(200, b"OK", AMBIGUOUS, NO_JSON),
    "200 cut JSON": Case(200, b'{"items": [', AMBIGUOUS, NO_JSON),
    "200 no text": Case(200, b"\xff\xfe\x00", AMBIGUOUS, NO_JSON),
    "200 60,000 levels": Case(200, b"[" * 60_000 + b"]" * 60_000, AMBIGUOUS, NO_JSON),
    # ---- redirects
    "301": Case(301, b"", AMBIGUOUS, "redirects to login.example: not followed", (("Location", "https://login.example/x?y"),)),
    "302 with user and password": Case(
        302, HTML, AMBIGUOUS, "redirects to sso.example:8443: not followed", (("Location", "https://u:hidden@sso.example:8443/"),)
    ),
    "307 to a path": Case(307, REFUSAL, AMBIGUOUS, "redirects to nowhere: not followed", (("Location", "/elsewhere"),)),
    "308 without an address": Case(308, b"", AMBIGUOUS, "redirects to nowhere: not followed"),
    "303 with an unreadable address": Case(303, b"", AMBIGUOUS, "redirects to nowhere: not followed", (("Location", "https://[oh"),)),
    "304": Case(304, b"", AMBIGUOUS, "redirects to nowhere: not followed"),
    # ---- refusals
    "400": Case(400, REFUSAL, FINAL, "No - Because."),
    "403 with a code": Case(403, b'{"error_code": "403025"}', FINAL, "403025"),
    "404 HTML": Case(404, HTML, AMBIGUOUS, SAYS_HTML),
    "403 HTML": Case(403, HTML, AMBIGUOUS, SAYS_HTML),
    "404 blank": Case(404, b"", AMBIGUOUS, "answered blank"),
    "400 not JSON": Case(400, b"Bad request", AMBIGUOUS, NO_JSON),
    "404 {}": Case(404, b"{}", AMBIGUOUS, "answered without an error of a service"),
    "404 []": Case(404, b"[]", AMBIGUOUS, "answered without an error of a service"),
    "404 null": Case(404, b"null", AMBIGUOUS, "answered without an error of a service"),
    "408": Case(408, REFUSAL, AMBIGUOUS, "No - Because."),
    # ---- server errors
    "500": Case(500, REFUSAL, AMBIGUOUS, "No - Because."),
    "502 HTML": Case(502, HTML, AMBIGUOUS, SAYS_HTML),
    "503 blank": Case(503, b"", AMBIGUOUS, "answered blank"),
    "599": Case(599, REFUSAL, AMBIGUOUS, "No - Because."),
    # ---- rate limited
    "429": Case(429, REFUSAL, THROTTLED, "No - Because."),
    "429 HTML": Case(429, HTML, THROTTLED, SAYS_HTML),
    "429 blank": Case(429, b"", THROTTLED, "answered blank"),
    "429 not JSON": Case(429, b"slow down", THROTTLED, NO_JSON),
    "429 broken compression": Case(429, b"no gzip", THROTTLED, "answered blank", (("Content-Encoding", "gzip"),)),
}  # fmt: skip


def read_list(client: Client) -> object:
    return list(flow_service.pages(client, "flows"))


def write(client: Client) -> object:
    return client.request("POST", CONNECTIONS, body={"name": "n"})


def validate(client: Client) -> object:
    return client.request("POST", VALIDATE, body={}, expected=an_object)


def request_token(client: Client) -> object:
    return client.credential.token()


#: Request -> method, path, the function that sends it, and whether it is retried after an unknown outcome.
REQUESTS: dict[str, tuple[str, str, Callable[[Client], object], bool]] = {
    "read": ("GET", FLOWS, read_list, True),
    "write": ("POST", CONNECTIONS, write, False),
    "validate": ("POST", VALIDATE, validate, True),
    "token": ("POST", TOKEN, request_token, True),
}


@pytest.mark.parametrize(("name", "request_to_send"), REQUESTS.items(), ids=REQUESTS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_answer_determines_the_failure_and_the_number_of_attempts(
    case: Case,
    name: str,
    request_to_send: tuple[str, str, Callable[[Client], object], bool],
    make_client: Callable[..., Client],
    proxy: FaultProxy,
) -> None:
    method, path, send, repeatable = request_to_send
    client = make_client(proxy.url)
    if name != "token":
        client.credential.token()
    proxy.fault(method, path, status=case.status, body=case.body, headers=dict(case.headers), times=99)
    if name in case.accepted:
        send(client)
        return
    with pytest.raises(RequestError) as failed:
        send(client)
    error = failed.value
    is_retried = case.failure is THROTTLED or (case.failure is AMBIGUOUS and repeatable)
    assert (error.failure, error.retryable) == (case.failure, case.failure is not FINAL)
    assert proxy.count(method, path) == (5 if is_retried else 1)
    text = "access_token" if name == "token" and "instead of an object" in case.text else case.text
    for part in (str(case.status), text):
        assert part in str(error)
    assert ("outcome unknown" in str(error)) is (case.failure is AMBIGUOUS and not repeatable)
    assert "hidden" not in str(error)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'["@/dataSets/a"]'], ids=repr)
@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_deletion_accepts_any_json_or_an_empty_body(
    status: int, body: bytes, make_client: Callable[..., Client], proxy: FaultProxy
) -> None:
    proxy.fault("DELETE", CONNECTIONS, status=status, body=b"" if status == 204 else body)
    assert make_client(proxy.url).request("DELETE", f"{CONNECTIONS}/a").status == status


def test_a_deletion_answered_by_html_has_an_unknown_outcome(
    make_client: Callable[..., Client], proxy: FaultProxy
) -> None:
    proxy.fault("DELETE", CONNECTIONS, status=200, body=HTML)
    with pytest.raises(RequestError, match=r"outcome unknown.*Sign in") as failed:
        make_client(proxy.url).request("DELETE", f"{CONNECTIONS}/a")
    assert failed.value.failure is AMBIGUOUS


def test_a_read_succeeds_with_the_next_usable_answer(make_client: Callable[..., Client], proxy: FaultProxy) -> None:
    for case in ("200 blank", "200 HTML", "404 HTML", "302 with user and password"):
        unlucky = CASES[case]
        proxy.fault("GET", FLOWS, status=unlucky.status, body=unlucky.body, headers=dict(unlucky.headers))
    assert list(flow_service.pages(make_client(proxy.url), "flows")) == [[]]


def test_a_token_request_is_repeated_after_an_answer_without_a_token(
    credential: Callable[..., ClientCredentials], proxy: FaultProxy
) -> None:
    proxy.fault("POST", TOKEN, status=200, body=b"{}")
    assert credential(ims_url=proxy.url).token()
    assert proxy.count("POST", TOKEN) == 2


# ---- any answer ----------------------------------------------------------------------------------------------------

EXPECTED: list[Expected] = [an_object, a_document, an_item, anything]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["items", "id", "title", "detail", "error_code", "type", "report", "message"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
BODIES = (
    st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()) | st.sampled_from([HTML, b"<", b" "])
)
HEADERS = st.dictionaries(
    st.sampled_from(["date", "retry-after", "location", "x-request-id"]),
    st.text(st.characters(max_codepoint=255), max_size=40),
)


@given(status=st.integers(100, 999), body=BODIES, headers=HEADERS, expected=st.sampled_from(EXPECTED))
@example(status=404, body=b'{"title": "\\ud800\\u0000"}', headers={}, expected=an_object)
def test_any_answer_is_a_value_or_one_printable_error(
    status: int, body: bytes, headers: dict[str, str], expected: Expected
) -> None:
    received = Received("GET", "/x", status, headers, body, changes_nothing=True)
    try:
        outcome: Answer | RequestError = read(received, expected, token_is_replaceable=True)
    except RequestError as error:
        outcome = error
    if isinstance(outcome, RequestError):
        assert outcome.failure is not Failure.NOT_SENT
        assert str(status) in str(outcome)
        assert "\0" not in str(outcome).encode().decode()
    else:
        assert 200 <= outcome.status < 300


@pytest.fixture(scope="module")
def answering() -> Any:
    """A server that answers the last entry of a list and closes the connection, and that list."""
    answers: list[bytes] = []

    def answer(connection: Connection) -> None:
        sends(answers[-1], close=True)(connection)

    with raw_server(answer) as server:
        yield server, answers


STATUS_LINES = st.sampled_from(
    [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 \r\n", b"HTTP/1.1 404 No\r\n", b"HTTP/1.0 999\r\n", b""]
)
LINES = st.lists(
    st.sampled_from(
        [
            b"Content-Length: 5",
            b"Content-Length: -1",
            b"Content-Length: 5, 7",
            b"Content-Length: " + b"9" * 30,
            b"Transfer-Encoding: chunked",
            b"Content-Encoding: gzip",
            b"Content-Encoding: deflate",
            b"Location: http://[",
            b"Location: http://a:b/",
            b"Location: //\xff",
            b"Set-Cookie: \xff=;",
            b"Date: Fri, 31 Dec 9999 23:59:59 -2359",
            b"Date: \xb2",
            b"no header",
            b": nothing",
        ]
    )
    | st.binary(max_size=20),
    max_size=4,
)  # fmt: skip


@given(start=STATUS_LINES | st.binary(max_size=20), lines=LINES, body=BODIES)
@example(start=b"HTTP/1.1 302 \r\n", lines=[b"Location: http://["], body=b"")
@example(start=b"HTTP/1.1 200 OK\r\n", lines=[b"Content-Length: 5, 7"], body=b"{}")
def test_any_bytes_are_an_answer_or_raise_request_error(
    answering: tuple[RawServer, list[bytes]], start: bytes, lines: list[bytes], body: bytes
) -> None:
    server, answers = answering
    answers.append(b"".join([start, *[line + b"\r\n" for line in lines], b"\r\n", body]))
    transport = Transport(connect_timeout=5, read_timeout=5, attempts=1)
    with suppress(RequestError):
        assert isinstance(transport.send(Call("GET", server.url)), Answer)
