"""Limits of a request in time and size, tested with real sockets and deadlines of tenths of seconds."""

from __future__ import annotations

import gc
import gzip
import json
import os
import signal
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.aep.api import catalog, data_prep, flow_service, schema_registry
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.http import cutoff
from airflow_provider_payments.aep.http.auth import AccessToken
from airflow_provider_payments.aep.http.call import Call
from airflow_provider_payments.aep.http.clock import Clock
from airflow_provider_payments.aep.http.transport import MAX_BODY_BYTES, Transport
from airflow_provider_payments.hooks.polling import MAX_BODY_BYTES as MAX_POLLED_BYTES
from airflow_provider_payments.hooks.polling import PolledConnection
from tests.aep.chain import CATALOG, DATA_PREP, FLOW_SERVICE
from tests.aep.http.raw_server import GOOD, RawServer, hangs, raw_server, sends, trickles
from tests.aep.http.test_tls import certificate as certificate
from tests.conftest import Emulator

SECONDS = 0.25
#: Tolerance for a busy machine; an unlimited request would continue until the test ends.
LATE = 1.0
MIB = 2**20
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@contextmanager
def ends_in_time(match: str, seconds: float = SECONDS) -> Iterator[pytest.ExceptionInfo[RequestError]]:
    began = time.monotonic()
    with pytest.raises(RequestError, match=match) as failed:
        yield failed
    assert time.monotonic() - began < seconds + LATE


def get(transport: Transport, server: RawServer) -> Any:
    return transport.send(Call("GET", server.url)).body


# ---- slow answers --------------------------------------------------------------------------------------------------

