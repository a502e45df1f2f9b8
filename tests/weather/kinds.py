"""
The kinds of bad answers: what load balancers, gateways, proxies and half-broken services say in place of the truth.

None is well-formed and untrue, such as an empty list or a wrong status: nobody could tell. Each is a function of the
draws, the request and the good answer.
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

Make = Callable[[Random, Request, Answer], Answer]
HTML = (("Content-Type", "text/html; charset=utf-8"),)
TEXT = (("Content-Type", "text/plain"),)
PAGE = b"<!DOCTYPE html><html><head><title>%b</title></head><body><h1>%b</h1></body></html>"
#: What ``Retry-After`` says that no sane service says.
RETRY_AFTERS = (
    *("soon", "", "-5", "NaN", "1e999", "99999999999", "9" * 400),
    *("Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 32 Foo 2026 99:99:99 GMT"),
)
DATES = ("Fri, 31 Dec 9999 23:59:59 GMT", "yesterday", "", "0", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 400)
#: Megabytes that a bomb of a thousandth of it becomes.
BOMB = 1024
LEVELS = 60_000


@dataclass(frozen=True)
class Kind:
    """
    A kind of bad answers.

    :param fits: which requests it can be the answer to.
    :param effect: what became of the request: ``done``, ``none``, or ``either``, where nobody can tell; ``claimed`` is
        ``done`` where a status of success is all that is answered, else ``either``.
    """

    name: str
    make: Make
    fits: Callable[[Request], bool] = lambda request: True
    effect: str = "either"

    def __str__(self) -> str:
        return self.name


# ---- bodies ---------------------------------------------------------------------------------------------------------


def body(content: bytes, headers: Iterable[tuple[str, str]] | None = None, status: int = 200) -> Make:
    """This body, whatever was asked."""

    def make(draw: Random, request: Request, good: Answer) -> Answer:
        return Answer(status, content, good.headers if headers is None else tuple(headers))

    return make


def html(*statuses: int) -> Make:
    """A page of a load balancer, with one of these statuses."""

    def make(draw: Random, request: Request, good: Answer) -> Answer:
        status = draw.choice(statuses)
        title = b"%d from the gateway" % status
        return Answer(status, PAGE % (title, title), HTML)

    return make


def text(*statuses: int) -> Make:
    """Plain text, or nothing at all, with one of these statuses."""

    def make(draw: Random, request: Request, good: Answer) -> Answer:
        return Answer(draw.choice(statuses), draw.choice((b"upstream request failed", b"")), TEXT)

    return make


def problem(status: int, code: str) -> Make:
    """The service's own JSON."""
    content = json.dumps({"error_code": code, "message": "Something failed", "title": "Error", "status": status})
    return body(content.encode(), status=status)


def deep(draw: Random, request: Request, good: Answer) -> Answer:
    """More levels than any parser bears, as the answer or as an item of it."""
    levels = b"[" * LEVELS + b"]" * LEVELS
    return replace(
        good, body=draw.choice((levels, b'{"items": [%b]}' % levels, b'{"a":' * LEVELS + b"1" + b"}" * LEVELS))
    )


@cache
def _bomb() -> bytes:
    # A gzip file may have several members.
    megabyte = gzip.compress(b" " * (16 << 20))
    return gzip.compress(b'{"items": [') + megabyte * (BOMB // 16) + gzip.compress(b"]}")


def bomb(draw: Random, request: Request, good: Answer) -> Answer:
    """A megabyte that becomes a thousand."""
    return replace(good, body=_bomb()).with_header("Content-Encoding", "gzip")


# ---- headers --------------------------------------------------------------------------------------------------------


def redirect(target: str) -> Make:
    """To another host."""

    def make(draw: Random, request: Request, good: Answer) -> Answer:
        location = ("Location", target + request.target)
        return Answer(draw.choice((301, 302, 307)), PAGE % (b"Moved", b"Moved"), (*HTML, location))

    return make


def date(seconds: float) -> Make:
    """The good answer from a clock that is wrong by so many seconds."""

    def make(draw: Random, request: Request, good: Answer) -> Answer:
        return good.with_header("Date", items.shifted_date(good.headers, seconds))

    return make


def odd_date(draw: Random, request: Request, good: Answer) -> Answer:
    """The good answer with a date that is none."""
    return good.with_header("Date", draw.choice(DATES))


def odd_retry_after(status: int) -> Make:
    """A refusal that says odd things of when to come again."""

    def make(draw: Random, request: Request, good: Answer) -> Answer:
        content, headers = draw.choice(((b"{}", good.headers), (PAGE % (b"Busy", b"Busy"), HTML), (b"", TEXT)))
        return Answer(status, content, headers).with_header("Retry-After", draw.choice(RETRY_AFTERS))

    return make


# ---- the connection -------------------------------------------------------------------------------------------------


def ending(how: str, *seconds: float) -> Make:
    """The good answer, sent in a broken way."""

    def make(draw: Random, request: Request, good: Answer) -> Answer:
        lasts = draw.choice(seconds or (0.0,))
        return replace(good, ending=how, seconds=lasts, closes=lasts > max(seconds[:-1], default=0.0))

    return make


# ---- the token ------------------------------------------------------------------------------------------------------


def odd_token(draw: Random, request: Request, good: Answer) -> Answer:
    """A token that nobody says the life of, or says it oddly, or that is none."""
    life = draw.choice(("null", '"soon"', "NaN", "1e999", "-1", "[86399]", "0", "9" * 400))
    return replace(
        good, body=draw.choice((b'{"access_token": "t", "expires_in": %b}' % life.encode(), *items.NO_TOKENS))
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


#: Whom a redirect leads to; nobody is there.
ELSEWHERE = "https://elsewhere.invalid"


@cache
def kinds(elsewhere: str = ELSEWHERE, trickles: tuple[float, ...] = (5.0, 15.0, 600.0)) -> tuple[Kind, ...]:
    """
    All kinds.

    :param elsewhere: the host that redirects lead to.
    :param trickles: for how many seconds answers may trickle; after the last one, the connection ends.
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
    Draws what is bad.

    :param share: of the requests that are answered badly.
    """

    def __init__(self, seed: str, share: float, choice: tuple[Kind, ...]) -> None:
        self._draws = Random(seed)
        self._share = share
        self._choice = choice
        self.met: Counter[str] = Counter()

    def kind(self, request: Request) -> Kind | None:
        """What meets a request."""
        if self._draws.random() >= self._share:
            return None
        kind = self._draws.choice([kind for kind in self._choice if kind.fits(request)])
        self.met[kind.name] += 1
        return kind

    def takes_effect(self, kind: Kind, request: Request) -> bool:
        """Whether a request is carried out that is answered so."""
        if kind.effect == "either" or (kind.effect == "claimed" and request.method in ("GET", "POST")):
            return self._draws.random() < 0.5
        return kind.effect != "none"

    def answer(self, kind: Kind, request: Request, good: Answer) -> Answer:
        return kind.make(self._draws, request, good)
