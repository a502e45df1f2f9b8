"""
The interpretation of HTTP answers: a value, or a kind of failure.

Only a refusal in a service's own JSON is final. An answer that only an intermediary can have sent is ambiguous,
regardless of its status: a blank answer, a redirect, HTML. So is a 2xx answer whose body does not have the expected
shape.
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

#: Characters of an HTML title, or of a host, that an error quotes.
MAX_QUOTE_LENGTH = 80
BLANK = "answered blank"
NO_SERVICE_ERROR = "answered without an error of a service"


class UnexpectedError(ValueError):
    """A body does not have the expected shape; the text says what was answered instead."""


#: A function that checks the shape of a body, and returns the value that the body stands for.
#:
#: :raises UnexpectedError: if the body has another shape.
Expected = Callable[[Any], Any]


@dataclass(frozen=True)
class Received:
    """
    An answer before its interpretation.

    :param method: the method of the request.
    :param path: the path of the request, without its query.
    :param status: the HTTP status.
    :param headers: the headers of the answer.
    :param body: the decompressed, unparsed body.
    :param changes_nothing: whether the request only reads.
    """

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    changes_nothing: bool


@dataclass(frozen=True)
class Answer:
    """
    A 2xx answer.

    :param status: the HTTP status.
    :param body: the value of the body; ``None`` for an empty one.
    :param request_id: the service's id of the request.
    :param headers: the headers of the answer.
    """

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
    """Expect one item of Flow Service, which answers a GET by id with a list of one item."""
    found = an_object(body)
    items = found.get("items", [found])
    if isinstance(items, list) and items and isinstance(items[0], dict) and text(items[0].get("id")):
        item: Json = items[0]
        return item
    raise UnexpectedError("the answer contains no item")


def anything(body: Any) -> Any:
    """Accept any body: a deletion may be answered without one."""
    return body


def read(received: Received, expected: Expected, *, token_is_replaceable: bool) -> Answer:
    """
    Return the interpreted answer.

    :param token_is_replaceable: whether another token can be requested if the service refuses this one.
    :raises RequestError: for any answer other than a 2xx of the expected shape.
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
    if 400 <= status < 500 and not problem.has_content:
        reason = reason or NO_SERVICE_ERROR
    kind = NotFoundError if NotFoundError.matches(status, problem, reason) else RequestError
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

    :param problem: the error in a service's own JSON; empty if there is none.
    """
    if status == 429:
        return Failure.THROTTLED
    if token_is_replaceable and is_token_refused(status, problem.code):
        return Failure.TOKEN_REFUSED
    if 400 <= status < 500 and status != 408 and problem.has_content:
        return Failure.FINAL
    return Failure.AMBIGUOUS


def _parsed(body: bytes) -> tuple[Any, str]:
    """Return the JSON of a body, and the reason if it has none."""
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
    quoted = redacted(" ".join(unescape(title[1]).split()))[:MAX_QUOTE_LENGTH] if title else ""
    return None, f'answered HTML ("{quoted}") instead of JSON' if quoted else "answered HTML instead of JSON"


def _redirect(received: Received) -> str:
    try:
        host = urlsplit(received.headers.get("location", "")).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return f"redirects to {redacted(host)[:MAX_QUOTE_LENGTH] or 'nowhere'}: not followed"


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")
