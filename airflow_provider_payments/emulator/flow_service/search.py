"""Searches: lists whose query comes in the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from airflow_provider_payments.emulator.core.call import Answer, Call
from airflow_provider_payments.emulator.flow_service.listing import MAX_LIMIT, Listing, Query, answer, check_count
from airflow_provider_payments.emulator.flow_service.payloads import body_of, invalid, optional


def answer_search(call: Call, listing: Listing) -> Answer:
    """Answer a POST of a search."""
    body = body_of(call, may_be_empty=True)
    if optional(body, "groupByProperty", str) is not None:
        raise invalid("1441-400", "Grouping by 'groupByProperty' is not implemented.")
    return answer(listing, _understand(body, call.first("continuationToken") or ""), f"/{listing.path}/search")


def _understand(body: Mapping[str, Any], token: str) -> Query:
    limit, count = body.get("limit"), optional(body, "count", bool) or False
    check_count(count, limit)
    if limit is not None and (type(limit) is not int or not 0 < limit <= MAX_LIMIT):
        raise invalid("1453-400", f"'limit' must be a whole number from 1 to {MAX_LIMIT}, not {str(limit)[:40]}.")
    filters = tuple(_filters(optional(body, "queryString", str) or ""))
    return Query(filters, optional(body, "orderby", str) or "", limit, count, token, tuple(_fields(body)))


def _filters(text: str) -> list[str]:
    """The filters in a query string, written as in an address or without their ``property=``."""
    return [unquote(part.removeprefix("property=")) for part in text.split("&") if part.strip()]


def _fields(body: Mapping[str, Any]) -> list[str]:
    text = optional(body, "projectionFields", str) or ""
    return [name.strip() for name in text.split(",") if name.strip()]
