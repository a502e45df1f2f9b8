"""Tokens of the identity service, and the gateway's checks of requests to the platform."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.emulator.client import CATALOG, CREDENTIALS, DATA_PREP, FLOW, REGISTRY, XED, Client

PLACES = [
    f"{FLOW}/flows",
    f"{REGISTRY}/stats",
    f"{CATALOG}/dataSets",
    f"{DATA_PREP}/mappingSets?limit=1&start=0",
]


def test_both_versions_issue_tokens_for_a_body_or_a_query(client: Client) -> None:
    for version in ("v2", "v3"):
        for place in ("data", "params"):
            answer = requests.post(f"{client.url}/ims/token/{version}", **{place: CREDENTIALS}, timeout=5)
            assert answer.status_code == 200
            assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
            assert answer.json()["token_type"] == "bearer"
            assert answer.json()["expires_in"] == 86399
            assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "invalid_request"),
        ({"client_id": None}, 400, "invalid_client"),
        ({"client_secret": None}, 400, "invalid_request"),
        ({"client_id": "somebody"}, 400, "invalid_client"),
        ({"client_secret": "guess"}, 401, "invalid_client"),
        ({"client_secret": "ünïcode"}, 401, "invalid_client"),
        ({"scope": None}, 400, "invalid_scope"),
        ({"scope": " , "}, 400, "invalid_scope"),
        ({"scope": "nonsense"}, 400, "invalid_scope"),
        ({"scope": "openid,adobeid"}, 400, "invalid_scope"),
        ({"scope": "openid;AdobeID"}, 400, "invalid_scope"),
        ({"scope": "openid acp."}, 400, "invalid_scope"),
        ({"scope": "acp.foundation.*"}, 400, "invalid_scope"),
        ({"scope": "opénid"}, 400, "invalid_scope"),
    ],
)
def test_invalid_requests_for_tokens_are_refused(
    client: Client, changes: dict[str, str], status: int, error: str
) -> None:
    answer = requests.post(f"{client.url}/ims/token/v3", data={**CREDENTIALS, **changes}, timeout=5)
    assert answer.status_code == status
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == error
    for changed in changes:
        assert changed in answer.json()["error_description"]


@pytest.mark.parametrize(
    "scope",
    [
        "openid,AdobeID,read_organizations,additional_info.projectedProductContext,session",
        "openid AdobeID",
        " openid , AdobeID ,,\topenid\n",
        "openid,AdobeID,acp.foundation.catalog,acp.core.pipeline,adobeio.appregistry.read,additional_info.job_function",
        "cjm.suppression_service.client.delete",
    ],
)
def test_scopes_are_separated_by_commas_or_blanks_and_may_repeat(client: Client, scope: str) -> None:
    answer = requests.post(f"{client.url}/ims/token/v3", data={**CREDENTIALS, "scope": scope}, timeout=5)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "bearer")


@pytest.mark.parametrize("sent", ["files", "data"])
def test_the_jwt_exchange_is_refused(client: Client, sent: str) -> None:
    form = {"client_id": "emulator-client", "client_secret": "emulator-secret", "jwt_token": "a.b.c"}
    given: Any = {sent: {name: (None, value) for name, value in form.items()} if sent == "files" else form}
    for path in ("/ims/exchange/jwt", "/ims/exchange/jwt/"):
        answer = requests.post(client.url + path, timeout=5, **given)
        assert answer.status_code == 400
        assert answer.json()["error"] == "unauthorized_client"
        assert "/ims/token/v3" in answer.json()["error_description"]


@pytest.mark.parametrize("path", ["/ims/token/v3", "/ims/exchange/jwt"])
def test_the_identity_service_accepts_only_posts(client: Client, path: str) -> None:
    answer = requests.get(client.url + path, timeout=5)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_several_tokens_are_valid_until_they_expire(client: Client) -> None:
    other = Client(client.url)
    assert other.session.headers["Authorization"] != client.session.headers["Authorization"]
    for one in (client, other):
        one.get(f"{FLOW}/flows")
    client.advance(86398)
    client.get(f"{FLOW}/flows")
    client.advance(2)
    assert client.refused("GET", f"{FLOW}/flows", 401) == {
        "error_code": "401013",
        "message": "Oauth token is not valid",
    }


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize(
    ("header", "value", "status", "code", "message"),
    [
        ("Authorization", None, 403, "403010", "Oauth token is missing."),
        ("Authorization", "", 403, "403010", "Oauth token is missing."),
        ("Authorization", "Bearer", 401, "401013", "Oauth token is not valid"),
        ("Authorization", "Bearer nonsense", 401, "401013", "Oauth token is not valid"),
        ("Authorization", "Basic abc", 401, "401013", "Oauth token is not valid"),
        ("x-api-key", None, 403, "403000", "Api Key is required"),
        ("x-api-key", "", 403, "403000", "Api Key is required"),
        ("x-api-key", "another", 403, "403003", "Api Key is invalid"),
        ("x-gw-ims-org-id", None, 400, "400003", "Missing header"),
        ("x-gw-ims-org-id", "OTHER@AdobeOrg", 403, "403025", "Profile is not valid"),
        ("x-gw-ims-org-id", "EMULATOR", 403, "403027", "User region is missing"),
        ("x-gw-ims-org-id", "@AdobeOrg", 403, "403027", "User region is missing"),
    ],
)
def test_the_gateway_refuses_wrong_headers(
    client: Client, path: str, header: str, value: str | None, status: int, code: str, message: str
) -> None:
    body = client.refused("GET", path, status, headers={header: value})
    assert body == {"error_code": code, "message": message}


def test_flow_service_itself_refuses_an_empty_organisation(client: Client) -> None:
    empty = {"x-gw-ims-org-id": ""}
    assert "x-gw-ims-org-id" in client.flow_problem("GET", PLACES[0], "2001-401", headers=empty)
    for path in PLACES[1:]:
        assert client.refused("GET", path, 400, headers=empty)["error_code"] == "400003"


@pytest.mark.parametrize(
    ("code", "name", "identifier", "title"),
    [
        ("2105-400", None, None, "Header is missing"),
        ("2105-400", "", None, "Header is missing"),
        ("2100-404", "nowhere", None, "Sandbox not found"),
        ("2111-403", "*", None, "Headers with value restricted"),
        ("2110-400", "dev", "11111111-1111-4111-8111-111111111111", "Headers not allowed"),
        ("2110-400", None, "11111111-1111-4111-8111-111111111111", "Headers not allowed"),
        ("2112-400", "*", "11111111-1111-4111-8111-111111111111", "Headers with different value not allowed"),
        ("2112-400", "dev", "*", "Headers with different value not allowed"),
        ("2113-400", "*", "*", "Headers with value not allowed"),
    ],
)
def test_flow_service_refuses_wrong_sandbox_headers(
    client: Client, code: str, name: str | None, identifier: str | None, title: str
) -> None:
    headers = {"x-sandbox-name": name, "x-sandbox-id": identifier}
    for method, path in (("GET", PLACES[0]), ("POST", f"{FLOW}/sourceConnections")):
        message = client.flow_problem(method, path, code, headers=headers, json={})
        assert ("nowhere" if name == "nowhere" else "x-sandbox-") in message
    assert client.ask("GET", PLACES[0], headers=headers).json()["title"] == title


def test_a_content_type_other_than_json_is_refused(client: Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {"Content-Type": kind}
        body = client.refused("POST", f"{FLOW}/flows", 400, data=b'{"a": 1}', headers=headers)
        assert body["title"] == "BadRequestError"
        assert body["detail"] == "A valid content-type must be specified"


def test_a_missing_or_unknown_sandbox_is_refused(client: Client) -> None:
    client.flow_problem("GET", PLACES[0], "2105-400", headers={"x-sandbox-name": None})
    client.flow_problem("GET", PLACES[0], "2100-404", headers={"x-sandbox-name": "nowhere"})
    client.flow_problem("GET", PLACES[0], "2100-404", headers={"x-sandbox-name": "DEV"})
    for path in PLACES[1:]:
        client.refused("GET", path, 400, headers={"x-sandbox-name": None})
        client.refused("GET", path, 404, headers={"x-sandbox-name": "nowhere"})


def test_sandboxes_are_isolated(client: Client) -> None:
    schema = client.schema()
    client.dataset(schema)
    other = Client(client.url, "prod")
    assert other.get(f"{CATALOG}/dataSets") == {}
    assert other.ask("GET", f"{REGISTRY}/tenant/schemas", headers={"Accept": XED}).json()["results"] == []


def test_unknown_routes_are_answered_with_html_and_unknown_ids_with_json(client: Client) -> None:
    for path in ("/nothing", "/data/foundation/flowservice/nothing", "/data/foundation", f"{FLOW}/flows/a/b/c"):
        answer = client.ask("GET", path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/html")
    answer = client.ask("PUT", f"{FLOW}/flows")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
    assert "405 Not Allowed" in answer.text
    message = client.flow_problem("GET", f"{FLOW}/flows/11111111-1111-4111-8111-111111111111", "1439-404")
    assert "11111111-1111-4111-8111-111111111111" in message


def test_every_answer_has_its_own_request_id(client: Client) -> None:
    answers = [client.ask("GET", path) for path in (*PLACES, "/nowhere", f"{FLOW}/flows/x")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


def test_head_is_answered_and_unknown_methods_are_refused(client: Client) -> None:
    whole = client.ask("GET", f"{FLOW}/flows")
    head = client.ask("HEAD", f"{FLOW}/flows")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.content))
    for method in ("OPTIONS", "TRACE"):
        answer = client.ask(method, f"{FLOW}/flows")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
    # Of uvicorn's two HTTP parsers, one refuses such a method and the other passes it on.
    assert client.ask("BREW", f"{FLOW}/flows").status_code in (400, 405)


@pytest.mark.parametrize("path", ["%", "%zz", "%ff%fe", "%00", "%2e%2e/%2e%2e", "a%2fb", "%u0041", "?%=%&=%ff&%00=%zz"])
def test_invalid_percent_encoding_does_not_fail_the_emulator(client: Client, path: str) -> None:
    for place in (f"{FLOW}/flows", f"{CATALOG}/dataSets", f"{REGISTRY}/tenant/schemas", f"{DATA_PREP}/mappingSets"):
        request = requests.Request("GET", client.url, headers=dict(client.session.headers)).prepare()
        request.url = f"{client.url}{place}{'' if path.startswith('?') else '/'}{path}"
        assert client.session.send(request, timeout=5).status_code in (200, 400, 404, 406)


@pytest.mark.parametrize("value", [b"\xff\xfe", b"a" * 30_000, b"dev, prod", b"%00", b"..", "☃".encode()])
def test_hostile_headers_are_refused(client: Client, value: bytes) -> None:
    for name in ("Authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name", "x-sandbox-id", "Content-Type"):
        for path in PLACES:
            answer = client.ask("POST", path, headers={name: value}, data=b"{}")
            assert 400 <= answer.status_code < 500
            assert len(answer.content) < 2000


def test_a_trailing_slash_is_ignored(client: Client) -> None:
    assert client.get(f"{FLOW}/flows/") == client.get(f"{FLOW}/flows")
