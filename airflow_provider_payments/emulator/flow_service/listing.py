"""Lists of Flow Service: filters, order, limit, count and continuation, in the query or in the body of a search."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from urllib.parse import unquote

from itsdangerous import BadSignature, URLSafeSerializer

from airflow_provider_payments.emulator.core import query
from airflow_provider_payments.emulator.core.call import Answer, Call
from airflow_provider_payments.emulator.core.query import Filter, Order, Position, Wire
from airflow_provider_payments.emulator.flow_service.filters import CREATED, parse_filter
from airflow_provider_payments.emulator.flow_service.payloads import body_of, optional
from airflow_provider_payments.emulator.flow_service.refusals import invalid

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
# Public clients send 'start' and are answered; its effect is unknown.
_PARAMETERS = frozenset({"property", "limit", "orderby", "continuationToken", "count", "start"})


@dataclass(frozen=True, slots=True)
class Listing(query.Listing[Any]):
    """What can be listed.

    :param path: of the list; the next page's address begins with it.
    :param known: the top-level attributes of the items.
    :param unknown_code: of the refusal of a filter by any other attribute.
    :param aliases: short names of paths.
    """

    created_path: str = CREATED
    explicit_arrays: bool = True
    path: str = ""
    known: Collection[str] = ()
    unknown_code: str = "1449-400"
    aliases: Mapping[str, str] = field(default_factory=dict)

    def filters(self, properties: Sequence[str]) -> list[Filter]:
        return [parse_filter(text, self.known, self.unknown_code, self.aliases) for text in properties]


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a list.

    :param properties: filters; items must pass all of them.
    :param orderby: empty for the order of creation.
    :param token: empty for the first page.
    :param fields: the members to show besides the id; empty for all.
    """

    properties: tuple[str, ...] = ()
    orderby: str = ""
    limit: int | None = None
    count: bool = False
    token: str = ""
    fields: tuple[str, ...] = ()


def answer_list(call: Call[Any], listing: Listing) -> Answer:
    """Answer a GET of a list."""
    return answer(listing, _query_of(call), f"/{listing.path}")


def answer(listing: Listing, asked: Query, address: str) -> Answer:
    """Answer a query.

    :param address: of the next page, without its token.
    """
    after = None
    if asked.token and not asked.count:
        asked, after = _resume(listing, asked)
    orders, filters = _orders(asked.orderby, listing), listing.filters(asked.properties)
    if asked.count:
        return Answer({"count": query.count(listing, filters)})
    limit = DEFAULT_LIMIT if asked.limit is None else min(asked.limit, MAX_LIMIT)
    # One more item than the page holds shows whether another page follows.
    found = list(islice(query.items(listing, filters, orders, after), limit + 1))
    links = {}
    if len(found) > limit:
        token = _token(listing, asked, query.position(listing, found[limit - 1], orders))
        links = {"next": {"href": f"{address}?continuationToken={token}"}}
    shown = [_shown(listing.wire(item), asked.fields) for item in found[:limit]]
    return Answer({"items": shown, "_links": links})


def _shown(wire: Wire, fields: Collection[str]) -> Wire:
    return {name: value for name, value in wire.items() if name == "id" or name in fields} if fields else wire


def _query_of(call: Call[Any]) -> Query:
    unknown = next((name for name, _ in call.query if name not in _PARAMETERS), None)
    if unknown is not None:
        raise invalid("1451-400", f"There is no query parameter '{unknown[:60]}' for lists.")
    count = (call.parameter("count") or "false").lower()
    if count not in ("true", "false"):
        raise invalid("1453-400", "The value of 'count' must be true or false.")
    check_count(count == "true", call.parameter("limit"))
    limit = None
    if call.parameter("limit") is not None:
        limit = call.whole_number("limit", lambda detail: invalid("1453-400", detail), minimum=1)
    properties = tuple(value for name, value in call.query if name == "property")
    token = call.parameter("continuationToken") or ""
    return Query(properties, call.parameter("orderby") or "", limit, count == "true", token)


def check_count(count: bool, limit: object) -> None:
    """Refuse a count with a limit.

    :param limit: None without a limit.
    """
    if count and limit is not None:
        raise invalid("1401-400", "'limit' and 'count' cannot stand in one request.")


def _orders(text: str, listing: Listing) -> list[Order]:
    if not text:
        return []
    # An unencoded plus sign arrives as a space.
    match = re.fullmatch(r"([-+ ]?)([^-+\s:].*)", text, re.DOTALL)
    if match is None or re.search(r"[\s:+-]", match[2]):
        raise invalid("1432-400", f"The sort order '{text[:60]}' is not a field with one + or - before it.")
    path = match[2]
    if path.partition(".")[0] not in listing.known:
        raise invalid("1433-400", f"There is no field '{path[:60]}' to sort by.")
    return [Order(listing.aliases.get(path, path), match[1] == "-")]


def _token(listing: Listing, asked: Query, position: Position) -> str:
    """A token that contains the whole query, so that it is enough for the next page; it contains no ``=``."""
    return _signer(listing).dumps([position.number, position.key, asked.properties, asked.orderby, asked.limit])


def _signer(listing: Listing) -> URLSafeSerializer:
    return URLSafeSerializer(listing.store.secret)


def _resume(listing: Listing, asked: Query) -> tuple[Query, Position]:
    """The query that a token continues, and its position. What the request repeats of the query must be equal."""
    unknown_token = invalid("1453-400", "The continuation token is not one that this list has given out.")
    try:
        number, key, properties, orderby, limit = _signer(listing).loads(asked.token)
    except BadSignature as error:
        raise unknown_token from error
    if asked.properties and frozenset(asked.properties) != frozenset(properties):
        raise unknown_token
    if asked.orderby and asked.orderby != orderby:
        raise unknown_token
    limit = limit if asked.limit is None else asked.limit
    wanted = replace(asked, properties=tuple(properties), orderby=orderby, limit=limit)
    return wanted, Position(number, tuple(key))


def answer_search(call: Call[Any], listing: Listing) -> Answer:
    """Answer a POST of a search."""
    body = body_of(call, may_be_empty=True)
    if optional(body, "groupByProperty", str) is not None:
        raise invalid("1441-400", "Grouping by 'groupByProperty' is not implemented.")
    return answer(listing, _searched(body, call.parameter("continuationToken") or ""), f"/{listing.path}/search")


def _searched(body: Mapping[str, Any], token: str) -> Query:
    limit, count = body.get("limit"), optional(body, "count", bool) or False
    check_count(count, limit)
    if limit is not None and (type(limit) is not int or not 0 < limit <= MAX_LIMIT):
        raise invalid("1453-400", f"'limit' must be a whole number from 1 to {MAX_LIMIT}, not {str(limit)[:40]}.")
    filters = tuple(_filter_texts(optional(body, "queryString", str) or ""))
    return Query(filters, optional(body, "orderby", str) or "", limit, count, token, tuple(_fields(body)))


def _filter_texts(text: str) -> list[str]:
    """The filters of a query string, with or without ``property=``."""
    return [unquote(part.removeprefix("property=")) for part in text.split("&") if part.strip()]


def _fields(body: Mapping[str, Any]) -> list[str]:
    text = optional(body, "projectionFields", str) or ""
    return [name.strip() for name in text.split(",") if name.strip()]
