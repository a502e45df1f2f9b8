"""The gateway's rate limit, on the emulator's clock."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.emulator.client import CREDENTIALS, FLOW, REGISTRY, Client, source_body

SOURCES = f"{FLOW}/sourceConnections"
REFUSED = {"error_code": "429050", "message": "Too many requests"}


def limit(client: Client, **members: Any) -> Any:
    return client.control("PUT", "rate-limit", json=members)


def passes(client: Client, requests_: int) -> int:
    return sum(client.ask("GET", SOURCES).status_code == 200 for _ in range(requests_))


def test_there_is_no_rate_limit_unless_set(client: Client) -> None:
    off = {"requests_a_minute": None, "burst": None, "retry_after": None, "refused": 0}
    assert client.control("GET", "rate-limit") == off
    assert passes(client, 150) == 150


def test_a_burst_is_allowed_and_then_the_rate(client: Client) -> None:
    shown = limit(client, requests_a_minute=30, burst=3)
    assert shown == {"requests_a_minute": 30, "burst": 3, "retry_after": "seconds", "refused": 0}
    assert passes(client, 5) == 3
    client.advance(4)
    assert passes(client, 5) == 2
    client.advance(3600)
    assert passes(client, 5) == 3
    assert client.control("GET", "rate-limit")["refused"] == 2 + 3 + 2


def test_waiting_for_retry_after_is_enough(client: Client) -> None:
    limit(client, requests_a_minute=7, burst=1)
    assert passes(client, 1) == 1
    for early in (0, 3.5):
        client.advance(early)
        answer = client.ask("GET", SOURCES)
        assert answer.status_code == 429
    # A request is allowed every 60 / 7 seconds; 3.5 seconds have passed, and the rest is rounded up.
    assert answer.headers["Retry-After"] == "6"
    client.advance(5)
    assert passes(client, 1) == 0
    client.advance(1)
    assert passes(client, 1) == 1


@pytest.mark.parametrize("rate", [0.7, 1, 13, 49.9, 60, 1000])
def test_a_client_that_waits_for_retry_after_always_passes(client: Client, rate: float) -> None:
    limit(client, requests_a_minute=rate, burst=1)
    for _ in range(12):
        assert passes(client, 1) == 1
        client.advance(float(client.ask("GET", SOURCES).headers["Retry-After"]))


def test_a_refused_request_changes_nothing(client: Client) -> None:
    limit(client, requests_a_minute=60, burst=1)
    client.source()
    answer = client.ask("POST", SOURCES, json=source_body())
    assert (answer.status_code, answer.json()) == (429, REFUSED)
    assert client.control("DELETE", "rate-limit")["refused"] == 1
    assert len(client.get(SOURCES)["items"]) == 1


def test_retry_after_can_be_a_date_of_the_emulators_clock(client: Client) -> None:
    client.advance(86400 * 30)
    client.sign_in()
    limit(client, requests_a_minute=10, burst=1, retry_after="date")
    assert passes(client, 1) == 1
    answer = client.ask("GET", SOURCES)
    moment = parsedate_to_datetime(answer.headers["Retry-After"])
    assert moment.timestamp() == client.now() + 6
    assert (moment - parsedate_to_datetime(answer.headers["Date"])).total_seconds() == 6
    client.advance(6)
    assert passes(client, 1) == 1


def test_retry_after_can_be_left_out(client: Client) -> None:
    limit(client, requests_a_minute=10, burst=1, retry_after=None)
    assert passes(client, 1) == 1
    assert "Retry-After" not in client.ask("GET", SOURCES).headers


def test_only_requests_that_pass_the_gateway_are_counted(client: Client) -> None:
    limit(client, requests_a_minute=1, burst=2)
    for _ in range(5):
        client.refused("GET", SOURCES, 401, headers={"Authorization": "Bearer x"})
        assert requests.post(f"{client.url}/ims/token/v3", data=CREDENTIALS, timeout=5).status_code == 200
        client.control("GET", "rate-limit")
    client.get(SOURCES)
    client.get(f"{REGISTRY}/stats")
    # All services of the platform and all tokens of the client share one bucket.
    assert Client(client.url, "prod").refused("GET", f"{REGISTRY}/stats", 429) == REFUSED


def test_a_reset_removes_the_rate_limit(client: Client) -> None:
    limit(client, requests_a_minute=1, burst=1)
    client.control("POST", "reset")
    assert passes(client, 5) == 5


def test_a_reset_restores_the_rate_limit_of_the_start() -> None:
    with EmulatorServer(time="manual", rate_limit=60, burst=2) as server:
        client = Client(server.url)
        assert passes(client, 4) == 2
        client.control("DELETE", "rate-limit")
        assert passes(client, 4) == 4
        client.control("POST", "reset")
        assert passes(client, 4) == 2


def test_the_default_burst_is_the_requests_of_a_minute(client: Client) -> None:
    assert limit(client, requests_a_minute=5)["burst"] == 5
    assert limit(client, requests_a_minute=0.5)["burst"] == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, ["requests_a_minute", "missing"]),
        ({"requests_a_minute": 0}, ["requests_a_minute", "0"]),
        ({"requests_a_minute": "50"}, ["requests_a_minute", "50"]),
        ({"requests_a_minute": True}, ["requests_a_minute", "true"]),
        ({"requests_a_minute": 1, "burst": 0}, ["burst", "0"]),
        ({"requests_a_minute": 1, "burst": 1.5}, ["burst", "1.5"]),
        ({"requests_a_minute": 1, "retry_after": "soon"}, ["retry_after", "soon", "date, seconds"]),
        ({"requests_a_minute": 1, "retry_after": 5}, ["retry_after", "5"]),
        ({"requests_per_minute": 1}, ["requests_per_minute", "requests_a_minute"]),
        ([], ["object"]),
    ],
)
def test_invalid_rate_limits_are_refused(client: Client, body: Any, words: list[str]) -> None:
    message = client.refused("PUT", "/__emulator__/rate-limit", 400, json=body)["error"]
    for word in words:
        assert word in message
    assert client.control("GET", "rate-limit")["requests_a_minute"] is None
