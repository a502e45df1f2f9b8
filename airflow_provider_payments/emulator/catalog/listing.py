"""Lists of Catalog: which objects one shows, in which order, and how much of each.

Filters compare with wildcards: ``*`` is any text, ``**`` a star. Simple filters are parameters named as a member:
in them ``,`` is or, and a leading ``!`` is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar

from airflow_provider_payments.emulator.catalog.state import bad_request
from airflow_provider_payments.emulator.comparisons import Check, as_text, check, sort_key
from airflow_provider_payments.emulator.exchange import Answer, Call, count_from
from airflow_provider_payments.emulator.store import Numbered, Store

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
_ORDER = re.compile(r"(?:(asc|desc):)?([A-Za-z]+)")
_CONDITION = re.compile(r"(!)?([A-Za-z][A-Za-z0-9_]*)(?:(==|!=|<=|>=|<|>|~)(.*))?", re.DOTALL)

Item = TypeVar("Item", bound=Numbered)


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """What can be listed.

    :param show: an object as a whole.
    :param quick: members that can be read without showing the whole object.
    :param simple: the members that have a simple filter.
    :param key: the one of these by which the store finds objects at once.
    :param ranges: parameters that a member must be greater than (1) or smaller than (-1).
    """

    store: Store[Item]
    show: Callable[[Item], dict[str, Any]]
    quick: Mapping[str, Callable[[Item], Any]]
    simple: Collection[str]
    key: str
    ranges: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    def read(self, item: Item, member: str) -> Any:
        """A member of an object, None when it has none of that name."""
        quick = self.quick.get(member)
        return self.show(item).get(member) if quick is None else quick(item)


def answer(call: Call, listing: Listing[Item]) -> Answer:
    """The objects that a request asks for, by id."""
    # What the schema of the data looked like is the costly part of an object.
    most = DEFAULT_LIMIT if "observableSchema" in (_properties(call) or ()) else MAX_LIMIT
    limit, start = _whole(call, "limit", DEFAULT_LIMIT, 1, most), _whole(call, "start", 0, 0, 10**9)
    order = _order(call.first("orderBy") or call.first("sort") or "")
    chosen: Iterable[Item] = _passing(call, listing)
    for member, descending in reversed(order):
        chosen = sorted(chosen, key=lambda item: sort_key(listing.read(item, member)), reverse=descending)
    return Answer({item.id: cut(call, listing.show(item)) for item in islice(chosen, start, start + limit)})


def unique_values(call: Call, listing: Listing[Item], member: str) -> Answer:
    """What a member holds in the objects that the filters of a request let through: plain values, each once."""
    values = (listing.read(item, member) for item in _passing(call, listing))
    flat = (entry for value in values for entry in (value if isinstance(value, list) else [value]))
    plain = (as_text(entry) for entry in flat if entry is not None and not isinstance(entry, dict | list))
    return Answer(list(dict.fromkeys(plain)))


def _passing(call: Call, listing: Listing[Item]) -> Iterator[Item]:
    """The objects that the filters of a request let through."""
    tests = [test for name, text in call.query for test in _tests(listing, name, text)]
    return (item for item in _candidates(call, listing) if all(test(item) for test in tests))


def cut(call: Call, wire: dict[str, Any]) -> dict[str, Any]:
    """An object with only those of its members that a request wants to see."""
    properties = _properties(call)
    return wire if properties is None else {name: wire[name] for name in properties if name in wire}


def _properties(call: Call) -> list[str] | None:
    names = call.first("properties")
    return [name.strip() for name in names.split(",")] if names else None


def _candidates(call: Call, listing: Listing[Item]) -> Iterator[Item]:
    """What stands under a plain value is found at once; only patterns are held against every object."""
    wanted = call.first(listing.key)
    plain = wanted and not set("!*,") & set(wanted)
    return listing.store.select(listing.key if plain else "", (wanted or "",)).behind(None)


def _tests(listing: Listing[Item], name: str, text: str) -> Iterator[Callable[[Item], bool]]:
    """What a parameter asks of an object."""
    if name in listing.simple:
        yield lambda item: _passes(text, as_text(listing.read(item, name)))
    elif name == "tags":
        yield lambda item: all(_has_tag(wanted, listing.read(item, "tags") or {}) for wanted in text.split(","))
    elif name == "property":
        member, fits = _condition(text)
        yield lambda item: fits(listing.read(item, member))
    elif name in listing.ranges:
        member, direction = listing.ranges[name]
        limit = _millis(name, text)
        yield lambda item: (int(listing.read(item, member) or 0) - limit) * direction > 0


def _condition(expression: str) -> tuple[str, Check]:
    """The member that a ``property`` parameter is about, and what it asks of the member.

    :param expression: such as ``name==a*``, ``version>1.0.3``, ``name~^a``, ``description`` or ``!description``.
    """
    match = _CONDITION.fullmatch(expression)
    if match is None or (match[1] and match[3]):
        raise bad_request(f"The property filter '{expression[:100]}' cannot be understood.")
    absent, member, sign, wanted = match.groups()
    if sign is None:
        return member, lambda value: (value in (None, "")) == bool(absent)
    return member, check(sign, wanted, partial(_wildcard, wanted), bad_request)


def _passes(wanted: str, value: str) -> bool:
    """Whether a value passes a simple filter."""
    choices = wanted.removeprefix("!").split(",")
    return any(_wildcard(choice, value) for choice in choices) != wanted.startswith("!")


def _has_tag(wanted: str, tags: Mapping[str, list[str]]) -> bool:
    key, colon, value = wanted.partition(":")
    return key in tags and (not colon or any(_passes(value, tag) for tag in tags[key]))


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


def _millis(name: str, text: str) -> int:
    moment = count_from(text)
    if moment is None:
        raise bad_request(f"'{name}' must be a time in milliseconds.")
    return moment


def _order(text: str) -> list[tuple[str, bool]]:
    order = []
    for part in text.split(",") if text else ():
        match = _ORDER.fullmatch(part.strip())
        if match is None:
            raise bad_request(f"'orderBy' is written field, asc:field or desc:field, not '{part[:60]}'.")
        order.append((match[2], match[1] == "desc"))
    return order
