from __future__ import annotations

import json
import logging
import os
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.hooks.connection import _EXTRAS, client_from
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from tests.conftest import CONNECTION_ID, Emulator
from tests.fault_proxy import FaultProxy
from tests.hooks.conftest import SetConnection
from tests.operators.arguments import WILD
from tests.versions.expected import fails_on

URL = "https://platform.example.com"
DEFAULT_SCOPES = "openid,AdobeID,read_organizations,additional_info.projectedProductContext,session"


def client_of(**fields: Any) -> Client:
    return ExperiencePlatformHook(**fields).client


def test_a_connection_with_required_fields_only_uses_adobes_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"org_id": "ACME@AdobeOrg", "sandbox": "dev"}
    connection = {"conn_type": "aep", "login": "id", "password": "secret", "extra": extra}
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}", json.dumps(connection))
    client = client_of()
    assert (client.url, client.org_id, client.sandbox) == ("https://platform.adobe.io", "ACME@AdobeOrg", "dev")
    assert (client.settle_seconds, client.dataflow_settle_seconds, client.operation_timeout) == (10, 50, 900)
    assert (client.marks, client.read_only) == (True, False)
    assert (client.credential.client_id, client.credential.client_secret) == ("id", "secret")
    assert (client.credential.ims_url, client.credential.scopes) == ("https://ims-na1.adobelogin.com", DEFAULT_SCOPES)
    assert (client.transport.timeouts, client.transport.proxies, client.transport.verify) == ((10, 60), {}, True)


EXTRAS: list[tuple[str, object, str, object]] = [
    ("org_id", "OTHER@AdobeOrg", "org_id", "OTHER@AdobeOrg"),
    ("sandbox", "prod-2", "sandbox", "prod-2"),
    ("scopes", "openid, AdobeID", "credential.scopes", "openid,AdobeID"),
    ("scopes", ["openid", " AdobeID"], "credential.scopes", "openid,AdobeID"),
    ("scopes", '["openid", "AdobeID"]', "credential.scopes", "openid,AdobeID"),
    ("scopes", "[openid, AdobeID]", "credential.scopes", "openid,AdobeID"),
    ("scopes", "- openid\n- AdobeID", "credential.scopes", "openid,AdobeID"),
    ("scopes", [], "credential.scopes", DEFAULT_SCOPES),
    ("ims_url", "https://ims.example.com/", "credential.ims_url", "https://ims.example.com"),
    ("connect_timeout", 2.5, "transport.timeouts", (2.5, 60)),
    ("read_timeout", "7", "transport.timeouts", (10, 7)),
    ("read_timeout", "PT2M", "transport.timeouts", (10, 120)),
    ("proxies", '{"https": "http://proxy:3128"}', "transport.proxies", {"https": "http://proxy:3128"}),
    ("verify", __file__, "transport.verify", __file__),
    ("verify", "true", "transport.verify", True),
    ("settle_seconds", "3", "settle_seconds", 3),
    ("settle_seconds", 0, "settle_seconds", 0),
    ("dataflow_settle_seconds", 4.5, "dataflow_settle_seconds", 4.5),
    ("dataflow_settle_seconds", "0", "dataflow_settle_seconds", 0),
    ("operation_timeout", 120, "operation_timeout", 120),
    ("operation_timeout", "PT20M", "operation_timeout", 1200),
    ("operation_timeout", "75.5", "operation_timeout", 75.5),
    ("marks", False, "marks", False),
    ("marks", "false", "marks", False),
    ("marks", "True", "marks", True),
    ("read_only", True, "read_only", True),
    ("read_only", "true", "read_only", True),
    ("read_only", "False", "read_only", False),
]


@pytest.mark.parametrize(
    ("key", "value", "path", "expected"), EXTRAS, ids=[f"{key}={value!r}" for key, value, *_ in EXTRAS]
)
def test_each_extra_reaches_the_client(
    set_connection: SetConnection, key: str, value: object, path: str, expected: object
) -> None:
    set_connection(URL, {key: value})
    found: Any = client_of()
    for step in path.split("."):
        found = getattr(found, step)
    assert found == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"host": "platform.example.com"}, URL),
        ({"host": f"{URL}/"}, URL),
        ({"host": "platform.example.com", "port": 8443}, f"{URL}:8443"),
        ({"host": URL, "port": 8443}, f"{URL}:8443"),
        ({"host": "http://127.0.0.1", "port": 8080}, "http://127.0.0.1:8080"),
        ({"host": "http://localhost:8080"}, "http://localhost:8080"),
        ({"host": ""}, "https://platform.adobe.io"),
    ],
    ids=["bare host", "slash at the end", "port", "URL and port", "loopback", "localhost", "empty"],
)
def test_host_and_port_make_the_platform_url(
    set_connection: SetConnection, fields: dict[str, Any], expected: str
) -> None:
    set_connection(URL, **fields)
    assert client_of().url == expected


