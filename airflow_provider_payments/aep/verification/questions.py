"""Checks of the parameters of lists: where a page begins, how long it is, its order, and unknown parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.services import PAGE
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.listing import (
    HONOURED,
    IGNORED,
    LISTINGS,
    REFUSED,
    Listing,
    RefusedError,
    check_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = ["CHECKS"]

#: A parameter that no service knows.
UNKNOWN = ("paymentsVerify", "1")
#: Limits that are tried in turn where a larger one is refused.
SMALLER_LIMITS = (PAGE, 50, 20, 10, 1)


@attrs.frozen
class Assumed:
    """
    What is assumed of a service's lists.

    :param start: what becomes of ``start``.
    :param counts: what it may count, where the reader does that.
    :param unknown: what becomes of a parameter that no service knows.
    :param meaning: what ``start`` means, as the end of a sentence.
    :param largest: the items that this package asks for in a page at most.
    :param maximum: the items that a page holds at most.
    :param documents: where the maximum stands.
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
        meaning="takes the parameter `start` and ignores it",
        largest=1000,
        maximum=1000,
        documents="Adobe documents this bound for bodies of searches only",
    ),
    "schema_registry": Assumed(
        start=HONOURED,
        counts=(),
        unknown=IGNORED,
        meaning="begins behind the value `start` of what orders the list",
        largest=300,
        maximum=500,
        documents="Adobe's OpenAPI file",
    ),
    "catalog": Assumed(
        start=HONOURED,
        counts=("items",),
        unknown=IGNORED,
        meaning="leaves out `start` items",
        largest=100,
        maximum=100,
        documents="Adobe's guide, and a live answer",
    ),
    "data_prep": Assumed(
        start=HONOURED,
        counts=("items", "pages"),
        unknown=IGNORED,
        meaning="leaves out `start` items or pages; the reader finds out which",
        largest=1000,
        maximum=1000,
        documents="no document names a bound",
    ),
}


# ---- where a page begins -------------------------------------------------------------------------------------------


def _start(listing: Listing) -> Callable[[Trial], str | Finding]:
    """Ask for two items, and for two from the second item or page on."""
    assumed = _ASSUMED[listing.service]

    def find(trial: Trial) -> str | Finding:
        listing.two(trial)
        limit = ("limit", "2")
        first = listing.ids(listing.ask(trial, limit, ("start", "0")))
        second = listing.ids(listing.ask(trial, limit, ("start", "1")))
        if len(first) != 2:
            raise NotTriedError("a page of two does not hold two items")
        if first != listing.ids(listing.ask(trial, limit, ("start", "0"))):
            raise NotTriedError("the list changed between two requests")
        if first[0] in second:
            return IGNORED
        counts = "items" if first[1] in second else "pages"
        return judged(counts in assumed.counts, parameter=HONOURED, counts=counts)

    return find


def _start_behind(listing: Listing) -> Callable[[Trial], str]:
    """Ask for one item, and for what begins where the service says that the next page does."""

    def find(trial: Trial) -> str:
        listing.two(trial)
        params = (listing.ascending, ("limit", "1"))
        seen = listing.send(trial, *params)
        first, following = listing.ids(listing.items(seen)), readers.at(seen.body, "_page", "next")
        if following is None:
            raise NotTriedError("the first page names no next one")
        second = listing.ids(listing.ask(trial, *params, ("start", str(following))))
        return HONOURED if second and not set(first) & set(second) else IGNORED

    return find


def _unknown(listing: Listing) -> Callable[[Trial], str]:
    def find(trial: Trial) -> str:
        listing.ask(trial, ("limit", "1"), UNKNOWN)
        return IGNORED

    return find


# ---- in which order ------------------------------------------------------------------------------------------------


def _order(listing: Listing) -> Callable[[Trial], str]:
    """Ask for a page in each direction. Whose objects they show does not matter, as long as their times differ."""

    def find(trial: Trial) -> str:
        listing.two(trial)
        oldest, newest = _times(trial, listing, listing.ascending), _times(trial, listing, listing.descending)
        if len(set(oldest)) < 2 or len(set(newest)) < 2:
            raise NotTriedError("no page shows two objects of different times")
        return HONOURED if oldest == sorted(oldest) and newest == sorted(newest, reverse=True) else IGNORED

    return find


