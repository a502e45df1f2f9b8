from __future__ import annotations

import pytest
import requests

from tests.emulator.client import CATALOG, CREDENTIALS, DATA_PREP, FLOW, REGISTRY, XED, Client

PLACES = [
    f"{FLOW}/flows",
    f"{REGISTRY}/stats",
    f"{CATALOG}/dataSets",
    f"{DATA_PREP}/mappingSets?limit=1&start=0",
]


def test_token_from_body_or_query_on_both_versions(client: Client) -> None:
    for version in ("v2", "v3"):
        for place in ("data", "params"):
            answer = requests.post(f"{client.url}/ims/token/{version}", **{place: CREDENTIALS}, timeout=5)
            assert answer.status_code == 200
            assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
            assert answer.json()["token_type"] == "bearer"
            assert answer.json()["expires_in"] == 86399


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "invalid_request"),
        ({"client_id": "somebody"}, 400, "invalid_client"),
        ({"client_secret": "guess"}, 401, "invalid_client"),
        ({"client_secret": "ünïcode"}, 401, "invalid_client"),
        ({"scope": None}, 400, "invalid_scope"),
        ({"scope": " , "}, 400, "invalid_scope"),
    ],
)
def test_token_refusals(client: Client, changes: dict[str, str], status: int, error: str) -> None:
    answer = requests.post(f"{client.url}/ims/token/v3", data={**CREDENTIALS, **changes}, timeout=5)
    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


def test_several_tokens_live_and_expire_on_the_clock(client: Client) -> None:
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
    ("header", "value", "status", "code"),
    [
        ("Authorization", None, 403, "403010"),
        ("Authorization", "Bearer nonsense", 401, "401013"),
        ("Authorization", "Basic abc", 401, "401013"),
        ("x-api-key", None, 403, "403000"),
        ("x-api-key", "another", 403, "403003"),
        ("x-gw-ims-org-id", None, 400, "400003"),
        ("x-gw-ims-org-id", "OTHER@AdobeOrg", 403, "403025"),
    ],
)
def test_gateway_refusals(client: Client, path: str, header: str, value: str | None, status: int, code: str) -> None:
    body = client.refused("GET", path, status, headers={header: value})
    assert body.keys() == {"error_code", "message"}
    assert body["error_code"] == code


def test_content_type(client: Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {"Content-Type": kind}
        body = client.refused("POST", f"{FLOW}/flows", 400, data=b'{"a": 1}', headers=headers)
        assert body["title"] == "BadRequestError"
        assert body["detail"] == "A valid content-type must be specified"


def test_sandbox_missing_or_unknown(client: Client) -> None:
    client.flow_problem("GET", PLACES[0], "2105-400", headers={"x-sandbox-name": None})
    client.flow_problem("GET", PLACES[0], "2100-404", headers={"x-sandbox-name": "nowhere"})
    client.flow_problem("GET", PLACES[0], "2100-404", headers={"x-sandbox-name": "DEV"})
    for path in PLACES[1:]:
        client.refused("GET", path, 400, headers={"x-sandbox-name": None})
        client.refused("GET", path, 404, headers={"x-sandbox-name": "nowhere"})


def test_sandboxes_are_apart(client: Client) -> None:
    schema = client.schema()
    client.dataset(schema)
    other = Client(client.url, "prod")
    assert other.get(f"{CATALOG}/dataSets") == {}
    assert other.ask("GET", f"{REGISTRY}/tenant/schemas", headers={"Accept": XED}).json()["results"] == []


def test_unknown_routes_are_html_and_unknown_ids_json(client: Client) -> None:
    for path in ("/", "/data/foundation/flowservice/nothing", "/data/foundation", f"{FLOW}/flows/a/b/c"):
        answer = client.ask("GET", path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/html")
    assert client.ask("PUT", f"{FLOW}/flows").status_code == 405
    message = client.flow_problem("GET", f"{FLOW}/flows/11111111-1111-4111-8111-111111111111", "1439-404")
    assert "11111111-1111-4111-8111-111111111111" in message


def test_every_answer_has_its_own_request_id(client: Client) -> None:
    answers = [client.ask("GET", path) for path in (*PLACES, "/nowhere", f"{FLOW}/flows/x")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


def test_slash_at_the_end_names_the_same_resource(client: Client) -> None:
    assert client.get(f"{FLOW}/flows/") == client.get(f"{FLOW}/flows")
