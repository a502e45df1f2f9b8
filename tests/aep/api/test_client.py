"""Lists page by page, the tenant id, and the data of base connections."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from airflow_provider_payments.aep.api import data_prep, flow_service, schema_registry
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import Failure, InvalidInputError, RequestError
from airflow_provider_payments.aep.resources.sources import SOURCES
from tests.aep.chain import COLUMNS, CREDENTIAL, TABLE, Chain
from tests.conftest import PAYPAL, Emulator
from tests.fault_proxy import FaultProxy


@pytest.fixture
def proxied(make_client: Callable[..., Client], proxy: FaultProxy) -> Client:
    return make_client(proxy.url)


def page(*names: str, following: str | None = None) -> bytes:
    links = {"next": {"href": following}} if following else {}
    return json.dumps({"items": [{"id": name, "name": name} for name in names], "_links": links}).encode()


def queries(proxy: FaultProxy, path: str) -> list[list[tuple[str, str]]]:
    return [parse_qsl(urlsplit(requested).query) for _, requested, _ in proxy.asked if path in requested]


# ---- lists ---------------------------------------------------------------------------------------------------------


def test_each_page_is_requested_with_the_same_filters_and_its_token(proxied: Client, proxy: FaultProxy) -> None:
    proxy.fault("GET", "/flows", status=200, body=page("a", following="/flows?continuationToken=eyJuIjogMX0=="))
    proxy.fault("GET", "/flows", status=200, body=page("b", following="/flows?limit=1&continuationToken=x%2By%3D"))
    proxy.fault("GET", "/flows", status=200, body=page("c", following="/flows?continuationToken=p+q/r="))
    proxy.fault("GET", "/flows", status=200, body=page("d"))
    pages = flow_service.pages(proxied, "flows", "name==a", orderby="-createdAt", limit=7)
    assert [item["id"] for found in pages for item in found] == ["a", "b", "c", "d"]
    requested = [("property", "name==a"), ("limit", "7"), ("orderby", "-createdAt")]
    tokens = [[("continuationToken", token)] for token in ("eyJuIjogMX0==", "x+y=", "p+q/r=")]
    assert queries(proxy, "/flows") == [requested + token for token in ([], *tokens)]


def test_a_link_to_another_host_is_followed_on_the_configured_host(proxied: Client, proxy: FaultProxy) -> None:
    link = "https://example.com/flows?continuationToken=t"
    proxy.fault("GET", "/flows", status=200, body=page("a", following=link))
    proxy.fault("GET", "/flows", status=200, body=page("b"))
    assert [item["id"] for item in flow_service.items(proxied, "flows")] == ["a", "b"]


def test_a_list_that_repeats_its_page_token_is_incomplete(proxied: Client, proxy: FaultProxy) -> None:
    proxy.fault("GET", "/flows", status=200, body=page("a", following="/flows?continuationToken=t"), times=99)
    with pytest.raises(RequestError, match="the list is incomplete: the service repeats a page token") as failed:
        list(flow_service.items(proxied, "flows"))
    assert failed.value.failure is Failure.AMBIGUOUS
    assert proxy.count("GET", "/flows") == 2


ENDS = [b"{}", b'{"items": null}', b'{"items": [], "_links": null}', b'{"items": [], "_links": {"next": null}}']


@pytest.mark.parametrize("body", ENDS, ids=lambda body: body.decode())
def test_a_list_without_items_or_links_ends(body: bytes, proxied: Client, proxy: FaultProxy) -> None:
    proxy.fault("GET", "/flows", status=200, body=body)
    assert list(flow_service.items(proxied, "flows")) == []


def test_a_list_answered_without_an_object_raises(proxied: Client, proxy: FaultProxy) -> None:
    proxy.fault("GET", "/flows", status=200, body=b"[]", times=99)
    with pytest.raises(RequestError, match="answered a list instead of an object"):
        list(flow_service.items(proxied, "flows"))


def test_a_connection_after_the_first_page_is_found(chain: Chain, emulator: Emulator) -> None:
    """105 connections have the name, and the matching one is the last."""
    wrong = chain.base_connection(credential=CREDENTIAL | {"host": "api.paypal.com"})
    for _ in range(105):
        wrong.create(chain.client)
    emulator.advance(1)
    right = chain.base_connection().create(chain.client).id
    assert chain.ensure(chain.base_connection()).existing.id == right


def test_a_dataset_after_the_first_page_is_found(chain: Chain, emulator: Emulator) -> None:
    other = chain.ensure(chain.schema(name="other", field_groups=())).existing.id
    for _ in range(100):
        chain.dataset(schema_id=other).create(chain.client)
    emulator.advance(1)
    right = chain.dataset().create(chain.client).id
    assert chain.ensure(chain.dataset()).existing.id == right


def test_a_mapping_set_after_the_first_page_is_found(chain: Chain, emulator: Emulator) -> None:
    """The emulator's ``start`` counts mapping sets, which the client detects by a repeated item."""
    for number in range(205):
        chain.mapping_set(mappings={"_id": f"Column_{number}"}).create(chain.client)
    right = chain.mapping_set().create(chain.client).id
    assert chain.ensure(chain.mapping_set()).existing.id == right
    assert len(emulator.requests(method="GET", path="/data/foundation/conversion/mappingSets")) <= 6


