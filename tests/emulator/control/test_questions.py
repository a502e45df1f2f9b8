"""Parameters and filters of lists that the services honour, ignore or refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.emulator.client import FLOW, Client
from tests.emulator.control.objects import KINDS

SERVICES = {
    "flow_service": "source_connection",
    "schema_registry": "schema",
    "catalog": "dataset",
    "data_prep": "mapping_set",
}
EVERY_SERVICE = pytest.mark.parametrize("service", SERVICES)
NAMES = ("b", "c", "a")
# By service, the parameters that sort a list: by title in the registry, else newest first.
ORDERS: Mapping[str, Mapping[str, str]] = {
    "flow_service": {"orderby": "-createdAt"},
    "schema_registry": {"orderby": "title"},
    "catalog": {"orderBy": "desc:created"},
    "data_prep": {"orderBy": "-createdDate"},
}
# Members of the refusals by each service, except Flow Service.
REFUSALS: Mapping[str, Mapping[str, Any]] = {
    "schema_registry": {"type": "http://ns.adobe.com/aep/errors/XDM-1011-400", "title": "Query parameter invalid"},
    "catalog": {"title": "BadRequestError", "status": 400},
    "data_prep": {"type": "https://ns.adobe.com/aep/errors/MAPPER-1000-400", "status": 400},
}


def named(service: str, name: str) -> dict[str, str]:
    """The parameters that filter a list by name."""
    if service in ("catalog", "data_prep"):
        return {"name": name}
    return {"property": f"{'name' if service == 'flow_service' else 'title'}=={name}"}


def answers(client: Client, question: str, answer: str) -> None:
    client.control("PUT", "options", json={"questions": {question: answer}})


def create_objects(client: Client, service: str, names: tuple[str, ...] = NAMES) -> list[str]:
    """Create objects with these names, one each second; return their ids."""
    kind, ids = KINDS[SERVICES[service]], []
    for name in names:
        ids.append(kind.make(client, name))
        client.advance(1)
    return ids


def listed(client: Client, service: str, ids: list[str], **params: Any) -> list[int]:
    """The listed objects, in the order of the list, as indexes into the ids of the created objects."""
    return [ids.index(one) for one in KINDS[SERVICES[service]].listed(client, **params) if one in ids]


def refused(client: Client, service: str, code: str, **params: Any) -> None:
    """Check the refusal of a list request.

    :param code: the code of the refusal if the service is Flow Service.
    """
    kind = KINDS[SERVICES[service]]
    if service == "flow_service":
        client.flow_problem("GET", kind.path, code, params=params)
        return
    answer = kind.ask_list(client, **params)
    assert answer.status_code == 400
    assert REFUSALS[service].items() <= answer.json().items()
    assert "is not supported for" in answer.json()["detail"]


@EVERY_SERVICE
def test_an_order_is_honoured_ignored_or_refused(client: Client, service: str) -> None:
    ids = create_objects(client, service)
    default = listed(client, service, ids)
    honoured = listed(client, service, ids, **ORDERS[service])
    assert honoured == ([2, 0, 1] if service == "schema_registry" else [2, 1, 0])
    answers(client, f"{service}.order", "ignored")
    assert listed(client, service, ids, **ORDERS[service]) == default != honoured
    answers(client, f"{service}.order", "refused")
    refused(client, service, "1433-400", **ORDERS[service])


def test_catalog_handles_both_names_of_the_order_alike(client: Client) -> None:
    ids = create_objects(client, "catalog")
    assert listed(client, "catalog", ids, sort="desc:created") == [2, 1, 0]
    answers(client, "catalog.order", "ignored")
    assert listed(client, "catalog", ids, sort="desc:created") == [0, 1, 2]


@EVERY_SERVICE
def test_a_filter_by_name_is_honoured_ignored_or_refused(client: Client, service: str) -> None:
    ids = create_objects(client, service)
    everything = listed(client, service, ids)
    assert listed(client, service, ids, **named(service, "c")) == [1]
    answers(client, f"{service}.name_filter", "ignored")
    assert listed(client, service, ids, **named(service, "c")) == everything
    answers(client, f"{service}.name_filter", "refused")
    refused(client, service, "1449-400", **named(service, "c"))


@pytest.mark.parametrize(
    ("question", "name"),
    [("non_ascii_names", "Zahlung für März"), ("quoted_names", 'The "best" ones'), ("quoted_names", "The seller's")],
)
@EVERY_SERVICE
def test_a_filter_by_a_special_name_finds_nothing_if_ignored(
    client: Client, service: str, question: str, name: str
) -> None:
    ids = create_objects(client, service, ("plain", name))
    assert listed(client, service, ids, **named(service, name)) == [1]
    answers(client, f"{service}.{question}", "ignored")
    assert listed(client, service, ids, **named(service, name)) == []
    assert listed(client, service, ids, **named(service, "plain")) == [0]
    answers(client, f"{service}.{question}", "refused")
    refused(client, service, "1449-400", **named(service, name))
    assert listed(client, service, ids, **named(service, "plain")) == [0]


@EVERY_SERVICE
def test_an_unknown_parameter_is_ignored_or_refused(client: Client, service: str) -> None:
    ids = create_objects(client, service)
    everything = listed(client, service, ids)
    answers(client, f"{service}.unknown_parameter", "ignored")
    assert listed(client, service, ids, surprise="1") == everything
    answers(client, f"{service}.unknown_parameter", "refused")
    refused(client, service, "1451-400", surprise="1")
    assert listed(client, service, ids, limit=100, start=None, **named(service, "c")) == [1]


@pytest.mark.parametrize("service", ["flow_service", "catalog", "data_prep"])
def test_a_start_is_honoured_ignored_or_refused(client: Client, service: str) -> None:
    ids = create_objects(client, service)
    answers(client, f"{service}.start", "honoured")
    assert listed(client, service, ids, start=1, limit=1) == [1]
    answers(client, f"{service}.start", "ignored")
    assert listed(client, service, ids, start=1, limit=1) == [0]
    answers(client, f"{service}.start", "refused")
    refused(client, service, "1451-400", start=1, limit=1)


def test_a_start_in_the_registry_is_honoured_ignored_or_refused(client: Client) -> None:
    ids = create_objects(client, "schema_registry")
    query = {"orderby": "title", "start": "b"}
    assert listed(client, "schema_registry", ids, **query) == [1]
    answers(client, "schema_registry.start", "ignored")
    assert listed(client, "schema_registry", ids, **query) == [2, 0, 1]
    answers(client, "schema_registry.start", "refused")
    refused(client, "schema_registry", "", **query)


def test_an_honoured_start_of_flow_service_applies_to_the_first_page(client: Client) -> None:
    answers(client, "flow_service.start", "honoured")
    ids = create_objects(client, "flow_service", ("a", "b", "c", "d"))
    page = client.get(f"{FLOW}/sourceConnections", start=1, limit=2)
    assert [item["id"] for item in page["items"]] == ids[1:3]
    token = page["_links"]["next"]["href"].partition("continuationToken=")[2]
    following = client.get(f"{FLOW}/sourceConnections", start=1, continuationToken=token)
    assert [item["id"] for item in following["items"]] == ids[3:]
    client.flow_problem("GET", f"{FLOW}/sourceConnections", "1453-400", params={"start": "x"})


def test_a_continuation_token_is_honoured_ignored_or_refused(client: Client) -> None:
    ids = create_objects(client, "flow_service")
    sources = f"{FLOW}/sourceConnections"
    token = client.get(sources, limit=2)["_links"]["next"]["href"].partition("continuationToken=")[2]
    query = {"continuationToken": token, "limit": 2}
    assert [item["id"] for item in client.get(sources, **query)["items"]] == ids[2:]
    answers(client, "flow_service.continuation_token", "ignored")
    assert [item["id"] for item in client.get(sources, **query)["items"]] == ids[:2]
    answers(client, "flow_service.continuation_token", "refused")
    refused(client, "flow_service", "1451-400", **query)


def test_a_filter_by_several_ids_is_honoured_ignored_or_refused(client: Client) -> None:
    ids = create_objects(client, "flow_service")
    several, single = {"property": f"id=={ids[2]},{ids[0]}"}, {"property": f"id=={ids[1]}"}
    assert listed(client, "flow_service", ids, **several) == [0, 2]
    answers(client, "flow_service.filter_ids", "ignored")
    assert listed(client, "flow_service", ids, **several) == [0, 1, 2]
    assert listed(client, "flow_service", ids, **single) == [1]
    answers(client, "flow_service.filter_ids", "refused")
    refused(client, "flow_service", "1449-400", **several)
    assert listed(client, "flow_service", ids, **single) == [1]


def test_a_filter_by_creation_time_is_honoured_ignored_or_refused(client: Client) -> None:
    ids = create_objects(client, "flow_service")
    later = {"property": f"createdAt>={client.item('sourceConnections', ids[1])['createdAt']}"}
    assert listed(client, "flow_service", ids, **later) == [1, 2]
    answers(client, "flow_service.filter_created", "ignored")
    assert listed(client, "flow_service", ids, **later) == [0, 1, 2]
    answers(client, "flow_service.filter_created", "refused")
    refused(client, "flow_service", "1449-400", **later)


def test_a_filter_by_the_last_runs_start_is_honoured_ignored_or_refused(client: Client) -> None:
    flow = client.flow(client.prepared())["id"]
    client.advance(62)
    begun = client.item("flows", flow)["lastRunDetails"]["startedAtUTC"]

    def found(since: int) -> list[str]:
        query = f"lastRunDetails.startedAtUTC>={since}"
        return [item["id"] for item in client.get(f"{FLOW}/flows", property=query)["items"]]

    assert (found(begun), found(begun + 1)) == ([flow], [])
    answers(client, "flow_service.filter_last_run_started", "ignored")
    assert found(begun + 1) == [flow]
    answers(client, "flow_service.filter_last_run_started", "refused")
    client.flow_problem(
        "GET", f"{FLOW}/flows", "1449-400", params={"property": f"lastRunDetails.startedAtUTC>={begun}"}
    )


def test_an_ignored_filter_of_a_search_has_no_effect(client: Client) -> None:
    ids = [KINDS["base_connection"].make(client, name) for name in NAMES]
    answers(client, "flow_service.name_filter", "ignored")
    found = client.make(f"{FLOW}/connections/search", {"queryString": "property=name==c"})["items"]
    assert [item["id"] for item in found][-3:] == ids


def test_questions_are_shown_with_their_defaults(client: Client) -> None:
    shown = client.control("GET", "options")["questions"]
    ignored = {question for question, answer in shown.items() if answer == "ignored"}
    assert ignored == {
        "flow_service.start",
        *(f"{service}.unknown_parameter" for service in SERVICES if service != "flow_service"),
    }
    assert {question for question, answer in shown.items() if answer == "refused"} == {"flow_service.unknown_parameter"}
    assert len(shown) == 4 * 6 + 4


@pytest.mark.parametrize(
    ("questions", "named_"),
    [
        ({"flow_service.count": "ignored"}, "'flow_service.count' is unknown in 'questions': known are catalog.na"),
        ({"catalog.start": "taken"}, "'questions.catalog.start' is \"taken\": it must be one of honoured, ignored, re"),
        ("ignored", "'questions' is \"ignored\": it must be an object of catalog.name_filter"),
    ],
)
def test_invalid_questions_are_refused(client: Client, questions: object, named_: str) -> None:
    before = client.control("GET", "options")
    assert named_ in client.refused("PUT", "/__emulator__/options", 400, json={"questions": questions})["error"]
    assert client.control("GET", "options") == before
