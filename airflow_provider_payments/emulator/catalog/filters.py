"""Catalog's simple filters: ``,`` is or, a leading ``!`` is not, ``*`` any text, ``**`` a star."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.catalog.state import bad_request
from airflow_provider_payments.emulator.exchange import Call

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
_ORDER = re.compile(r"(asc|desc):([A-Za-z]+)")
_SIMPLE = ("name", "description", "created", "updated", "createdClient", "createdUser", "updatedUser", "version")


class Selection:
    """What a list request asks for.

    :param call: the request.
    :param simple: names of attributes that can be filtered by a parameter of their own.
    """

    def __init__(self, call: Call, simple: tuple[str, ...] = _SIMPLE) -> None:
        self.limit = min(_whole(call, "limit", DEFAULT_LIMIT), MAX_LIMIT) or DEFAULT_LIMIT
        self.start = _whole(call, "start", 0)
        self.order = _order(call)
        names = call.first("properties")
        self.properties = [name.strip() for name in names.split(",")] if names else None
        self._filters = [(name, value) for name, value in call.query if name in simple]
        self._tags = [value for name, value in call.query if name == "tags"]
        if call.first("property") is not None:
            raise bad_request("The emulator does not know the 'property' filter of Catalog.")

    def page(self, items: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The part of a map that was asked for.

        :param items: id to object, oldest first.
        """
        chosen = [(key, item) for key, item in items.items() if self._passes(item)]
        for field, descending in reversed(self.order):
            chosen.sort(key=lambda pair: _sortable(pair[1].get(field)), reverse=descending)
        return {key: self.cut(item) for key, item in chosen[self.start : self.start + self.limit]}

    def cut(self, item: dict[str, Any]) -> dict[str, Any]:
        """An object with only the parts that were asked for.

        :param item: shown whole unless ``properties`` names parts of it.
        """
        return item if self.properties is None else {name: item[name] for name in self.properties if name in item}

    def _passes(self, item: Mapping[str, Any]) -> bool:
        return all(matches(wanted, str(item.get(name, ""))) for name, wanted in self._filters) and all(
            _tag_matches(wanted, item.get("tags", {})) for wanted in self._tags
        )


def matches(wanted: str, value: str) -> bool:
    """Whether a value passes a simple filter.

    :param wanted: the filter as sent.
    """
    if wanted.startswith("!"):
        return not matches(wanted[1:], value)
    return any(_wildcard(choice, value) for choice in wanted.split(","))


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


def _tag_matches(wanted: str, tags: Mapping[str, list[str]]) -> bool:
    key, colon, value = wanted.partition(":")
    if key not in tags:
        return False
    return not colon or any(matches(value, tag) for tag in tags[key])


def _whole(call: Call, name: str, default: int) -> int:
    text = call.first(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f"'{name}' must be a whole number, 0 or more.")
    return int(text[:12])


def _order(call: Call) -> list[tuple[str, bool]]:
    text = call.first("orderBy")
    if not text:
        return []
    order = []
    for part in text.split(","):
        match = _ORDER.fullmatch(part.strip())
        if match is None:
            raise bad_request(f"'orderBy' is written asc:field or desc:field, not '{part[:60]}'.")
        order.append((match[2], match[1] == "desc"))
    return order


def _sortable(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return (0, float(value), "")
    return (1, 0.0, "" if value is None else str(value))
