"""The requests that faults apply to, the operations on faults, and the refusal of invalid faults."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import Client
from tests.emulator.http.faults import SOURCES, add, counts, post


def fired(client: Client, requests_: int) -> list[int]:
    """Send some requests; return the numbers, from 1, of those that a status fault answered."""
    return [place for place in range(1, requests_ + 1) if post(client).status_code != 201]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, [1]),
        ({"times": 2}, [1, 2]),
        ({"times": None}, [1, 2, 3, 4, 5, 6]),
        ({"match": {"nth": 3}}, [3]),
        ({"match": {"nth": 3}, "times": 2}, [3, 4]),
        ({"match": {"nth": 5, "method": ["put", "post"]}, "times": None}, [5, 6]),
        ({"match": {"method": "PUT"}, "times": None}, []),
        ({"match": {"path": "/data/*/source*"}}, [1]),
        ({"match": {"path": "/data/foundation/flowservice"}}, []),
        ({"match": {"path": f"{SOURCES}/"}}, [1]),
        ({"probability": 0, "times": None}, []),
    ],
)
def test_a_fault_fires_for_the_requests_that_it_matches(
    client: Client, members: dict[str, Any], expected: list[int]
) -> None:
    fault = add(client, "status", status=500, **members)
    assert fired(client, 6) == expected
    assert counts(client, fault)[1] == len(expected)


def test_draws_repeat_with_the_seed(client: Client) -> None:
    def draw(seed: int) -> list[int]:
        client.control("DELETE", "faults")
        fault = {"action": "status", "status": 500, "probability": 0.3, "times": None}
        client.control("POST", "faults", json={"seed": seed, "faults": [fault]})
        return fired(client, 40)

    first = draw(7)
    assert 3 <= len(first) <= 25
    assert draw(7) == first
    assert draw(8) != first


def test_a_fault_with_a_probability_fires_at_most_its_times(client: Client) -> None:
    fault = add(client, "status", status=500, probability=0.5, times=3)
    assert len(fired(client, 30)) == 3
    assert counts(client, fault) == (30, 3)


def test_the_first_ready_fault_fires_and_all_matching_faults_count(client: Client) -> None:
    first = add(client, "status", status=500, match={"nth": 2})
    second = add(client, "status", status=503, times=None)
    assert [post(client).status_code for _ in range(3)] == [503, 500, 503]
    assert counts(client, first) == (3, 1)
    assert counts(client, second) == (3, 2)


def test_faults_do_not_apply_to_the_control_interface(client: Client) -> None:
    fault = add(client, "drop_before", times=None, match={})
    client.control("GET", "state")
    client.control("GET", "")
    assert counts(client, fault) == (0, 0)


def test_faults_can_be_listed_shown_and_removed(client: Client) -> None:
    one = add(client, "delay", seconds=1)
    created = client.control("POST", "faults", json=[{"action": "html"}, {"action": "reset", "times": None}])["faults"]
    listed = client.control("GET", "faults")["faults"]
    assert [fault["id"] for fault in listed] == [one, *(fault["id"] for fault in created)]
    assert len({fault["id"] for fault in listed}) == 3
    assert listed[0] == {
        "id": one,
        "match": {"method": ["POST"], "path": SOURCES, "nth": 1},
        "times": 1,
        "probability": 1,
        "action": "delay",
        "seconds": 1,
        "matched": 0,
        "fired": 0,
    }
    assert client.control("DELETE", f"faults/{one}")["id"] == one
    client.refused("DELETE", f"/__emulator__/faults/{one}", 404)
    client.refused("GET", f"/__emulator__/faults/{one}", 404)
    assert post(client).status_code == 502
    removed = client.control("DELETE", "faults")["faults"]
    assert [fault["fired"] for fault in removed] == [1, 0]
    assert post(client).status_code == 201
    assert client.control("GET", "faults") == {"faults": []}


def test_a_reset_removes_all_faults(client: Client) -> None:
    add(client, "drop_before", times=None, match={})
    client.control("POST", "reset")
    assert client.control("GET", "faults") == {"faults": []}
    assert client.get(SOURCES)["items"] == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, ["action", "drop_before"]),
        ({"action": "explode"}, ["action", "explode", "drop_before"]),
        ({"action": ["html"]}, ["action", "html"]),
        ({"action": "status"}, ["status", "missing"]),
        ({"action": "apply_then_status"}, ["status", "missing"]),
        ({"action": "delay"}, ["seconds", "missing"]),
        ({"action": "late_apply"}, ["seconds", "missing"]),
        ({"action": "list_lag"}, ["seconds", "missing"]),
        ({"action": "read_lag"}, ["seconds", "missing"]),
        ({"action": "late_apply", "seconds": 1, "headers": {}}, ["status", "missing"]),
        ({"action": "status", "status": "500"}, ["status", "500", "200 to 599"]),
        ({"action": "status", "status": 99}, ["status", "99"]),
        ({"action": "status", "status": True}, ["status", "true"]),
        ({"action": "status", "code": "2120-403"}, ["code", "2120-403"]),
        ({"action": "status", "code": "FLOW-2120-403", "status": 500}, ["status", "500", "403", "FLOW-2120-403"]),
        ({"action": "status", "status": 500, "headers": []}, ["headers"]),
        ({"action": "status", "status": 500, "headers": {"a b": "c"}}, ["headers", "a b"]),
        ({"action": "status", "status": 500, "headers": {"a": "b\r\nc: d"}}, ["headers.a"]),
        ({"action": "status", "status": 500, "headers": {"a": None}}, ["headers.a", "null"]),
        ({"action": "status", "status": 500, "headers": {"Content-Length": "1"}}, ["headers", "content-length"]),
        ({"action": "delay", "seconds": -1}, ["seconds", "-1"]),
        ({"action": "delay", "seconds": 1e9}, ["seconds", "3600"]),
        ({"action": "delay", "seconds": 1, "status": 500}, ["status", "delay", "seconds"]),
        ({"action": "drop_before", "nth": 2}, ["nth"]),
        ({"action": "reset", "apply": 1}, ["apply", "1"]),
        ({"action": "html", "times": 0}, ["times", "0"]),
        ({"action": "html", "times": 1.5}, ["times", "1.5"]),
        ({"action": "html", "probability": 1.1}, ["probability", "1.1"]),
        ({"action": "html", "probability": None}, ["probability", "null"]),
        ({"action": "html", "match": "POST"}, ["match", "POST"]),
        ({"action": "html", "match": {"url": "/x"}}, ["url", "method", "path"]),
        ({"action": "html", "match": {"method": []}}, ["match.method"]),
        ({"action": "html", "match": {"method": [1]}}, ["match.method"]),
        ({"action": "html", "match": {"path": 1}}, ["match.path", "1"]),
        ({"action": "html", "match": {"nth": 0}}, ["match.nth", "0"]),
        ([{"action": "html"}, {"action": "no"}], ["no"]),
        ({"seed": "x", "faults": []}, ["seed", "x"]),
        ({"seed": 1, "faults": {}}, ["faults"]),
        ({"seed": 1, "fault": []}, ["fault"]),
        ("html", ["fault", "html"]),
        (None, ["fault", "null"]),
    ],
)
def test_invalid_faults_are_refused_and_none_is_added(client: Client, body: Any, words: list[str]) -> None:
    message = client.refused("POST", "/__emulator__/faults", 400, json=body)["error"]
    for word in words:
        assert word in message
    assert client.control("GET", "faults") == {"faults": []}


def test_long_values_are_not_echoed_in_full(client: Client) -> None:
    for body in ({"action": "x" * 5000}, {"action": "html", "y" * 5000: 1}):
        assert len(client.refused("POST", "/__emulator__/faults", 400, json=body)["error"]) < 400
