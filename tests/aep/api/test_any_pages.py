"""
For any answers of a service, a list ends after a limited number of requests, with values or one platform error.

Set ``ANY_PAGES_EXAMPLES`` to the number of examples for each read, to search for failures for longer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.api import catalog, data_prep, flow_service, schema_registry
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import Failure, PlatformError, RequestError
from airflow_provider_payments.aep.http.auth import AccessToken
from airflow_provider_payments.aep.http.clock import Clock
from airflow_provider_payments.aep.http.retries import MAX_ATTEMPTS
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

EXAMPLES = int(os.environ.get("ANY_PAGES_EXAMPLES", "30"))
FOREVER = 10**6
PAGES = 4
#: Upper bound for the requests of a list with PAGES different pages, each requested with all retries.
MOST_REQUESTS = (PAGES + 2) * MAX_ATTEMPTS
PLATFORM = "/data/foundation/"
ID = "3f1c0a6e"

#: One token for all examples, because the proxy answers any token.
TOKEN = AccessToken("emulator-client", "a-token")

Make = Callable[..., Client]
Ask = Callable[[Client], Any]

LISTS: dict[str, Ask] = {
    "pages": lambda client: list(flow_service.pages(client, "runs", f"flowId=={ID}", orderby="-createdAt")),
    "items": lambda client: list(flow_service.items(client, "flows")),
    "registry_results": lambda client: list(schema_registry.resources(client, "schemas", "Payments")),
    "datasets": lambda client: list(catalog.datasets(client, "payments")),
    "mapping_sets": lambda client: list(data_prep.mapping_sets(client, "payments")),
}
SINGLES: dict[str, Ask] = {
    "item": lambda client: flow_service.item(client, "flows", ID),
    "registry_resource": lambda client: schema_registry.resource(client, "schemas", ID),
    "dataset": lambda client: catalog.dataset(client, ID),
    "find_batch_id": lambda client: catalog.find_batch_id(client, ID),
    "mapping_set": lambda client: data_prep.mapping_set(client, ID, 0),
    "tenant_id": schema_registry.tenant_id,
    "test_base_connection": lambda client: flow_service.test_base_connection(client, ID),
    "explore": lambda client: flow_service.explore(client, ID),
    "explore_resource": lambda client: flow_service.explore_resource(client, ID, "charges"),
    "columns": lambda client: flow_service.columns(client, ID, "PayPal.Transactions"),
}

# ---- answers -----------------------------------------------------------------------------------------------------

ODD = st.sampled_from(
    (
        *(None, True, False, 0, 1, -1, 0.5, 10**400, float("inf"), float("nan"), "", " ", "0", "\ud800", "\x00"),
        *("?continuationToken=", "//[", "/x?continuationToken=a+b%2Fc", "?continuationToken=\udfff", "a" * 5000, ID),
        *([], {}, [None], [{}], [[]], [ID], {"id": ID}, {"id": 7}, {"$id": []}, {"name": None}, {ID: 1}, {"href": {}}),
    )
)
NAMES = st.sampled_from(("items", "_links", "next", "href", "results", "_page", "data", "id", "$id", "schema", ID))
ANY = st.recursive(
    ODD | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ITEMS = st.lists(
    st.fixed_dictionaries({}, optional={"id": ANY, "$id": ANY, "name": ANY})
    | st.builds(lambda name: {"id": name, "$id": name, "name": name}, st.text("abc\ud800", min_size=1, max_size=2))
    | ANY,
    max_size=4,
)
HREFS = ANY | st.text("+/=%&?abc \ud800", max_size=6).map("/x?continuationToken={}".format)
#: Answers with the expected outer structure and arbitrary contents.
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "items": ITEMS,
        "results": ITEMS,
        "data": ITEMS,
        "_links": st.fixed_dictionaries({"next": st.fixed_dictionaries({"href": HREFS}) | ANY}) | ANY,
        "_page": st.fixed_dictionaries({"next": ANY}) | ANY,
        "tenantId": ANY,
        "schema": st.fixed_dictionaries({"columns": ITEMS | ANY}) | ANY,
        ID: ANY,
    },
)
RAW = st.sampled_from(
    (
        *(
            b"",
            b" \n",
            b"null",
            b"[]",
            b"{}",
            b"0",
            b'""',
            b"{",
            b"<html><title>Gone</title>",
            b"\xff\xfe",
            b'{"a": 1e999}',
        ),
        *(
            b"[" * 60_000,
            b'{"items": ' * 60_000,
            b'{"items": [' + b"9" * 5000 + b"]}",
            b"9" * 400,
            b"[" * 900 + b"]" * 900,
        ),
    )
)
BODIES = st.one_of(NEARLY, NEARLY, ANY, st.dictionaries(st.text(max_size=3), ANY, max_size=3)).map(
    lambda body: json.dumps(body).encode()
)
ANSWERS = st.tuples(st.sampled_from((200, 200, 200, 200, 204, 302, 404, 429, 500)), BODIES | RAW)


def deep(levels: int) -> tuple[int, bytes]:
    """A page whose link to the next one is a deeply nested list."""
    link = b"[" * levels + b"]" * levels
    return (
        200,
        b'{"items": [], "results": [], "_links": {"next": {"href": ' + link + b'}}, "_page": {"next": ' + link + b"}}",
    )


# ---- requests ----------------------------------------------------------------------------------------------------


class Service:
    """A service in the proxy, which answers with a function and records the requests."""

    def __init__(self, proxy: FaultProxy, answer: Callable[[str], tuple[int, bytes] | None]) -> None:
        proxy.faults.clear()
        self.queries: list[dict[str, list[str]]] = []
        self.elapsed = 0.0

        def reply(path: str) -> tuple[int, bytes] | None:
            self.queries.append(parse_qs(urlsplit(path).query))
            return answer(path)

        proxy.fault("GET", PLATFORM, reply=reply, times=FOREVER)

    @property
    def clock(self) -> Clock:
        def sleep(seconds: float) -> None:
            self.elapsed += seconds

        return Clock(lambda: self.elapsed, sleep)


def cycling(answers: list[tuple[int, bytes]]) -> Callable[[str], tuple[int, bytes]]:
    turn = iter(range(FOREVER))
    return lambda path: answers[next(turn) % len(answers)]


def outcome(ask: Ask, client: Client) -> Any:
    """Return the value or the platform error; any other exception fails the test."""
    try:
        return ask(client)
    except PlatformError as error:
        return error


def page(**members: Any) -> tuple[int, bytes]:
    return 200, json.dumps(members).encode()


def link(token: str) -> dict[str, Any]:
    return {"next": {"href": f"/flows?continuationToken={quote(token)}"}}


each = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=EXAMPLES == 30,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("name", LISTS)
@each
@given(answers=st.lists(ANSWERS, min_size=1, max_size=PAGES))
@example(answers=[deep(930)])
@example(answers=[page(items=[], _links={"next": {"href": "?continuationToken=\ud800"}}, results=[])])
@example(answers=[page(results=[], _page={"next": "\ud800"})])
@example(answers=[page(**{"\ud800": {"name": "payments"}})])
def test_a_list_ends_with_values_or_one_error(
    name: str, proxy: FaultProxy, make_client: Make, answers: list[tuple[int, bytes]]
) -> None:
    service = Service(proxy, cycling(answers))
    found = outcome(LISTS[name], make_client(proxy.url, credential=TOKEN, clock=service.clock))
    assert len(service.queries) <= MOST_REQUESTS
    if isinstance(found, list) and name != "pages":
        assert all(isinstance(item, dict) for item in found)
        if name in ("datasets", "mapping_sets"):
            assert all(item["id"].encode() for item in found)  # a request can contain the id


@pytest.mark.parametrize("name", SINGLES)
@each
@given(answer=ANSWERS)
@example(answer=page(tenantId="_"))
@example(answer=page(**{"\ud800": {}}))
def test_a_single_answer_gives_a_value_or_one_error(
    name: str, proxy: FaultProxy, make_client: Make, answer: tuple[int, bytes]
) -> None:
    service = Service(proxy, cycling([answer]))
    found = outcome(SINGLES[name], make_client(proxy.url, credential=TOKEN, clock=service.clock))
    assert len(service.queries) <= MAX_ATTEMPTS
    if name in ("tenant_id", "find_batch_id") and isinstance(found, str):
        assert found.encode()  # a request can contain the value
        assert found
    if name == "item" and isinstance(found, dict):
        assert found["id"] == ID


@pytest.mark.parametrize("name", LISTS)
def test_an_endless_list_is_cut_by_the_deadline(name: str, proxy: FaultProxy, make_client: Make) -> None:
    def endless(path: str) -> tuple[int, bytes] | None:
        service.elapsed += 7
        number = f"{len(service.queries)}"
        if len(service.queries) > 200:
            return None
        item = {"id": number, "$id": number}
        if name == "datasets":
            return page(**{number: item})
        return page(items=[item], results=[item], data=[item], _links=link(number), _page={"next": number})

    service = Service(proxy, endless)
    found = outcome(LISTS[name], make_client(proxy.url, credential=TOKEN, clock=service.clock, operation_timeout=300.0))
    assert isinstance(found, RequestError)
    assert service.elapsed <= 300 + 7
    assert 300 / 7 - 1 <= len(service.queries) <= 300 / 7 + 1


# ---- ends of lists -----------------------------------------------------------------------------------------------


def read_until_cut(ask: Callable[[], Iterator[Any]]) -> tuple[list[Any], str]:
    """Return the items of an incomplete list, and the text of its error."""
    found = []
    with pytest.raises(RequestError) as error:
        found.extend(ask())
    assert error.value.failure is Failure.AMBIGUOUS
    return found, str(error.value)


@pytest.mark.parametrize(
    ("reason", "second"),
    [
        ("repeats a page token", {"items": [{"id": "2"}], "_links": link("a")}),
        ("repeats a page", {"items": [{"id": "1"}], "_links": link("b")}),
        ("unreadable", {"items": [{"id": "2"}], "_links": {"next": {"href": "/flows?start=2"}}}),
    ],
)
def test_flow_service_lists_with_a_bad_link_are_incomplete(
    reason: str, second: dict[str, Any], proxy: FaultProxy, make_client: Make
) -> None:
    service = Service(proxy, cycling([page(items=[{"id": "1"}], _links=link("a")), page(**second)]))
    client = make_client(proxy.url, credential=TOKEN, clock=service.clock)
    _, said = read_until_cut(lambda: flow_service.pages(client, "flows"))
    assert reason in said
    assert "the list is incomplete" in said
    assert len(service.queries) == 2


@pytest.mark.parametrize("second", [{"results": [{"$id": "2"}], "_page": {"next": "a"}}, {"results": [{"$id": "1"}]}])
def test_registry_lists_with_a_repeated_page_are_incomplete(
    second: dict[str, Any], proxy: FaultProxy, make_client: Make
) -> None:
    second = {"_page": {"next": "b"}} | second
    service = Service(proxy, cycling([page(results=[{"$id": "1"}], _page={"next": "a"}), page(**second)]))
    client = make_client(proxy.url, credential=TOKEN, clock=service.clock)
    _, said = read_until_cut(lambda: schema_registry.resources(client, "schemas"))
    assert "the list is incomplete: the service repeats a page" in said
    assert len(service.queries) == 2


def with_empty_pages(count: int, name: str) -> list[tuple[int, bytes]]:
    """Some empty pages with links to the next one, and then a page with an item."""
    shape = "results" if name == "registry_results" else "items"
    empty = [page(**{shape: [], "_links": link(f"{n}"), "_page": {"next": f"{n}"}}) for n in range(count)]
    return [*empty, page(**{shape: [{"id": ID, "$id": ID}]})]


@pytest.mark.parametrize("name", ["items", "registry_results"])
def test_twenty_empty_pages_in_a_row_are_followed(name: str, proxy: FaultProxy, make_client: Make) -> None:
    service = Service(proxy, cycling(with_empty_pages(20, name)))
    assert LISTS[name](make_client(proxy.url, credential=TOKEN, clock=service.clock)) == [{"id": ID, "$id": ID}]
    assert len(service.queries) == 21


@pytest.mark.parametrize("name", ["items", "registry_results"])
def test_twenty_one_empty_pages_in_a_row_are_incomplete(name: str, proxy: FaultProxy, make_client: Make) -> None:
    service = Service(proxy, cycling(with_empty_pages(21, name)))
    _, said = read_until_cut(lambda: iter(LISTS[name](make_client(proxy.url, credential=TOKEN, clock=service.clock))))
    assert "empty pages" in said
    assert len(service.queries) == 21


@pytest.mark.parametrize("name", ["datasets", "mapping_sets"])
def test_a_short_page_of_a_list_without_links_is_not_the_last(name: str, proxy: FaultProxy, make_client: Make) -> None:
    ids = ["a", "b", "c"]
    held = [page(**{ident: {"name": "n"}}, data=[{"id": ident}]) for ident in ids]
    if name == "datasets":
        held = [page(**{ident: {"name": "n"}}) for ident in ids]
    service = Service(proxy, cycling([*held, page(data=[]) if name == "mapping_sets" else page()]))
    assert [item["id"] for item in LISTS[name](make_client(proxy.url, credential=TOKEN, clock=service.clock))] == ids
    assert len(service.queries) == 4


@each
@given(token=st.text("+/=ab%?&# \xe9", min_size=1, max_size=12))
@example(token="a+b/c==")
@example(token="a%2Bb")
@example(token="a" * 5000)
def test_a_page_token_is_sent_back_unchanged(token: str, proxy: FaultProxy, make_client: Make) -> None:
    """The service may escape all of the token, or leave the plus sign, or more, unescaped."""
    for safe in ("", "+", "+/="):
        href = f"/flows?limit=1&continuationToken={quote(token, safe=safe)}"
        pages = [page(items=[], _links={"next": {"href": href}}), page(items=[])]
        service = Service(proxy, cycling(pages))
        assert list(flow_service.items(make_client(proxy.url, credential=TOKEN, clock=service.clock), "flows")) == []
        assert [query.get("continuationToken") for query in service.queries] == [None, [token]]


@each
@given(links=ANY)
def test_any_links_member_ends_or_continues_the_list_or_raises(
    links: Any, proxy: FaultProxy, make_client: Make
) -> None:
    first = page(items=[{"id": ID}], _links=links)
    service = Service(proxy, lambda path: page(items=[]) if "continuationToken" in path else first)
    found = outcome(LISTS["items"], make_client(proxy.url, credential=TOKEN, clock=service.clock))
    if isinstance(found, PlatformError):
        assert isinstance(found, RequestError)
        assert found.failure is Failure.AMBIGUOUS
    else:
        assert found == [{"id": ID}]
    assert len(service.queries) <= 2


def test_the_lists_of_the_test_work_against_the_emulator(
    proxy: FaultProxy, make_client: Make, emulator: Emulator
) -> None:
    """The reads of this file work against the emulator."""
    emulator.control("POST", "seed", json={"sandbox": "dev", "dataflows": 3})
    client = make_client(proxy.url)
    assert len(LISTS["items"](client)) == 3
    assert len(list(schema_registry.resources(client, "schemas"))) == len(list(catalog.datasets(client))) == 1
    assert len(list(data_prep.mapping_sets(client))) == 1
