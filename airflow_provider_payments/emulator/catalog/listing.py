"""Lists of Catalog: which objects one shows, in which order, and how much of each.

Filters compare with wildcards: ``*`` is any text, ``**`` a star. Simple filters are parameters named as a member:
in them ``,`` is or, and a leading ``!`` is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

from airflow_provider_payments.emulator import query
from airflow_provider_payments.emulator.catalog.state import bad_request
from airflow_provider_payments.emulator.comparisons import Check, as_text, dotted, in_order, like
from airflow_provider_payments.emulator.exchange import Answer, Call, count_from
from airflow_provider_payments.emulator.query import Filter, Order
from airflow_provider_payments.emulator.store import Numbered, Store

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
# What the schema of the data looked like is the costly part of an object.
MAX_OBSERVABLE_SCHEMAS = 20
_MEMBER = r"[A-Za-z_$@][^\s,:=!<>~]*"
_ORDER = re.compile(rf"(?:(asc|desc):)?({_MEMBER})")
_CONDITION = re.compile(r"(!)?([A-Za-z_$@][^\s=!<>~]*)(?:(==|!=|<=|>=|<|>|~)(.*))?", re.DOTALL)

Item = TypeVar("Item", bound=Numbered)
Names = dict[str, "Names"]


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """What can be listed.

    :param show: an object as a whole.
    :param quick: members that can be read without showing the whole object.
    :param simple: the members that have a simple filter.
    :param keys: the members by which the store finds objects at once, each with the store's name for it.
    :param ranges: parameters that a member must be greater than (``>``) or smaller than (``<``).
    """

    store: Store[Item]
    show: Callable[[Item], dict[str, Any]]
    quick: Mapping[str, Callable[[Item], Any]]
    simple: Collection[str]
    keys: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def answer(call: Call, listing: Listing[Item]) -> Answer:
    """The objects that a request asks for, by id."""
    most = MAX_OBSERVABLE_SCHEMAS if "observableSchema" in (_properties(call) or ()) else MAX_LIMIT
    limit, start = _whole(call, "limit", DEFAULT_LIMIT, 1, most), _whole(call, "start", 0, 0, 10**9)
    filters = [one for name, text in call.query for one in _filters(listing, name, text)]
    orders = _orders(call.first("orderBy") or call.first("sort") or "")
    source = query.Listing(listing.store, listing.show, listing.quick, listing.keys)
    found = islice(query.items(source, filters, orders), start, start + limit)
    return Answer({item.id: cut(call, listing.show(item)) for item in found})


def unique_values(call: Call, listing: Listing[Item], member: str) -> Answer:
    """What a member holds in the objects that the filters of a request let through: plain values, each once."""
    filters = [one for name, text in call.query for one in _filters(listing, name, text)]
    source = query.Listing(listing.store, listing.show, listing.quick, listing.keys)
    read, rest = source.reader(member)
    values = (value for item in query.items(source, filters) for value in query.walk(read(item), rest, False))
    return Answer(list(dict.fromkeys(text for value in values if (text := as_text(value)) is not None)))


def cut(call: Call, wire: dict[str, Any]) -> dict[str, Any]:
    """An object with only those of its members, at any depth, that a request wants to see."""
    names = _properties(call)
    return wire if names is None else {name: _cut(wire[name], names[name]) for name in names if name in wire}


def _cut(node: Any, names: Names) -> Any:
    if isinstance(node, list):
        return [_cut(entry, names) for entry in node]
    if not names or not isinstance(node, Mapping):
        return node
    return {name: _cut(node[name], names[name]) for name in names if name in node}


def _properties(call: Call) -> Names | None:
    """The members that a request wants to see, each with those below it; without any, the whole of it."""
    text = call.first("properties")
    if not text:
        return None
    names: Names = {}
    for path in sorted(map(query.steps, text.split(",")), key=len):
        level = names
        for step in map(str.strip, path):
            if level.get(step) == {}:
                break
            level = level.setdefault(step, {})
    return names


def _filters(listing: Listing[Item], name: str, text: str) -> Iterator[Filter]:
    """What a parameter asks of an object."""
    if name in listing.simple:
        inverted, choices = text.startswith("!"), text.removeprefix("!").split(",")
        plain = () if inverted or "*" in text else choices
        yield Filter(name, _like_one_of(choices), not inverted, plain)
    elif name == "tags":
        for wanted in text.split(","):
            key, colon, value = wanted.partition(":")
            yield Filter(f"tags.{key}", _like_one_of(value.split(",")) if colon else _is_there)
    elif name == "property":
        yield _condition(text)
    elif name in listing.ranges:
        if count_from(text) is None:
            raise bad_request(f"'{name}' must be a time in milliseconds.")
        member, sign = listing.ranges[name]
        yield Filter(member, in_order(sign, text))


def _condition(expression: str) -> Filter:
    """What a ``property`` parameter asks of an object.

    :param expression: such as ``name==a*``, ``version>1.0.3``, ``name~^a``, ``schemaRef.id==...``, ``description`` or
        ``!description``.
    """
    match = _CONDITION.fullmatch(expression)
    if match is None or (match[1] and match[3]):
        raise bad_request(f"The property filter '{expression[:100]}' cannot be understood.")
    absent, member, sign, wanted = match.groups()
    match sign:
        case None:
            return Filter(member, _is_there, not absent)
        case "==" | "!=":
            plain = (wanted,) if sign == "==" and "*" not in wanted else ()
            return Filter(member, _like_one_of([wanted]), sign == "==", plain)
        case "~":
            return Filter(member, like(wanted, bad_request))
    return Filter(member, in_order(sign, wanted, dotted))


def _is_there(value: Any) -> bool:
    return value not in (None, "")


def _like_one_of(patterns: Collection[str]) -> Check:
    def fits(value: Any) -> bool:
        text = as_text(value)
        return text is not None and any(_wildcard(pattern, text) for pattern in patterns)

    return fits


def _wildcard(pattern: str, value: str) -> bool:
    """Left to right, greedily at the earliest place: linear, unlike a regular expression with many stars."""
    parts = [part.replace("\0", "*") for part in pattern.replace("**", "\0").split("*")]
    if len(parts) == 1:
        return parts[0] == value
    first, *middle, last = parts
    if not value.startswith(first) or not value.endswith(last) or len(value) < len(first) + len(last):
        return False
    at, end = len(first), len(value) - len(last)
    for part in middle:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _whole(call: Call, name: str, default: int, fewest: int, most: int) -> int:
    text = call.first(name)
    number = default if text is None else count_from(text)
    if number is None or not fewest <= number <= most:
        raise bad_request(f"'{name}' must be a whole number from {fewest} to {most}.")
    return number


def _orders(text: str) -> list[Order]:
    orders = []
    for part in text.split(",") if text else ():
        match = _ORDER.fullmatch(part.strip())
        if match is None:
            raise bad_request(f"'orderBy' is written field, asc:field or desc:field, not '{part[:60]}'.")
        orders.append(Order(match[2], match[1] == "desc"))
    return orders
