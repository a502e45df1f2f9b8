"""Searches: lists whose query comes in the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from airflow_provider_payments.emulator.exchange import Answer, Call
from airflow_provider_payments.emulator.flow_service.filters import refuse
from airflow_provider_payments.emulator.flow_service.listing import (
    MAX_LIMIT,
    Listing,
    Query,
    check_count,
    count_of,
    page_of,
)
from airflow_provider_payments.emulator.flow_service.payloads import body_of, optional


def answer_search(call: Call, listing: Listing) -> Answer:
    """Answer a POST of a search."""
    body = body_of(call, may_be_empty=True)
    if optional(body, "groupByProperty", str) is not None:
        raise refuse("1441-400", "Grouping by 'groupByProperty' is not implemented.")
    query = _understand(body, call.first("continuationToken") or "")
    if query.count:
        return Answer({"count": count_of(listing, query)})
    page = page_of(listing, query)
    fields = _fields(body)
    items = [_projected(row.wire, fields) if fields else row.wire for row in page.rows]
    links = {"next": {"href": f"/{listing.path}/search?continuationToken={page.token}"}} if page.token else {}
    return Answer({"items": items, "_links": links})


def _understand(body: Mapping[str, Any], token: str) -> Query:
    limit, count = body.get("limit"), optional(body, "count", bool) or False
    check_count(count, limit)
    if limit is not None and (type(limit) is not int or not 0 < limit <= MAX_LIMIT):
        raise refuse("1453-400", f"'limit' must be a whole number from 1 to {MAX_LIMIT}, not {str(limit)[:40]}.")
    filters = tuple(_filters(optional(body, "queryString", str) or ""))
    return Query(filters, optional(body, "orderby", str) or "", limit, count, token)


def _filters(text: str) -> list[str]:
    """The filters in a query string, written as in an address or without their ``property=``."""
    return [unquote(part.removeprefix("property=")) for part in text.split("&") if part.strip()]


def _fields(body: Mapping[str, Any]) -> list[str]:
    text = optional(body, "projectionFields", str) or ""
    return [name.strip() for name in text.split(",") if name.strip()]


def _projected(wire: Mapping[str, Any], fields: list[str]) -> dict[str, Any]:
    return {name: value for name, value in wire.items() if name == "id" or name in fields}
