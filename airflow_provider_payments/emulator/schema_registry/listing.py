"""Lists of the registry: ``property`` filters, ``orderby``, and pages that begin behind a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from airflow_provider_payments.emulator.comparisons import check, sort_key
from airflow_provider_payments.emulator.exchange import Answer, Call, count_from
from airflow_provider_payments.emulator.refusals import RegistryRefusal

MAX_PAGE = 500
DEFAULT_PAGE = 300
BASE = "/data/foundation/schemaregistry"
_PROPERTY = re.compile(r"(?P<field>[^=!<>~]+)(?:(?P<sign>==|!=|<=|>=|<|>|~)(?P<value>.*))?", re.DOTALL)

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """What can be listed.

    :param path: of the list, below the service's base.
    :param items: everything there is, oldest first.
    :param read: a member of an item by its name, None when it has none.
    :param show: an item as the list shows it.
    :param orderby: how it is ordered unless asked otherwise.
    """

    path: str
    items: Iterable[Item]
    read: Callable[[Item, str], Any]
    show: Callable[[Item], Any]
    orderby: str = "title"


def filtered(call: Call, items: Iterable[Item], read: Callable[[Item, str], Any]) -> list[Item]:
    """The items that pass all ``property`` filters of a request.

    :param read: see :class:`Listing`.
    """
    tests = [_test(value) for name, value in call.query if name == "property"]
    return [item for item in items if all(test(item, read) for test in tests)]


def answer(call: Call, listing: Listing[Item]) -> Answer:
    """The page that a request asks for.

    A page only ends where the value that orders the list changes: the next one begins strictly behind that value.
    """
    read = listing.read
    orderby = call.first("orderby") or listing.orderby
    orders = [(name.lstrip("+- "), name.startswith("-")) for name in orderby.split(",")]
    items = filtered(call, listing.items, read)
    for name, descending in reversed(orders):
        items.sort(key=lambda item: sort_key(read(item, name)), reverse=descending)
    primary, descending = orders[0]
    # What lacks the property comes last in either direction.
    items.sort(key=lambda item: read(item, primary) is None)
    start = call.first("start")
    if start is not None:
        items = [item for item in items if _is_behind(read(item, primary), start, descending)]
    page = _page(items, _limit(call), lambda item: read(item, primary))
    following = str(read(page[-1], primary)) if len(page) < len(items) else None
    return Answer(
        {
            "results": [listing.show(item) for item in page],
            "_page": {"orderby": orderby, "next": following, "count": len(page)},
            "_links": _links(call, listing.path, following),
        }
    )


def _links(call: Call, path: str, following: str | None) -> dict[str, Any]:
    base, query = call.world.origin + BASE, call.query_with(start=None)
    shared = f"{base}/global/{path.rpartition('/')[2]}" + (f"?{query}" if query else "")
    upcoming = f"{base}{path}?{call.query_with(start=following)}" if following is not None else None
    return {"next": upcoming, "global_schemas": {"href": shared}}


def _page(items: list[Item], limit: int, value: Callable[[Item], Any]) -> list[Item]:
    end = limit
    while 0 < end < len(items) and value(items[end]) == value(items[end - 1]):
        end += 1
    return items[:end]


def _limit(call: Call) -> int:
    limit = count_from(call.first("limit") or "0")
    if limit is None:
        raise _invalid(f"'limit' must be a whole number from 0 to {MAX_PAGE}.")
    return min(limit, MAX_PAGE) or DEFAULT_PAGE


def _is_behind(value: Any, start: str, descending: bool) -> bool:
    if value is None:
        return True
    beginning: Any = start
    if isinstance(value, int) and re.fullmatch(r"-?\d{1,18}", start, re.ASCII):
        beginning = int(start)
    place, limit = sort_key(value), sort_key(beginning)
    return place < limit if descending else place > limit


Test = Callable[[Any, Callable[[Any, str], Any]], bool]


def _test(expression: str) -> Test:
    match = _PROPERTY.fullmatch(expression)
    if match is None:
        raise _invalid(f"The filter '{expression[:100]}' cannot be understood.")
    field, sign, wanted = match["field"].strip(), match["sign"], match["value"]
    if sign is None:
        return lambda item, read: read(item, field) is not None
    fits = check(sign, wanted, wanted.__eq__, _invalid)
    # A list has the property when one of its entries has; it lacks it when none has.
    every = all if sign == "!=" else any
    return lambda item, read: every(fits(value) for value in _values(read(item, field)))


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _invalid(detail: str) -> RegistryRefusal:
    return RegistryRefusal("1011-400", "Query parameter invalid", detail)
