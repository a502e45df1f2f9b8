"""
List queries with parameters that the client normally does not send, and the items of their pages.

A service honours a parameter, ignores it, or refuses it. Checks of list parameters find out which, if possible by
objects that the verification has created.
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
from airflow_provider_payments.aep.verification.probe import Answer, as_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.created_object import CreatedObject
    from airflow_provider_payments.aep.verification.trial import Trial

__all__ = [
    "HONOURED",
    "IGNORED",
    "LISTINGS",
    "REFUSED",
    "Listing",
    "RefusedError",
    "as_refusal",
    "parameter_check",
    "poll_until_listed",
]

#: How a service treats a parameter, as reports say it.
HONOURED, IGNORED, REFUSED = "honoured", "ignored", "refused"
#: Minimum seconds between the creations of two objects whose order is checked: some services store whole seconds.
MIN_APART_SECONDS = 1.0


class RefusedError(Exception):
    """A service refuses a parameter."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@attrs.frozen
class Listing:
    """
    The list of one service that checks query: that of a kind whose objects are cheap to create.

    :param service: the service's name in ids of checks.
    :param title: the service's name in sentences.
    :param kind: key of the kind.
    :param member: member of a page that holds the items; empty if the page is an object of items by id.
    :param changed_at: path of the time by which the list is sorted, in an item.
    :param ascending: the parameter that sorts by this time, oldest first.
    :param descending: the parameter that sorts by this time, newest first.
    :param params: default parameters, each sent unless a request sets it. Defaults to none.
    :param headers: headers of each request. Defaults to none.
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

    def list_items(self, trial: Trial, *params: tuple[str, str]) -> list[Json]:
        """
        Query a page, and return its items.

        :raises RefusedError: if the service refuses the parameters.
        :raises NotTriedError: if the answer is neither a page nor such a refusal.
        """
        return self.items(self.send(trial, *params))

    def send(self, trial: Trial, *params: tuple[str, str], path: str = "") -> Answer:
        """
        Query a page, and return the answer.

        :param path: path of another list of the service. Defaults to the kind's list.
        :raises RefusedError: if the service refuses the parameters.
        :raises NotTriedError: if the answer is neither a success nor such a refusal.
        """
        named = dict(params)
        others = [(name, value) for name, value in self.params.items() if name not in named]
        answer = trial.probe.send("GET", path or KINDS[self.kind].path, [*others, *params], headers=self.headers)
        if answer.is_success:
            return answer
        raise RefusedError(answer) if _is_refusal(answer) else _unexpected(answer)

    @staticmethod
    def has_next(answer: Answer) -> bool:
        """Return whether a page refers to a next page; those of the Catalog never do."""
        return bool(readers.at(answer.body, "_links", "next", "href") or readers.at(answer.body, "_page", "next"))

    def items(self, answer: Answer) -> list[Json]:
        """
        Return the items of a page, each with its id.

        :raises NotTriedError: if the answer is not a page. A page of Flow Service without items may lack the member.
        """
        page, member = readers.mapping(answer.body), self.member
        if answer.body != page or not (isinstance(page.get(member), list) or "_links" in page or not member):
            raise NotTriedError("the answer to a list query is no page")
        if member:
            return [dict(item) for item in readers.mappings(page.get(member))]
        return [{**readers.mapping(item), self.id_key: key} for key, item in page.items()]

    @property
    def id_key(self) -> str:
        """The member of an item that holds its id."""
        return KINDS[self.kind].id_key

    def ids(self, items: Iterable[object]) -> list[str]:
        """Return the ids of items, in their order."""
        return [found for item in items if (found := readers.text(readers.at(item, self.id_key)))]

    def two_objects(self, trial: Trial) -> tuple[CreatedObject, CreatedObject]:
        """Return two objects of the kind, the second created at least ``MIN_APART_SECONDS`` after the first."""
        objects = trial.objects
        objects.first_id(self.kind)
        created = objects.of_kind(self.kind)
        if created[-1].created_at - created[0].created_at < MIN_APART_SECONDS:
            trial.client.transport.clock.sleep(MIN_APART_SECONDS)
            created.append(objects.create_or_skip(self.kind, f"{objects.name(self.kind)} later"))
        return created[0], created[-1]


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


#: The lists by service.
LISTINGS = {listing.service: listing for listing in _LISTINGS}


def _is_refusal(answer: Answer) -> bool:
    """Return whether the service itself refuses the request."""
    return 400 <= answer.status < 500 and answer.form == "json"


def as_refusal(error: RequestError) -> RefusedError | RequestError:
    """Return :class:`RefusedError` for an error in which the service refuses the parameters, else the same error."""
    if error.failure is Failure.FINAL and _is_refusal(answer := as_answer(error)):
        return RefusedError(answer)
    return error


def _unexpected(answer: Answer) -> NotTriedError:
    return NotTriedError(f"a list query was answered {answer.status_text}")


def _compared(assumed: str, find: Callable[[Trial], str | Finding]) -> Callable[[Trial], Finding]:
    """
    Return a function that compares the treatment of a parameter with the assumed one.

    :param assumed: the assumed treatment.
    :param find: returns the treatment or a finding, or raises :class:`RefusedError`.
    """

    def run(trial: Trial) -> Finding:
        try:
            found = find(trial)
        except RefusedError as error:
            return judged(assumed == REFUSED, parameter=REFUSED, code=error.answer.code)
        return found if isinstance(found, Finding) else judged(found == assumed, parameter=found)

    return run


def poll_until_listed(
    trial: Trial, listing: Listing, wanted: Collection[str], list_ids: Callable[[], Collection[str]]
) -> Collection[str]:
    """
    Poll a filtered list until it contains the wanted ids or the settle time has elapsed; return the ids it contains.

    :param listing: the same list without the filter.
    :param wanted: the wanted ids.
    :param list_ids: queries the filtered list, and returns the ids in it.
    :raises NotTriedError: if wanted ids are missing without the filter as well: then the list lags, and proves nothing.
    """
    for _ in trial.polls(trial.client.settle_seconds):
        if set(wanted) <= set(found := list_ids()):
            return found
    if not set(wanted) <= set(_newest(trial, listing)):
        raise NotTriedError("no list contains the objects that it needs")
    return list_ids()


def _newest(trial: Trial, listing: Listing) -> list[str]:
    limit = ("limit", str(PAGE))
    try:
        return listing.ids(listing.list_items(trial, listing.descending, limit))
    except RefusedError:
        return listing.ids(listing.list_items(trial, limit))


def parameter_check(
    check_id: str,
    assumption: str,
    source: str,
    method: str,
    find: Callable[[Trial], str | Finding],
    *needs: Need,
    assumed: str = HONOURED,
) -> Check:
    """
    Return the check of a list parameter. Arguments that are not described here are those of :class:`.Check`.

    :param find: returns how the service treats the parameter, or a finding; or raises :class:`RefusedError`.
    :param assumed: the assumed treatment. Defaults to honoured.
    """
    return Check(check_id, assumption, source, method, _compared(assumed, find), needs)
