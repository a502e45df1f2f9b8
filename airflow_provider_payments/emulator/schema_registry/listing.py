"""Lists of the registry: ``property`` filters, ``orderby``, and pages that begin after a value.

Without ``orderby``, the last changed resource comes first. Live answers and Adobe's samples have this in common:
``_page.orderby`` is ``updated``, ``start`` is a time, and nothing comes after ``start=0``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import dropwhile
from typing import Any, TypeVar

from airflow_provider_payments.emulator.core import query
from airflow_provider_payments.emulator.core.call import Answer, Call
from airflow_provider_payments.emulator.core.comparisons import (
    as_number,
    as_text,
    compared_to,
    is_number,
    matching,
    one_of,
    sort_key,
    version_sort_key,
)
from airflow_provider_payments.emulator.core.parsing import parse_count
from airflow_provider_payments.emulator.core.query import Filter, Listing, Order, Position
from airflow_provider_payments.emulator.core.questions import ALWAYS_HONOURED, Policy, name_filter_kinds
from airflow_provider_payments.emulator.core.store import Numbered
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal
from airflow_provider_payments.emulator.schema_registry.registry import Registry

PREFIX = "/data/foundation/schemaregistry"
_LATEST = Order("updated", descending=True)
#: The kind of question that each query parameter is, for :class:`Policy`.
_PARAMETERS = {**dict.fromkeys(("property", "limit"), ALWAYS_HONOURED), "orderby": "order", "start": "start"}
_FILTER_KINDS = name_filter_kinds("title")
_PROPERTY = re.compile(r"(?P<field>[^=!<>~]+)(?:(?P<sign>==|!=|<=|>=|<|>|~)(?P<value>.*))?", re.DOTALL)

Item = TypeVar("Item", bound=Numbered)


def filters(call: Call[Registry]) -> list[Filter]:
    """Return the filters of a request's ``property`` parameters."""
    return [_filter(text) for name, text in call.query if name == "property"]


def answer(
    call: Call[Registry], listing: Listing[Item], path: str, show: Callable[[Item], Any], base: Sequence[Filter] = ()
) -> Answer:
    """Answer with the requested page.

    :param path: the path of the list, below the service's prefix.
    :param show: returns the wire form of an item.
    :param base: filters that apply to every request for the list.
    """
    policy = Policy("schema_registry", call.state.sandbox.runtime_options.questions, _refused)
    call = policy.without_ignored_parameters(call, _PARAMETERS)
    conditions, start = [*base, *policy.effective_filters(filters(call), _FILTER_KINDS)], call.parameter("start")
    limits = call.state.sandbox.runtime_options.page_limits["schema_registry"]
    # A limit of 0 means the default.
    limit = call.page_limit(limits, _invalid) or limits.default or limits.maximum
    named = call.parameter("orderby")
    page, following = (
        _page_by_value(listing, _orders(named), conditions, start, limit)
        if named
        else _page_of_latest(listing, conditions, start, limit)
    )
    return Answer(
        {
            "results": [show(item) for item in page],
            "_page": {"orderby": named or _LATEST.path, "next": following, "count": len(page)},
            "_links": _links(call, path, following),
        }
    )


def _refused(question: str, name: str) -> RegistryRefusal:
    return _invalid(f"'{name[:100]}' is not supported for lists.")


def _page_of_latest(
    listing: Listing[Item], conditions: Sequence[Filter], start: str | None, limit: int
) -> tuple[list[Item], str | None]:
    """Return a page in the default order, and the next ``start``: a time, and an item's number to break ties."""
    after = None
    if start is not None:
        time, _, number = start.partition(".")
        at = parse_count(number)
        # A time alone is a position after all items of that time.
        after = Position(math.inf if at is None else at, sort_key(as_number(time)))
    found = list(query.items(listing, conditions, [_LATEST], after))
    page = found[:limit]
    if len(page) == len(found):
        return page, None
    return page, f"{listing.first(_LATEST.path)(page[-1])}.{page[-1].number}"


def _page_by_value(
    listing: Listing[Item], orders: Sequence[Order], conditions: Sequence[Filter], start: str | None, limit: int
) -> tuple[list[Item], str | None]:
    """Return a page in a named order, and the next ``start``.

    The next page begins strictly after a value, so a page ends only where the value changes.
    """
    value, found = listing.first(orders[0].path), query.items(listing, conditions, orders)
    if start is not None:
        found = dropwhile(lambda item: not _is_behind(value(item), start, orders[0].descending), found)
    page: list[Item] = []
    for item in found:
        if len(page) >= limit and value(item) != value(page[-1]):
            return page, as_text(value(page[-1]))
        page.append(item)
    return page, None


def _orders(text: str) -> list[Order]:
    return [Order(name.lstrip("+- "), name.startswith("-"), absent_last=True) for name in text.split(",")]


def _is_behind(value: Any, start: str, descending: bool) -> bool:
    if value is None:
        return True
    number = as_number(start) if is_number(value) else None
    place, last = sort_key(value), sort_key(start if number is None else number)
    return place < last if descending else place > last


def _links(call: Call[Registry], path: str, following: str | None) -> dict[str, Any]:
    base, query_text = call.state.sandbox.origin + PREFIX, call.query_with(start=None)
    shared = f"{base}/global/{path.rpartition('/')[2]}" + (f"?{query_text}" if query_text else "")
    upcoming = f"{base}{path}?{call.query_with(start=following)}" if following is not None else None
    return {"next": upcoming, "global_schemas": {"href": shared}}


def _filter(expression: str) -> Filter:
    match = _PROPERTY.fullmatch(expression)
    if match is None:
        raise _invalid(f"The filter '{expression[:100]}' cannot be understood.")
    path, sign, wanted = match["field"].strip(), match["sign"], match["value"]
    match sign:
        case None:
            return Filter(path, lambda value: value is not None)
        case "==":
            return Filter(path, one_of((wanted,)), equals=(wanted,))
        case "!=":
            return Filter(path, one_of((wanted,)), must_fit=False)
        case "~":
            return Filter(path, matching(wanted, _invalid))
    return Filter(path, compared_to(sign, wanted, version_sort_key))


def _invalid(detail: str) -> RegistryRefusal:
    return RegistryRefusal("1011-400", "Query parameter invalid", detail)
