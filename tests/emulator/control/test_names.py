"""Names that may be taken once, or twice, by the kind of object."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import REGISTRY, Client
from tests.emulator.control.objects import KINDS

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
# What the refusal of a name says of itself, by the service.
REFUSALS: dict[str, dict[str, Any]] = {
    "flowservice": {"type": "https://ns.adobe.com/aep/errors/FLOW-1000-409", "title": "Conflict", "status": 409},
    "conversion": {"type": "https://ns.adobe.com/aep/errors/MAPPER-1000-409", "title": "Conflict", "status": 409},
    "catalog": {"type": "/placeholder/type/uri", "title": "ConflictError", "status": 409},
    "schemaregistry": {
        "type": "http://ns.adobe.com/aep/errors/XDM-1521-400",
        "title": "Title not unique",
        "status": 400,
    },
}


def rule(client: Client, kind: str, allowed: str) -> None:
    client.control("PUT", "options", json={"names": {kind: allowed}})


@EVERY_KIND
def test_a_name_that_may_be_taken_once_is_refused(client: Client, kind: str) -> None:
    rule(client, kind, "once")
    made = KINDS[kind].make(client, "same")
    answer = KINDS[kind].post(client, "same")
    expected = REFUSALS[KINDS[kind].path.split("/")[3]]
    assert answer.status_code == expected["status"]
    assert {member: answer.json()[member] for member in expected} == expected
    assert made in answer.text
    assert KINDS[kind].listed(client).count(made) == 1
    KINDS[kind].make(client, "other")


@EVERY_KIND
def test_a_name_that_may_be_taken_twice_is_accepted(client: Client, kind: str) -> None:
    rule(client, kind, "twice")
    made = [KINDS[kind].make(client, "same") for _ in range(2)]
    assert set(made) <= set(KINDS[kind].listed(client))


@EVERY_KIND
def test_the_name_of_a_deleted_object_can_be_taken_again(client: Client, kind: str) -> None:
    rule(client, kind, "once")
    client.control("PUT", "options", json={"lags": {kind: {"gone": 60, "gone_by_id": 60}}})
    KINDS[kind].ask(client, "DELETE", KINDS[kind].make(client, "same"))
    KINDS[kind].make(client, "same")


def test_a_schema_keeps_a_title_that_others_have_when_titles_may_be_taken_twice(client: Client) -> None:
    rule(client, "schema", "twice")
    made = [KINDS["schema"].make(client, "same") for _ in range(2)]
    body = KINDS["schema"].body(client, "same")
    answer = client.ask("PUT", f"{REGISTRY}/tenant/schemas/{made[0].replace('/', '%2F')}", json=body)
    assert answer.status_code == 200
    rule(client, "schema", "once")
    refused = client.ask("PUT", f"{REGISTRY}/tenant/schemas/{made[0].replace('/', '%2F')}", json=body)
    assert refused.json()["type"] == REFUSALS["schemaregistry"]["type"]


def test_mapping_sets_without_a_name_are_no_duplicates(client: Client) -> None:
    rule(client, "mapping_set", "once")
    body = KINDS["mapping_set"].body(client, "any")
    del body["name"]
    made = {client.make(KINDS["mapping_set"].path, body)["id"] for _ in range(2)}
    assert len(made) == 2


def test_the_registry_alone_refuses_a_taken_name_by_default(client: Client) -> None:
    once = {"schema": "once", "field_group": "once"}
    assert client.control("GET", "options")["names"] == {**dict.fromkeys(KINDS, "twice"), **once}


@pytest.mark.parametrize(
    ("names", "named"),
    [
        ({"batch": "once"}, "'batch' is unknown in 'names': known are base_connection, dataflow"),
        ({"dataset": "never"}, "'names.dataset' is \"never\": it must be one of once, twice"),
        ({"dataset": True}, "'names.dataset' is true: it must be one of once, twice"),
    ],
)
def test_rules_for_names_that_mean_nothing_are_refused(client: Client, names: object, named: str) -> None:
    before = client.control("GET", "options")
    assert named in client.refused("PUT", "/__emulator__/options", 400, json={"names": names})["error"]
    assert client.control("GET", "options") == before
