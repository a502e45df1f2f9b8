"""
The kinds of bad answers that load balancers, gateways, proxies and half-broken services send instead of good ones.

No kind is well-formed but untrue, such as an empty list or a wrong status: no client could detect that. Each kind is a
function of the draws, the request and the good answer.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from tests.weather import items, pages
from tests.weather.http import Answer, Request

BuildAnswer = Callable[[Random, Request, Answer], Answer]
HTML = (("Content-Type", "text/html; charset=utf-8"),)
TEXT = (("Content-Type", "text/plain"),)
PAGE = b"<!DOCTYPE html><html><head><title>%b</title></head><body><h1>%b</h1></body></html>"
#: Values of ``Retry-After`` that no correct service sends.
RETRY_AFTERS = (
    *("soon", "", "-5", "NaN", "1e999", "99999999999", "9" * 400),
    *("Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 32 Foo 2026 99:99:99 GMT"),
)
DATES = ("Fri, 31 Dec 9999 23:59:59 GMT", "yesterday", "", "0", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 400)
#: Decompressed size of the gzip bomb, whose compressed size is a thousandth of that.
BOMB_MEGABYTES = 1024
NESTING_LEVELS = 60_000


@dataclass(frozen=True)
class Kind:
    """
    A kind of bad answers.

    :param build: returns the bad answer.
    :param fits: returns whether a request can get such an answer.
    :param effect: whether the request takes effect: ``done``; ``none``; ``either``, which the client cannot know; or
        ``claimed``: like ``either`` for GET and POST, which need a body, else like ``done``.
    """

    name: str
    build: BuildAnswer
    fits: Callable[[Request], bool] = lambda request: True
    effect: str = "either"

    def __str__(self) -> str:
        return self.name


# ---- bodies ---------------------------------------------------------------------------------------------------------


def body(content: bytes, headers: Iterable[tuple[str, str]] | None = None, status: int = 200) -> BuildAnswer:
    """Answer any request with a body."""

    def build(draw: Random, request: Request, good: Answer) -> Answer:
        return Answer(status, content, good.headers if headers is None else tuple(headers))

    return build


def html(*statuses: int) -> BuildAnswer:
    """Answer with a page of a load balancer, with one of some statuses."""

    def build(draw: Random, request: Request, good: Answer) -> Answer:
        status = draw.choice(statuses)
        title = b"%d from the gateway" % status
        return Answer(status, PAGE % (title, title), HTML)

    return build


def text(*statuses: int) -> BuildAnswer:
    """Answer with plain text or an empty body, with one of some statuses."""

    def build(draw: Random, request: Request, good: Answer) -> Answer:
        return Answer(draw.choice(statuses), draw.choice((b"upstream request failed", b"")), TEXT)

    return build


def problem(status: int, code: str) -> BuildAnswer:
    """Answer with an error in the service's own JSON."""
    content = json.dumps({"error_code": code, "message": "Something failed", "title": "Error", "status": status})
    return body(content.encode(), status=status)


def deep(draw: Random, request: Request, good: Answer) -> Answer:
    """Return an answer, or an item of it, with more levels of nesting than any parser supports."""
    levels = b"[" * NESTING_LEVELS + b"]" * NESTING_LEVELS
    return replace(
        good,
        body=draw.choice(
            (levels, b'{"items": [%b]}' % levels, b'{"a":' * NESTING_LEVELS + b"1" + b"}" * NESTING_LEVELS)
        ),
    )


