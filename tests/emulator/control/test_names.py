"""Names that are unique, or not, by the kind of object."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import REGISTRY, Client
from tests.emulator.control.objects import KINDS

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
# Members of the refusal of a name, by the service.
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
def test_a_taken_name_is_refused_if_names_are_unique(client: Client, kind: str) -> None:
    rule(client, kind, "once")
    created = KINDS[kind].make(client, "same")
    answer = KINDS[kind].post(client, "same")
    expected = REFUSALS[KINDS[kind].path.split("/")[3]]
    assert answer.status_code == expected["status"]
    assert {member: answer.json()[member] for member in expected} == expected
    assert created in answer.text
    assert KINDS[kind].listed(client).count(created) == 1
    KINDS[kind].make(client, "other")


@EVERY_KIND
def test_a_taken_name_is_accepted_if_names_are_not_unique(client: Client, kind: str) -> None:
    rule(client, kind, "twice")
    created = [KINDS[kind].make(client, "same") for _ in range(2)]
    assert set(created) <= set(KINDS[kind].listed(client))


@EVERY_KIND
def test_the_name_of_a_deleted_object_can_be_taken_again(client: Client, kind: str) -> None:
    rule(client, kind, "once")
    client.control("PUT", "options", json={"lags": {kind: {"gone": 60, "gone_by_id": 60}}})
    KINDS[kind].ask(client, "DELETE", KINDS[kind].make(client, "same"))
    KINDS[kind].make(client, "same")


def test_a_schema_can_be_replaced_if_another_one_has_its_title(client: Client) -> None:
    rule(client, "schema", "twice")
    created = [KINDS["schema"].make(client, "same") for _ in range(2)]
    body = KINDS["schema"].body(client, "same")
    answer = client.ask("PUT", f"{REGISTRY}/tenant/schemas/{created[0].replace('/', '%2F')}", json=body)
    assert answer.status_code == 200
    rule(client, "schema", "once")
    refused = client.ask("PUT", f"{REGISTRY}/tenant/schemas/{created[0].replace('/', '%2F')}", json=body)
    assert refused.json()["type"] == REFUSALS["schemaregistry"]["type"]


def test_mapping_sets_without_a_name_do_not_conflict(client: Client) -> None:
    rule(client, "mapping_set", "once")
    body = KINDS["mapping_set"].body(client, "any")
    del body["name"]
    created = {client.make(KINDS["mapping_set"].path, body)["id"] for _ in range(2)}
    assert len(created) == 2


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
def test_invalid_rules_for_names_are_refused(client: Client, names: object, named: str) -> None:
    before = client.control("GET", "options")
    assert named in client.refused("PUT", "/__emulator__/options", 400, json={"names": names})["error"]
    assert client.control("GET", "options") == before
