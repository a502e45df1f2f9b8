"""The list of mapping sets: filtered by name, sorted by a date, in pages by offset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from airflow_provider_payments.emulator.core import query
from airflow_provider_payments.emulator.core.call import Answer, Call
from airflow_provider_payments.emulator.core.comparisons import one_of
from airflow_provider_payments.emulator.core.query import Filter, Order
from airflow_provider_payments.emulator.core.questions import ALWAYS_HONOURED, Policy, name_filter_kinds
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.data_prep.mapping_sets import MappingSet, MappingSets
from airflow_provider_payments.emulator.data_prep.refusals import DataPrepRefusal, invalid

_READERS: Mapping[str, Callable[[MappingSet], Any]] = {
    "name": lambda item: item.latest.name,
    "createdDate": lambda item: item.created,
    **dict.fromkeys(("updatedDate", "modifiedDate", "lastUpdateDate"), lambda item: item.latest.modified),
}
#: The kind of question that each query parameter is, for :class:`Policy`.
_PARAMETERS = {
    **dict.fromkeys(("limit", "name", "expandSchema"), ALWAYS_HONOURED),
    "orderBy": "order",
    "start": "start",
}
_FILTER_KINDS = name_filter_kinds("name")
_ORDERS = [name for name in _READERS if name.endswith("Date")]


def answer(call: Call[MappingSets], store: Store[MappingSet], show: Callable[[MappingSet], dict[str, Any]]) -> Answer:
    """Answer with the requested mapping sets.

    :param show: returns the wire form of a mapping set in the list.
    """
    policy = Policy("data_prep", call.state.sandbox.runtime_options.questions, _refused)
    call = policy.without_ignored_parameters(call, _PARAMETERS)
    # Documents require 'start' too, but Adobe's own client leaves it out.
    limit = call.page_limit(call.state.sandbox.runtime_options.page_limits["data_prep"], invalid)
    start, name = call.whole_number("start", invalid, 0), call.parameter("name")
    named = [] if name is None else [Filter("name", one_of((name,)), equals=(name,))]
    listing, filters = (
        query.Listing(store, show, _READERS, keys={"name": "name"}),
        list(policy.effective_filters(named, _FILTER_KINDS)),
    )
    orders = _orders(call.parameter("orderBy") or "")
    found = list(islice(query.items(listing, filters, orders), start, start + limit + 1))
    page, links = found[:limit], {}
    if page and len(found) > limit:
        links["next"] = {"href": f"/mappingSets?{call.query_with(start=start + limit, limit=limit)}"}
    data = [show(item) for item in page]
    return Answer({"data": data, "_page": {"count": len(page), "limit": limit}, "_links": links})


def _refused(question: str, name: str) -> DataPrepRefusal:
    return invalid(f"'{name[:100]}' is not supported for the list of mapping sets.")


def _orders(order: str) -> list[Order]:
    # An unencoded plus sign arrives as a space.
    field = order.lstrip("+- ")
    if field and field not in _ORDERS:
        raise invalid(f"'orderBy' must be one of {', '.join(_ORDERS)}, with + or - before it.")
    return [Order(field, order.startswith("-"))] if field else []
