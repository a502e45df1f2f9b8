"""Lists: ``property`` filters, ``orderby``, ``limit``, ``count`` and ``continuationToken``."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from airflow_provider_payments.emulator.comparisons import SortKey, sort_key
from airflow_provider_payments.emulator.exchange import Answer, Call, count_from
from airflow_provider_payments.emulator.flow_service.filters import Filter, Row, Wire, parse_filter
from airflow_provider_payments.emulator.flow_service.payloads import invalid
from airflow_provider_payments.emulator.store import Selection, Store

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
_PARAMETERS = frozenset({"property", "limit", "orderby", "continuationToken", "count"})
_SIGNATURE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Listing:
    """What can be listed.

    :param path: where; the next page's address begins with it.
    :param shape: gives an item its wire shape.
    :param known: the top-level attributes that such items have.
    :param quick: paths that can be read without the wire shape.
    :param unknown_code: of the refusal of a filter by any other attribute.
    """

    path: str
    store: Store[Any]
    shape: Callable[[Any], Wire]
    known: Collection[str]
    quick: Mapping[str, Callable[[Any], Iterable[Any]]] = field(default_factory=dict)
    unknown_code: str = "1449-400"

    def row(self, item: Any) -> Row:
        return Row(item, self.shape, self.quick)


@dataclass(frozen=True, slots=True)
class Query:
    """What a client wants of a list.

    :param properties: filters, all of which items must pass.
    :param orderby: empty for the order of creation.
    :param token: empty for the first page.
    :param fields: the members that items show besides their id; empty for all.
    """

    properties: tuple[str, ...] = ()
    orderby: str = ""
    limit: int | None = None
    count: bool = False
    token: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    :param token: leads to the next part; empty after the last.
    """

    rows: Sequence[Row]
    token: str = ""


@dataclass(frozen=True, slots=True)
class _Order:
    field: str
    descending: bool

    def key(self, row: Row) -> SortKey:
        return sort_key(next(iter(row.values(self.field)), None))


@dataclass(frozen=True, slots=True)
class _Position:
    """The last item of a page: its number, and what it was sorted by."""

    number: int
    key: SortKey | None


def answer_list(call: Call, listing: Listing) -> Answer:
    """Answer a GET of a list."""
    return answer(listing, _understand(call), f"/{listing.path}")


def answer(listing: Listing, query: Query, address: str) -> Answer:
    """Answer a query.

    :param address: that the next page has, but for its token.
    """
    if query.count:
        return Answer({"count": _count(listing, query)})
    page = _page(listing, query)
    links = {"next": {"href": f"{address}?continuationToken={page.token}"}} if page.token else {}
    return Answer({"items": [_shown(row.wire, query.fields) for row in page.rows], "_links": links})


def _shown(wire: Wire, fields: Collection[str]) -> Wire:
    return {name: value for name, value in wire.items() if name == "id" or name in fields} if fields else wire


def _count(listing: Listing, query: Query) -> int:
    _order(query.orderby, listing.known)
    selection, filters = _select(listing, query.properties)
    return sum(1 for _ in _passing(listing, selection.behind(None), filters)) if filters else len(selection)


def _page(listing: Listing, query: Query) -> Page:
    position = None
    if query.token:
        query, position = _resume(listing, query)
    order = _order(query.orderby, listing.known)
    selection, filters = _select(listing, query.properties)
    limit = DEFAULT_LIMIT if query.limit is None else min(query.limit, MAX_LIMIT)
    # One more than the page holds tells whether another follows.
    if order is None or (order.field == "createdAt" and listing.store.orderly):
        backwards = order is not None and order.descending
        items = selection.behind(position.number if position else None, backwards=backwards)
        found = list(islice(_passing(listing, items, filters), limit + 1))
    else:
        rows = _passing(listing, selection.behind(None), filters)
        found = _ordered(rows, order, position)[: limit + 1]
    if len(found) <= limit:
        return Page(found)
    last = found[limit - 1]
    key = order.key(last) if order else None
    return Page(found[:limit], _seal(listing, query, _Position(last.item.number, key)))


