"""Which objects a list of Catalog shows, in which order, and how much of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Generic, TypeVar

from airflow_provider_payments.emulator.catalog.conditions import condition, matches
from airflow_provider_payments.emulator.catalog.state import bad_request
from airflow_provider_payments.emulator.comparisons import as_text
from airflow_provider_payments.emulator.exchange import Call
from airflow_provider_payments.emulator.store import Numbered

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
_ORDER = re.compile(r"(?:(asc|desc):)?([A-Za-z]+)")

Item = TypeVar("Item", bound=Numbered)


class Selection(Generic[Item]):
    """What a list request asks for.

    :param call: the request.
    :param read: a member of an object by its name, None when it has none.
    :param simple: parameters that name a member, with the member's name.
    :param after: parameters that a member must be greater than.
    :param before: parameters that a member must be smaller than.
    """

    def __init__(
        self,
        call: Call,
        read: Callable[[Item, str], Any],
        simple: Mapping[str, str],
        after: Mapping[str, str] | None = None,
        before: Mapping[str, str] | None = None,
    ) -> None:
        self.read = read
        self.properties = shown_properties(call)
        # What the schema of the data looked like is the costly part of an object.
        most = DEFAULT_LIMIT if "observableSchema" in (self.properties or ()) else MAX_LIMIT
        self.limit = _whole(call, "limit", DEFAULT_LIMIT, 1, most)
        self.start = _whole(call, "start", 0, 0, 10**9)
        self.order = _order(call.first("orderBy") or call.first("sort") or "")
        self._tests: list[Callable[[Item], bool]] = []
        for name, value in call.query:
            if name in simple:
                self._tests.append(self._simple(simple[name], value))
            elif name == "tags":
                self._tests += [self._tag(wanted) for wanted in value.split(",")]
            elif name == "property":
                self._tests.append(self._condition(value))
            elif after is not None and name in after:
                self._tests.append(self._range(after[name], _number(name, value), 1))
            elif before is not None and name in before:
                self._tests.append(self._range(before[name], _number(name, value), -1))

    def page(self, items: Iterable[Item], show: Callable[[Item], dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The objects that were asked for, by id.

        :param items: oldest first.
        :param show: an object as a whole; only called for those of the page.
        """
        chosen: Iterable[Item] = (item for item in items if all(test(item) for test in self._tests))
        for member, descending in reversed(self.order):
            chosen = sorted(chosen, key=lambda item: _sortable(self.read(item, member)), reverse=descending)
        page = islice(chosen, self.start, self.start + self.limit)
        return {item.id: cut(show(item), self.properties) for item in page}

    def _simple(self, member: str, wanted: str) -> Callable[[Item], bool]:
        return lambda item: matches(wanted, as_text(self.read(item, member)))

    def _tag(self, wanted: str) -> Callable[[Item], bool]:
        key, colon, value = wanted.partition(":")

        def has(item: Item) -> bool:
            tags = self.read(item, "tags") or {}
            return key in tags and (not colon or any(matches(value, tag) for tag in tags[key]))

        return has

    def _condition(self, expression: str) -> Callable[[Item], bool]:
        member, check = condition(expression)
        return lambda item: check(self.read(item, member))

    def _range(self, member: str, limit: int, direction: int) -> Callable[[Item], bool]:
        return lambda item: (int(self.read(item, member) or 0) - limit) * direction > 0


def shown_properties(call: Call) -> list[str] | None:
    """The members that a request wants to see, None for all.

    :param call: the request.
    """
    names = call.first("properties")
    return [name.strip() for name in names.split(",")] if names else None


def cut(wire: dict[str, Any], properties: list[str] | None) -> dict[str, Any]:
    """An object with only some of its members.

    :param properties: their names, None for all.
    """
    return wire if properties is None else {name: wire[name] for name in properties if name in wire}


def _whole(call: Call, name: str, default: int, fewest: int, most: int) -> int:
    text = call.first(name)
    if text is None:
        return default
    number = int(text[:12]) if text.isascii() and text.isdigit() else -1
    if not fewest <= number <= most:
        raise bad_request(f"'{name}' must be a whole number from {fewest} to {most}.")
    return number


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f"'{name}' must be a time in milliseconds.")
    return int(text[:18])


def _order(text: str) -> list[tuple[str, bool]]:
    order = []
    for part in text.split(",") if text else ():
        match = _ORDER.fullmatch(part.strip())
        if match is None:
            raise bad_request(f"'orderBy' is written field, asc:field or desc:field, not '{part[:60]}'.")
        order.append((match[2], match[1] == "desc"))
    return order


def _sortable(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return (0, float(value), "")
    return (1, 0.0, as_text(value))
