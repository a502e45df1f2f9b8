"""What pages of all services share: items that are objects, answers that have an id, links that can be followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.errors import Failure, RequestError, UnreadableError
from airflow_provider_payments.aep.http.answers import Expected, UnexpectedError, an_object
from airflow_provider_payments.aep.readers import text

if TYPE_CHECKING:
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


def holding(member: str) -> Expected:
    """Return what expects a page: an object that holds its items under ``member``."""

    def a_page(body: Any) -> Json:
        page = an_object(body)
        if not isinstance(page.get(member), list):
            raise UnexpectedError(f"the answer holds no list of {member}")
        return page

    return a_page


def identified(id_key: str) -> Expected:
    """Return what expects one object with an id. Without it, it is none, and would seem to lack all that it has."""

    def an_item(body: Any) -> Json:
        found = an_object(body)
        if not text(found.get(id_key)):
            raise UnexpectedError(f"the answer has no {id_key}")
        return found

    return an_item


def sendable(value: object) -> str:
    """
    Return text that a request can carry. Tokens may be longer than ids, so the limit of ids does not apply.

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
