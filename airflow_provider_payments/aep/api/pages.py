"""Checks of list pages that all services share: items are objects, answers have an id, page links are readable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.errors import Failure, RequestError, UnreadableError
from airflow_provider_payments.aep.http.answers import Expected, UnexpectedError, an_object
from airflow_provider_payments.aep.readers import text

if TYPE_CHECKING:
    from airflow_provider_payments.aep.services import Json


def objects(items: list[Any], collection: str) -> list[Json]:
    """
    Return the items of a page, which must be objects.

    :raises UnreadableError: if an item is not an object, because it may stand for any item.
    """
    for item in items:
        if not isinstance(item, dict):
            raise UnreadableError(f"an item of {collection}", "it is not an object")
    return items


def holding(member: str) -> Expected:
    """Return a check that expects a page: an object with a list of items in ``member``."""

    def a_page(body: Any) -> Json:
        page = an_object(body)
        if not isinstance(page.get(member), list):
            raise UnexpectedError(f"the answer contains no list of {member}")
        return page

    return a_page


def identified(id_key: str) -> Expected:
    """Return a check that expects an object with an id; without one, an empty object would seem to lack all members."""

    def an_item(body: Any) -> Json:
        found = an_object(body)
        if not text(found.get(id_key)):
            raise UnexpectedError(f"the answer has no {id_key}")
        return found

    return an_item


def sendable(value: object) -> str:
    """
    Return a page token that a request can contain; the length limit of ids does not apply to tokens.

    :raises ValueError: if the value is not text, is empty or cannot be encoded.
    """
    if not isinstance(value, str) or not value:
        raise ValueError(type(value).__name__)
    value.encode()
    return value


def unreadable_link(path: str) -> RequestError:
    """Return the error of a list whose link to the next page is unreadable."""
    reason = "the list is incomplete: the link to its next page is unreadable"
    return RequestError(Failure.AMBIGUOUS, "GET", path, reason=reason)
