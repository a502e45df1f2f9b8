"""Checks of list parameters: the start and the length of a page, the sort order, and unknown parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.services import PAGE
from airflow_provider_payments.aep.verification.checks import Check
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.listing import (
    HONOURED,
    IGNORED,
    LISTINGS,
    REFUSED,
    Listing,
    RefusedError,
    parameter_check,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

#: A parameter that no service knows.
UNKNOWN = ("paymentsVerify", "1")
#: Limits that are tried in turn if a larger one is refused.
SMALLER_LIMITS = (PAGE, 50, 20, 10, 1)


@attrs.frozen
class Assumed:
    """
    The assumptions about the lists of a service.

    :param start: how the service treats the parameter ``start``.
    :param counts: the units that the client understands if ``start`` is an offset: ``items``, ``pages``.
    :param unknown: how the service treats an unknown parameter.
    :param meaning: the meaning of ``start``, as the end of a sentence about the list.
    :param largest: the largest ``limit`` that this package sends.
    :param maximum: the maximum number of items in a page.
    :param documents: the document that states the maximum.
    """

    start: str
    counts: tuple[str, ...]
    unknown: str
    meaning: str
    largest: int
    maximum: int
    documents: str


_ASSUMED = {
    "flow_service": Assumed(
        start=IGNORED,
        counts=(),
        unknown=REFUSED,
        meaning="accepts the parameter `start` and ignores it",
        largest=1000,
        maximum=1000,
        documents="Adobe documents this maximum for search requests only",
    ),
    "schema_registry": Assumed(
        start=HONOURED,
        counts=(),
        unknown=IGNORED,
        meaning="begins after the item whose value of the `orderby` property is `start`",
        largest=300,
        maximum=500,
        documents="Adobe's OpenAPI file",
    ),
    "catalog": Assumed(
        start=HONOURED,
        counts=("items",),
        unknown=IGNORED,
        meaning="skips the first `start` items",
        largest=100,
        maximum=100,
        documents="Adobe's guide, and a live answer",
    ),
    "data_prep": Assumed(
        start=HONOURED,
        counts=("items", "pages"),
        unknown=IGNORED,
        meaning="skips the first `start` items or pages; the client finds out which",
        largest=1000,
        maximum=1000,
        documents="no document states a maximum",
    ),
}


# ---- start ---------------------------------------------------------------------------------------------------------


def _start_is_offset(listing: Listing) -> Callable[[Trial], str | Finding]:
    """Query two items, then two with ``start=1``: the second item begins the page if ``start`` counts items."""
    assumed = _ASSUMED[listing.service]

    def find(trial: Trial) -> str | Finding:
        listing.two_objects(trial)
        limit = ("limit", "2")
        first = listing.ids(listing.list_items(trial, limit, ("start", "0")))
        second = listing.ids(listing.list_items(trial, limit, ("start", "1")))
        if len(first) != 2:
            raise NotTriedError("a page with `limit=2` does not contain two items")
        if first != listing.ids(listing.list_items(trial, limit, ("start", "0"))):
            raise NotTriedError("the list changed between two requests")
        if first[0] in second:
            return IGNORED
        counts = "items" if first[1] in second else "pages"
        return judged(counts in assumed.counts, parameter=HONOURED, counts=counts)

    return find


def _start_is_value(listing: Listing) -> Callable[[Trial], str]:
    """Query one item, then one with the ``start`` that the first page names for the next one."""

    def find(trial: Trial) -> str:
        listing.two_objects(trial)
        params = (listing.ascending, ("limit", "1"))
        answer = listing.send(trial, *params)
        first, following = listing.ids(listing.items(answer)), readers.at(answer.body, "_page", "next")
        if following is None:
            raise NotTriedError("the first page names no next one")
        second = listing.ids(listing.list_items(trial, *params, ("start", str(following))))
        return HONOURED if second and not set(first) & set(second) else IGNORED

    return find


def _unknown_parameter(listing: Listing) -> Callable[[Trial], str]:
    def find(trial: Trial) -> str:
        listing.list_items(trial, ("limit", "1"), UNKNOWN)
        return IGNORED

    return find


# ---- sort order ----------------------------------------------------------------------------------------------------


def _order(listing: Listing) -> Callable[[Trial], str]:
    """Query a page in each direction. Any objects will do if their times differ."""

    def find(trial: Trial) -> str:
        listing.two_objects(trial)
        oldest, newest = _times(trial, listing, listing.ascending), _times(trial, listing, listing.descending)
        if len(set(oldest)) < 2 or len(set(newest)) < 2:
            raise NotTriedError("no page contains two objects with different times")
        return HONOURED if oldest == sorted(oldest) and newest == sorted(newest, reverse=True) else IGNORED

    return find


def _times(trial: Trial, listing: Listing, order: tuple[str, str]) -> list[float]:
    items = listing.list_items(trial, order, ("limit", str(PAGE)))
    moments = (readers.moment(readers.at(item, *listing.changed_at)) for item in items)
    return [moment for moment in moments if moment is not None]


# ---- page length ---------------------------------------------------------------------------------------------------


def _pages(listing: Listing) -> Callable[[Trial], Finding]:
    assumed = _ASSUMED[listing.service]

    def run(trial: Trial) -> Finding:
        listing.two_objects(trial)
        one, _ = _page_length(trial, listing, 1)
        if not one:
            raise NotTriedError("no list contains the objects that it needs")
        if _page_length(trial, listing, assumed.largest)[1] == REFUSED:
            smaller = (limit for limit in SMALLER_LIMITS if limit < assumed.largest)
            accepted = next((limit for limit in smaller if _page_length(trial, listing, limit)[1] != REFUSED), None)
            return judged(False, one=one, maximum=accepted, above=REFUSED)
        length, excess = _page_length(trial, listing, assumed.maximum + 1)
        excess = "taken" if length > assumed.maximum else "cut" if length == assumed.maximum else excess
        maximum = length if excess == "cut" else assumed.maximum
        return judged(one == 1 and excess != "taken", one=one, maximum=maximum, above=excess)

    return run


def _page_length(trial: Trial, listing: Listing, limit: int) -> tuple[int, str | None]:
    """Return the number of items in a page, and whether the limit was refused or cut; ``None``: accepted or unknown."""
    try:
        answer = listing.send(trial, ("limit", str(limit)))
    except RefusedError:
        return 0, REFUSED
    length = len(listing.items(answer))
    return length, "cut" if length < limit and listing.has_next(answer) else None


# ---- the checks ----------------------------------------------------------------------------------------------------


def _checks_of(listing: Listing) -> Iterator[Check]:
    service, assumed, reader = listing.title, _ASSUMED[listing.service], f"`aep/api/{listing.service}.py`"
    is_registry = listing.service == "schema_registry"
    yield parameter_check(
        f"{listing.service}.start",
        f"A list of {service} {assumed.meaning}.",
        f"{reader}; live answers to two public clients" if assumed.start == IGNORED else reader,
        "list one item, then one with the `start` of the next page"
        if is_registry
        else "list two items, then two with `start=1`",
        _start_is_value(listing) if is_registry else _start_is_offset(listing),
        assumed=assumed.start,
    )
    yield parameter_check(
        f"{listing.service}.unknown_parameter",
        f"A list of {service} {'refuses' if assumed.unknown == REFUSED else 'ignores'} an unknown parameter.",
        "Flow Service's catalogue of errors (1451)" if assumed.unknown == REFUSED else "the emulator",
        "list one item with a parameter that no service knows",
        _unknown_parameter(listing),
        assumed=assumed.unknown,
    )
    yield parameter_check(
        f"{listing.service}.order",
        f"A list of {service} can be sorted by time, in either direction.",
        "`aep/runs/flow_run.py` and other modules that list the newest first"
        if listing.service == "flow_service"
        else f"{reader}: the next page begins after a time"
        if is_registry
        else "Adobe's OpenAPI file",
        f"list a page with `{'='.join(listing.ascending)}` and one with `{'='.join(listing.descending)}`",
        _order(listing),
    )
    yield Check(
        f"{listing.service}.pages",
        f"A page of {service} contains one item with `limit=1`; a `limit` of {assumed.largest} is accepted, and no "
        f"page contains more than {assumed.maximum} items.",
        f"{reader}, `aep/dataflows/snapshot.py`; {assumed.documents}",
        f"list with a `limit` of 1, of {assumed.largest} and of {assumed.maximum + 1}",
        _pages(listing),
    )


CHECKS = tuple(check for listing in LISTINGS.values() for check in _checks_of(listing))
