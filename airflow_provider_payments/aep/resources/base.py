"""
The desired state of one object, with the operations that :mod:`..provisioning` needs to create it exactly once.

Operations that do not depend on the desired state belong to :class:`~.kind.Kind`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import attrs

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.errors import Difference, RequestError
from airflow_provider_payments.aep.inputs import add_extra
from airflow_provider_payments.aep.resources.converters import named, to_mapping, to_name, to_optional_text
from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject, created_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_provider_payments.aep.api.client import Client, Reads
    from airflow_provider_payments.aep.fields import Fields
    from airflow_provider_payments.aep.resources.marks import Mark
    from airflow_provider_payments.aep.services import Json


#: Field name of the difference between the owner in an object's mark and the desired owner.
OWNER = "owner"


class Comparison(ABC):
    """A desired value of one field, with a comparison of its own."""

    @abstractmethod
    def differences(self, name: str, actual: Any) -> Iterator[Difference]:
        """
        Yield a difference for each part of the desired value that ``actual`` lacks or contains with another value.

        :param name: the field's name in the differences.
        :raises UnreadableError: if ``actual`` cannot be understood.
        """


@attrs.frozen
class Change:
    """
    The requests of an update.

    :param operations: the body of the PATCH: a JSON Patch; for a dataset one object of members to merge. Empty if no
        PATCH is needed.
    :param action: the action on a dataflow after the PATCH; ``None`` if there is none.
    """

    operations: tuple[Json, ...] = ()
    action: Literal["enable", "disable"] | None = None


@attrs.frozen
class Unchangeable:
    """
    The reason why no update can turn an existing object into the desired one.

    :param differences: the differences in fields that no update changes, or whose change would not reach the dataflow.
    :param advice: the user's options, for the error message.
    """

    differences: tuple[Difference, ...]
    advice: str


def _differences(name: str, desired: object, actual: Any) -> Iterator[Difference]:
    if isinstance(desired, Comparison):
        yield from desired.differences(name, actual)
    elif not (desired <= set(actual or ()) if isinstance(desired, frozenset) else desired == actual):
        yield Difference(name, desired, actual)


@attrs.frozen(kw_only=True, field_transformer=named)
class Resource(ABC):
    """
    The desired state of one object. Arguments are checked when the value is built, before any request.

    :param name: the object's name, its key in the sandbox.
    :param description: free text. It is compared only for an update, and only if the service allows its change.
    :param extra: payload fields that this package does not model, merged into the request body.
    :param owner: the owner that the mark of an existing object should name; ``None`` leaves the mark as it is. A new
        object always carries the mark of its writer.
    """

    kind: ClassVar[Kind]

    name: str = attrs.field(converter=to_name)
    description: str | None = attrs.field(default=None, converter=to_optional_text)
    extra: Mapping[str, Any] = attrs.field(factory=dict, converter=to_mapping)
    owner: str | None = None

    def __attrs_post_init__(self) -> None:
        self.check()
        if self.extra:
            self.payload()  # raises now if `extra` contradicts an argument

    def check(self) -> None:
        """
        Check that the arguments are consistent with each other; each has been checked alone before.

        :raises InvalidInputError: if an argument contradicts another one.
        """
        return

    def look_up(self, reads: Reads) -> Iterable[RemoteObject]:
        """
        Yield the listed objects of the desired name.

        Names are compared here, because the services' filters are only hints.
        """
        return self._named(self.kind.items(reads, self.name))

    def search_by_second_key(self, reads: Reads) -> Iterable[RemoteObject]:
        """
        Yield the objects of the desired name, found without the filter by name.

        The second key is the object's references, or the whole list without the filter by name. A filter by name may
        miss names that are not ASCII or are in another Unicode normal form. So the provisioning searches by the second
        key before it creates an object, and if an object that it created is not listed.

        :raises ConflictError: if an object of another name blocks the creation.
        """
        # Not every service requires a name, so an item without one is no match.
        return self._named(item for item in self.kind.items(reads) if item.get(self.kind.name_key) is not None)

    def _named(self, items: Iterable[Json]) -> Iterator[RemoteObject]:
        for fields in map(self.kind.fields_of_item, items):
            if self._is_match(fields):
                yield self.kind.read_item(fields)

    def _is_match(self, fields: Fields) -> bool:
        return fields.is_named(self.kind.name_key, self.name) and not self.kind.is_being_deleted(fields)

    @abstractmethod
    def body(self) -> Json:
        """Return the request body without ``extra``."""

    def payload(self) -> Json:
        """Return the request body."""
        return add_extra(self.body(), self.extra)

    def complete(self, reads: Reads) -> Self:
        """Return this value with the members filled in that a comparison needs and that only the service knows."""
        return self

    def ready(self, reads: Reads) -> Self:
        """
        Return this value complete for a creation, after checks against the service's current state.

        Members that only the service knows are filled in.

        :raises InvalidInputError: if it is known that the service would refuse the creation.
        """
        return self

    def validate(self, client: Client) -> None:
        """
        Let the service validate members that its creation request accepts unchecked; called after :meth:`ready`.

        A plan skips this check, because it is a POST and a plan sends none.

        :raises InvalidInputError: if the service reports a member as invalid.
        """
        return

    def ingests_from(self, reads: Reads) -> float:
        """
        Return the time at which the object would begin to ingest if it were created now.

        :return: epoch seconds of the platform's clock; infinity if the object never ingests.
        """
        return math.inf

    def create(self, client: Client, mark: Mark | None = None) -> RemoteObject:
        """
        Send one request that creates the object.

        :param mark: the mark that the object will carry. Defaults to ``None``: no mark.
        :raises RequestError: if the request fails; an object may exist if its outcome is unknown.
        """
        answer = client.request("POST", self.kind.path, body=self.kind.marked(self.payload(), mark))
        object_id, etag = (readers.at(answer.body, *path) for path in ((self.kind.id_key,), self.kind.etag_at))
        return created_object(answer, self.kind.path, object_id, etag)

    def is_decisive(self, difference: Difference) -> bool:
        """
        Return whether a difference means that an existing object is not the desired one.

        Other differences, such as one in the description, do not prevent the object from being adopted as it is.
        """
        return difference.field not in ("name", "description", OWNER)

    def is_set_after_creation(self, difference: Difference) -> bool:
        """Return whether a creation cannot set the differing field, so that an update must follow the creation."""
        return False

    def is_duplicate(self, differences: list[Difference]) -> bool:
        """Return whether an object with these differences does the same work as the desired one."""
        return not differences

    def is_outdated_request(self, error: RequestError) -> bool:
        """Return whether a request was refused only because it was outdated, so that a newly built one may succeed."""
        return False

    def object_named_by(self, client: Client, error: RequestError) -> RemoteObject | None:
        """Return the conflicting object that the refusal of a creation names, ``None`` if it names none."""
        return None

    def is_taken(self, error: RequestError) -> bool:
        """Return whether the refusal of a creation reports a conflicting object without its id."""
        return False

    @abstractmethod
    def desired_fields(self) -> Json:
        """
        Return the fields to compare that the user set, normalised.

        Fields that the user did not set are left out, so they are not compared. A frozenset means "at least these
        values", a :class:`Comparison` has its own rule, every other value must be equal.
        """

    @abstractmethod
    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        """
        Return the same fields of an existing object, normalised.

        :raises UnreadableError: if a field cannot be understood, as it may have the desired value.
        """

    def differences(self, reads: Reads, existing: RemoteObject) -> list[Difference]:
        """
        Return the differences between an existing object and this one, compared by meaning.

        Server-side normalisation is no difference.

        :raises UnreadableError: if a compared field or the mark cannot be understood.
        """
        # Deletions depend on the mark, so an unreadable mark is an error even if no owner is compared.
        mark = self.kind.mark_of(existing) if self.kind.carries_mark else None
        desired, actual = self.complete(reads).desired_fields(), self.actual_fields(reads, existing)
        found = [d for name, value in desired.items() for d in _differences(name, value, actual.get(name))]
        if self.owner and mark and mark.owner != self.owner:
            found.append(Difference(OWNER, self.owner, mark.owner))
        return found

    #: Advice for a difference that an update cannot remove.
    fixed_advice: ClassVar[str] = "An update does not reach these fields: choose another name."
    #: Prefixes of the names of fields that an update can change.
    changeable: ClassVar[tuple[str, ...]] = ()

    def latest(self, reads: Reads, existing: RemoteObject) -> RemoteObject:
        """Return an object, read again for an update if its list may be out of date or leave out members."""
        return existing

    def judge(self, existing: RemoteObject, differences: Sequence[Difference], now: float) -> Change | Unchangeable:
        """
        Return the change that turns an existing object into the desired one, or why no change can.

        A change contains only members that the user set.

        :param existing: the object as :meth:`latest` returns it.
        :param differences: the object's differences, from :meth:`differences`.
        :param now: epoch seconds of the platform's clock; some changes are allowed only before a dataflow starts.
        """
        own = [difference for difference in differences if difference.field != OWNER]
        obstacles = [self.obstacle(existing, difference, now) for difference in own]
        if any(obstacles):
            fixed = tuple(d for d, obstacle in zip(own, obstacles, strict=True) if obstacle)
            return Unchangeable(fixed, " ".join(dict.fromkeys(filter(None, obstacles))))
        change = self.change(existing, own) if own else Change()
        return change if len(own) == len(differences) else self._with_owner(existing, change)

    def _with_owner(self, existing: RemoteObject, change: Change) -> Change:
        """Return the change with the new owner in the mark, in the same request."""
        mark = self.kind.mark_of(existing)
        if mark is None or self.owner is None:
            return change
        mark = mark.with_owner(self.owner, adopted=self.kind.ingests)
        return attrs.evolve(change, operations=self.kind.with_mark(existing, change.operations, mark))

    def obstacle(self, existing: RemoteObject, difference: Difference, now: float) -> str:
        """Return the advice for a difference that no update removes, empty if an update removes it."""
        return "" if difference.field.startswith(self.changeable) else self.fixed_advice

    def change(self, existing: RemoteObject, differences: Sequence[Difference]) -> Change:
        """Return the change that removes differences, each of which has no :meth:`obstacle`."""
        raise NotImplementedError

    def send(self, client: Client, existing: RemoteObject, change: Change) -> RemoteObject:
        """
        Send the requests of a change; return the changed object.

        :raises RequestError: with status 412 if another writer has changed the object since it was read.
        """
        return self.kind.patch(client, existing, change.operations) if change.operations else existing

    def outputs(self, existing: RemoteObject, at: float) -> Json:
        """
        Return the members besides the id that the next steps of a chain need, as plain JSON.

        :param at: the current time, in epoch seconds of the platform's clock.
        """
        return {}


def without_empty(values: Mapping[str, Any]) -> Json:
    """Return the members of ``values`` that are not ``None`` and not empty, as these mean nothing to the services."""
    return {key: value for key, value in values.items() if value not in (None, {}, [], ())}
