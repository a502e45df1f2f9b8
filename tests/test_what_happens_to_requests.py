"""The rows of the manual's page "What happens when" about requests."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.http.auth import AccessToken
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.operators.connections import CreateSourceConnectionOperator
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from tests.aep.http.raw_server import raw_server, trickles
from tests.fault_proxy import FaultProxy
from tests.operators.airflow_masks import forgotten_masks as forgotten_masks
from tests.what_happens import LOSSES, SOURCES, Stage, event, value_of
from tests.what_happens import stage as stage

# ---- lost and delayed answers --------------------------------------------------------------------------------------


@event("The answer to a creation is lost, cut, unreadable or a 5xx")
@pytest.mark.parametrize(("action", "details"), LOSSES.values(), ids=LOSSES)
def test_lost_answer(row: str, action: str, details: dict[str, Any], stage: Stage) -> None:
    stage.emulator.fail(action, method="POST", path=SOURCES, **details)
    made = stage.source()
    (only,) = stage.emulator.objects("sourceConnections")
    assert (made["id"], made["created"]) == (only["id"], True)
    assert len(stage.emulator.posted("/sourceConnections")) == 1
    stage.assert_shown(row)


@event("A task is killed, and tried again")
def test_killed_task(row: str, stage: Stage) -> None:
    # What the killed one asked for takes effect eight seconds later; the next try has begun by then.
    stage.emulator.fail("late_apply", method="POST", path=SOURCES, seconds=8)
    with pytest.raises(RequestError):
        value_of(CreateSourceConnectionOperator).create(stage.client, Writer("manual", "one").mark())
    made = stage.source(try_number=2)
    (only,) = stage.emulator.objects("sourceConnections")
    assert made["id"] == only["id"]
    assert len(stage.emulator.posted("/sourceConnections")) == 1
    stage.assert_shown(row)


@event("The host cannot be reached")
def test_unreachable(row: str, stage: Stage) -> None:
    with socket.socket() as bound:  # and nobody listens
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        stage.connect(url, credential=AccessToken("emulator-client", "token"))
        with pytest.raises(ExperiencePlatformUnavailableError):
            stage.source()
    assert len(stage.naps) == 4
    stage.assert_shown(row)


@event("A 429 with a `Retry-After` of up to 60 s")
def test_short_retry_after(row: str, stage: Stage) -> None:
    stage.emulator.fail("status", method="POST", path=SOURCES, status=429, headers={"Retry-After": "7"})
    assert stage.source()["created"]
    assert stage.naps[0] == 7.0
    stage.assert_shown(row)


@event("A `Retry-After` of more than 60 s")
def test_long_retry_after(row: str, stage: Stage) -> None:
    stage.emulator.fail("status", method="GET", path=SOURCES, status=429, headers={"Retry-After": "300"})
    with pytest.raises(ExperiencePlatformUnavailableError) as error:
        stage.source()
    assert (error.value.retry_after, stage.naps) == (300.0, [])
    stage.assert_shown(row)


@event("An operation takes longer than `operation_timeout`")
def test_timeout(row: str, stage: Stage) -> None:
    stage.connect(operation_timeout=60)
    stage.emulator.fail("status", method="POST", path=SOURCES, status=503, headers={"Retry-After": "50"}, times=99)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.source()
    assert stage.naps == [50.0]
    stage.assert_shown(row)


# ---- tokens, hosts, guards -----------------------------------------------------------------------------------------


@event("The token expires during a run")
def test_token(row: str, stage: Stage) -> None:
    stage.emulator.fail("expire_token", method="POST", path=SOURCES)
    assert stage.source()["created"]
    assert len(stage.emulator.requests(method="POST", path="/ims/token")) == 2
    stage.assert_shown(row)


@event("The new token is refused too")
def test_token_refused(row: str, stage: Stage) -> None:
    stage.emulator.fail("expire_token", method="GET", path=SOURCES, times=2)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.source()
    assert len(stage.emulator.requests(method="POST", path="/ims/token")) == 2
    stage.assert_shown(row)


@event("A read is answered by HTML, an empty body, or another shape than expected")
@pytest.mark.parametrize("status", [200, 403, 404, 502])
def test_html(row: str, status: int, stage: Stage, proxy: FaultProxy) -> None:
    stage.connect(proxy.url)
    page = b"<html><title>Sign in</title></html>"
    proxy.fault("GET", SOURCES, status=status, body=page, times=4)
    assert stage.source()["created"]
    before = proxy.count("GET", "/sourceConnections")
    proxy.fault("GET", SOURCES, status=status, body=page, times=99)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.source(run_id="two")
    assert proxy.count("GET", "/sourceConnections") == before + 5
    stage.assert_shown(row)


@event("An answer redirects to another host")
def test_redirect(row: str, stage: Stage) -> None:
    headers = {"Location": "https://elsewhere.example/"}
    stage.emulator.fail("status", method="GET", path=SOURCES, status=307, headers=headers, times=5)
    with pytest.raises(ExperiencePlatformUnavailableError):
        stage.source()
    assert len(stage.naps) == 4
    stage.assert_shown(row)


@event("An answer is slow, hangs or has no end")
def test_slow_answer(row: str, stage: Stage) -> None:
    with raw_server(trickles(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        stage.connect(server.url, credential=AccessToken("emulator-client", "token"))
        stage.client.transport.timeouts, stage.client.transport.attempts = (0.1, 0.2), 1
        with pytest.raises(ExperiencePlatformUnavailableError):
            stage.source()
        assert server.dropped.wait(5)
    stage.assert_shown(row)


@event("`read_only` is set in the connection")
def test_read_only(row: str, stage: Stage) -> None:
    stage.connect(read_only=True)
    with pytest.raises(ExperiencePlatformFailedError):
        stage.source()
    assert {r["method"] for r in stage.emulator.requests(path="/data/")} == {"GET"}
    stage.assert_shown(row)


@event("An argument is invalid")
def test_bad_argument(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    with pytest.raises(ExperiencePlatformFailedError):
        stage.run(CreateDataflowOperator, interval=10)
    assert stage.emulator.requests() == []
    stage.assert_shown(row)


@event("A mapping reads an attribute that explore does not return for a REST source")
def test_unknown_attributes(row: str, stage: Stage, connect: Callable[..., None]) -> None:
    schema = stage.run(CreateTargetSchemaOperator)["id"]
    reads = partial(stage.run, CreateMappingSetOperator, schema_id=schema, source_columns=["data", "data.id"])
    with pytest.raises(ExperiencePlatformFailedError):
        reads(mappings={"_id": "id"})
    assert stage.emulator.posted("/mappingSets") == []
    assert reads(mappings={"_id": "data.customer.id"})["created"]
    stage.assert_shown(row)