#: Name -> (keys of the extra, other fields, the expected parts of the message).
WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = {
    "no organisation": ({"org_id": None}, {}, ("org_id", "organisation")),
    "organisation": ({"org_id": "ACME"}, {}, ("org_id", "'ACME'", "@AdobeOrg")),
    "no sandbox": ({"sandbox": None}, {}, ("sandbox", "no default")),
    "sandbox": ({"sandbox": "Prod"}, {}, ("sandbox", "'Prod'", "lower-case")),
    "no client id": ({}, {"login": None}, ("login", "client id")),
    "no secret": ({}, {"password": ""}, ("password", "client secret")),
    "token without client id": ({"access_token": "a-token"}, {"login": ""}, ("login", "client id")),
    "token of two lines": ({"access_token": "two\nlines"}, {}, ("access_token='***'", "printable ASCII")),
    "unknown key": ({"sandbx": "dev"}, {}, ("extra", "'sandbx'", "sandbox")),
    "organisation that is no text": ({"org_id": 5}, {}, ("org_id='***'", "must be text", "int")),
    "sandbox that is no text": ({"sandbox": ["dev"]}, {}, ("sandbox='***'", "must be text", "list")),
    "IMS that is no text": ({"ims_url": {"url": "x"}}, {}, ("ims_url='***'", "must be text", "dict")),
    "token that is no text": ({"access_token": 4711}, {}, ("access_token='***'", "must be text", "int")),
    "scopes of a number": ({"scopes": 5}, {}, ("scopes=5", "a list of texts")),
    "scopes of numbers": ({"scopes": ["openid", 5]}, {}, ("scopes=['openid', 5]", "a list of texts")),
    "scopes of a broken list": ({"scopes": "[openid"}, {}, ("scopes='[openid'", "a list of texts")),
    "operation_timeout of a month": ({"operation_timeout": "P1M"}, {}, ("operation_timeout='P1M'", "years and months")),
    "http": ({}, {"host": "http://platform.adobe.io"}, ("host", "'http://platform.adobe.io'", "https://")),
    "ftp": ({}, {"host": "ftp://platform.adobe.io"}, ("host", "ftp://", "https://")),
    "query": ({}, {"host": f"{URL}?a=b"}, ("host", "only scheme, host, port and path")),
    "IMS by http": ({"ims_url": "http://ims.example.com"}, {}, ("ims_url", "'http://ims.example.com'", "https://")),
    "connect_timeout": ({"connect_timeout": -1}, {}, ("connect_timeout=-1", "0 or more")),
    "read_timeout": ({"read_timeout": "soon"}, {}, ("read_timeout", "'soon'", "number")),
    "proxies": ({"proxies": "http://proxy"}, {}, ("proxies='***'", "object of scheme to URL")),
    "CA bundle": ({"verify": "/no/such.pem"}, {}, ("verify='/no/such.pem'", "CA bundle that exists")),
    "window": ({"settle_seconds": -1}, {}, ("settle_seconds=-1", "0 or more")),
    "window of no number": ({"settle_seconds": "a minute"}, {}, ("settle_seconds='a minute'", "number")),
    "window that never ends": ({"dataflow_settle_seconds": "inf"}, {}, ("dataflow_settle_seconds", "inf")),
    "window of dataflows": ({"dataflow_settle_seconds": "-0.5"}, {}, ("dataflow_settle_seconds=-0.5", "0 or more")),
    "operation_timeout": ({"operation_timeout": "soon"}, {}, ("operation_timeout='soon'", "number")),
    "no time to settle": (
        {"operation_timeout": 50, "dataflow_settle_seconds": 50},
        {},
        ("operation_timeout=50", "more seconds than the longest settle time plus 1, 51"),
    ),
    "no time": ({"operation_timeout": 0}, {}, ("operation_timeout=0", "more seconds")),
    "time that never ends": ({"operation_timeout": "nan"}, {}, ("operation_timeout", "nan")),
    "marks": ({"marks": "sometimes"}, {}, ("marks='sometimes'", "true or false")),
    "read_only": ({"read_only": 1}, {}, ("read_only=1", "true or false")),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_field_is_named_with_value_and_allowed_values(set_connection: SetConnection, case: str) -> None:
    extra, fields, parts = WRONG[case]
    set_connection(URL, extra, **fields)
    with pytest.raises(InvalidInputError) as refusal:
        _ = client_of()
    assert [part for part in parts if part not in str(refusal.value)] == []


@fails_on("3.0", "3.1", reason="Airflow does not read a connection whose extra is no object, and calls it undefined")
@pytest.mark.parametrize("extra", ['["a-secret"]', '"a-secret"', "5", "true"])
def test_an_extra_that_is_no_object_is_refused_without_its_value(set_connection: SetConnection, extra: str) -> None:
    set_connection(URL)
    connection = json.loads(os.environ[f"AIRFLOW_CONN_{CONNECTION_ID.upper()}"])
    os.environ[f"AIRFLOW_CONN_{CONNECTION_ID.upper()}"] = json.dumps(connection | {"extra": extra})
    good, message = ExperiencePlatformHook().test_connection()
    assert not good
    assert message.startswith("Connection field: extra='***' is not allowed: it must be a JSON object")
    with pytest.raises(InvalidInputError, match="extra="):
        _ = client_of()


@given(extra=st.dictionaries(st.sampled_from(sorted(_EXTRAS)), WILD, max_size=3))
def test_any_extra_creates_a_client_or_an_error_without_a_secret(extra: dict[str, Any]) -> None:
    fields = {"org_id": "ACME@AdobeOrg", "sandbox": "dev"} | extra
    connection = SimpleNamespace(
        conn_id="any", login="id", password="hunter-2-hunter", host=None, port=None, extra_dejson=fields
    )
    try:
        client = client_from(connection)
    except InvalidInputError as error:
        found = error
    else:
        assert isinstance(client.credential.client_id, str)
        return
    assert found.field.split(".")[0] in {*_EXTRAS, "client_id"}
    assert "hunter-2-hunter" not in str(found)


@pytest.mark.parametrize("host", [f"{URL}:port", f"{URL}:99999"], ids=["no number", "too large"])
def test_a_host_with_an_invalid_port_is_refused_as_a_field(set_connection: SetConnection, host: str) -> None:
    set_connection(URL, host=host)
    with pytest.raises(InvalidInputError, match="host"):
        _ = client_of()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_error_does_not_repeat_a_password_in_the_host(set_connection: SetConnection, scheme: str) -> None:
    set_connection(URL, host=f"{scheme}://user:hunter2@platform.adobe.io")
    with pytest.raises(InvalidInputError, match="host") as refusal:
        _ = client_of()
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("blank", ["", None, 0], ids=["empty text", "null", "zero"])
def test_empty_fields_of_the_form_count_as_absent(set_connection: SetConnection, blank: object) -> None:
    texts = ("scopes", "ims_url", "access_token", "proxies", "verify")
    extra = dict.fromkeys(texts, blank or None) | dict.fromkeys(("connect_timeout", "read_timeout"), blank)
    extra |= dict.fromkeys(("dataflow_settle_seconds", "operation_timeout", "marks", "read_only"), blank or None)
    set_connection(URL, extra, port=blank or None, schema="")
    client = client_of()
    assert (client.url, client.credential.client_secret) == (URL, "emulator-secret")
    assert (client.credential.scopes, client.credential.ims_url) == (DEFAULT_SCOPES, "https://ims-na1.adobelogin.com")
    assert (client.transport.timeouts, client.transport.verify) == ((10, 60), True)
    assert (client.dataflow_settle_seconds, client.operation_timeout) == (50, 900)
    assert (client.marks, client.read_only) == (True, False)


@pytest.mark.parametrize("off", [False, "false", "False"], ids=repr)
def test_disabled_tls_verification_logs_a_warning(
    set_connection: SetConnection, caplog: pytest.LogCaptureFixture, off: object
) -> None:
    set_connection(URL, {"verify": off})
    assert client_of().transport.verify is False
    assert [record.levelno for record in caplog.records if "TLS verification" in record.getMessage()] == [
        logging.WARNING
    ]


def test_an_access_token_is_used_without_a_secret(
    emulator: Emulator, proxy: FaultProxy, set_connection: SetConnection
) -> None:
    set_connection(emulator.url)
    token = client_of().credential.token()
    set_connection(proxy.url, {"access_token": token}, password=None)
    assert ExperiencePlatformHook().test_connection()[0]
    assert proxy.authorizations == [f"Bearer {token}"]


def test_requests_go_through_the_proxy_that_the_connection_names(
    proxy: FaultProxy, set_connection: SetConnection
) -> None:
    proxy.fault("POST", "/ims/token/v3", status=200, body=b'{"access_token": "proxied", "expires_in": 86399}')
    proxy.fault("GET", "/flowSpecs", status=200, body=b'{"items": []}')
    set_connection("http://127.0.0.1:9", {"proxies": {"http": proxy.url}})
    assert ExperiencePlatformHook().test_connection()[0]
    assert [path.split("?")[0] for _, path, _ in proxy.asked] == [
        "http://127.0.0.1:9/ims/token/v3",
        "http://127.0.0.1:9/data/foundation/flowservice/flowSpecs",
    ]


def test_building_a_hook_reads_no_connection_and_sends_nothing(connected: Emulator) -> None:
    assert ExperiencePlatformHook("no_such_connection").aep_conn_id == "no_such_connection"
    hook = ExperiencePlatformHook()
    assert connected.requests() == []
    assert hook.get_conn() is hook.client
    assert connected.requests() == []
