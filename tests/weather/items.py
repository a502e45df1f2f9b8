"""Spoiled items of good answers, and a wrong ``Date`` header."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from email.utils import formatdate, parsedate_to_datetime
from random import Random
from typing import Any

from tests.weather.http import ITEMS, Answer, Request

JUNK: tuple[Any, ...] = (None, 5, "item", [], {}, [[]], {"id": None}, {"id": 17}, {"id": ["a"]}, True)
#: Numbers as JSON text, because Python would not write them.
ODD_NUMBERS = ("1e999", "-1e999", "NaN", "9" * 400, "-" + "9" * 400)
#: Members whose values the client reads; values that only the service understands are not checked for their type.
MEMBERS = ("id", "name", "createdAt", "updatedAt", "etag", "state", "title", "$id", "created", "flowId", "metrics")
RUN_MEMBERS = ("lastRunDetails", "activities")
UNKNOWN_STATUSES = ("hibernating", "rebalancing", "warteschlange", "In Progress 2")
NO_TOKENS = (b'{"expires_in": 86399}', b'{"access_token": ["t"], "expires_in": 86399}')


def wrong_top(draw: Random, request: Request, good: Answer) -> Answer:
    """Return the same members, each with a value of another type."""
    document = _document(good)
    return _with_document(good, {name: wrong(draw, value) for name, value in document.items()} or [17])


def wrong_items(draw: Random, request: Request, good: Answer) -> Answer:
    """Return a valid list of items whose members all have values of another type."""

    def spoil(item: Any) -> Any:
        if isinstance(item, dict):
            return {name: wrong(draw, value) for name, value in item.items()}
        return wrong(draw, item)

    return _with_document(good, _map_items(_document(good), spoil))


def wrong(draw: Random, value: Any) -> Any:
    """Return a value of another type; text is never replaced by digits, which would be understood."""
    match value:
        case bool() | None:
            return draw.choice(([value], {"value": value}))
        case str():
            return draw.choice(([value], {}, 17.5, True))
        case int() | float():
            return draw.choice(([value], {}, "soon", True, float("nan"), float("inf")))
        case list():
            return draw.choice((17, "list", True, {"0": 1}))
        case _:
            return draw.choice((17, "object", [1], True))


def odd_numbers(draw: Random, request: Request, good: Answer) -> Answer:
    """Return the answer with each number, including times of runs, replaced by one out of range."""
    document = json.loads(good.body, parse_int=lambda _: _Odd(draw), parse_float=lambda _: _Odd(draw))
    text = json.dumps(document, default=str)
    for odd in ODD_NUMBERS:
        text = text.replace(f'"{_Odd.PREFIX}{odd}"', odd)
    return replace(good, body=text.encode())


class _Odd:
    """A placeholder for a number out of range in a document."""

    PREFIX = "number:"

    def __init__(self, draw: Random) -> None:
        self._text = draw.choice(ODD_NUMBERS)

    def __str__(self) -> str:
        return self.PREFIX + self._text


def unreadable_item(draw: Random, request: Request, good: Answer) -> Answer:
    """Return the answer with an additional item that is no object, or an object without a valid id."""
    document, junk = _document(good), draw.choice(JUNK)
    for name in ITEMS:
        if isinstance(document.get(name), list):
            place = draw.randint(0, len(document[name]))
            return _with_document(good, {**document, name: [*document[name][:place], junk, *document[name][place:]]})
    return _with_document(good, {**document, "5f3c1a7e9b2d4c0019a8e7f6": draw.choice((17, [], "item", None))})


def wrong_member(draw: Random, request: Request, good: Answer) -> Answer:
    """Return the answer with a value of another type in one member of one item."""
    document = _document(good)
    found = list(_items(document))
    if not found:
        return unreadable_item(draw, request, good)
    chosen = draw.choice(found)
    names = [name for name in (*MEMBERS, *RUN_MEMBERS) if name in chosen]
    if not names:
        return unreadable_item(draw, request, good)
    holder, name = _below(draw, chosen, draw.choice(names))
    holder[name] = wrong(draw, holder[name])
    return _with_document(good, document)


def _below(draw: Random, holder: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    """Draw a member or one nested in it, except counts: a service may report no counts."""
    while isinstance(holder[name], dict) and draw.random() < 0.8:
        inner = [key for key in holder[name] if key != "recordSummary"]
        if not inner:
            break
        holder, name = holder[name], draw.choice(inner)
    return holder, name


def unknown_status(draw: Random, request: Request, good: Answer) -> Answer:
    """Return the answer with unknown raw statuses for runs that have not succeeded."""

    def spoil(item: Any) -> Any:
        status = item["metrics"]["statusSummary"]
        if status["status"] != "success":
            status["status"] = draw.choice(UNKNOWN_STATUSES)
        return item

    return _with_document(good, _map_items(_document(good), spoil))


def unsorted(draw: Random, request: Request, good: Answer) -> Answer:
    """Return the same items in another order."""
    document = _document(good)
    return _with_document(good, {**document, "items": draw.sample(document["items"], len(document["items"]))})


def shifted_date(headers: Iterable[tuple[str, str]], seconds: float) -> str:
    """Return the answer's date, or this machine's, shifted by some seconds."""
    given = next((value for name, value in headers if name.lower() == "date"), formatdate(usegmt=True))
    return formatdate(parsedate_to_datetime(given).timestamp() + seconds, usegmt=True)


def _document(good: Answer) -> dict[str, Any]:
    document = json.loads(good.body) if good.body else {}
    return document if isinstance(document, dict) else {}


def _with_document(good: Answer, document: Any) -> Answer:
    return replace(good, body=json.dumps(document).encode())


def _items(document: dict[str, Any]) -> list[dict[str, Any]]:
    for name in ITEMS:
        if isinstance(document.get(name), list):
            return [item for item in document[name] if isinstance(item, dict)]
    return [item for item in document.values() if isinstance(item, dict)]


def _map_items(document: dict[str, Any], spoil: Callable[[Any], Any]) -> dict[str, Any]:
    for name in ITEMS:
        if isinstance(document.get(name), list):
            return {**document, name: [spoil(item) for item in document[name]]}
    return {name: spoil(item) for name, item in document.items()}
