"""
Odd pages of Flow Service's lists.

The token of a page contains the kind of odd pages and the place in the list, so that the server needs no state.
"""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import quote
from uuid import UUID

from tests.weather.http import Answer, Request

PARAMETER = "continuationToken"
MARKER = "weather"
#: The number of empty pages before the others; the client accepts more in a row.
EMPTY_PAGES = 3


def continued(request: Request) -> tuple[str, int] | None:
    """Return the kind of odd pages that a request continues, and its place in the list; None for other requests."""
    sign, *rest = dict(request.query).get(PARAMETER, "").split(".")
    if sign != MARKER or len(rest) != 2:
        return None
    return rest[0], int(rest[1])


def next_page(kind: str, place: int, good: Answer) -> Answer:
    """
    Return a later page.

    :param good: the answer to the request without a token.
    """
    match kind:
        case "short":
            return _slice(place, good)
        case "empty":
            return _empty(kind, place + 1, good) if place < EMPTY_PAGES else good
        case "repeated":
            return _page(good, _items(good), "repeated", 0)
        case "endless":
            return _page(good, _items(good), kind, place + 1)
        case "new":
            return _new(place, good)
        case _:
            return _empty(kind, place + 1, good)


def short(draw: Random, request: Request, good: Answer) -> Answer:
    """Return the first of several pages with fewer items than requested."""
    return _slice(0, good)


def empty(draw: Random, request: Request, good: Answer) -> Answer:
    """Return the first of a few empty pages, each with a new token, before the others."""
    return _empty("empty", 1, good)


def repeated(draw: Random, request: Request, good: Answer) -> Answer:
    """Return a page whose token leads to the same page with the same token."""
    return _page(good, _items(good), "repeated", 0)


def endless(draw: Random, request: Request, good: Answer) -> Answer:
    """Return a page whose token leads to the same page with a new token, endlessly."""
    return _page(good, _items(good), "endless", 1)


def endless_empty(draw: Random, request: Request, good: Answer) -> Answer:
    """Return the first of endless empty pages, each with a new token."""
    return _empty("void", 1, good)


def endless_new(draw: Random, request: Request, good: Answer) -> Answer:
    """Return the first of endless pages: the requested items first, then pages of unknown items."""
    return _new(0, good)


def _new(place: int, good: Answer) -> Answer:
    found = _items(good)
    others = [item | {"id": str(UUID(int=place << 64 | number))} for number, item in enumerate(found)]
    return _page(good, others if place else found, "new", place + 1)


def _slice(place: int, good: Answer) -> Answer:
    found = _items(good)
    size = len(found) // 3 + 1
    if place + size >= len(found):
        document = json.loads(good.body)
        return replace(good, body=json.dumps({**document, "items": found[place:]}).encode())
    return _page(good, found[place : place + size], "short", place + size)


def _empty(kind: str, place: int, good: Answer) -> Answer:
    return _page(good, [], kind, place)


def _items(good: Answer) -> list[Any]:
    return list(json.loads(good.body)["items"])


def _page(good: Answer, items: list[Any], kind: str, place: int) -> Answer:
    link = {"next": {"href": f"/list?{PARAMETER}={quote(f'{MARKER}.{kind}.{place}')}"}}
    return replace(good, body=json.dumps({"items": items, "_links": link}).encode())