@cache
def _bomb() -> bytes:
    # A gzip file may have several members.
    megabyte = gzip.compress(b" " * (16 << 20))
    return gzip.compress(b'{"items": [') + megabyte * (BOMB_MEGABYTES // 16) + gzip.compress(b"]}")


def bomb(draw: Random, request: Request, good: Answer) -> Answer:
    """Return an answer of a megabyte that decompresses to a gigabyte."""
    return replace(good, body=_bomb()).with_header("Content-Encoding", "gzip")


# ---- headers --------------------------------------------------------------------------------------------------------


def redirect(target: str) -> BuildAnswer:
    """Redirect to another host."""

    def build(draw: Random, request: Request, good: Answer) -> Answer:
        location = ("Location", target + request.target)
        return Answer(draw.choice((301, 302, 307)), PAGE % (b"Moved", b"Moved"), (*HTML, location))

    return build


def date(seconds: float) -> BuildAnswer:
    """Send the good answer with a date that is wrong by some seconds."""

    def build(draw: Random, request: Request, good: Answer) -> Answer:
        return good.with_header("Date", items.shifted_date(good.headers, seconds))

    return build


def odd_date(draw: Random, request: Request, good: Answer) -> Answer:
    """Return the good answer with an invalid date."""
    return good.with_header("Date", draw.choice(DATES))


def odd_retry_after(status: int) -> BuildAnswer:
    """Refuse with an invalid ``Retry-After``."""

    def build(draw: Random, request: Request, good: Answer) -> Answer:
        content, headers = draw.choice(((b"{}", good.headers), (PAGE % (b"Busy", b"Busy"), HTML), (b"", TEXT)))
        return Answer(status, content, headers).with_header("Retry-After", draw.choice(RETRY_AFTERS))

    return build


# ---- the connection -------------------------------------------------------------------------------------------------


def ending(name: str, *seconds: float) -> BuildAnswer:
    """Send the good answer in a broken way, see :class:`.http.Answer`."""

    def build(draw: Random, request: Request, good: Answer) -> Answer:
        lasts = draw.choice(seconds or (0.0,))
        return replace(good, ending=name, seconds=lasts, closes=lasts > max(seconds[:-1], default=0.0))

    return build


# ---- the token ------------------------------------------------------------------------------------------------------


def odd_token(draw: Random, request: Request, good: Answer) -> Answer:
    """Return a token whose lifetime is missing or invalid, or an answer without a token."""
    lifetime = draw.choice(("null", '"soon"', "NaN", "1e999", "-1", "[86399]", "0", "9" * 400))
    return replace(
        good, body=draw.choice((b'{"access_token": "t", "expires_in": %b}' % lifetime.encode(), *items.NO_TOKENS))
    )


def is_read(request: Request) -> bool:
    return request.method == "GET"


def is_list_of_flow_service(request: Request) -> bool:
    return request.is_list and "/flowservice/" in request.path


def is_of_runs(request: Request) -> bool:
    return "/flowservice/runs" in request.path


def _not_token(request: Request) -> bool:
    return not request.is_token


def _has_shape(request: Request) -> bool:
    # In Catalog an empty object is an empty list.
    return not request.is_of_catalog


#: The target of redirects, where no server listens.
ELSEWHERE = "https://elsewhere.invalid"


@cache
def kinds(elsewhere: str = ELSEWHERE, trickles: tuple[float, ...] = (5.0, 15.0, 600.0)) -> tuple[Kind, ...]:
    """
    Return all kinds.

    :param elsewhere: the host to which redirects lead.
    :param trickles: the possible seconds of a trickle; after the last of them, the connection ends.
    """
    return (
        Kind("blank", body(b""), effect="claimed"),
        Kind("204", body(b"", (), 204), effect="done"),
        Kind("null", body(b"null"), effect="claimed"),
        Kind("empty array", body(b"[]"), effect="claimed"),
        Kind("empty object", body(b"{}"), _has_shape, effect="claimed"),
        Kind(
            "a number, text or true",
            lambda d, r, g: replace(g, body=d.choice((b"17", b'"items"', b"true", b"NaN"))),
            effect="claimed",
        ),
        Kind("text", body(b"OK", TEXT), effect="claimed"),
        Kind("HTML, 200", html(200), effect="claimed"),
        Kind("HTML, 4xx", html(400, 403, 404, 409)),
        Kind("HTML, 5xx", html(500, 502, 503)),
        Kind("non-JSON 4xx", text(400, 403, 404, 409, 412)),
        Kind("5xx of the service", problem(500, "FLOW-1000-500")),
        Kind("5xx of the gateway", problem(504, "504000")),
        Kind("401013", problem(401, "401013"), _not_token, "none"),
        Kind("redirect", redirect(elsewhere)),
        Kind("wrong types at the top", items.wrong_top, effect="done"),
        Kind("wrong types in all items", items.wrong_items, is_read, "done"),
        Kind("odd numbers everywhere", items.odd_numbers, lambda r: r.is_list or is_of_runs(r), "done"),
        Kind("an unreadable item among good ones", items.unreadable_item, lambda r: r.is_list, "done"),
        Kind("a wrong type in one item", items.wrong_member, lambda r: r.is_list, "done"),
        Kind("60,000 levels", deep, effect="claimed"),
        Kind("gzip bomb", bomb, effect="claimed"),
        Kind("an unknown status", items.unknown_status, is_of_runs, "done"),
        Kind("an hour ahead", date(3600), effect="done"),
        Kind("an hour back", date(-3600), effect="done"),
        Kind("an odd date", odd_date, effect="done"),
        Kind("429 with an odd Retry-After", odd_retry_after(429), effect="none"),
        Kind("503 with an odd Retry-After", odd_retry_after(503)),
        Kind("short pages", pages.short, is_list_of_flow_service, "done"),
        Kind("empty pages with new tokens", pages.empty, is_list_of_flow_service, "done"),
        Kind("a repeated page token", pages.repeated, is_list_of_flow_service, "done"),
        Kind("endless tokens of one page", pages.endless, is_list_of_flow_service, "done"),
        Kind("endless pages of new items", pages.endless_new, is_list_of_flow_service, "done"),
        Kind("endless empty pages", pages.endless_empty, is_list_of_flow_service, "done"),
        Kind("unsorted pages", items.unsorted, lambda r: is_of_runs(r) and r.is_list, "done"),
        Kind("cut", ending("cut"), effect="done"),
        Kind("reset", ending("reset")),
        Kind("trickled body", ending("trickle", *trickles), effect="done"),
        Kind("trickled headers", ending("trickle-head", *trickles), effect="done"),
        Kind("an odd token", odd_token, lambda r: r.is_token, "done"),
    )


class Weather:
    """
    Draws the bad answers.

    :param share: the share of requests that get a bad answer.
    :param choice: the kinds to draw from.
    """

    def __init__(self, seed: str, share: float, choice: tuple[Kind, ...]) -> None:
        self._draws = Random(seed)
        self._share = share
        self._choice = choice
        #: The bad answers so far, by kind.
        self.met: Counter[str] = Counter()

    def kind(self, request: Request) -> Kind | None:
        """Draw the kind of bad answer for a request; None for the good answer."""
        if self._draws.random() >= self._share:
            return None
        kind = self._draws.choice([kind for kind in self._choice if kind.fits(request)])
        self.met[kind.name] += 1
        return kind

    def takes_effect(self, kind: Kind, request: Request) -> bool:
        """Draw whether a request with a kind of bad answer takes effect."""
        if kind.effect == "either" or (kind.effect == "claimed" and request.method in ("GET", "POST")):
            return self._draws.random() < 0.5
        return kind.effect != "none"

    def answer(self, kind: Kind, request: Request, good: Answer) -> Answer:
        return kind.build(self._draws, request, good)
