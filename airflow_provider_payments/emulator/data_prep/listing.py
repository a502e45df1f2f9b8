"""The list of mapping sets: filtered by name, sorted by a date, in pages by offset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from airflow_provider_payments.emulator.core import query
from airflow_provider_payments.emulator.core.call import Answer, Call
from airflow_provider_payments.emulator.core.comparisons import one_of
from airflow_provider_payments.emulator.core.query import Filter, Order
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.data_prep.mapping_sets import MappingSet, MappingSets
from airflow_provider_payments.emulator.data_prep.refusals import invalid

MAX_PAGE = 1000
_READERS: Mapping[str, Callable[[MappingSet], Any]] = {
    "name": lambda item: item.latest.name,
    "createdDate": lambda item: item.created,
    **dict.fromkeys(("updatedDate", "modifiedDate", "lastUpdateDate"), lambda item: item.latest.modified),
}
_ORDERS = [name for name in _READERS if name.endswith("Date")]


def answer(call: Call[MappingSets], store: Store[MappingSet], show: Callable[[MappingSet], dict[str, Any]]) -> Answer:
    """Answer with the requested mapping sets.

    :param show: makes the form of one in the list.
    """
    # Documents require 'start' too, but Adobe's own client leaves it out.
    limit, start, name = (
        call.whole_number("limit", invalid),
        call.whole_number("start", invalid, 0),
        call.parameter("name"),
    )
    named = [] if name is None else [Filter("name", one_of((name,)), equals=(name,))]
    listing = query.Listing(store, show, _READERS, keys={"name": "name"})
    size = min(limit, MAX_PAGE)
    found = list(islice(query.items(listing, named, _orders(call.parameter("orderBy") or "")), start, start + size + 1))
    page, links = found[:size], {}
    if page and len(found) > size:
        links["next"] = {"href": f"/mappingSets?{call.query_with(start=start + size, limit=limit)}"}
    data = [show(item) for item in page]
    return Answer({"data": data, "_page": {"count": len(page), "limit": limit}, "_links": links})


def _orders(order: str) -> list[Order]:
    # An unencoded plus sign arrives as a space.
    field = order.lstrip("+- ")
    if field and field not in _ORDERS:
        raise invalid(f"'orderBy' must be one of {', '.join(_ORDERS)}, with + or - before it.")
    return [Order(field, order.startswith("-"))] if field else []
