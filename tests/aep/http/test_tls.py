"""TLS connections: trusted certificates, and broken connections."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.http.call import Call
from airflow_provider_payments.aep.http.retries import MAX_ATTEMPTS
from airflow_provider_payments.aep.http.transport import Transport
from tests.conftest import napping


class Server(ThreadingHTTPServer):
    """Records the methods of the requests that it received; broken handshakes are ignored."""

    daemon_threads = True

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"https://127.0.0.1:{self.server_address[1]}/"
        self.seen: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, *args: object) -> None:
        pass


class Handler(BaseHTTPRequestHandler):
    """Answers an empty object; a POST is answered with bytes that are not TLS."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append(self.command)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append(self.command)
        with socket.socket(fileno=os.dup(self.connection.fileno())) as plain:
            plain.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    own = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(own.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    return path


@pytest.fixture
def server(certificate: Path) -> Iterator[Server]:
    with Server(certificate) as running:
        thread = Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_an_untrusted_certificate_is_refused_before_sending(server: Server, naps: list[float]) -> None:
    with pytest.raises(RequestError, match="TLS certificate was not accepted") as failed:
        Transport(clock=napping(naps)).send(Call("POST", server.url))
    # Not final, because the certificate may be that of an intermediary.
    assert (failed.value.failure, len(naps), server.seen) == (Failure.NOT_SENT, MAX_ATTEMPTS - 1, [])


def test_a_custom_certificate_authority_is_accepted(server: Server, certificate: Path) -> None:
    assert Transport(verify=str(certificate)).send(Call("GET", server.url)).body == {}


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_ca_bundle_of_the_environment_is_used(
    variable: str, server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(certificate))
    assert Transport().send(Call("GET", server.url)).body == {}


def test_a_tls_failure_after_a_write_is_ambiguous(server: Server, certificate: Path) -> None:
    with pytest.raises(RequestError) as failed:
        Transport(verify=str(certificate)).send(Call("POST", server.url, json={}))
    assert server.seen == ["POST"]
    assert failed.value.failure is Failure.AMBIGUOUS
