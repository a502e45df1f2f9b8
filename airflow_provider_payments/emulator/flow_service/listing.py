"""Lists of Flow Service: ``property`` filters, ``orderby``, ``limit``, ``count`` and ``continuationToken``."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from airflow_provider_payments.emulator import query
from airflow_provider_payments.emulator.exchange import Answer, Call, count_from
from airflow_provider_payments.emulator.flow_service.filters import CREATED, parse_filter
from airflow_provider_payments.emulator.flow_service.payloads import invalid
from airflow_provider_payments.emulator.query import Filter, Order, Position, Wire
from airflow_provider_payments.emulator.store import Store

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
# Public clients send 'start' and are answered; what it does, nothing shows.
_PARAMETERS = frozenset({"property", "limit", "orderby", "continuationToken", "count", "start"})
_SIGNATURE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Listing:
    """What can be listed.

    :param path: where; the next page's address begins with it.
    :param shape: gives an item its wire shape.
    :param known: the top-level attributes that such items have.
    :param quick: paths that can be read without the wire shape.
    :param unknown_code: of the refusal of a filter by any other attribute.
    :param aliases: short names of paths.
    """

    path: str
    store: Store[Any]
    shape: Callable[[Any], Wire]
    known: Collection[str]
    quick: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    unknown_code: str = "1449-400"
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def items(self) -> query.Listing[Any]:
        keys = {key: key for key in self.store.keys}
        return query.Listing(self.store, self.shape, self.quick, keys, moment=CREATED, marked=True)

    def filters(self, properties: Sequence[str]) -> list[Filter]:
        return [parse_filter(text, self.known, self.unknown_code, self.aliases) for text in properties]


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


def answer_list(call: Call, listing: Listing) -> Answer:
    """Answer a GET of a list."""
    return answer(listing, _understand(call), f"/{listing.path}")


def answer(listing: Listing, asked: Query, address: str) -> Answer:
    """Answer a query.

    :param address: that the next page has, but for its token.
    """
    after = None
    if asked.token and not asked.count:
        asked, after = _resume(listing, asked)
    orders, filters, items = _orders(asked.orderby, listing), listing.filters(asked.properties), listing.items
    if asked.count:
        return Answer({"count": query.count(items, filters)})
    limit = DEFAULT_LIMIT if asked.limit is None else min(asked.limit, MAX_LIMIT)
    # One more than the page holds tells whether another follows.
    found = list(islice(query.items(items, filters, orders, after), limit + 1))
    links = {}
    if len(found) > limit:
        token = _seal(listing, asked, query.position(items, found[limit - 1], orders))
        links = {"next": {"href": f"{address}?continuationToken={token}"}}
    shown = [_shown(listing.shape(item), asked.fields) for item in found[:limit]]
    return Answer({"items": shown, "_links": links})


def _shown(wire: Wire, fields: Collection[str]) -> Wire:
    return {name: value for name, value in wire.items() if name == "id" or name in fields} if fields else wire


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


def _orders(text: str, listing: Listing) -> list[Order]:
    if not text:
        return []
    # A plus sign that was not encoded arrives as a blank.
    match = re.fullmatch(r"([-+ ]?)([^-+\s:].*)", text, re.DOTALL)
    if match is None or re.search(r"[\s:+-]", match[2]):
        raise invalid("1432-400", f"The sort order '{text[:60]}' is not a field with one + or - before it.")
    path = match[2]
    if path.partition(".")[0] not in listing.known:
        raise invalid("1433-400", f"There is no field '{path[:60]}' to sort by.")
    return [Order(listing.aliases.get(path, path), match[1] == "-")]


def _seal(listing: Listing, asked: Query, position: Position) -> str:
    """A token that carries the whole query, so that it leads on alone; it contains no ``=``."""
    state = [position.number, position.keys, asked.properties, asked.orderby, asked.limit]
    text = json.dumps(state, separators=(",", ":")).encode("ascii")
    return base64.urlsafe_b64encode(_signature(listing, text) + text).decode("ascii").rstrip("=")


def _signature(listing: Listing, text: bytes) -> bytes:
    return hmac.digest(listing.store.secret, text, hashlib.sha256)[:_SIGNATURE_BYTES]


def _resume(listing: Listing, asked: Query) -> tuple[Query, Position]:
    """The query that a token continues, and where. What the request repeats of it must be the same."""
    foreign = invalid("1453-400", "The continuation token is not one that this list has given out.")
    try:
        sealed = base64.urlsafe_b64decode(asked.token + "=" * (-len(asked.token) % 4))
    except ValueError as error:
        raise foreign from error
    signature, text = sealed[:_SIGNATURE_BYTES], sealed[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(listing, text)):
        raise foreign
    number, keys, properties, orderby, limit = json.loads(text)
    if asked.properties and frozenset(asked.properties) != frozenset(properties):
        raise foreign
    if asked.orderby and asked.orderby != orderby:
        raise foreign
    limit = limit if asked.limit is None else asked.limit
    wanted = replace(asked, properties=tuple(properties), orderby=orderby, limit=limit)
    return wanted, Position(number, [tuple(key) for key in keys])
