"""
Reads of Flow Service: its lists and items, and the data that a base connection gives access to.

Sources: Adobe's OpenAPI file, the guides "Sort and filter responses" and "Explore a data structure of a payments
source".
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from airflow_provider_payments.aep.api import pages as any_pages
from airflow_provider_payments.aep.api.attributes import paths_of
from airflow_provider_payments.aep.errors import InvalidInputError, UnreadableError
from airflow_provider_payments.aep.http.answers import UnexpectedError, an_item, an_object
from airflow_provider_payments.aep.readers import at, mapping, mappings, text
from airflow_provider_payments.aep.services import FLOW_SERVICE, PAGE, Json, segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_payments.aep.api.client import Reads


def items(reads: Reads, collection: str, *filters: str, limit: int = PAGE) -> Iterator[Json]:
    """
    Yield the items of a collection; arguments are those of :func:`pages`.

    :raises UnreadableError: if an item is not an object, because it may stand for any item.
    """
    for page in pages(reads, collection, *filters, limit=limit):
        yield from any_pages.objects(page, collection)


def pages(
    reads: Reads, collection: str, *filters: str, orderby: str | None = None, limit: int = PAGE
) -> Iterator[list[Any]]:
    """
    Yield the pages of a collection; each page is one request.

    :param collection: the collection, such as ``sourceConnections``.
    :param filters: ``property`` expressions that all must be true. The service may ignore a filter, so callers check
        the items.
    :param orderby: the sort order. Defaults to that of the service.
    :param limit: the page size to request. Adobe documents an upper bound for search bodies only, 1000.
    :raises RequestError: as an ambiguous read, if the list is incomplete.
    """
    params = [("property", f) for f in filters] + [("limit", str(limit))]
    if orderby:
        params.append(("orderby", orderby))
    path = f"{FLOW_SERVICE}/{collection}"

    def read_page(token: str | None) -> tuple[list[Any], str | None]:
        page = reads.get(path, [*params, *([("continuationToken", token)] if token else [])], expected=_a_listing)
        return page["items"], _next_token(page)

    return reads.walk(path, read_page, "id")


def item(reads: Reads, collection: str, item_id: str) -> Json:
    """Return one item; the service answers a GET by id with a list of one item."""

    def the_item(body: Any) -> Json:
        found = an_item(body)
        if found["id"] != item_id:
            raise UnexpectedError("the answer contains another item")
        return found

    found: Json = reads.get(f"{FLOW_SERVICE}/{collection}/{segment(item_id)}", expected=the_item)
    return found


def _a_listing(body: Any) -> Json:
    """Expect a page; an empty page may have no member ``items``."""
    page = an_object(body)
    found = page.get("items", [] if "_page" in page or "_links" in page else None)
    if not isinstance(found, list):
        raise UnexpectedError("the answer contains no list of items")
    return {**page, "items": found}


def _next_token(page: Json) -> str | None:
    """Return the token in the link to the next page; the link itself, which might lead elsewhere, is not followed."""
    href = at(page, "_links", "next", "href")
    if href is None or href == "":
        return None
    try:
        # A base64 token in the link may contain an unescaped plus sign.
        tokens = parse_qs(urlsplit(any_pages.sendable(href)).query.replace("+", "%2B")).get("continuationToken")
    except ValueError:
        tokens = None
    if not tokens:
        raise any_pages.unreadable_link(FLOW_SERVICE)
    return tokens[0]


# ---- data of a base connection -------------------------------------------------------------------------------------


def test_base_connection(reads: Reads, connection_id: str) -> bool:
    """Return whether the service can log in to the vendor with the base connection's credential."""
    return reads.get(_of_connection(connection_id, "test"), expected=an_object).get("result") is True


def explore(reads: Reads, connection_id: str, table: str | None = None, *, preview: bool = False) -> Any:
    """
    Return a base connection's tables, or the columns of one table.

    :param table: the table's path in the list of tables. Defaults to ``None``, which lists the tables.
    :param preview: whether to include some rows, in the member ``data``. Defaults to false.
    """
    params = {"objectType": "table", "object": table} if table else {"objectType": "root"}
    if preview:
        params["preview"] = "true"
    return reads.get(_of_connection(connection_id, "explore"), params)


def explore_resource(reads: Reads, connection_id: str, resource_path: str, *, preview: bool = False) -> Json:
    """Return the structure of a resource of a REST source, such as Stripe's ``charges``."""
    encoded = base64.b64encode(json.dumps({"resourcePath": resource_path}).encode()).decode()
    params = {
        "objectType": "rest",
        "object": "json",
        "fileType": "json",
        "preview": str(preview).lower(),
        "sourceParams": encoded,
    }
    found: Json = reads.get(_of_connection(connection_id, "explore"), params, expected=an_object)
    return found


def attributes(reads: Reads, connection_id: str, resource_path: str) -> list[str]:
    """Return the attributes of a REST resource that explore returns, as paths such as ``data.id``."""
    return paths_of(explore_resource(reads, connection_id, resource_path).get("schema"))


def columns(reads: Reads, connection_id: str, table: str) -> list[Json]:
    """
    Return a table's columns, in the form that a source connection accepts.

    :raises InvalidInputError: if the table does not exist, that is, has no columns.
    :raises UnreadableError: if a column has no name.
    """
    params = {"objectType": "table", "object": table}
    found = reads.get(_of_connection(connection_id, "explore"), params, expected=_a_table)["schema"]["columns"]
    if not found:
        raise InvalidInputError("table", table, "it must be a table of the base connection; explore lists them")
    for column in found:
        if not text(mapping(column).get("name")):
            raise UnreadableError(f"a column of table {table!r}", "it has no name")
    return [dict(column) for column in mappings(found)]


def _a_table(body: Any) -> Json:
    """Expect a table with its columns."""
    table = an_object(body)
    if not isinstance(at(table, "schema", "columns"), list):
        raise UnexpectedError("the answer contains no list of columns")
    return table


def _of_connection(connection_id: str, operation: str) -> str:
    return f"{FLOW_SERVICE}/connections/{segment(connection_id)}/{operation}"
