"""What pages of lists must look like, service by service, and how one leads to the next."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from airflow_provider_payments.aep.errors import Failure, RequestError, UnreadableError
from airflow_provider_payments.aep.http.answers import UnexpectedError, an_object
from airflow_provider_payments.aep.readers import at, mappings, text
from airflow_provider_payments.aep.services import FLOW_SERVICE, SCHEMA_REGISTRY, Json


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


def by_id(body: Any) -> Json:
    """Expect a page of Catalog: items by their ids."""
    page = an_object(body)
    if not all(map(text, page)):
        raise UnexpectedError("an id is unreadable")
    return page


def a_resource(body: Any) -> Json:
    """Expect a resource of the Schema Registry. Without an id it is none, and would seem to lack all that it has."""
    return _identified(body, "$id")


def a_mapping_set(body: Any) -> Json:
    """Expect a mapping set, which has an id."""
    return _identified(body, "id")


def _identified(body: Any, name: str) -> Json:
    found = an_object(body)
    if not text(found.get(name)):
        raise UnexpectedError(f"the answer has no {name}")
    return found


def a_tenant(body: Any) -> Json:
    """Expect the Schema Registry's statistics, with the tenant's namespace."""
    stats = an_object(body)
    if not (text(stats.get("tenantId")) or "").removeprefix("_"):
        raise UnexpectedError("it names no tenantId")
    return stats


def a_table(body: Any) -> Json:
    """Expect a table's shape, with its columns."""
    shape = an_object(body)
    if not isinstance(at(shape, "schema", "columns"), list):
        raise UnexpectedError("the answer holds no list of columns")
    return shape


def next_token(page: Json) -> str | None:
    """Return the next page's token. The link is relative; only its token is taken, so it cannot lead elsewhere."""
    href = at(page, "_links", "next", "href")
    if href is None or href == "":
        return None
    try:
        # A plus sign of a base64 token may stand there unescaped.
        tokens = parse_qs(urlsplit(_sendable(href)).query.replace("+", "%2B")).get("continuationToken")
    except ValueError:
        tokens = None
    if not tokens:
        raise _unreadable_link(FLOW_SERVICE)
    return tokens[0]


def next_start(page: Json) -> str | None:
    """Return where the next page of a Schema Registry list begins, by the value that it is sorted by."""
    following = at(page, "_page", "next")
    if following is None:
        return None
    try:
        return str(following) if type(following) is int else _sendable(following)
    except ValueError:
        raise _unreadable_link(SCHEMA_REGISTRY) from None


def _sendable(value: object) -> str:
    """
    Return text that a request can bear. Tokens may be longer than any id, so the limit of ids is not theirs.

    :raises ValueError: for anything else.
    """
    if not isinstance(value, str) or not value:
        raise ValueError(type(value).__name__)
    value.encode()
    return value


def _unreadable_link(path: str) -> RequestError:
    reason = "the list is incomplete: the link to its next page is unreadable"
    return RequestError(Failure.AMBIGUOUS, "GET", path, reason=reason)


def objects(items: list[Any], collection: str) -> list[Json]:
    """
    Return items that are all objects.

    :raises UnreadableError: for another: where absence decides, it may be any.
    """
    for item in items:
        if not isinstance(item, dict):
            raise UnreadableError(f"an item of {collection}", "it is no object")
    return items