SLOW = {
    "nothing": hangs,
    "status line": trickles(b"HTTP/1.1 200 "),
    "header": trickles(OK + b"X-Long: "),
    "headers": trickles(OK, (b"X", b": ", b"y", b"\r\n")),
    "other answers first": trickles(b"", (b"HTTP/1.1 100 Continue\r\n", b"\r\n")),
    "body": trickles(OK + b"Content-Length: 10000\r\n\r\n"),
    "body without a length": trickles(OK + b"\r\n"),
    "body of a connection that closes": trickles(OK + b"Connection: close\r\nContent-Length: 10000\r\n\r\n"),
    "body of HTTP 1.0": trickles(b"HTTP/1.0 200 OK\r\nContent-Length: 10000\r\n\r\n"),
    "chunks": trickles(CHUNKED, (b"1", b"\r\n", b" ", b"\r\n")),
    "length of a chunk": trickles(CHUNKED, (b"0",)),
    "trailers": trickles(CHUNKED + b"2\r\n{}\r\n0\r\n", (b"x: y\r\n",)),
    "body of a redirect": trickles(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 10000\r\n\r\n"),
    "compressed body": trickles(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}")[:10], (b"\x00",)),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_a_slow_answer_is_cut_at_the_deadline(
    answer: Any, tls: bool, context: ssl.SSLContext, certificate: Path
) -> None:
    transport = Transport(read_timeout=30.0, verify=str(certificate))
    with raw_server(sends(GOOD), answer, sends(GOOD), context=context if tls else None) as server:
        get(transport, server)
        with ends_in_time(r"no complete answer within 0\.[012]|no answer within 0\.[012]"), transport.within(SECONDS):
            get(transport, server)
        assert get(transport, server) == {"items": []}
        # The third request needs a new connection, because the second one was cut.
        assert (len(server.requests), server.connections) == (3, 2)
        assert server.dropped.wait(LATE)


def test_a_slow_handshake_is_cut_at_the_deadline() -> None:
    transport = Transport(read_timeout=30.0)
    with raw_server(trickles(b"\x16\x03\x03\x40\x00"), unasked=True) as server:
        with ends_in_time("no complete answer within"), transport.within(SECONDS):
            transport.send(Call("GET", server.url.replace("http", "https")))
        assert server.dropped.wait(LATE)


@pytest.mark.parametrize("answer", [hangs, trickles(OK + b"X-Long: ")], ids=["nothing", "headers"])
def test_a_slow_proxy_is_cut_at_the_deadline(answer: Any) -> None:
    with raw_server(answer) as proxy:
        transport = Transport(read_timeout=30.0, proxies={"https": proxy.url})
        with ends_in_time(f"through the proxy 127.0.0.1:{proxy.port}"), transport.within(SECONDS):
            transport.send(Call("GET", "https://platform.example"))
        assert proxy.requests[0].startswith(b"CONNECT platform.example:443")


def test_a_slow_answer_is_cut_after_its_timeouts_without_a_deadline() -> None:
    transport = Transport(connect_timeout=0.1, read_timeout=0.3, attempts=1)
    with raw_server(trickles(OK + b"\r\n")) as server, ends_in_time(r"no complete answer within 0\.7 s", 0.7):
        get(transport, server)


def test_silence_within_a_body_runs_into_the_read_timeout() -> None:
    transport = Transport(read_timeout=0.1, attempts=1)
    half = sends(OK, b"Content-Length: 10\r\n\r\n{")
    with raw_server(half) as server, ends_in_time(r"no answer within 0\.1 s", 0.1):
        get(transport, server)


@pytest.fixture
def full() -> Iterator[int]:
    """A port that accepts no further connection, on all addresses of this machine."""
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen(0)
        port = int(listener.getsockname()[1])
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        yield port
        for sock in waiting:
            sock.close()


def test_all_addresses_of_a_host_share_one_timeout(full: int, monkeypatch: pytest.MonkeyPatch) -> None:
    getaddrinfo = socket.getaddrinfo

    def many(host: str, *args: Any, **kwargs: Any) -> Any:
        hosts = [f"127.0.0.{n}" for n in range(1, 9)] if host == "localhost" else [host]
        return [found for one in hosts for found in getaddrinfo(one, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", many)
    transport = Transport(connect_timeout=0.15)
    with ends_in_time("no connection within 0.15 s") as failed, transport.within(SECONDS):
        transport.send(Call("POST", f"http://localhost:{full}", json={}))
    assert failed.value.failure is Failure.NOT_SENT


def test_the_next_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    getaddrinfo = socket.getaddrinfo

    def two(host: str, *args: Any, **kwargs: Any) -> Any:
        hosts = ["127.0.0.2", "127.0.0.1"] if host == "localhost" else [host]
        return [found for one in hosts for found in getaddrinfo(one, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with raw_server(sends(GOOD)) as server:
        answer = Transport().send(Call("GET", f"http://localhost:{server.port}"))
        assert (answer.body, server.connections) == ({"items": []}, 1)
        assert b"Host: localhost:" in server.requests[0]


def test_close_cuts_active_requests_and_refuses_new_ones() -> None:
    transport = Transport(attempts=1)
    errors: list[RequestError] = []

    def ask() -> None:
        with pytest.raises(RequestError) as failed:
            get(transport, server)
        errors.append(failed.value)

    received = threading.Event()
    with raw_server(lambda connection: (received.set(), hangs(connection))) as server:
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        assert received.wait(5)
        transport.close()
        thread.join(LATE)
        assert [error.failure for error in errors] == [Failure.AMBIGUOUS]
        with pytest.raises(RequestError, match="cancelled"):
            get(transport, server)
        assert len(server.requests) == 1


# ---- long answers --------------------------------------------------------------------------------------------------


def compressed(mebibytes: int) -> bytes:
    """Zeros, compressed to a thousandth."""
    one = zlib.compressobj(wbits=31)
    return b"".join(one.compress(bytes(MIB)) for _ in range(mebibytes)) + one.flush()


BOMBS = {
    "one stream": (b"gzip", compressed(64)),
    "many streams": (b"gzip", gzip.compress(bytes(MIB)) * 1024),
    "deflate": (b"deflate", zlib.compress(bytes(64 * MIB))),
    "not compressed": (b"identity", bytes(8 * MIB)),
}


@pytest.mark.parametrize(("encoding", "body"), BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: /elsewhere", b"500 Oh"])
def test_a_long_answer_is_read_no_further_than_the_limit(status: bytes, encoding: bytes, body: bytes) -> None:
    transport = Transport(attempts=1, max_body_bytes=MIB)
    head = b"HTTP/1.1 %s\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (status, encoding, len(body))
    with raw_server(sends(head, body), sends(GOOD)) as server:
        tracemalloc.start()
        try:
            with pytest.raises(RequestError, match="the answer is longer than 1 MiB") as failed:
                get(transport, server)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert failed.value.failure is Failure.AMBIGUOUS
        assert peak < 16 * MIB
        assert get(transport, server) == {"items": []}


def test_a_decompression_bomb_is_cut_before_the_limit() -> None:
    body = compressed(64)
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with (
        raw_server(sends(OK, head, body)) as server,
        pytest.raises(RequestError, match="more than 200 times") as failed,
    ):
        get(Transport(attempts=1), server)
    assert failed.value.failure is Failure.AMBIGUOUS


def test_a_long_list_of_similar_items_is_read() -> None:
    items = [
        {"id": f"{number:036}", "state": "enabled", "metrics": {"records": 0} | dict.fromkeys("abcdefgh", "x" * 20)}
        for number in range(20_000)
    ]
    body = gzip.compress(json.dumps({"items": items}).encode())
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with raw_server(sends(OK, head, body)) as server:
        assert get(Transport(attempts=1), server) == {"items": items}


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_long_chunked_answer_is_read(encoding: str) -> None:
    items = [{"id": str(number)} for number in range(200_000)]
    body = json.dumps({"items": items}).encode()
    sent = gzip.compress(body) if encoding == "gzip" else body
    head = b"Transfer-Encoding: chunked\r\nContent-Encoding: %b\r\n\r\n" % encoding.encode()
    with raw_server(sends(OK, head, b"%x\r\n%b\r\n0\r\n\r\n" % (len(sent), sent))) as server:
        assert get(Transport(attempts=1), server) == {"items": items}


def test_an_answer_as_long_as_the_limit_is_read() -> None:
    body = b'"%s"' % (b"x" * (MIB - 2))
    transport = Transport(attempts=1, max_body_bytes=MIB)
    with raw_server(sends(OK, b"Content-Length: %d\r\n\r\n" % MIB, body)) as server:
        assert len(transport.send(Call("GET", server.url, expected=str)).body) == MIB - 2


def test_clients_and_pollers_have_different_body_limits(connected: Emulator) -> None:
    assert Transport().max_body_bytes == MAX_BODY_BYTES == 64 * MIB
    polled = PolledConnection("aep_default").client()
    assert polled.transport.max_body_bytes == MAX_POLLED_BYTES == 8 * MIB


@pytest.mark.parametrize("headers", [b"gzip, gzip", b"gzip\r\nContent-Encoding: gzip"], ids=["one", "two"])
def test_an_answer_compressed_twice_is_refused(headers: bytes) -> None:
    body = gzip.compress(gzip.compress(b"{}"))
    answer = sends(OK, b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (headers, len(body)), body)
    with raw_server(answer) as server, pytest.raises(RequestError, match="compressed more than once") as failed:
        get(Transport(attempts=1), server)
    assert failed.value.failure is Failure.AMBIGUOUS


# ---- lists without an end ------------------------------------------------------------------------------------------


def endless(connection: Any) -> None:
    """Answer a page that suits each service, with a new item and a link to another page."""
    if (number := len(connection.server.requests)) > 100:
        raise EOFError  # the test fails
    body = (
        b'{"items": [{"id": "%(n)d"}], "_links": {"next": {"href": "/x?continuationToken=%(n)d"}},'
        b' "results": [{"$id": "%(n)d"}], "_page": {"next": "%(n)d"}, "data": [{"id": "%(n)d"}]}' % {b"n": number}
    )
    if b"/dataSets" in connection.server.requests[-1]:
        body = b'{"%d": {}}' % number
    connection.send(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)


LISTS: dict[str, Callable[[Client], Iterator[Any]]] = {
    FLOW_SERVICE: lambda client: flow_service.items(client, "flows"),
    "schemaregistry": lambda client: schema_registry.resources(client, "schemas"),
    CATALOG: catalog.datasets,
    DATA_PREP: data_prep.mapping_sets,
}


@pytest.mark.parametrize("read", LISTS.values(), ids=LISTS)
def test_an_endless_list_raises_at_the_operation_timeout(read: Callable[[Client], Iterator[Any]]) -> None:
    with raw_server(endless) as server:
        # By this clock, each answer takes a second.
        clock = Clock(monotonic=lambda: float(len(server.requests)), sleep=lambda _: None)
        client = Client(
            "EMULATOR@AdobeOrg", "dev", AccessToken("id", "token"), Transport(clock=clock), server.url,
            settle_seconds=0.0, dataflow_settle_seconds=0.0, operation_timeout=30.0,
        )  # fmt: skip
        with pytest.raises(RequestError, match="the operation's time has elapsed") as failed:
            list(read(client))
        assert failed.value.retryable
        assert len(server.requests) == 30


# ---- connections, threads and descriptors --------------------------------------------------------------------------


def test_one_connection_serves_many_requests_including_refused_ones() -> None:
    refusal = b'HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n{"title": "NotHere"}'
    transport = Transport()
    with raw_server(*[sends(GOOD), sends(refusal)] * 10) as server:
        for _ in range(10):
            get(transport, server)
            with pytest.raises(RequestError, match="NotHere"):
                get(transport, server)
        assert (len(server.requests), server.connections) == (20, 1)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_thread_or_descriptor_remains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutoff, "IDLE_SECONDS", 0.01)
    answers = [
        sends(GOOD),
        trickles(OK + b"\r\n"),
        sends(b"no HTTP"),
        sends(OK, b"Content-Length: 9\r\n\r\n", close=True),
    ]
    gc.collect()
    before = descriptors()
    with raw_server(*answers, sends(GOOD)) as server:
        transport = Transport(connect_timeout=0.1, read_timeout=0.3, attempts=1)
        get(transport, server)
        for _ in answers[1:]:
            with pytest.raises(RequestError):
                get(transport, server)
        transport.timeouts = (30.0, 30.0)  # the cutoff thread ends earlier
        get(transport, server)
        del transport
    gc.collect()
    assert descriptors() == before
    for thread in threading.enumerate():
        if thread.name == "request-cutoff":
            thread.join(5)
            assert not thread.is_alive()


def test_a_forked_child_shares_neither_connection_nor_cutoff_thread() -> None:
    transport = Transport(attempts=1)
    with raw_server(sends(GOOD), sends(GOOD), trickles(OK + b"\r\n"), sends(GOOD)) as server:
        get(transport, server)
        if not (child := os.fork()):
            signal.alarm(5)
            ended = 1
            try:
                get(transport, server)
                with ends_in_time("no complete answer within"), transport.within(SECONDS):
                    get(transport, server)
                ended = 0
            finally:
                os._exit(ended)
        assert os.waitpid(child, 0)[1] == 0
        get(transport, server)
        assert server.connection_numbers == [1, 2, 2, 1]


def test_a_closed_session_keeps_no_connection_even_with_a_referenced_pool(emulator: Emulator) -> None:
    session = cutoff.GuardedSession()
    session.get(emulator.url, timeout=5)
    pool = session.get_adapter("http://").poolmanager.connection_from_url(emulator.url)
    assert pool.pool is not None
    session.close()
    assert pool.pool is None
