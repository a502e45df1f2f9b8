"""
How a service's list is asked with parameters as they stand here, and what its page shows.

A service may honour a parameter, take it without effect, or refuse it. Which of these it does is what checks of lists
find; they are about objects of the verification's own wherever that is possible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.services import ACCEPT_LIST, PAGE
from airflow_provider_payments.aep.verification.checks import Check, Need
from airflow_provider_payments.aep.verification.findings import Finding, NotTriedError, judged
from airflow_provider_payments.aep.verification.kinds import KINDS
from airflow_provider_payments.aep.verification.probe import Seen, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.made import Made
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = [
    "HONOURED",
    "IGNORED",
    "LISTINGS",
    "REFUSED",
    "Listing",
    "RefusedError",
    "as_refusal",
    "check_of",
    "until_shown",
]

#: What becomes of a parameter.
HONOURED, IGNORED, REFUSED = "honoured", "ignored", "refused"
#: Seconds between the creations of two objects whose order is asked for: some times have whole seconds.
APART_SECONDS = 1.0


class RefusedError(Exception):
    """A service refuses a parameter."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(seen.status)
        self.seen = seen


@attrs.frozen
class Listing:
    """
    A service's list of a kind that is cheap to make.

    :param service: its name in ids of checks.
    :param title: its name in sentences.
    :param kind: the key of the kind.
    :param member: where a page holds its items; empty where it is an object of items by their ids.
    :param changed_at: where an item holds the time by which the list is ordered.
    :param ascending: the parameter that orders by it.
    :param descending: the same, the newest first.
    :param params: what is sent besides, where a request does not name it.
    :param headers: what is sent with each request.
    """

    service: str
    title: str
    kind: str
    member: str
    changed_at: tuple[str, ...]
    ascending: tuple[str, str]
    descending: tuple[str, str]
    params: Mapping[str, str] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)

    def ask(self, trial: Trial, *params: tuple[str, str]) -> list[Json]:
        """
        Return the items of a page.

        :raises RefusedError: if the service refuses the parameters.
        :raises NotTriedError: if the answer is neither a page nor such a refusal.
        """
        return self.items(self.send(trial, *params))

    def send(self, trial: Trial, *params: tuple[str, str], path: str = "") -> Seen:
        """
        Return the answer to a request for a page.

        :param path: of another list of the service, in the place of its own.
        :raises RefusedError: if the service refuses the parameters.
        :raises NotTriedError: if nothing can be concluded from the answer.
        """
        named = dict(params)
        others = [(name, value) for name, value in self.params.items() if name not in named]
        seen = trial.probe.send("GET", path or KINDS[self.kind].path, [*others, *params], headers=self.headers)
        if seen.is_success:
            return seen
        raise RefusedError(seen) if _is_refusal(seen) else _unexpected(seen)

    @staticmethod
    def has_next(seen: Seen) -> bool:
        """Whether a page names a next one; pages of the Catalog never do."""
        return bool(readers.at(seen.body, "_links", "next", "href") or readers.at(seen.body, "_page", "next"))

    def items(self, seen: Seen) -> list[Json]:
        """
        Return the items that a page shows, each with its id.

        :raises NotTriedError: if the answer is no page. One of Flow Service without items may leave them out.
        """
        page, member = readers.mapping(seen.body), self.member
        if seen.body != page or not (isinstance(page.get(member), list) or "_links" in page or not member):
            raise NotTriedError("a list was answered without a page")
        if member:
            return [dict(item) for item in readers.mappings(page.get(member))]
        return [{**readers.mapping(item), self.id_key: key} for key, item in page.items()]

    @property
    def id_key(self) -> str:
        """Where an item holds its id."""
        return KINDS[self.kind].id_key

    def ids(self, items: Iterable[object]) -> list[str]:
        """Return the ids of items, in their order."""
        return [found for item in items if (found := readers.text(readers.at(item, self.id_key)))]

    def two(self, trial: Trial) -> tuple[Made, Made]:
        """Return two objects, the second of which was made a while after the first."""
        objects = trial.objects
        objects.first(self.kind)
        made = objects.of(self.kind)
        if made[-1].at - made[0].at < APART_SECONDS:
            trial.client.transport.clock.sleep(APART_SECONDS)
            made.append(objects.make_or_skip(self.kind, f"{objects.name(self.kind)} later"))
        return made[0], made[-1]


