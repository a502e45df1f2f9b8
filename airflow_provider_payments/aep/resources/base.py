"""
What somebody desires to exist, and what :mod:`..provisioning` needs to know of it to make it exactly once.

What is asked of its kind, whatever is desired, is a :class:`~.kind.Kind`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import attrs

from airflow_provider_payments.aep.errors import Difference, RequestError
from airflow_provider_payments.aep.inputs import add_extra
from airflow_provider_payments.aep.resources.converters import named, to_mapping, to_name, to_optional_text
from airflow_provider_payments.aep.resources.kind import Existing, Kind
from airflow_provider_payments.aep.resources.marks import Mark
from airflow_provider_payments.aep.services import Json

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client, Reads


class Comparison(ABC):
    """A wanted value that knows how it is compared."""

    @abstractmethod
    def differences(self, name: str, found: Any) -> Iterator[Difference]:
        """
        Yield what is missing in ``found`` or stands there otherwise.

        :param name: what the value is called in the differences.
        :raises UnreadableError: if ``found`` cannot be understood.
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


def _differences(name: str, wanted: object, found: Any) -> Iterator[Difference]:
    if isinstance(wanted, Comparison):
        yield from wanted.differences(name, found)
    elif not (wanted <= set(found or ()) if isinstance(wanted, frozenset) else wanted == found):
        yield Difference(name, wanted, found)


@attrs.frozen(kw_only=True, field_transformer=named)
class Resource(ABC):
    """
    What somebody wants to exist. Arguments are checked when the value is built, before any request.

    :param name: its key in the sandbox.
    :param description: free text; not compared.
    :param extra: payload fields that this package does not model, merged in.
    """

    kind: ClassVar[Kind]

    name: str = attrs.field(converter=to_name)
    description: str | None = attrs.field(default=None, converter=to_optional_text)
    extra: Mapping[str, Any] = attrs.field(factory=dict, converter=to_mapping)

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

    @abstractmethod
    def look_up(self, reads: Reads) -> Iterable[Existing]:
        """Yield the objects that have this one's name, compared here: the services' filters are only hints."""

    @abstractmethod
    def look_further(self, reads: Reads) -> Iterable[Existing]:
        """
        Yield them by another key, or out of the unfiltered list: a filter may miss names that are not ASCII, or in
        another normal form. Asked before one is made, and where no list shows one that was made.

        :raises ConflictError: if another object stands in the way.
        """

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
        Let the service check what a creation would take unchecked; called once it is :meth:`ready`. A plan, which
        sends no POST, does without.

        :raises InvalidInputError: if it would not work.
        """
        return

    def begins(self, reads: Reads) -> float:
        """Return when it would begin to ingest if it were made now, in epoch seconds of the platform's clock."""
        return math.inf

    @abstractmethod
    def create(self, client: Client, mark: Mark | None = None) -> Existing:
        """
        Ask the service to make it, once.

        :param mark: what the object is to carry.
        """

    def decides(self, difference: Difference) -> bool:
        """Whether an object that differs so is not the desired one; what else differs can be left as it is."""
        return difference.field not in ("name", "description")

    def is_duplicate(self, differences: list[Difference]) -> bool:
        """Whether an object that differs so does the same work."""
        return not differences

    def is_out_of_date(self, error: RequestError) -> bool:
        """Whether what was refused is only what a request that is made later says otherwise."""
        return False

    def adopt_named_by(self, client: Client, error: RequestError) -> Existing | None:
        """Return the object that a refused creation names as standing in its way, if the service tells one."""
        return None

    @abstractmethod
    def desired_fields(self) -> Json:
        """
        Return what somebody wrote of the fields that count, normalised.

        What nobody wrote is left out, so that it is not compared. A frozenset means "at least these", a
        :class:`Comparison` compares itself, everything else is equal.
        """

    @abstractmethod
    def actual_fields(self, reads: Reads, existing: Existing) -> Json:
        """
        Return the same fields as the service shows them, normalised.

        :raises UnreadableError: if one of them cannot be understood: it may be right.
        """

    def differences(self, reads: Reads, existing: Existing) -> list[Difference]:
        """Compare by meaning: what the service changes by nature is no difference."""
        if self.kind.carries_mark:
            self.kind.mark_of(existing)  # it decides on deletions
        wanted, found = self.complete(reads).desired_fields(), self.actual_fields(reads, existing)
        return [d for name, value in wanted.items() for d in _differences(name, value, found.get(name))]

    #: What to do about a difference that an update cannot remove.
    fixed_advice: ClassVar[str] = "An update does not reach these fields: choose another name."
    #: Prefixes of the fields that an update can change.
    changeable: ClassVar[tuple[str, ...]] = ()

    def latest(self, reads: Reads, existing: Existing) -> Existing:
        """Return an object as a change of it must know it, where a list may be late or show less."""
        return existing

    def judge(self, existing: Existing, differences: Sequence[Difference], now: float) -> Change | Fixed:
        """
        Say how an existing object becomes this one: by a change of the members that somebody wrote, or not at all.

        :param existing: as :meth:`latest` returns it.
        :param differences: what :meth:`differences` returns for it.
        :param now: in epoch seconds of the platform's clock: some changes are allowed before a dataflow starts only.
        """
        obstacles = [self.obstacle(existing, difference, now) for difference in differences]
        if any(obstacles):
            fixed = tuple(d for d, obstacle in zip(differences, obstacles, strict=True) if obstacle)
            return Fixed(fixed, " ".join(dict.fromkeys(filter(None, obstacles))))
        return self.change(existing, differences)

    def obstacle(self, existing: Existing, difference: Difference, now: float) -> str:
        """Return what to do about a difference that no update removes; empty where one does."""
        return "" if difference.field.startswith(self.changeable) else self.fixed_advice

    def change(self, existing: Existing, differences: Sequence[Difference]) -> Change:
        """Return what removes differences to which there is no :meth:`obstacle`."""
        raise NotImplementedError

    def send(self, client: Client, existing: Existing, change: Change) -> Existing:
        """
        Change an object as it was judged; return it as it is then.

        :raises RequestError: with status 412 where somebody else has changed it meanwhile.
        """
        raise NotImplementedError

    def outputs(self, existing: Existing, at: float) -> Json:
        """
        Return what the next steps need besides the id, as plain JSON.

        :param at: now, in epoch seconds of the platform's clock.
        """
        return {}


def without_empty(values: Mapping[str, Any]) -> Json:
    """Drop what is absent: ``null`` and empty containers mean nothing to the services."""
    return {key: value for key, value in values.items() if value not in (None, {}, [], ())}
