"""The number of items on a page of a service's lists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import FLOW, Client
from tests.emulator.control.objects import KINDS

# A kind of object of each service, whose list the tests request.
OF_SERVICE = {
    "flow_service": "source_connection",
    "schema_registry": "schema",
    "catalog": "dataset",
    "data_prep": "mapping_set",
}
EVERY_SERVICE = pytest.mark.parametrize("service", OF_SERVICE)
# Members of the refusal of a limit, by the service.
REFUSALS: dict[str, dict[str, Any]] = {
    "flow_service": {"type": "https://ns.adobe.com/aep/errors/FLOW-1453-400", "title": "Invalid request"},
    "schema_registry": {
        "type": "http://ns.adobe.com/aep/errors/XDM-1011-400",
        "title": "Query parameter invalid",
        "detail": "'limit' must be a whole number, from 0 to 2.",
    },
    "catalog": {"title": "BadRequestError", "detail": "'limit' must be a whole number, from 1 to 2."},
    "data_prep": {
        "type": "https://ns.adobe.com/aep/errors/MAPPER-1000-400",
        "detail": "'limit' must be a whole number, from 0 to 2.",
    },
}


def limits(client: Client, service: str, **members: Any) -> None:
    client.control("PUT", "options", json={"page_limits": {service: members}})


def create_objects(client: Client, service: str) -> None:
    """Create three objects; in the registry there may be more, to which other objects refer."""
    for number in range(3):
        KINDS[OF_SERVICE[service]].make(client, f"object {number}")


@EVERY_SERVICE
def test_a_limit_above_the_maximum_is_cut(client: Client, service: str) -> None:
    create_objects(client, service)
    limits(client, service, maximum=2, above="cut")
    assert len(KINDS[OF_SERVICE[service]].listed(client, limit=3)) == 2


@EVERY_SERVICE
def test_a_limit_above_the_maximum_is_refused(client: Client, service: str) -> None:
    create_objects(client, service)
    limits(client, service, maximum=2, above="refused")
    answer = KINDS[OF_SERVICE[service]].ask_list(client, limit=3)
    assert answer.status_code == 400
    assert REFUSALS[service].items() <= answer.json().items()
    assert len(KINDS[OF_SERVICE[service]].listed(client, limit=2)) == 2


@EVERY_SERVICE
def test_a_limit_above_the_maximum_is_accepted(client: Client, service: str) -> None:
    create_objects(client, service)
    limits(client, service, maximum=2, above="taken")
    assert len(KINDS[OF_SERVICE[service]].listed(client, limit=3)) == 3


@EVERY_SERVICE
def test_a_page_without_a_limit_has_the_default(client: Client, service: str) -> None:
    create_objects(client, service)
    limits(client, service, default=2)
    assert len(KINDS[OF_SERVICE[service]].listed(client, limit=None)) == 2
    limits(client, service, maximum=1)
    assert len(KINDS[OF_SERVICE[service]].listed(client, limit=None)) == 1


@EVERY_SERVICE
def test_a_service_without_a_default_requires_a_limit(client: Client, service: str) -> None:
    create_objects(client, service)
    limits(client, service, default=None)
    answer = KINDS[OF_SERVICE[service]].ask_list(client, limit=None)
    assert answer.status_code == 400
    assert "'limit' must be a whole number" in answer.text
    assert len(KINDS[OF_SERVICE[service]].listed(client, limit=2)) == 2


def test_a_continued_list_of_flow_service_keeps_its_limit(client: Client) -> None:
    create_objects(client, "flow_service")
    limits(client, "flow_service", default=None, maximum=2)
    page = client.get(f"{FLOW}/sourceConnections", limit=2)
    token = page["_links"]["next"]["href"].partition("continuationToken=")[2]
    assert len(client.get(f"{FLOW}/sourceConnections", continuationToken=token)["items"]) == 1
    assert client.get(f"{FLOW}/sourceConnections", count="true") == {"count": 3}


def test_a_search_of_flow_service_has_the_same_limits(client: Client) -> None:
    create_objects(client, "flow_service")
    for name in ("base 1", "base 2"):
        KINDS["base_connection"].make(client, name)
    limits(client, "flow_service", default=2, maximum=2)
    search = f"{FLOW}/connections/search"
    assert len(client.make(search, {})["items"]) == 2
    assert "from 1 to 2, not 3" in client.flow_problem("POST", search, "1453-400", json={"limit": 3})
    limits(client, "flow_service", default=None)
    assert len(client.make(search, {})["items"]) == 2


def test_the_limits_are_those_of_the_documents_by_default(client: Client) -> None:
    assert client.control("GET", "options")["page_limits"] == {
        "flow_service": {"default": 100, "maximum": 1000, "above": "cut"},
        "schema_registry": {"default": 300, "maximum": 500, "above": "cut"},
        "catalog": {"default": 20, "maximum": 100, "above": "refused"},
        "data_prep": {"default": None, "maximum": 1000, "above": "cut"},
    }


@pytest.mark.parametrize(
    ("page_limits", "named"),
    [
        ({"ims": {}}, "'ims' is unknown in 'page_limits': known are catalog, data_prep"),
        ({"catalog": {"most": 1}}, "'most' is unknown in 'page_limits.catalog': known are above, default, maximum"),
        ({"catalog": {"maximum": 0}}, "'page_limits.catalog.maximum' is 0: it must be a whole number from 1 to"),
        ({"catalog": {"maximum": None}}, "'page_limits.catalog.maximum' is null: it must be a whole number from 1 to"),
        ({"catalog": {"default": "20"}}, "'page_limits.catalog.default' is \"20\": it must be a whole number from 1"),
        ({"catalog": {"above": "kept"}}, "'page_limits.catalog.above' is \"kept\": it must be one of cut, refused, ta"),
    ],
)
def test_invalid_page_limits_are_refused(client: Client, page_limits: object, named: str) -> None:
    before = client.control("GET", "options")
    assert named in client.refused("PUT", "/__emulator__/options", 400, json={"page_limits": page_limits})["error"]
    assert client.control("GET", "options") == before
