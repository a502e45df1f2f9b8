"""Findings from lists that lag, that fail, or whose parameters have another meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.http.auth import AccessToken
from airflow_provider_payments.aep.verification.findings import Finding, Outcome, judged
from airflow_provider_payments.aep.verification.report import Report
from tests.conftest import Emulator

MAPPING_SETS = "/data/foundation/conversion/mappingSets"
DATASETS = "/data/foundation/catalog/dataSets"
TARGETS = "/data/foundation/flowservice/targetConnections"


def answer_lists(emulator: Emulator, path: str, *bodies: Any, first: int = 1) -> None:
    """Answer the queries of a list with these bodies in turn, beginning with the query number ``first``."""
    for number, body in enumerate(bodies, first):
        emulator.fail("status", method="GET", path=path, nth=number, status=200, body=body)


@pytest.mark.parametrize("check", ["non_ascii_names", "filter_ids", "filter_created"])
def test_a_list_that_lags_is_polled(
    check: str, emulator: Emulator, found: Callable[..., Finding], make_client: Callable[..., Client]
) -> None:
    emulator.control("PUT", "options", json={"lags": {"target_connection": {"listed": 5}}})
    finding = found(f"flow_service.{check}", by=make_client(settle_seconds=10.0))
    assert finding == judged(True, parameter="honoured")


@pytest.mark.parametrize("check", ["non_ascii_names", "filter_ids", "filter_created", "filter_dataset"])
def test_a_list_that_lags_beyond_the_settle_time_contradicts_nothing(
    check: str, emulator: Emulator, found: Callable[..., Finding]
) -> None:
    emulator.control("PUT", "options", json={"lags": {"target_connection": {"listed": 60}}})
    finding = found(f"flow_service.{check}")
    assert finding == Finding(Outcome.NOT_TRIED, reason="no list contains the objects that it needs")


def test_a_filter_that_misses_a_name_contradicts_unlike_a_late_list(
    emulator: Emulator, found: Callable[..., Finding]
) -> None:
    emulator.control("PUT", "options", json={"queries_are_utf8": False})
    assert found("catalog.non_ascii_names") == judged(False, parameter="ignored")


def test_a_list_that_fails_contradicts_nothing(emulator: Emulator, found: Callable[..., Finding]) -> None:
    emulator.fail("status", method="GET", path=TARGETS, nth=2, times=None, status=503, body={"title": "Unavailable"})
    reason = f"GET {TARGETS} was answered 503 Unavailable"
    assert found("flow_service.unknown_parameter") == Finding(Outcome.NOT_TRIED, reason=reason)


def test_a_list_query_that_fails_once_is_retried(emulator: Emulator, found: Callable[..., Finding]) -> None:
    emulator.fail("status", method="GET", path=TARGETS, nth=2, status=503)
    assert found("flow_service.unknown_parameter").outcome is Outcome.CONFIRMED


def test_a_list_that_is_forbidden_contradicts_nothing(emulator: Emulator, found: Callable[..., Finding]) -> None:
    emulator.fail("status", method="GET", path=TARGETS, nth=2, code="FLOW-2120-403")
    assert found("flow_service.unknown_parameter").reason == f"GET {TARGETS} was answered 403 FLOW-2120-403"


def test_data_prep_that_counts_pages_is_confirmed(emulator: Emulator, found: Callable[..., Finding]) -> None:
    first = {"data": [{"id": "1"}, {"id": "2"}]}
    answer_lists(emulator, MAPPING_SETS, first, {"data": [{"id": "3"}]}, first)
    assert found("data_prep.start") == judged(True, parameter="honoured", counts="pages")


def test_a_catalog_that_counts_pages_contradicts(emulator: Emulator, found: Callable[..., Finding]) -> None:
    # The first list is the search for objects of earlier runs.
    answer_lists(emulator, DATASETS, {"1": {}, "2": {}}, {"3": {}}, {"1": {}, "2": {}}, first=2)
    assert found("catalog.start") == judged(False, parameter="honoured", counts="pages")


def test_a_list_that_changes_between_queries_contradicts_nothing(
    emulator: Emulator, found: Callable[..., Finding]
) -> None:
    before, after = {"1": {}, "2": {}}, {"3": {}, "1": {}}
    answer_lists(emulator, DATASETS, before, {"1": {}, "2": {}}, after, first=2)
    reason = "the list changed between two requests"
    assert found("catalog.start") == Finding(Outcome.NOT_TRIED, reason=reason)


@pytest.mark.parametrize("check", ["pages", "list_without_order"])
def test_a_list_without_items_yet_contradicts_nothing(
    check: str, emulator: Emulator, found: Callable[..., Finding]
) -> None:
    emulator.control("PUT", "options", json={"lags": {"field_group": {"listed": 60}}})
    assert found(f"schema_registry.{check}").outcome is Outcome.NOT_TRIED


def test_a_credential_that_may_not_list_sandboxes_contradicts(
    emulator: Emulator, found: Callable[..., Finding]
) -> None:
    emulator.fail("status", path="*/sandbox-management*", status=403, times=None, body={"title": "Forbidden"})
    assert found("sandboxes.listed", allow_production=True) == judged(False, listed=False, type="other")


def test_a_cut_page_reveals_the_page_limit(emulator: Emulator, found: Callable[..., Finding]) -> None:
    emulator.control("POST", "seed", json={"sandbox": "dev", "dataflows": 30})
    emulator.control("PUT", "options", json={"page_limits": {"flow_service": {"maximum": 20, "above": "cut"}}})
    finding = found("flow_service.pages")
    assert finding == judged(True, one=1, maximum=20, above="cut")


def test_if_a_limit_is_refused_smaller_ones_are_tried(emulator: Emulator, found: Callable[..., Finding]) -> None:
    emulator.control("PUT", "options", json={"page_limits": {"flow_service": {"maximum": 100, "above": "refused"}}})
    finding = found("flow_service.pages")
    assert finding == judged(False, one=1, maximum=100, above="refused")


def test_the_order_of_objects_with_equal_times_proves_nothing(
    emulator: Emulator, found: Callable[..., Finding]
) -> None:
    page = {"data": [{"id": "1", "createdDate": 1700000000000}, {"id": "2", "createdDate": 1700000000000}]}
    answer_lists(emulator, MAPPING_SETS, page, page)
    assert found("data_prep.order").reason == "no page contains two objects with different times"


def test_a_refused_token_is_not_replaced(verified: Callable[..., Report], emulator: Emulator) -> None:
    names = ("flow_service.invalid_token", "catalog.no_token", "sandboxes.invalid_token")
    assert {finding.outcome for _, finding in verified(*names).findings} == {Outcome.CONFIRMED}
    assert len(emulator.requests(method="POST", path="/ims/token/v3")) == 1


def test_the_lifetime_of_an_access_token_from_the_connection_is_unknown(
    found: Callable[..., Finding], make_client: Callable[..., Client], client: Client
) -> None:
    token = client.credential.token()
    assert token
    by = make_client(credential=AccessToken("emulator-client", token))
    reason = "it needs a client secret: the lifetime of an access token from the connection is unknown"
    assert found("clock.token_lifetime", by=by) == Finding(Outcome.NOT_TRIED, reason=reason)


def test_objects_with_unusual_names_are_deleted_at_once(verified: Callable[..., Report], emulator: Emulator) -> None:
    report = verified("catalog.non_ascii_names", "catalog.quoted_names")
    assert {finding.outcome for _, finding in report.findings} == {Outcome.CONFIRMED}
    written = [request["method"] for request in emulator.requests(path=DATASETS) if request["method"] != "GET"]
    assert written == ["POST", "DELETE", "POST", "DELETE"]


def test_an_answer_that_is_no_page_contradicts_nothing(emulator: Emulator, found: Callable[..., Finding]) -> None:
    answer_lists(emulator, TARGETS, {"flows": 1}, first=2)
    assert found("flow_service.filter_created").reason == "the answer to a list query is no page"
