"""
Odd pages of Flow Service's lists.

The token of a page says which kind of oddity it is part of and where in the list it begins, so that what answers the
next question need not remember anything.
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
SIGN = "weather"
#: Empty pages before the others come; the reader follows more in a row.
EMPTY = 3


def begun(request: Request) -> tuple[str, int] | None:
    """Which oddity a request goes on with, and where."""
    sign, *rest = dict(request.query).get(PARAMETER, "").split(".")
    if sign != SIGN or len(rest) != 2:
        return None
    return rest[0], int(rest[1])


def following(kind: str, place: int, good: Answer) -> Answer:
    """
    A later page.

    :param good: the answer to the question without a token.
    """
    match kind:
        case "short":
            return _slice(place, good)
        case "empty":
            return _empty(kind, place + 1, good) if place < EMPTY else good
        case "repeated":
            return _page(good, _items(good), "repeated", 0)
        case "endless":
            return _page(good, _items(good), kind, place + 1)
        case "new":
            return _new(place, good)
        case _:
            return _empty(kind, place + 1, good)


def short(draw: Random, request: Request, good: Answer) -> Answer:
    """Pages of fewer items than were asked for."""
    return _slice(0, good)


def empty(draw: Random, request: Request, good: Answer) -> Answer:
    """A few empty pages, each with a new token, before the others."""
    return _empty("empty", 1, good)


def repeated(draw: Random, request: Request, good: Answer) -> Answer:
    """A token that leads to the same page and itself."""
    return _page(good, _items(good), "repeated", 0)


def endless(draw: Random, request: Request, good: Answer) -> Answer:
    """The same page again and again, each with a new token."""
    return _page(good, _items(good), "endless", 1)


def endless_empty(draw: Random, request: Request, good: Answer) -> Answer:
    """Empty pages, each with a new token, for ever."""
    return _empty("void", 1, good)


def endless_new(draw: Random, request: Request, good: Answer) -> Answer:
    """Pages of ever new items, for ever: the right ones first, then others of which nobody has heard."""
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
    link = {"next": {"href": f"/list?{PARAMETER}={quote(f'{SIGN}.{kind}.{place}')}"}}
    return replace(good, body=json.dumps({"items": items, "_links": link}).encode())
