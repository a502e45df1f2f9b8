"""
What an answer means: a value, or one of the kinds of failure.

Only what a service says in its own JSON is final. What only an intermediary can have said is ambiguous, whatever its
status: a blank answer, a redirect, HTML. So is a 2xx that has not the shape that was asked for.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_payments.aep.errors import Failure, NotFoundError, Problem, RequestError
from airflow_provider_payments.aep.http.retries import is_token_refused, parse_date, parse_retry_after
from airflow_provider_payments.aep.readers import text
from airflow_provider_payments.aep.redaction import redacted

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json

MAX_TITLE = 80
BLANK = "answered blank"
WORDLESS = "answered without words of a service"


class UnexpectedError(ValueError):
    """A body that is not what was asked for; its text says what it is instead."""


#: Returns what a body means.
#:
#: :raises UnexpectedError: if it is something else.
Expected = Callable[[Any], Any]


@dataclass(frozen=True)
class Received:
    """
    An answer as it came.

    :param method: of the request.
    :param path: of the request, without its query.
    :param status: the HTTP status.
    :param headers: those of the answer.
    :param body: decoded, but not read.
    :param changes_nothing: whether it answers a request that only reads.
    """

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    changes_nothing: bool


@dataclass(frozen=True)
class Answer:
    """A 2xx answer: its status, what its body means (``None`` for an empty one), the service's request id, headers."""

    status: int
    body: Any
    request_id: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def an_object(body: Any) -> Json:
    """Expect a JSON object."""
    if isinstance(body, dict):
        return body
    raise UnexpectedError(f"answered {_kind(body)} instead of an object")


def a_document(body: Any) -> Any:
    """Expect a JSON object or list."""
    if isinstance(body, (dict, list)):
        return body
    raise UnexpectedError(f"answered {_kind(body)} instead of an object or a list")


def an_item(body: Any) -> Json:
    """Expect one item of Flow Service, which a single GET answers as a list of one."""
    found = an_object(body)
    items = found.get("items", [found])
    if isinstance(items, list) and items and isinstance(items[0], dict) and text(items[0].get("id")):
        item: Json = items[0]
        return item
    raise UnexpectedError("the answer holds no item")


def anything(body: Any) -> Any:
    """Expect nothing in particular: a deletion may be answered without a body."""
    return body


def read(received: Received, expected: Expected, *, token_is_replaceable: bool) -> Answer:
    """
    Return what an answer means.

    :param token_is_replaceable: whether a request with another token could succeed where this one is refused.
    :raises RequestError: for every answer but a 2xx of the expected shape.
    """
    status, request_id = received.status, received.headers.get("x-request-id", "")
    body, unreadable = _parsed(received.body)
    reason = _redirect(received) if 300 <= status < 400 else unreadable
    if 200 <= status < 300 and reason in ("", BLANK):
        try:
            return Answer(status, expected(body), request_id, received.headers)
        except UnexpectedError as error:
            reason = reason or str(error)
    problem = Problem.from_body(body if status >= 400 else None, request_id)
    if 400 <= status < 500 and not problem.says_something:
        reason = reason or WORDLESS
    kind = NotFoundError if NotFoundError.is_meant(status, problem, reason) else RequestError
    raise kind(
        _failure(status, problem, token_is_replaceable=token_is_replaceable),
        received.method,
        received.path,
        reason=reason,
        status=status,
        problem=problem,
        retry_after=parse_retry_after(
            received.headers.get("retry-after"), parse_date(received.headers.get("date")) or time.time()
        ),
        changes_nothing=received.changes_nothing,
    )


def _failure(status: int, problem: Problem, *, token_is_replaceable: bool) -> Failure:
    """
    Return the kind of failure.

    :param problem: what a service said in its own JSON; empty where none did.
    """
    if status == 429:
        return Failure.THROTTLED
    if token_is_replaceable and is_token_refused(status, problem.code):
        return Failure.TOKEN_REFUSED
    if 400 <= status < 500 and status != 408 and problem.says_something:
        return Failure.FINAL
    return Failure.AMBIGUOUS


def _parsed(body: bytes) -> tuple[Any, str]:
    """Return a body's JSON, or why there is none."""
    if not body.strip():
        return None, BLANK
    try:
        return json.loads(body), ""
    except (ValueError, RecursionError):
        pass
    page = body[:10_000].decode(errors="replace").lstrip()
    if not page.startswith("<"):
        return None, "the answer is not JSON"
    title = re.search(r"<title[^>]*>(.*?)</title", page, re.IGNORECASE | re.DOTALL)
    words = redacted(" ".join(unescape(title[1]).split()))[:MAX_TITLE] if title else ""
    return None, f'answered HTML ("{words}") instead of JSON' if words else "answered HTML instead of JSON"


def _redirect(received: Received) -> str:
    try:
        host = urlsplit(received.headers.get("location", "")).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return f"redirects to {redacted(host)[:MAX_TITLE] or 'nowhere'}: not followed"


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")
