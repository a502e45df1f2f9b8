"""Ids in paths arrive at the service unchanged, or are refused before sending."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_payments.aep.api import catalog, data_prep, flow_service, schema_registry
from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import InvalidInputError, RequestError
from airflow_provider_payments.aep.inputs import as_id
from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.flow_service import SOURCE_CONNECTION
from airflow_provider_payments.aep.services import segment
from tests.fault_proxy import FaultProxy

REQUESTS: dict[str, tuple[Callable[[Client, Any], object], str]] = {
    "item": (lambda client, key: flow_service.item(client, "flows", key), "flows/{}"),
    "schema": (lambda client, key: schema_registry.resource(client, "schemas", key), "tenant/schemas/{}"),
    "dataset": (catalog.dataset, "dataSets/{}"),
    "mapping set": (lambda client, key: data_prep.mapping_set(client, key, 1), "mappingSets/{}"),
    "test": (flow_service.test_base_connection, "connections/{}/test"),
    "explore": (flow_service.explore, "connections/{}/explore"),
    "explore REST": (
        lambda client, key: flow_service.explore_resource(client, key, "x"),
        "connections/{}/explore",
    ),
    "delete": (lambda client, key: SOURCE_CONNECTION.delete(client, SimpleNamespace(id=key)), "sourceConnections/{}"),  # type: ignore[arg-type]
    "delete dataset": (lambda client, key: DATASET.delete(client, SimpleNamespace(id=key)), "dataSets/{}"),  # type: ignore[arg-type]
}
DOT_SEGMENTS = ["", ".", "..", "../flows", "a/..", "a/../b", "./a", "a/./b", "..\\flows"]


@pytest.mark.parametrize(("ask", "path"), REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("object_id", DOT_SEGMENTS)
def test_an_id_with_dot_segments_is_refused_before_sending(
    ask: Callable[[Client, Any], object],
    path: str,
    object_id: str,
    make_client: Callable[..., Client],
    proxy: FaultProxy,
) -> None:
    with pytest.raises(InvalidInputError, match="between slashes"):
        ask(make_client(proxy.url), object_id)
    assert [requested for requested in proxy.asked if "/ims/" not in requested[1]] == []


@pytest.mark.parametrize(("ask", "path"), REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("object_id", ["a.b", "...", "a..b", "https://ns.adobe.com/x/y", "a b?c#d%2e", "%2e%2e"])
def test_any_other_id_arrives_unchanged(
    ask: Callable[[Client, Any], object],
    path: str,
    object_id: str,
    make_client: Callable[..., Client],
    proxy: FaultProxy,
) -> None:
    with suppress(RequestError):  # no object has this id
        ask(make_client(proxy.url), object_id)
    sent = proxy.asked[-1][1].partition("?")[0]
    before, _, after = path.partition("{}")
    assert sent.endswith(after)
    last = sent.removesuffix(after).rpartition(before)[2]
    assert "/" not in last
    assert unquote(last) == object_id


@given(st.text(st.sampled_from("./\\a%2eE"), max_size=8))
def test_a_quoted_id_stays_one_segment_when_decoded(object_id: str) -> None:
    try:
        quoted = segment(object_id)
    except InvalidInputError:
        return
    assert "/" not in quoted
    parts = unquote(quoted).replace("\\", "/").split("/")
    assert not {".", ".."} & set(parts)
    assert unquote(quoted) == object_id


@pytest.mark.parametrize("object_id", ["a/..", "a/../b", "a/./b", "https://ns.adobe.com/../b", "a/."])
def test_an_argument_with_a_dot_segment_is_refused(object_id: str) -> None:
    with pytest.raises(InvalidInputError, match=f"flow_id='{object_id}' is not allowed: no part of an id"):
        as_id("flow_id", object_id)


@pytest.mark.parametrize("object_id", ["a.b", "a..b", "a...", "https://ns.adobe.com/x.y/z"])
def test_dots_within_a_name_are_accepted(object_id: str) -> None:
    assert as_id("flow_id", object_id) == object_id
