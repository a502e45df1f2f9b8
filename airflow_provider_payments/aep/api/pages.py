"""What pages of all services share: items that are objects, answers that have an id, links that can be followed."""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.aep.errors import Failure, RequestError, UnreadableError
from airflow_provider_payments.aep.http.answers import UnexpectedError, an_object
from airflow_provider_payments.aep.readers import text
from airflow_provider_payments.aep.services import Json


def objects(items: list[Any], collection: str) -> list[Json]:
    """
    Return items that are all objects.

    :raises UnreadableError: for another: where absence decides, it may be any.
    """
    for item in items:
        if not isinstance(item, dict):
            raise UnreadableError(f"an item of {collection}", "it is no object")
    return items


def identified(body: Any, name: str) -> Json:
    """Expect an object with an id."""
    found = an_object(body)
    if not text(found.get(name)):
        raise UnexpectedError(f"the answer has no {name}")
    return found


def sendable(value: object) -> str:
    """
    Return text that a request can bear. Tokens may be longer than any id, so the limit of ids is not theirs.

    :raises ValueError: for anything else.
    """
    if not isinstance(value, str) or not value:
        raise ValueError(type(value).__name__)
    value.encode()
    return value


def unreadable_link(path: str) -> RequestError:
    """Return the error of a list whose next page cannot be found."""
    reason = "the list is incomplete: the link to its next page is unreadable"
    return RequestError(Failure.AMBIGUOUS, "GET", path, reason=reason)
