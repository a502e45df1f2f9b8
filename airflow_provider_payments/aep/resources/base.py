"""
What somebody desires to exist, and what :mod:`..provisioning` needs to know of it to make it exactly once.

What is asked of its kind, whatever is desired, is a :class:`~.kind.Kind`.
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


#: What the difference between the owner that a mark names and the desired one is called.
OWNER = "owner"


class Comparison(ABC):
    """A desired value that knows how it is compared."""

    @abstractmethod
    def differences(self, name: str, actual: Any) -> Iterator[Difference]:
        """
        Yield what is missing in ``actual`` or stands there otherwise.

        :param name: what the value is called in the differences.
        :raises UnreadableError: if ``actual`` cannot be understood.
        """


@attrs.frozen
class Change:
    """
    What an update sends.

    :param operations: for the service's PATCH: a JSON Patch, of a dataset one object of members to merge; empty where
        nothing is left to do.
    :param action: what is done to a dataflow besides.
    """

    operations: tuple[Json, ...] = ()
    action: Literal["enable", "disable"] | None = None


@attrs.frozen
class Fixed:
    """
    Why an object cannot become the desired one.

    :param differences: in the fields that no update changes, or whose change would not reach the dataflow.
    :param advice: what the user can do.
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
    What somebody desires to exist. Arguments are checked when the value is built, before any request.

    :param name: its key in the sandbox.
    :param description: free text; compared only by an update, where the service lets it be changed.
    :param extra: payload fields that this package does not model, merged in.
    :param owner: whom the mark of an object that is there is to name; ``None`` leaves it as it is. A new object carries
        the mark of its writer.
    """

    kind: ClassVar[Kind]

    name: str = attrs.field(converter=to_name)
    description: str | None = attrs.field(default=None, converter=to_optional_text)
    extra: Mapping[str, Any] = attrs.field(factory=dict, converter=to_mapping)
    owner: str | None = None

    def __attrs_post_init__(self) -> None:
        self.check()
        if self.extra:
            self.payload()  # one that contradicts an argument shows now

    def check(self) -> None:
        """
        Hold the arguments against each other; each is right for itself by then.

        :raises InvalidInputError: naming one that does not go with the others.
        """
        return

    def look_up(self, reads: Reads) -> Iterable[RemoteObject]:
        """Yield the objects that have this one's name, compared here: the services' filters are only hints."""
        return self._named(self.kind.items(reads, self.name))

    def look_further(self, reads: Reads) -> Iterable[RemoteObject]:
        """
        Yield them by another key, or out of the unfiltered list.

        A filter may miss names that are not ASCII, or in another normal form. Asked before one is made, and where no
        list shows one that was made.

        :raises ConflictError: if another object stands in the way.
        """
        # Not every service asks for a name.
        return self._named(item for item in self.kind.items(reads) if item.get(self.kind.name_key) is not None)

    def _named(self, items: Iterable[Json]) -> Iterator[RemoteObject]:
        for fields in map(self.kind.fields_of_item, items):
            if self._is_it(fields):
                yield self.kind.read_item(fields)

    def _is_it(self, fields: Fields) -> bool:
        return fields.is_named(self.kind.name_key, self.name) and not self.kind.is_being_deleted(fields)

    @abstractmethod
    def body(self) -> Json:
        """Return the request body without ``extra``."""

    def payload(self) -> Json:
        """Return the request body."""
        return add_extra(self.body(), self.extra)

    def complete(self, reads: Reads) -> Self:
        """Return this value with what a comparison needs and only the service knows."""
        return self

    def ready(self, reads: Reads) -> Self:
        """
        Return this value completed by what only the service knows, and held against it; called before a creation.

        :raises InvalidInputError: if the service would refuse it, as far as it can be seen.
        """
        return self

    def validate(self, client: Client) -> None:
        """
        Let the service check what a creation would take unchecked; called once it is :meth:`ready`.

        A plan, which sends no POST, does without.

        :raises InvalidInputError: if it would not work.
        """
        return

    def ingests_from(self, reads: Reads) -> float:
        """Return when it would begin to ingest if it were made now, in epoch seconds of the platform's clock."""
        return math.inf

    def create(self, client: Client, mark: Mark | None = None) -> RemoteObject:
        """
        Ask the service to make it, once.

        :param mark: what the object is to carry.
        """
        answer = client.request("POST", self.kind.path, body=self.kind.marked(self.payload(), mark))
        object_id, etag = (readers.at(answer.body, *path) for path in ((self.kind.id_key,), self.kind.etag_at))
        return created_object(answer, self.kind.path, object_id, etag)

    def is_decisive(self, difference: Difference) -> bool:
        """Whether an object that differs so is not the desired one; what else differs can be left as it is."""
        return difference.field not in ("name", "description", OWNER)

    def is_set_after_creation(self, difference: Difference) -> bool:
        """Whether a new object differs so because no creation can say otherwise: then a change completes it."""
        return False

    def is_duplicate(self, differences: list[Difference]) -> bool:
        """Whether an object that differs so does the same work."""
        return not differences

    def is_outdated_request(self, error: RequestError) -> bool:
        """Whether what was refused is only what a request that is made later says otherwise."""
        return False

    def object_named_by(self, client: Client, error: RequestError) -> RemoteObject | None:
        """Return the object that a refused creation names as standing in its way, if the service names one."""
        return None

    def is_taken(self, error: RequestError) -> bool:
        """Whether a refused creation says that the object is there, or its like, though it names none."""
        return False

    @abstractmethod
    def desired_fields(self) -> Json:
        """
        Return what somebody wrote of the fields that count, normalised.

        What nobody wrote is left out, so that it is not compared. A frozenset means "at least these", a
        :class:`Comparison` compares itself, everything else is equal.
        """

    @abstractmethod
    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        """
        Return the same fields as the service shows them, normalised.

        :raises UnreadableError: if one of them cannot be understood: it may be right.
        """

    def differences(self, reads: Reads, existing: RemoteObject) -> list[Difference]:
        """Compare by meaning: what the service changes by nature is no difference."""
        mark = self.kind.mark_of(existing) if self.kind.carries_mark else None  # it decides on deletions
        desired, actual = self.complete(reads).desired_fields(), self.actual_fields(reads, existing)
        found = [d for name, value in desired.items() for d in _differences(name, value, actual.get(name))]
        if self.owner and mark and mark.owner != self.owner:
            found.append(Difference(OWNER, self.owner, mark.owner))
        return found

    #: What to do about a difference that an update cannot remove.
    fixed_advice: ClassVar[str] = "An update does not reach these fields: choose another name."
    #: Prefixes of the fields that an update can change.
    changeable: ClassVar[tuple[str, ...]] = ()

    def latest(self, reads: Reads, existing: RemoteObject) -> RemoteObject:
        """Return an object as a change of it must know it, where a list may be late or show less."""
        return existing

    def judge(self, existing: RemoteObject, differences: Sequence[Difference], now: float) -> Change | Fixed:
        """
        Say how an existing object becomes this one: by a change of the members that somebody wrote, or not at all.

        :param existing: as :meth:`latest` returns it.
        :param differences: what :meth:`differences` returns for it.
        :param now: in epoch seconds of the platform's clock: some changes are allowed before a dataflow starts only.
        """
        own = [difference for difference in differences if difference.field != OWNER]
        obstacles = [self.obstacle(existing, difference, now) for difference in own]
        if any(obstacles):
            fixed = tuple(d for d, obstacle in zip(own, obstacles, strict=True) if obstacle)
            return Fixed(fixed, " ".join(dict.fromkeys(filter(None, obstacles))))
        change = self.change(existing, own) if own else Change()
        return change if len(own) == len(differences) else self._with_owner(existing, change)

    def _with_owner(self, existing: RemoteObject, change: Change) -> Change:
        """Return a change that also lets the mark name another owner: both are one request."""
        mark = self.kind.mark_of(existing)
        if mark is None or self.owner is None:
            return change
        mark = mark.with_owner(self.owner, adopted=self.kind.ingests)
        return attrs.evolve(change, operations=self.kind.with_mark(existing, change.operations, mark))

    def obstacle(self, existing: RemoteObject, difference: Difference, now: float) -> str:
        """Return what to do about a difference that no update removes; empty where one does."""
        return "" if difference.field.startswith(self.changeable) else self.fixed_advice

    def change(self, existing: RemoteObject, differences: Sequence[Difference]) -> Change:
        """Return what removes differences to which there is no :meth:`obstacle`."""
        raise NotImplementedError

    def send(self, client: Client, existing: RemoteObject, change: Change) -> RemoteObject:
        """
        Change an object as it was judged; return it as it is then.

        :raises RequestError: with status 412 where somebody else has changed it meanwhile.
        """
        return self.kind.patch(client, existing, change.operations) if change.operations else existing

    def outputs(self, existing: RemoteObject, at: float) -> Json:
        """
        Return what the next steps need besides the id, as plain JSON.

        :param at: now, in epoch seconds of the platform's clock.
        """
        return {}


def without_empty(values: Mapping[str, Any]) -> Json:
    """Drop what is absent: ``null`` and empty containers mean nothing to the services."""
    return {key: value for key, value in values.items() if value not in (None, {}, [], ())}
