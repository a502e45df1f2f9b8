"""``test_connection``: the result and the message of the *Test* button."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.hooks.connection import part_at_fault
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy
from tests.hooks.conftest import SetConnection


def test_a_working_connection_names_its_sandbox_and_organisation(
    emulator: Emulator, set_connection: SetConnection
) -> None:
    set_connection(emulator.url)
    assert ExperiencePlatformHook().test_connection() == (True, "Connected to sandbox 'dev' of EMULATOR@AdobeOrg")
    assert [(r["method"], r["path"].rsplit("/", 1)[-1]) for r in emulator.requests()] == [
        ("POST", "v3"),
        ("GET", "flowSpecs"),
    ]


@pytest.mark.parametrize(
    ("extra", "fields", "at_fault", "parts"),
    [
        ({}, {"password": "not-it"}, "Credential", ("401", "invalid_client", "check client id and client secret")),
        ({}, {"login": "nobody"}, "Credential", ("400", "invalid_client")),
        ({"access_token": "expired"}, {}, "Credential", ("401013", "Oauth token is not valid")),
        ({"org_id": "OTHER@AdobeOrg"}, {}, "Organisation", ("403025", "Profile is not valid")),
        ({"sandbox": "production"}, {}, "Sandbox", ("FLOW-2100-404", "production", "the credential may use dev, prod")),
        ({"sandbox": ""}, {}, "Connection field", ("sandbox", "no default")),
        ({}, {"password": ""}, "Connection field", ("password", "client secret")),
        ({}, {"host": "http://platform.adobe.io"}, "Connection field", ("host", "https://")),
    ],
    ids=["secret", "client id", "access token", "organisation", "sandbox", "no sandbox", "no secret", "http"],
)
def test_a_refusal_names_the_part_at_fault(
    emulator: Emulator,
    set_connection: SetConnection,
    extra: dict[str, Any],
    fields: dict[str, Any],
    at_fault: str,
    parts: tuple[str, ...],
) -> None:
    set_connection(emulator.url, extra, **fields)
    works, message = ExperiencePlatformHook().test_connection()
    assert (works, message.split(":", 1)[0]) == (False, at_fault)
    assert [part for part in parts if part not in message] == []


SANDBOXES = "/sandbox-management/"
#: Name -> (the answer to the list query for sandboxes, the expected text in the message).
LISTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "refused": ({"status": 403, "body": b'{"type": "x/SMS-2010-403", "title": "No right", "status": 403}'}, "403"),
    "HTML": ({"status": 200, "headers": {"Content-Type": "text/html"}, "body": b"<html></html>"}, "answered HTML"),
    "blank": ({"status": 200, "body": b""}, "blank"),
    "no list": ({"status": 200, "body": b'{"sandboxes": {}}'}, "no list of sandboxes"),
    "JSON 500": ({"status": 500, "body": b'{"title": "Oh"}'}, "500"),
    "lost answer": ({"lose": True}, SANDBOXES),
    "cut answer": ({"cut": True}, SANDBOXES),
    "hangs": ({"hang": True}, SANDBOXES),
}


@pytest.mark.parametrize(("answer", "expected"), LISTINGS.values(), ids=LISTINGS)
def test_an_unknown_sandbox_is_reported_even_if_sandboxes_cannot_be_listed(
    proxy: FaultProxy, set_connection: SetConnection, answer: dict[str, Any], expected: str
) -> None:
    proxy.fault("GET", SANDBOXES, times=99, **answer)
    set_connection(proxy.url, {"sandbox": "nowhere", "read_timeout": 0.3})
    works, message = ExperiencePlatformHook().test_connection()
    assert (works, message.split(":", 1)[0]) == (False, "Sandbox")
    first, _, listing = message.partition("the credential's sandboxes cannot be listed: ")
    assert "FLOW-2100-404" in first
    assert expected in listing
    assert 1 <= len([request for request in proxy.asked if SANDBOXES in request[1]]) <= 2


def test_listed_sandboxes_are_sorted_limited_and_without_secrets(
    proxy: FaultProxy, set_connection: SetConnection
) -> None:
    odd: list[Any] = [None, {}, {"name": 7}, {"name": "emulator-secret"}, {"name": "zz" * 500}]
    body = {"sandboxes": [*odd, *({"name": f"s{number:02}"} for number in range(30, 0, -1))]}
    proxy.fault("GET", SANDBOXES, status=200, body=json.dumps(body).encode())
    set_connection(proxy.url, {"sandbox": "nowhere"})
    _, message = ExperiencePlatformHook().test_connection()
    shown = ", ".join(["***", *(f"s{number:02}" for number in range(1, 20))])
    assert message.endswith(f"; the credential may use {shown} and 12 more")
    (request,) = (path for _, path, _ in proxy.asked if SANDBOXES in path)
    assert request == "/data/foundation/sandbox-management/?limit=100&offset=0"


def test_a_missing_permission_is_distinguished_from_a_missing_sandbox(
    emulator: Emulator, set_connection: SetConnection
) -> None:
    set_connection(emulator.url)
    emulator.fail("status", path="*/flowSpecs", status=403, times=2)
    works, message = ExperiencePlatformHook().test_connection()
    assert (works, message.split(":", 1)[0]) == (False, "Credential")
    assert "FLOW-2120-403" in message
    assert message.endswith("the credential may use dev, prod")
    emulator.control("POST", "hidden", json={"kind": "sandboxes", "id": "dev"})
    works, message = ExperiencePlatformHook().test_connection()
    assert (works, message.split(":", 1)[0]) == (False, "Sandbox")
    assert message.endswith("the credential may use prod")
    emulator.control("POST", "hidden", json={"kind": "sandboxes", "id": "prod"})
    assert ExperiencePlatformHook().test_connection()[1].endswith("the credential may use no sandbox")


def test_sandboxes_are_listed_without_the_sandbox_header(emulator: Emulator, set_connection: SetConnection) -> None:
    set_connection(emulator.url, {"sandbox": "nowhere"})
    ExperiencePlatformHook().test_connection()
    (request,) = (request for request in emulator.requests() if "sandbox-management" in request["path"])
    assert (request["sandbox"], request["status"]) == (None, 200)


def test_an_unknown_airflow_connection_is_named() -> None:
    works, message = ExperiencePlatformHook("no_such_connection").test_connection()
    assert not works
    assert "no_such_connection" in message


@pytest.mark.parametrize("scheme", ["http", "https"], ids=["closed port", "no TLS"])
def test_an_unreachable_host_is_a_fault_of_the_network(
    emulator: Emulator, make_client: Callable[..., Client], naps: list[float], scheme: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # no process listens on this port
        url = f"http://127.0.0.1:{taken.getsockname()[1]}" if scheme == "http" else emulator.url.replace("http", scheme)
        # The hook's client would sleep between its attempts; this client only records the seconds.
        with pytest.raises(RequestError) as failure:
            make_client(url).get("/data/foundation/flowservice/flowSpecs")
    assert part_at_fault(failure.value) == "Network"
    assert sum(naps) < 15


HTML = {"headers": {"Content-Type": "text/html"}, "body": b"<html><title>Sign in</title></html>"}
SPECS, TOKEN = "/flowSpecs", "/ims/token/v3"
#: Name -> (path of the request, its answer, the part at fault).
ANSWERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "HTML": (SPECS, {"status": 200, **HTML}, "Platform URL"),
    "HTML 404": (SPECS, {"status": 404, **HTML}, "Platform URL"),
    "HTML 403": (SPECS, {"status": 403, **HTML}, "Platform URL"),
    "redirect": (SPECS, {"status": 302, "headers": {"Location": "https://login.example/"}}, "Platform URL"),
    "blank": (SPECS, {"status": 200, "body": b""}, "Platform URL"),
    "text": (SPECS, {"status": 200, "body": b"it works"}, "Platform URL"),
    "list": (SPECS, {"status": 200, "body": b"[]"}, "Platform URL"),
    "empty 404": (SPECS, {"status": 404, "body": b""}, "Platform URL"),
    "JSON 403 without a word": (SPECS, {"status": 403, "body": b"{}"}, "Platform URL"),
    "JSON 404": (SPECS, {"status": 404, "body": b'{"message": "no such route"}'}, "Platform URL"),
    "JSON 503": (SPECS, {"status": 503, "body": b'{"title": "Down"}'}, "Service"),
    "JSON 500": (SPECS, {"status": 500, "body": b'{"title": "Oh"}'}, "Service"),
    "HTML 502": (SPECS, {"status": 502, **HTML}, "Network"),
    "lost answer": (SPECS, {"lose": True}, "Network"),
    "token: HTML": (TOKEN, {"status": 200, **HTML}, "Identity service URL"),
    "token: HTML 404": (TOKEN, {"status": 404, **HTML}, "Identity service URL"),
    "token: redirect": (TOKEN, {"status": 307, "headers": {"Location": "/"}}, "Identity service URL"),
    "token: no token": (TOKEN, {"status": 200, "body": b"{}"}, "Identity service URL"),
    "token: JSON 500": (TOKEN, {"status": 500, "body": b'{"error": "server_error"}'}, "Service"),
    "token: refusal": (TOKEN, {"status": 401, "body": b'{"error": "invalid_client"}'}, "Credential"),
}


@pytest.mark.parametrize(("path", "answer", "part"), ANSWERS.values(), ids=ANSWERS)
def test_the_part_at_fault_is_named_after_at_most_two_attempts(
    proxy: FaultProxy, set_connection: SetConnection, path: str, answer: dict[str, Any], part: str
) -> None:
    for method in ("GET", "POST"):
        proxy.fault(method, path, times=99, **answer)
    set_connection(proxy.url)
    hook = ExperiencePlatformHook()
    works, message = hook.test_connection()
    assert (works, message.split(":", 1)[0]) == (False, part)
    assert 1 <= len([request for request in proxy.asked if path in request[1]]) <= 2
    assert hook.client.transport.attempts > 2  # the hook's own client keeps its number of attempts


def test_a_proxy_that_requires_a_login_is_a_fault_of_the_network() -> None:
    failed = RequestError(Failure.AMBIGUOUS, "GET", SPECS, reason="the proxy p:1 requires a login", status=407)
    assert part_at_fault(failed) == "Network"


def test_a_rate_limit_is_no_fault_of_the_connection(proxy: FaultProxy, set_connection: SetConnection) -> None:
    proxy.fault("GET", "/flowSpecs", status=503, headers={"Retry-After": "3600"})
    set_connection(proxy.url)
    works, message = ExperiencePlatformHook().test_connection()
    assert not works
    assert message.startswith("Service: ")
    assert "asks to wait 3600 s" in message


def test_a_host_of_another_service_is_a_fault_of_the_url(emulator: Emulator, set_connection: SetConnection) -> None:
    set_connection(emulator.url, host=f"{emulator.url}/elsewhere")
    works, message = ExperiencePlatformHook().test_connection()
    assert not works
    assert message.startswith("Platform URL: ")


def test_a_missing_ca_bundle_is_a_fault_of_the_field(emulator: Emulator, set_connection: SetConnection) -> None:
    set_connection(emulator.url, {"verify": "/no/such/bundle.pem"}, host="https://127.0.0.1:9")
    works, message = ExperiencePlatformHook().test_connection()
    assert not works
    assert message.startswith("Connection field: verify")
    assert "/no/such/bundle.pem" in message


def test_token_and_secret_are_not_logged_and_are_masked_if_printed(
    proxy: FaultProxy, set_connection: SetConnection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    set_connection(proxy.url)
    assert ExperiencePlatformHook().test_connection()[0]
    (token,) = (value.removeprefix("Bearer ") for value in proxy.authorizations if value)
    assert caplog.records
    assert token not in caplog.text
    assert "emulator-secret" not in caplog.text
    assert redact(f"the token is {token}") == "the token is ***"
    assert redact("the secret is emulator-secret") == "the secret is ***"


def test_an_access_token_of_the_connection_is_masked(emulator: Emulator, set_connection: SetConnection) -> None:
    set_connection(emulator.url, {"access_token": "a-token-made-elsewhere"})
    _ = ExperiencePlatformHook().client
    assert redact("sent a-token-made-elsewhere") == "sent ***"
