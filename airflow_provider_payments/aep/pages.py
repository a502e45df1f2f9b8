"""What pages of lists must look like, service by service, and how one leads to the next."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from airflow_provider_payments.aep.answers import UnexpectedError, an_object
from airflow_provider_payments.aep.errors import Failure, RequestError, UnreadableError
from airflow_provider_payments.aep.readers import at, mappings, text
from airflow_provider_payments.aep.services import FLOW_SERVICE, Json


def a_listing(body: Any) -> Json:
    """Expect a page of Flow Service; one without items may leave them out."""
    page = an_object(body)
    items = page.get("items", [] if "_page" in page or "_links" in page else None)
    if not isinstance(items, list):
        raise UnexpectedError("the answer holds no list of items")
    return {**page, "items": items}


def results(body: Any) -> Json:
    """Expect a page of the Schema Registry."""
    page = an_object(body)
    if not isinstance(page.get("results"), list):
        raise UnexpectedError("the answer holds no list of results")
    return page


def mapping_sets(body: Any) -> Json:
    """Expect a page of Data Prep, each of whose items that are objects has an id."""
    page = an_object(body)
    data = page.get("data")
    if not isinstance(data, list):
        raise UnexpectedError("the answer holds no list of mapping sets")
    if not all(text(item.get("id")) for item in mappings(data)):
        raise UnexpectedError("a mapping set has no id")
    return page


def a_tenant(body: Any) -> Json:
    """Expect the Schema Registry's statistics, with the tenant's namespace."""
    stats = an_object(body)
    if not text(stats.get("tenantId")):
        raise UnexpectedError("it names no tenantId")
    return stats


def next_token(page: Json) -> str | None:
    """Return the next page's token. The link is relative; only its token is taken, so it cannot lead elsewhere."""
    href = at(page, "_links", "next", "href")
    if href is None or href == "":
        return None
    try:
        # A plus sign of a base64 token may stand there unescaped.
        tokens = parse_qs(urlsplit(str(href)).query.replace("+", "%2B")).get("continuationToken")
    except ValueError:
        tokens = None
    if not tokens:
        raise RequestError(
            Failure.AMBIGUOUS,
            "GET",
            FLOW_SERVICE,
            reason="the list is incomplete: the link to its next page is unreadable",
        )
    return tokens[0]


def objects(items: list[Any], collection: str) -> list[Json]:
    """
    Return items that are all objects.

    :raises UnreadableError: for another: where absence decides, it may be any.
    """
    for item in items:
        if not isinstance(item, dict):
            raise UnreadableError(f"an item of {collection}", "it is no object")
    return items