def _times(trial: Trial, listing: Listing, order: tuple[str, str]) -> list[float]:
    items = listing.ask(trial, order, ("limit", str(PAGE)))
    moments = (readers.moment(readers.at(item, *listing.changed_at)) for item in items)
    return [moment for moment in moments if moment is not None]


# ---- how long pages are --------------------------------------------------------------------------------------------


def _pages(listing: Listing) -> Callable[[Trial], Finding]:
    assumed = _ASSUMED[listing.service]

    def ask(trial: Trial) -> Finding:
        listing.two(trial)
        one, _ = _length(trial, listing, 1)
        if not one:
            raise NotTriedError("no list shows the objects that it needs")
        if _length(trial, listing, assumed.largest)[1] == REFUSED:
            smaller = (limit for limit in SMALLER_LIMITS if limit < assumed.largest)
            taken = next((limit for limit in smaller if _length(trial, listing, limit)[1] != REFUSED), None)
            return judged(False, one=one, maximum=taken, above=REFUSED)
        length, above = _length(trial, listing, assumed.maximum + 1)
        above = "taken" if length > assumed.maximum else "cut" if length == assumed.maximum else above
        maximum = length if above == "cut" else assumed.maximum
        return judged(one == 1 and above != "taken", one=one, maximum=maximum, above=above)

    return ask


def _length(trial: Trial, listing: Listing, limit: int) -> tuple[int, str | None]:
    """Return how many items a page shows, and whether the limit was refused or cut; ``None``: not to be seen."""
    try:
        seen = listing.send(trial, ("limit", str(limit)))
    except RefusedError:
        return 0, REFUSED
    length = len(listing.items(seen))
    return length, "cut" if length < limit and listing.has_next(seen) else None


# ---- the checks ----------------------------------------------------------------------------------------------------


def _checks_of(listing: Listing) -> Iterator[Check]:
    service, assumed, reader = listing.title, _ASSUMED[listing.service], f"`aep/api/{listing.service}.py`"
    is_registry = listing.service == "schema_registry"
    yield check_of(
        f"{listing.service}.start",
        f"A list of {service} {assumed.meaning}.",
        f"live answers to two public clients, and {reader}" if assumed.start == IGNORED else reader,
        "list one item, then what begins at the next" if is_registry else "list two items, then two with `start=1`",
        _start_behind(listing) if is_registry else _start(listing),
        assumed=assumed.start,
    )
    yield check_of(
        f"{listing.service}.unknown_parameter",
        f"A list of {service} {'refuses' if assumed.unknown == REFUSED else 'ignores'} an unknown parameter.",
        "Flow Service's catalogue of errors (1451)" if assumed.unknown == REFUSED else "the emulator",
        "list one item with a parameter of our own",
        _unknown(listing),
        Need.WHOLE,
        assumed=assumed.unknown,
    )
    yield check_of(
        f"{listing.service}.order",
        f"A list of {service} can be ordered by time, in either direction.",
        "`aep/runs/flow_run.py` and the others that ask for the newest first"
        if listing.service == "flow_service"
        else f"{reader}: the next page begins behind a time"
        if is_registry
        else "Adobe's OpenAPI file",
        f"list a page with `{'='.join(listing.ascending)}` and one with `{'='.join(listing.descending)}`",
        _order(listing),
        Need.WHOLE,
    )
    yield Check(
        f"{listing.service}.pages",
        f"A page of {service} shows one item with `limit=1`; a `limit` of {assumed.largest} is taken, and no page "
        f"shows more than {assumed.maximum}.",
        f"{reader}, `aep/dataflows/snapshot.py`; {assumed.documents}",
        f"list with a `limit` of 1, of {assumed.largest} and of {assumed.maximum + 1}",
        _pages(listing),
        (Need.WHOLE,),
    )


CHECKS = tuple(check for listing in LISTINGS.values() for check in _checks_of(listing))