_LISTINGS = (
    Listing(
        "flow_service",
        "Flow Service",
        "target_connection",
        "items",
        ("createdAt",),
        ("orderby", "createdAt"),
        ("orderby", "-createdAt"),
    ),
    Listing(
        "schema_registry",
        "the Schema Registry",
        "field_group",
        "results",
        ("meta:registryMetadata", "repo:lastModifiedDate"),
        ("orderby", "updated"),
        ("orderby", "-updated"),
        params={"orderby": "title"},
        headers={"Accept": ACCEPT_LIST},
    ),
    Listing(
        "catalog",
        "the Catalog",
        "dataset",
        "",
        ("created",),
        ("orderBy", "asc:created"),
        ("orderBy", "desc:created"),
    ),
    Listing(
        "data_prep",
        "Data Prep",
        "mapping_set",
        "data",
        ("createdDate",),
        ("orderBy", "+createdDate"),
        ("orderBy", "-createdDate"),
        params={"limit": str(PAGE), "start": "0"},
    ),
)


#: By the service.
LISTINGS = {listing.service: listing for listing in _LISTINGS}


def _is_refusal(seen: Seen) -> bool:
    """Whether the service itself refuses what was asked for."""
    return 400 <= seen.status < 500 and seen.form == "json"


def as_refusal(error: RequestError) -> RefusedError | RequestError:
    """Return what a reader's error means: that the service refuses the parameters, or something else."""
    if error.failure is Failure.FINAL and _is_refusal(seen := refused(error)):
        return RefusedError(seen)
    return error


def _unexpected(seen: Seen) -> NotTriedError:
    """Return the error of an answer from which nothing can be concluded."""
    return NotTriedError(f"a list was answered {seen.status} {seen.code}".rstrip())


def _whether(assumed: str, find: Callable[[Trial], str | Finding]) -> Callable[[Trial], Finding]:
    """
    Return what finds whether a parameter is honoured, ignored or refused, and judges it.

    :param assumed: what is assumed.
    :param find: says it, or judges it, or raises :class:`RefusedError`.
    """

    def ask(trial: Trial) -> Finding:
        try:
            found = find(trial)
        except RefusedError as error:
            return judged(assumed == REFUSED, parameter=REFUSED, code=error.seen.code)
        return found if isinstance(found, Finding) else judged(found == assumed, parameter=found)

    return ask


def until_shown(
    trial: Trial, listing: Listing, wanted: Collection[str], ask: Callable[[], Collection[str]]
) -> Collection[str]:
    """
    Ask for ids until the wanted ones are among them; return the last answer.

    :param ask: returns the ids of an answer.
    :raises NotTriedError: if the answer lacks some, and the list without a filter as well: it is late.
    """
    for _ in trial.polls(trial.client.settle_seconds):
        if set(wanted) <= set(found := ask()):
            return found
    if not set(wanted) <= set(_newest(trial, listing)):
        raise NotTriedError("no list shows the objects that it needs")
    return ask()


def _newest(trial: Trial, listing: Listing) -> list[str]:
    limit = ("limit", str(PAGE))
    try:
        return listing.ids(listing.ask(trial, listing.descending, limit))
    except RefusedError:
        return listing.ids(listing.ask(trial, limit))


def check_of(
    check_id: str,
    assumption: str,
    source: str,
    question: str,
    find: Callable[[Trial], str | Finding],
    *needs: Need,
    assumed: str = HONOURED,
) -> Check:
    """
    Return the check of a parameter; the other arguments are those of :class:`.Check`.

    :param find: says whether it is honoured, ignored or refused, or judges it, or raises :class:`RefusedError`.
    :param assumed: which of these is assumed.
    """
    return Check(check_id, assumption, source, question, _whether(assumed, find), needs)
