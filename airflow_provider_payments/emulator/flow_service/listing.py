"""Lists of Flow Service: filters, order, limit, count and continuation token, from a query or the body of a search."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from urllib.parse import unquote

from itsdangerous import BadSignature, URLSafeSerializer

from airflow_provider_payments.emulator.core import query
from airflow_provider_payments.emulator.core.behaviour import PageLimit
from airflow_provider_payments.emulator.core.call import Answer, Call
from airflow_provider_payments.emulator.core.query import Filter, Order, Position, Wire
from airflow_provider_payments.emulator.core.questions import (
    ALWAYS_HONOURED,
    UNKNOWN_PARAMETER,
    FilterKind,
    Policy,
    name_filter_kinds,
)
from airflow_provider_payments.emulator.flow_service.filters import CREATED, LAST_STARTED, parse_filter
from airflow_provider_payments.emulator.flow_service.payloads import body_of, optional
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal, invalid
from airflow_provider_payments.emulator.flow_service.state import FlowService

# The question of each query parameter. Public clients send 'start' and are not refused, but its effect is unknown.
_PARAMETERS = {
    **dict.fromkeys(("property", "limit", "count"), ALWAYS_HONOURED),
    "orderby": "order",
    "continuationToken": "continuation_token",
    "start": "start",
}
_FILTER_KINDS = (
    FilterKind("filter_ids", lambda one: one.path == "id" and len(one.equals) > 1),
    FilterKind("filter_last_run_started", lambda one: one.path == LAST_STARTED),
    FilterKind("filter_created", lambda one: one.path == CREATED),
    *name_filter_kinds("name"),
)


@dataclass(frozen=True, slots=True)
class Listing(query.Listing[Any]):
    """A list of Flow Service.

    :param path: the path of the list, with which the address of the next page begins.
    :param known: the top-level attributes of the items.
    :param unknown_code: the code of the refusal of a filter by any other attribute.
    :param aliases: paths by their short names.
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

    :param properties: the filters, all of which an item must pass.
    :param orderby: the sort order; empty for the order of creation.
    :param limit: the number of items on a page; 0 if a token or a count makes it unnecessary.
    :param token: the continuation token; empty for the first page.
    :param start: the number of items to leave out at the beginning of the first page.
    :param fields: the members to show besides the id; empty for all members.
    """

    properties: tuple[str, ...] = ()
    orderby: str = ""
    limit: int = 0
    count: bool = False
    token: str = ""
    start: int = 0
    fields: tuple[str, ...] = ()


def answer_list(call: Call[FlowService], listing: Listing) -> Answer:
    """Answer a GET request for a list."""
    call = _policy(call).without_ignored_parameters(call, _PARAMETERS)
    return _answer(call, listing, _query_of(call), f"/{listing.path}")


def _limits(call: Call[FlowService]) -> PageLimit:
    return call.state.sandbox.runtime_options.page_limits["flow_service"]


def _policy(call: Call[FlowService]) -> Policy:
    return Policy("flow_service", call.state.sandbox.runtime_options.questions, _refused)


def _refused(question: str, name: str) -> FlowRefusal:
    if question == "order":
        return invalid("1433-400", "These lists cannot be sorted.")
    if question in ("start", "continuation_token", UNKNOWN_PARAMETER):
        return invalid("1451-400", f"There is no query parameter '{name[:60]}' for lists.")
    return invalid("1449-400", f"There is no field '{name[:100]}' to filter by.")


def _answer(call: Call[FlowService], listing: Listing, requested: Query, address: str) -> Answer:
    """Answer a query.

    :param address: the address of the next page, without its token.
    """
    after = None
    if requested.token and not requested.count:
        requested, after = _resume(listing, requested)
    orders = _orders(requested.orderby, listing)
    filters = list(_policy(call).effective_filters(listing.filters(requested.properties), _FILTER_KINDS))
    if requested.count:
        return Answer({"count": query.count(listing, filters)})
    limit, begin = requested.limit, requested.start if after is None else 0
    # One item more than the page holds is read, to know whether another page follows.
    found = list(islice(query.items(listing, filters, orders, after), begin, begin + limit + 1))
    links = {}
    if len(found) > limit:
        token = _token(listing, requested, query.position(listing, found[limit - 1], orders))
        links = {"next": {"href": f"{address}?continuationToken={token}"}}
    shown = [_shown(listing.wire(item), requested.fields) for item in found[:limit]]
    return Answer({"items": shown, "_links": links})


def _shown(wire: Wire, fields: Collection[str]) -> Wire:
    return {name: value for name, value in wire.items() if name == "id" or name in fields} if fields else wire


def _query_of(call: Call[FlowService]) -> Query:
    count = (call.parameter("count") or "false").lower()
    if count not in ("true", "false"):
        raise invalid("1453-400", "The value of 'count' must be true or false.")
    check_count(count == "true", call.parameter("limit"))
    properties = tuple(value for name, value in call.query if name == "property")
    token, orderby = call.parameter("continuationToken") or "", call.parameter("orderby") or ""
    needs_no_limit = call.parameter("limit") is None and (token or count == "true")
    limit = 0 if needs_no_limit else call.page_limit(_limits(call), _wrong_value, 1)
    return Query(properties, orderby, limit, count == "true", token, call.whole_number("start", _wrong_value, 0))


def _wrong_value(detail: str) -> FlowRefusal:
    return invalid("1453-400", detail)


def check_count(count: bool, limit: object) -> None:
    """Refuse a query that has both a count and a limit.

    :param limit: the given limit; None if the query has none.
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