def _select(listing: Listing, properties: Sequence[str]) -> tuple[Selection[Any], list[Filter]]:
    """What the store can narrow down by itself, and the filters that remain to be asked of each item."""
    filters = [parse_filter(text, listing.known, listing.unknown_code) for text in properties]
    since, until = None, None
    if listing.store.orderly:
        for span in filter(None, map(Filter.span, filters)):
            since = max((moment for moment in (since, span[0]) if moment is not None), default=None)
            until = min((moment for moment in (until, span[1]) if moment is not None), default=None)
        filters = [one for one in filters if one.span() is None]
    quick = next((one for one in filters if one.sign == "==" and listing.store.has_key(one.path)), None)
    if quick is None:
        return listing.store.select(since=since, until=until), filters
    selection = listing.store.select(quick.path, quick.values, since, until)
    return selection, [one for one in filters if one is not quick]


def _passing(listing: Listing, items: Iterator[Any], filters: Sequence[Filter]) -> Iterator[Row]:
    for item in items:
        row = listing.row(item)
        if all(one.passes(row) for one in filters):
            yield row


def _ordered(rows: Iterator[Row], order: _Order, position: _Position | None) -> list[Row]:
    keyed = [(order.key(row), row) for row in rows]
    # Equal ones stay in the order of creation, whichever way the rest is sorted.
    keyed.sort(key=lambda pair: pair[0], reverse=order.descending)
    if position is None or position.key is None:
        return [row for _, row in keyed]
    last = position.key

    def comes_later(key: SortKey, row: Row) -> bool:
        if key == last:
            return bool(row.item.number > position.number)
        return key < last if order.descending else key > last

    return [row for key, row in keyed if comes_later(key, row)]


def _understand(call: Call) -> Query:
    unknown = next((name for name, _ in call.query if name not in _PARAMETERS), None)
    if unknown is not None:
        raise invalid("1451-400", f"There is no query parameter '{unknown[:60]}' for lists.")
    count = (call.first("count") or "false").lower()
    if count not in ("true", "false"):
        raise invalid("1453-400", "The value of 'count' must be true or false.")
    limit = call.first("limit")
    check_count(count == "true", limit)
    properties = tuple(value for name, value in call.query if name == "property")
    token = call.first("continuationToken") or ""
    return Query(properties, call.first("orderby") or "", _limit(limit), count == "true", token)


def check_count(count: bool, limit: object) -> None:
    """Refuse to count and to limit in one request.

    :param limit: None when there is none.
    """
    if count and limit is not None:
        raise invalid("1401-400", "'limit' and 'count' cannot stand in one request.")


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    limit = count_from(text)
    if not limit:
        raise invalid("1453-400", f"The value of 'limit' must be a positive whole number, not '{text[:40]}'.")
    return limit


def _order(text: str, known: Collection[str]) -> _Order | None:
    if not text:
        return None
    # A plus sign that was not encoded arrives as a blank.
    match = re.fullmatch(r"([-+ ]?)([^-+\s:].*)", text, re.DOTALL)
    if match is None or re.search(r"[\s:+-]", match[2]):
        raise invalid("1432-400", f"The sort order '{text[:60]}' is not a field with one + or - before it.")
    if match[2].partition(".")[0] not in known:
        raise invalid("1433-400", f"There is no field '{match[2][:60]}' to sort by.")
    return _Order(match[2], match[1] == "-")


def _seal(listing: Listing, query: Query, position: _Position) -> str:
    """A token that carries the whole query, so that it leads on alone; it contains no ``=``."""
    state = [position.number, position.key, query.properties, query.orderby, query.limit]
    text = json.dumps(state, separators=(",", ":")).encode("ascii")
    return base64.urlsafe_b64encode(_signature(listing, text) + text).decode("ascii").rstrip("=")


def _signature(listing: Listing, text: bytes) -> bytes:
    return hmac.digest(listing.store.secret, text, hashlib.sha256)[:_SIGNATURE_BYTES]


def _resume(listing: Listing, query: Query) -> tuple[Query, _Position]:
    """The query that a token continues, and where. What the request repeats of it must be the same."""
    foreign = invalid("1453-400", "The continuation token is not one that this list has given out.")
    try:
        sealed = base64.urlsafe_b64decode(query.token + "=" * (-len(query.token) % 4))
    except ValueError as error:
        raise foreign from error
    signature, text = sealed[:_SIGNATURE_BYTES], sealed[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(listing, text)):
        raise foreign
    number, key, properties, orderby, limit = json.loads(text)
    if query.properties and frozenset(query.properties) != frozenset(properties):
        raise foreign
    if query.orderby and query.orderby != orderby:
        raise foreign
    wanted = replace(
        query,
        properties=tuple(properties),
        orderby=orderby,
        limit=limit if query.limit is None else query.limit,
    )
    return wanted, _Position(number, tuple(key) if key else None)