def test_mapping_sets_are_listed_if_start_counts_pages(proxied: Client, proxy: FaultProxy) -> None:
    pages = [[{"id": f"{page}-{number}"} for number in range(size)] for page, size in enumerate((100, 20, 3, 0))]
    for data in pages:
        proxy.fault("GET", "/mappingSets", status=200, body=json.dumps({"data": data}).encode())
    assert list(data_prep.mapping_sets(proxied, "m")) == [item for data in pages for item in data]
    assert [dict(query)["start"] for query in queries(proxy, "/mappingSets")] == ["0", "1", "2", "3"]


def test_a_schema_after_the_first_page_is_found(chain: Chain, proxied: Client, proxy: FaultProxy) -> None:
    desired = chain.schema(field_groups=())
    created_id = chain.ensure(desired).existing.id
    # A page begins after the last value of the page before.
    last = desired.name[:-1]
    first = {"results": [], "_page": {"next": last}}
    proxy.fault("GET", "/tenant/schemas", status=200, body=json.dumps(first).encode())
    assert [existing.id for existing in desired.look_up(proxied)] == [created_id]
    assert ("start", last) in queries(proxy, "/tenant/schemas")[1]


# ---- tenant and base connections -----------------------------------------------------------------------------------


def test_the_tenant_id_is_requested_once_and_has_no_underscore(client: Client, emulator: Emulator) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: schema_registry.tenant_id(client), range(8))) == {"emulator"}
    assert len(emulator.requests(path="/data/foundation/schemaregistry/stats")) == 1


def test_statistics_without_a_tenant_id_raise(proxied: Client, proxy: FaultProxy) -> None:
    proxy.fault("GET", "/stats", status=200, times=99)
    with pytest.raises(RequestError, match="the answer contains no tenantId"):
        schema_registry.tenant_id(proxied)


@pytest.mark.parametrize(("secret", "works"), [("right", True), ("wrong", False)])
def test_a_base_connection_is_tested_at_the_vendor(secret: str, works: bool, chain: Chain) -> None:
    provisioned = chain.ensure(chain.base_connection(credential=CREDENTIAL | {"clientSecret": secret}))
    assert flow_service.test_base_connection(chain.client, provisioned.existing.id) is works


def test_explore_returns_tables_columns_and_rows(client: Client) -> None:
    assert TABLE in [table["path"] for table in flow_service.explore(client, PAYPAL)]
    shape = flow_service.explore(client, PAYPAL, TABLE)
    assert [column["name"] for column in shape["schema"]["columns"]] == list(COLUMNS)
    assert "data" not in shape
    assert flow_service.explore(client, PAYPAL, TABLE, preview=True)["data"][0].keys() == set(COLUMNS)


def test_a_rest_resource_is_explored_by_its_path(chain: Chain) -> None:
    stripe = chain.base_connection(name="stripe", source=SOURCES["stripe"], credential={"accessToken": "key"})
    created_id = chain.ensure(stripe).existing.id
    assert flow_service.explore_resource(chain.client, created_id, "charges")["format"] == "hierarchical"
    assert flow_service.explore_resource(chain.client, created_id, "charges", preview=True)["data"]


def test_columns_have_the_form_of_a_source_connection(client: Client) -> None:
    first, *_ = flow_service.columns(client, PAYPAL, TABLE)
    assert first == {"name": "Product_Id", "type": "string", "xdm": {"type": "string"}}


WITHOUT_COLUMNS: list[Any] = [[], {}, {"schema": {}}, {"schema": {"columns": None}}, {"schema": {"columns": {"a": 1}}}]


@pytest.mark.parametrize("body", WITHOUT_COLUMNS, ids=json.dumps)
def test_an_answer_without_a_list_of_columns_is_ambiguous(body: Any, proxied: Client, proxy: FaultProxy) -> None:
    proxy.fault("GET", "/explore", status=200, body=json.dumps(body).encode(), times=5)
    with pytest.raises(RequestError) as error:
        flow_service.columns(proxied, PAYPAL, "PayPal.Transactions")
    assert error.value.failure is Failure.AMBIGUOUS
    assert proxy.count("GET", "/explore") == 5


def test_a_table_without_columns_is_refused(proxied: Client, proxy: FaultProxy) -> None:
    proxy.fault("GET", "/explore", status=200, body=b'{"schema": {"columns": []}}')
    with pytest.raises(InvalidInputError, match=r"table='PayPal\.Nothing' is not allowed: it must be a table"):
        flow_service.columns(proxied, PAYPAL, "PayPal.Nothing")