def _token(listing: Listing, requested: Query, position: Position) -> str:
    """Return the continuation token of a position. It contains the whole query, and no ``=``."""
    place = position.number, position.key
    return _signer(listing).dumps([*place, requested.properties, requested.orderby, requested.limit])


def _signer(listing: Listing) -> URLSafeSerializer:
    return URLSafeSerializer(listing.store.secret)


def _resume(listing: Listing, requested: Query) -> tuple[Query, Position]:
    """Return the query that a token continues, and the token's position.

    A filter or an order that the request repeats must equal that of the token's query.
    """
    unknown_token = invalid("1453-400", "The continuation token is not one that this list has given out.")
    try:
        number, key, properties, orderby, limit = _signer(listing).loads(requested.token)
    except BadSignature as error:
        raise unknown_token from error
    if requested.properties and frozenset(requested.properties) != frozenset(properties):
        raise unknown_token
    if requested.orderby and requested.orderby != orderby:
        raise unknown_token
    resumed = replace(requested, properties=tuple(properties), orderby=orderby, limit=requested.limit or limit)
    return resumed, Position(number, tuple(key))


def answer_search(call: Call[FlowService], listing: Listing) -> Answer:
    """Answer a POST request with a search."""
    body = body_of(call, may_be_empty=True)
    if optional(body, "groupByProperty", str) is not None:
        raise invalid("1441-400", "Grouping by 'groupByProperty' is not implemented.")
    requested = _searched(body, call.parameter("continuationToken") or "", _limits(call))
    return _answer(call, listing, requested, f"/{listing.path}/search")


def _searched(body: Mapping[str, Any], token: str, limits: PageLimit) -> Query:
    limit, count = body.get("limit"), optional(body, "count", bool) or False
    check_count(count, limit)
    most = limits.maximum
    if limit is not None and (type(limit) is not int or not 0 < limit <= most):
        raise _wrong_value(f"'limit' must be a whole number from 1 to {most}, not {str(limit)[:40]}.")
    if limit is None:
        limit = 0 if token else min(limits.default or most, most)
    filters = tuple(_filter_texts(optional(body, "queryString", str) or ""))
    orderby = optional(body, "orderby", str) or ""
    return Query(filters, orderby, limit, count, token, fields=tuple(_fields(body)))


def _filter_texts(text: str) -> list[str]:
    """Return the filters of a query string, each of which may begin with ``property=``."""
    return [unquote(part.removeprefix("property=")) for part in text.split("&") if part.strip()]


def _fields(body: Mapping[str, Any]) -> list[str]:
    text = optional(body, "projectionFields", str) or ""
    return [name.strip() for name in text.split(",") if name.strip()]
