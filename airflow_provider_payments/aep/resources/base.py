"""
A resource: what :mod:`..provisioning` needs to know of it to make it exactly once.

A new kind is one subclass here and one small operator; nothing else. What is asked of the class and not of a value is
what a teardown needs, which knows objects but not what somebody wanted.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api.patience import check_gone
from airflow_provider_payments.aep.errors import ConflictError, Difference, Failure, RequestError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.inputs import add_extra, as_mapping, as_name, as_optional_text
from airflow_provider_payments.aep.resources.marks import Mark
from airflow_provider_payments.aep.services import Json

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.http.answers import Answer


@dataclass(frozen=True)
class Existing:
    """
    An object that the service holds.

    :param created: when it was made, in epoch seconds of the service's clock; 0 where nobody knows.
    :param item: what the service shows of it; of one just made, only its answer to the creation.
    """

    id: str
    created: float = 0.0
    etag: str | None = None
    item: Json = field(default_factory=dict, repr=False)

    @property
    def age(self) -> tuple[float, str]:
        """What every writer orders by, the oldest first, so that all choose the same."""
        return self.created, self.id


class Comparison(ABC):
    """A wanted value that knows how it is compared."""

    @abstractmethod
    def differences(self, name: str, found: Any) -> Iterator[Difference]:
        """
        Yield what is missing in ``found`` or stands there otherwise.

        :param name: what the value is called in the differences.
        :raises UnreadableError: if ``found`` cannot be understood.
        """


def _differences(name: str, wanted: object, found: Any) -> Iterator[Difference]:
    if isinstance(wanted, Comparison):
        yield from wanted.differences(name, found)
    elif not (wanted <= set(found or ()) if isinstance(wanted, frozenset) else wanted == found):
        yield Difference(name, wanted, found)


@dataclass(frozen=True, kw_only=True)
class Resource(ABC):
    """
    What somebody wants to exist. Arguments are checked when the value is built, before any request.

    :param name: its key in the sandbox.
    :param description: free text; not compared.
    :param extra: payload fields that this package does not model, merged in.
    """

    kind: ClassVar[str]
    #: Whether two creations at the same time both succeed, and it matters: then the youngest of them must go.
    settles: ClassVar[bool] = True
    #: Whether what is made says whose it is.
    carries_mark: ClassVar[bool] = True
    #: Whether it moves rows by itself, so that a copy must be found before it begins to.
    ingests: ClassVar[bool] = False

    name: str
    description: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._put("name", as_name("name", self.name))
        self._put("description", as_optional_text("description", self.description))
        self._put("extra", as_mapping("extra", self.extra))
        self.payload()  # an `extra` that contradicts an argument shows now

    def _put(self, field_name: str, value: object) -> None:
        """Replace an argument by the value that is meant; only while the instance is being built."""
        object.__setattr__(self, field_name, value)

    @abstractmethod
    def look_up(self, client: Client) -> Iterable[Existing]:
        """Yield the objects that have this one's name, compared here: the services' filters are only hints."""

    @abstractmethod
    def look_further(self, client: Client) -> Iterable[Existing]:
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

    def ready(self, client: Client) -> Self:
        """Return this value completed by what only the service knows; called once, before a creation."""
        return self

    def begins(self, client: Client) -> float:
        """Return when it would begin to ingest if it were made now, in epoch seconds of the platform's clock."""
        return math.inf

    @abstractmethod
    def create(self, client: Client, mark: Mark | None = None) -> Existing:
        """
        Ask the service to make it, once.

        :param mark: what the object is to carry.
        """

    def marked(self, payload: Json, mark: Mark | None) -> Json:
        """Return ``payload`` with the mark at the end of its description."""
        if mark is None:
            return payload
        return payload | {"description": f"{payload.get('description') or ''} {mark}".lstrip()}

    @classmethod
    def settle_time(cls, client: Client) -> float:
        """Seconds in which a creation whose answer was lost takes effect and shows in lists."""
        return client.consistency_window

    @classmethod
    def mark_of(cls, existing: Existing) -> Mark | None:
        """
        Return the mark that an object carries.

        :raises UnreadableError: if nobody can tell whether it carries one.
        """
        return Mark.read(cls.fields_of(existing).text("description"))

    @classmethod
    @abstractmethod
    def everything(cls, client: Client) -> Iterable[Existing]:
        """Yield all objects of the kind; what has no id that can be read is left out."""

    @classmethod
    @abstractmethod
    def read(cls, client: Client, existing: Existing) -> Existing | None:
        """
        Return the object as it is now, ``None`` where it is gone: lists show the dead for a while.

        :raises ReadLagError: if it cannot be read yet.
        """

    @classmethod
    def confirm(cls, client: Client, existing: Existing) -> None:
        """
        Ask for what was just made, where the next step refers to it at once: it is refused before it can be read.

        Kinds that settle have had that time by then.
        """
        return

    @classmethod
    def check_gone(cls, client: Client, existing: Existing) -> None:
        """
        Take the service's word that a listed object is gone.

        :raises ReadLagError: if it is so young that a read by its id may not find it yet.
        """
        check_gone(client, f"{cls.kind} {existing.id}", existing.created, cls.settle_time(client))

    @classmethod
    def check_reference(cls, client: Client, object_id: str) -> None:
        """The same of an object that something refers to: what no list shows is gone."""
        for existing in cls.everything(client):
            if existing.id == object_id:
                cls.check_gone(client, existing)

    @classmethod
    def fields_of(cls, existing: Existing) -> Fields:
        """Return its members."""
        return Fields(f"{cls.kind} {existing.id}", existing.item)

    @classmethod
    def in_use(cls, client: Client, existing: Existing) -> str:
        """
        Say why the object must not be deleted; empty where nothing is in the way.

        :raises UnreadableError: if what might refer to it cannot be understood.
        """
        return f"a {cls.kind} is never deleted"

    @classmethod
    def delete(cls, client: Client, existing: Existing) -> None:
        """Delete it, once it has been read by its id: one that is gone by then is deleted."""
        raise NotImplementedError

    @classmethod
    def disable(cls, client: Client, existing: Existing) -> bool:
        """Keep a copy from working, where that is possible; say whether it had to be done."""
        return False

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
    def wanted(self) -> Json:
        """
        Return what somebody wrote of the fields that count, normalised.

        What nobody wrote is left out, so that it is not compared. A frozenset means "at least these", a
        :class:`Comparison` compares itself, everything else is equal.
        """

    @abstractmethod
    def found(self, client: Client, existing: Existing) -> Json:
        """
        Return the same fields as the service shows them, normalised.

        :raises UnreadableError: if one of them cannot be understood: it may be right.
        """

    def differences(self, client: Client, existing: Existing) -> list[Difference]:
        """Compare by meaning: what the service changes by nature is no difference."""
        if self.carries_mark:
            self.mark_of(existing)  # it decides on deletions
        wanted, found = self.wanted(), self.found(client, existing)
        return [d for name, value in wanted.items() for d in _differences(name, value, found.get(name))]

    #: What to do about a difference that an update cannot remove.
    fixed_advice: ClassVar[str] = "An update does not reach these fields: choose another name."
    #: Prefixes of the fields that :meth:`change` can change.
    changeable: ClassVar[tuple[str, ...]] = ()

    def update(self, client: Client, existing: Existing, differences: list[Difference]) -> Existing:
        """
        Change an existing object into this one: the members that somebody wrote, in the object as it is now.

        :raises ConflictError: if a field differs that cannot be changed, or whose change would not reach the dataflow.
        """
        fixed = [d for d in differences if not d.field.startswith(self.changeable)]
        if fixed:
            advice = self.fixed_advice
            raise ConflictError(self.kind, self.name, existing.id, fixed, advice)
        return self.change(client, existing, differences)

    def change(self, client: Client, existing: Existing, differences: list[Difference]) -> Existing:
        """Send the change; only called with differences in :attr:`changeable` fields."""
        raise NotImplementedError

    def outputs(self, existing: Existing, at: float) -> Json:
        """
        Return what the next steps need besides the id, as plain JSON.

        :param at: now, in epoch seconds of the platform's clock.
        """
        return {}


