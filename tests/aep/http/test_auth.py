"""Tokens are requested once, cached, renewed once, and never shown."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import (
    Failure,
    InvalidInputError,
    PlatformError,
    RequestError,
)
from airflow_provider_payments.aep.http.auth import AccessToken, ClientCredentials
from airflow_provider_payments.aep.http.transport import Transport
from tests.aep.chain import FLOW_SERVICE
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

FLOWS = f"{FLOW_SERVICE}/flows"
TOKEN = "/ims/token/v3"
DAY = 86400
REFUSED = b'{"error_code": "401013", "message": "Oauth token is not valid"}'


def tokens(emulator: Emulator) -> int:
    """The number of tokens that were requested."""
    return len(emulator.requests(method="POST", path=TOKEN))


def test_one_token_serves_many_requests(client: Client, emulator: Emulator) -> None:
    for _ in range(5):
        client.get(FLOWS)
    assert tokens(emulator) == 1


def test_one_token_serves_many_threads(client: Client, emulator: Emulator) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.get(FLOWS)["items"], range(24)))
    assert answers == [[]] * 24
    assert tokens(emulator) == 1


def test_clients_of_one_credential_share_a_token(
    credential: Callable[..., ClientCredentials], emulator: Emulator
) -> None:
    first, second = credential(), credential()
    spaced = credential(scopes=" " + first.scopes.replace(",", " , ") + ",")
    assert first.token() == second.token() == spaced.token()
    assert spaced.scopes == first.scopes
    assert tokens(emulator) == 1


def test_a_credential_returns_the_lifetime_of_its_token(
    credential: Callable[..., ClientCredentials], emulator: Emulator
) -> None:
    emulator.control("PUT", "options", json={"token_seconds": 7200})
    own = credential()
    assert own.token_lifetime_seconds() == 7200
    own.token()
    assert tokens(emulator) == 1


def test_another_secret_requests_another_token(
    credential: Callable[..., ClientCredentials], emulator: Emulator
) -> None:
    credential().token()
    with pytest.raises(RequestError):
        credential(client_secret="rotated").token()
    assert tokens(emulator) == 2


def test_a_refused_token_is_renewed_and_the_request_sent_again(
    client: Client, emulator: Emulator, naps: list[float]
) -> None:
    client.get(FLOWS)
    emulator.advance(DAY)
    assert client.get(FLOWS)["items"] == []
    assert tokens(emulator) == 2
    assert [r["status"] for r in emulator.requests(path=FLOWS)] == [200, 401, 200]
    assert naps == [0.0]


def test_a_write_is_sent_again_after_the_token_was_renewed(client: Client, emulator: Emulator) -> None:
    client.credential.token()
    emulator.advance(DAY)
    body = {"name": "lake", "connectionSpec": {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}}
    assert client.request("POST", f"{FLOW_SERVICE}/connections", body=body).status == 201
    assert [item["name"] for item in emulator.objects("connections")].count("lake") == 1


def test_threads_renew_an_expired_token_once(client: Client, emulator: Emulator) -> None:
    client.get(FLOWS)
    emulator.advance(DAY)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.get(FLOWS)["items"], range(16)))
    assert answers == [[]] * 16
    assert tokens(emulator) == 2


def test_a_token_that_expires_between_two_attempts_is_renewed(
    make_client: Callable[..., Client], proxy: FaultProxy, emulator: Emulator
) -> None:
    client = make_client(proxy.url)
    client.get(FLOWS)
    emulator.advance(DAY)
    proxy.fault("GET", FLOWS, status=503)
    assert client.get(FLOWS)["items"] == []
    assert tokens(emulator) == 2


def test_a_token_that_is_refused_again_raises_a_retryable_error(
    make_client: Callable[..., Client], proxy: FaultProxy, emulator: Emulator
) -> None:
    client = make_client(proxy.url)
    proxy.fault("GET", FLOWS, status=401, body=REFUSED, times=99)
    with pytest.raises(RequestError) as failed:
        client.get(FLOWS)
    # Nothing was executed, and the next attempt requests a new token.
    assert (failed.value.failure, failed.value.status, failed.value.code) == (Failure.TOKEN_REFUSED, 401, "401013")
    assert failed.value.retryable
    for part in ("401 - 401013 - Oauth token is not valid", "check client id and client secret"):
        assert part in str(failed.value)
    assert proxy.count("GET", FLOWS) == tokens(emulator) == 2


def test_a_wrong_secret_raises_a_final_error_without_the_secret(
    make_client: Callable[..., Client], credential: Callable[..., ClientCredentials], emulator: Emulator
) -> None:
    client = make_client(credential=credential(client_secret="wrong-secret"))
    with pytest.raises(RequestError) as failed:
        client.get(FLOWS)
    for part in (f"POST {TOKEN} failed", "401 - invalid_client - invalid client_secret", "check client id"):
        assert part in str(failed.value)
    assert not failed.value.retryable
    assert "wrong-secret" not in str(failed.value)
    assert (tokens(emulator), emulator.requests(path=FLOWS)) == (1, [])


def test_a_wrong_client_id_raises_a_final_error(credential: Callable[..., ClientCredentials]) -> None:
    with pytest.raises(RequestError, match="invalid_client - invalid client_id") as failed:
        credential(client_id="nobody").token()
    assert not failed.value.retryable


def test_a_failed_token_request_is_retried(
    credential: Callable[..., ClientCredentials], proxy: FaultProxy, naps: list[float]
) -> None:
    proxy.fault("POST", TOKEN, status=503, headers={"Retry-After": "4"})
    proxy.fault("POST", TOKEN, lose=True)
    assert credential(ims_url=proxy.url).token().startswith("eyJ")
    assert proxy.count("POST", TOKEN) == 3
    assert naps[0] == 4.0


def test_an_outage_of_ims_is_not_retried_for_each_attempt(
    make_client: Callable[..., Client], proxy: FaultProxy
) -> None:
    proxy.fault("POST", TOKEN, status=500, times=99)
    with pytest.raises(RequestError, match=f"POST {TOKEN} failed"):
        make_client(proxy.url).get(FLOWS)
    assert proxy.count("POST", TOKEN) == 5


def test_a_plain_access_token_is_used_without_a_token_request(
    make_client: Callable[..., Client], credential: Callable[..., ClientCredentials], emulator: Emulator
) -> None:
    token = credential().token()
    assert make_client(credential=AccessToken("emulator-client", token)).get(FLOWS)["items"] == []
    assert tokens(emulator) == 1


def test_a_plain_access_token_cannot_be_renewed(make_client: Callable[..., Client], emulator: Emulator) -> None:
    client = make_client(credential=AccessToken("emulator-client", "stale-token"))
    with pytest.raises(RequestError, match="or the access token") as failed:
        client.get(FLOWS)
    assert (failed.value.code, failed.value.retryable) == ("401013", False)
    assert "stale-token" not in str(failed.value) + repr(client.credential)
    assert tokens(emulator) == 0


@pytest.mark.parametrize("end", ["\n", "\r\nx-other: y", "\u2026"], ids=["line break", "another header", "ellipsis"])
def test_a_malformed_access_token_raises_an_error_without_the_token(
    end: str, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    with pytest.raises(PlatformError) as failed:
        make_client(credential=AccessToken("emulator-client", f"pasted-token{end}")).get(FLOWS)
    assert "pasted-token" not in str(failed.value) + repr(failed.value)
    assert emulator.requests(status="200") == []


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_an_incomplete_credential_is_refused_before_any_request(
    missing: str, credential: Callable[..., ClientCredentials], emulator: Emulator
) -> None:
    with pytest.raises(InvalidInputError, match=f"{missing}='' is not allowed: it must be"):
        credential(**{missing: ""})
    assert emulator.requests() == []


def test_an_identity_service_without_tls_is_refused(credential: Callable[..., ClientCredentials]) -> None:
    with pytest.raises(InvalidInputError, match=r"ims_url='http://ims-na1\.adobelogin\.com'"):
        credential(ims_url="http://ims-na1.adobelogin.com")


def test_a_new_token_is_passed_to_on_token_once(credential: Callable[..., ClientCredentials]) -> None:
    announced: list[str] = []
    own = credential(on_token=announced.append)
    assert [own.token(), own.token()] == announced * 2
    assert len(announced) == 1


def test_the_repr_of_a_credential_contains_neither_secret_nor_token(
    credential: Callable[..., ClientCredentials],
) -> None:
    own = credential()
    assert own.token() not in repr(own)
    assert "emulator-secret" not in repr(own)


REFUSED_CLIENTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "http": ({"url": "http://platform.adobe.io"}, "host='http://platform.adobe.io'", "https"),
    "no organisation": ({"org_id": ""}, "org_id=''", "ends in @AdobeOrg"),
    "no organisation id": ({"org_id": "ACME"}, "org_id='ACME'", "ends in @AdobeOrg"),
    "no sandbox": ({"sandbox": ""}, "sandbox=''", "there is no default"),
    "upper case": ({"sandbox": "Prod"}, "sandbox='Prod'", "lower-case letters"),
    "header break": ({"sandbox": "dev\r\nx: y"}, "sandbox='dev\\r\\nx: y'", "lower-case letters"),
    "negative settle time": ({"settle_seconds": -1}, "settle_seconds=-1", "0 or more seconds"),
    "settle time that is not a number": (
        {"dataflow_settle_seconds": float("nan")},
        "dataflow_settle_seconds=nan",
        "0 or more seconds",
    ),
}


@pytest.mark.parametrize(("given", "named", "allowed"), REFUSED_CLIENTS.values(), ids=REFUSED_CLIENTS)
def test_a_client_with_an_invalid_argument_is_refused(
    given: dict[str, Any], named: str, allowed: str, emulator: Emulator
) -> None:
    usual = {"org_id": "EMULATOR@AdobeOrg", "sandbox": "dev", "url": emulator.url}
    with pytest.raises(InvalidInputError) as refused:
        Client(credential=AccessToken("c", "t"), transport=Transport(), **usual | given)
    assert str(refused.value).startswith(named)
    assert allowed in str(refused.value)
    assert emulator.requests() == []


GATEWAY: dict[str, tuple[dict[str, Any], int, str]] = {
    "wrong client id": ({"credential": "other"}, 403, "403003 - Api Key is invalid"),
    "wrong organisation": ({"org_id": "OTHER@AdobeOrg"}, 403, "403025 - Profile is not valid"),
    "wrong sandbox": ({"sandbox": "nowhere"}, 404, "FLOW-2100-404"),
}


@pytest.mark.parametrize(("given", "status", "said"), GATEWAY.values(), ids=GATEWAY)
def test_a_refusal_of_the_gateway_raises_a_final_error(
    given: dict[str, Any],
    status: int,
    said: str,
    make_client: Callable[..., Client],
    credential: Callable[..., ClientCredentials],
    emulator: Emulator,
) -> None:
    if given.get("credential"):
        given = {"credential": AccessToken("other-client", credential().token())}
    with pytest.raises(RequestError, match=said) as failed:
        make_client(**given).get(FLOWS)
    assert (failed.value.status, failed.value.retryable) == (status, False)
    assert failed.value.problem.request_id == emulator.requests(path=FLOWS)[0]["request_id"]
    assert len(emulator.requests(path=FLOWS)) == 1
