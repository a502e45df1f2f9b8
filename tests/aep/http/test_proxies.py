"""The choice of the proxy of a request, and the errors of failed proxies."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.http.auth import AccessToken
from airflow_provider_payments.aep.http.proxies import proxy_for, shown
from airflow_provider_payments.aep.http.transport import Transport
from airflow_provider_payments.aep.redaction import redacted
from airflow_provider_payments.pytest_plugin import ExperiencePlatform
from tests.aep.chain import FLOW_SERVICE
from tests.conftest import Emulator, napping

FLOWS = f"{FLOW_SERVICE}/flows"
VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
PASSWORD = "proxy+password/of~this"
QUOTED = "proxy%2Bpassword%2Fof~this"


@dataclass
class ForwardProxy:
    """A proxy that answers each request, also CONNECT, with the same bytes; without bytes it closes the connection."""

    reply: bytes
    address: str = ""
    received: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://agent:{QUOTED}@{self.address}"


@contextmanager
def forward_proxy(reply: bytes) -> Iterator[ForwardProxy]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        proxy = ForwardProxy(reply, f"127.0.0.1:{server.getsockname()[1]}")

        def serve() -> None:
            with suppress(OSError):  # the socket is closed at the end of the test
                while True:
                    connection, _ = server.accept()
                    with connection:
                        proxy.received.append(connection.recv(65536))
                        connection.sendall(reply)

        threading.Thread(target=serve, daemon=True).start()
        yield proxy
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(autouse=True)
def without_environment_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("variable", VARIABLES)
def test_loopback_requests_bypass_proxies_of_the_environment(
    variable: str, make_client: Callable[..., Client], emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forward_proxy(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv(variable, f"http://{proxy.address}")
        assert make_client().get(FLOWS)["items"] == []
    assert proxy.received == []


def test_the_pytest_fixture_bypasses_proxies_of_the_environment(
    experience_platform: ExperiencePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forward_proxy(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://{proxy.address}")
        assert experience_platform.requests() == []
    assert proxy.received == []


def test_a_configured_proxy_is_used_for_loopback_too(emulator: Emulator) -> None:
    with forward_proxy(b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"items": []}') as proxy:
        assert behind({"all": proxy.url}, emulator.url).get(FLOWS) == {"items": []}
    assert len(proxy.received) == 1


ROUTES: dict[str, tuple[str, dict[str, str], dict[str, str], str]] = {
    # url, environment, configured proxies, the expected proxy
    "none": ("https://platform.adobe.io/x", {}, {}, ""),
    "environment": ("https://platform.adobe.io/x", {"HTTPS_PROXY": "http://a:1"}, {}, "http://a:1"),
    "for all": ("https://platform.adobe.io/x", {"ALL_PROXY": "http://a:1"}, {}, "http://a:1"),
    "another scheme": ("https://platform.adobe.io/x", {"HTTP_PROXY": "http://a:1"}, {}, ""),
    "excepted": ("https://platform.adobe.io/x", {"HTTPS_PROXY": "http://a:1", "NO_PROXY": "adobe.io"}, {}, ""),
    "configured first": (
        "https://platform.adobe.io/x",
        {"HTTPS_PROXY": "http://a:1"},
        {"https": "http://b:2"},
        "http://b:2",
    ),
    "configured for one host": (
        "https://platform.adobe.io/x",
        {},
        {"https": "http://b:2", "https://platform.adobe.io": "http://c:3"},
        "http://c:3",
    ),
    "loopback": ("http://127.0.0.1:8900/x", {"HTTP_PROXY": "http://a:1", "ALL_PROXY": "http://a:1"}, {}, ""),
    "all of loopback": ("http://127.9.9.9/x", {"HTTP_PROXY": "http://a:1"}, {}, ""),
    "loopback by name": ("http://localhost:8900/x", {"HTTP_PROXY": "http://a:1"}, {}, ""),
    "loopback of IPv6": ("http://[::1]:8900/x", {"HTTP_PROXY": "http://a:1"}, {}, ""),
    "loopback by TLS": ("https://127.0.0.1:8900/x", {"HTTPS_PROXY": "http://a:1"}, {}, ""),
    "a name like loopback": ("http://127.0.0.1.nip.io/x", {"HTTP_PROXY": "http://a:1"}, {}, "http://a:1"),
}


@pytest.mark.parametrize(("url", "environment", "configured", "expected"), ROUTES.values(), ids=ROUTES)
def test_a_configured_proxy_takes_precedence_over_the_environment(
    url: str,
    environment: dict[str, str],
    configured: dict[str, str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url, configured) == expected


def behind(proxies: dict[str, str], url: str, **options: float) -> Client:
    """A client that reaches the platform through proxies."""
    transport = Transport(connect_timeout=2, read_timeout=2, proxies=proxies, clock=napping([]), **options)
    return Client("EMULATOR@AdobeOrg", "dev", AccessToken("id", "a-token"), transport, url)


REPLIES: dict[str, tuple[str, bytes, Failure, str]] = {
    "CONNECT refused": (
        "https://platform.example",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        Failure.NOT_SENT,
        "the proxy {} refuses the connection with status 403",
    ),
    "CONNECT without a login": (
        "https://platform.example",
        b"HTTP/1.1 407 agent:" + PASSWORD.encode() + b"\r\nContent-Length: 0\r\n\r\n",
        Failure.NOT_SENT,
        "the proxy {} refuses the connection with status 407",
    ),
    "CONNECT dropped": (
        "https://platform.example",
        b"",
        Failure.AMBIGUOUS,
        "the connection broke before the answer was complete through the proxy {}",
    ),
    "request without a login": (
        "http://127.0.0.1:9",
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        Failure.AMBIGUOUS,
        "the proxy {} requires a login",
    ),
    "request dropped": (
        "http://127.0.0.1:9",
        b"",
        Failure.AMBIGUOUS,
        "the connection broke before the answer was complete through the proxy {}",
    ),
}


@pytest.mark.parametrize(("url", "reply", "failure", "said"), REPLIES.values(), ids=REPLIES)
def test_an_error_names_the_proxy_without_its_password(url: str, reply: bytes, failure: Failure, said: str) -> None:
    with forward_proxy(reply) as proxy, pytest.raises(RequestError) as failed:
        behind({"all": proxy.url}, url, attempts=1).get(FLOWS)
    assert failed.value.failure is failure
    assert said.format(proxy.address) in str(failed.value)
    assert [secret for secret in (PASSWORD, QUOTED, "agent") if secret in str(failed.value)] == []


def test_an_unreachable_proxy_is_named_in_the_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # no process listens on this port
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RequestError, match=f"cannot connect to the proxy {address}$") as failed:
            behind({"https": f"http://agent:{QUOTED}@{address}"}, "https://platform.example").get(FLOWS)
    assert failed.value.failure is Failure.NOT_SENT


@pytest.mark.parametrize("scheme", ["socks5", "SOCKS5h", "socks4"])
def test_a_socks_proxy_without_pysocks_raises_a_final_error(scheme: str) -> None:
    with pytest.raises(
        RequestError, match=r"the proxy proxy:1080 speaks SOCKS, which needs the package PySocks"
    ) as failed:
        behind({"https": f"{scheme}://agent:{QUOTED}@proxy:1080"}, "https://platform.example").get(FLOWS)
    assert failed.value.failure is Failure.FINAL


@pytest.mark.parametrize("proxy", ["http://[proxy", "ftp://proxy:1", "http://proxy:99999"])
def test_an_invalid_proxy_url_raises_a_final_error(proxy: str) -> None:
    with pytest.raises(RequestError, match="through the proxy") as failed:
        behind({"https": proxy}, "https://platform.example").get(FLOWS)
    assert not failed.value.retryable


def test_the_password_of_an_environment_proxy_is_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    password, quoted = "env+password/of~this", "env%2Bpassword%2Fof~this"
    monkeypatch.setenv("HTTPS_PROXY", f"http://agent:{quoted}@proxy:3128")
    proxy_for("https://platform.adobe.io", {})
    # The last form is the one in the header Proxy-Authorization.
    for form in (password, quoted, "YWdlbnQ6ZW52K3Bhc3N3b3JkL29mfnRoaXM="):
        assert redacted(f"it said {form}!") == "it said ***!"


def test_the_password_of_a_configured_proxy_is_redacted_from_the_start() -> None:
    Transport(proxies={"https": "http://agent:configured-password@proxy:3128"})
    assert redacted("configured-password") == "***"


@pytest.mark.parametrize(
    ("proxy", "expected"),
    [
        ("http://user:secret@proxy.example:3128", "proxy.example:3128"),
        ("http://us@er:se@cret@proxy:1/path", "proxy:1"),
        ("user:secret@proxy:3128", "proxy:3128"),
        ("proxy:3128", "proxy:3128"),
        ("http://[::1]:3128", "[::1]:3128"),
        ("http://user:secret@[proxy", "with an unreadable URL"),
        ("http://user:sec/ret@proxy", "with an unreadable URL"),
    ],
)
def test_a_proxy_is_shown_as_host_and_port_only(proxy: str, expected: str) -> None:
    assert shown(proxy) == expected