def made(answer: Answer, path: str, found_id: object, etag: object = None) -> Existing:
    """
    Return the object that an answer to a creation names.

    :raises RequestError: as an unknown outcome, if it names none: something may well have been made.
    """
    made_id = readers.text(found_id)
    if made_id is None:
        raise RequestError(Failure.AMBIGUOUS, "POST", path, reason="the answer names no id", status=answer.status)
    item = answer.body if isinstance(answer.body, dict) else {}
    return Existing(made_id, etag=readers.text(etag), item=item)


def read_if_there(read: Callable[[], Existing], check_gone: Callable[[], None]) -> Existing | None:
    """Return what ``read`` returns; ``None`` where the service says that it is gone, and ``check_gone`` believes it."""
    try:
        return read()
    except RequestError as error:
        if not error.says_gone:
            raise
    check_gone()
    return None


def delete(client: Client, path: str) -> None:
    """Send DELETE, again after a lost answer; what is absent by then is done."""
    try:
        client.request("DELETE", path, safe=True)
    except RequestError as error:
        if not error.says_gone:
            raise


def without_empty(values: Mapping[str, Any]) -> Json:
    """Drop what is absent: ``null`` and empty containers mean nothing to the services."""
    return {key: value for key, value in values.items() if value not in (None, {}, [], ())}
