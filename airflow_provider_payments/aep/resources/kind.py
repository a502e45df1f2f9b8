"""
A kind of object: what holds for all its objects, whatever is desired.

Teardown and the removal of duplicates need no more. What somebody desires is a :class:`~.base.Resource`. A new kind is
one file beside this one, which holds both, and one small operator.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.api import patience
from airflow_provider_payments.aep.errors import Failure, NotFoundError, RequestError
from airflow_provider_payments.aep.fields import Fields
from airflow_provider_payments.aep.resources.marks import Mark
from airflow_provider_payments.aep.services import PAGE, Json, segment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from airflow_provider_payments.aep.api.client import Client, Reads
    from airflow_provider_payments.aep.http.answers import Answer

#: Where a mark stands, but for datasets.
_DESCRIPTION = "/description"


@dataclass(frozen=True)
class RemoteObject:
    """
    An object that the service holds.

    :param id: its id.
    :param created: when it was made, in epoch seconds of the service's clock; 0 where unknown.
    :param etag: its version, for ``If-Match``; ``None`` where the service shows none.
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind(ABC):
    """
    A kind of object.

    :param name: what it is called, such as ``dataflow``.
    :param path: of its collection below the platform's URL.
    :param page: of one in Experience Platform's user interface, ``{id}`` in the place of its id.
    :param may_duplicate: whether two creations at the same time both succeed, and it matters: then the youngest of them
        must go.
    :param carries_mark: whether what is made carries the mark of its chain.
    :param ingests: whether it moves rows by itself, so that a duplicate must be found before it begins to.
    :param is_deletable: whether one that nothing uses is ever deleted.
    :param referrers: collection -> the field in which its items refer to one of this kind.
    """

    name: str
    path: str
    page: str = "source/overview"
    may_duplicate: bool = True
    carries_mark: bool = True
    ingests: bool = False
    is_deletable: bool = False
    referrers: Mapping[str, str] = field(default_factory=dict)

    #: Where its items hold the name, the id, the time of creation and the etag.
    name_key: ClassVar[str] = "name"
    id_key: ClassVar[str] = "id"
    created_at: ClassVar[tuple[str, ...]] = ("createdAt",)
    etag_at: ClassVar[tuple[str, ...]] = ("etag",)

    def __str__(self) -> str:
        return self.name

    @property
    def collection(self) -> str:
        """The last step of its path."""
        return self.path.rpartition("/")[2]

    def settle_seconds(self, reads: Reads) -> float:
        """Seconds in which a creation whose answer was lost takes effect and shows in lists."""
        return reads.settle_seconds

    # ---- looking ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def items(self, reads: Reads, name: str | None = None, limit: int = PAGE) -> Iterable[Json]:
        """
        Yield the objects of the kind as the service lists them.

        :param name: of those to ask for; a service may answer others, too.
        :param limit: how many to ask for at once.
        """

    def list_all(self, reads: Reads, limit: int = PAGE) -> Iterator[RemoteObject]:
        """
        Yield all objects of the kind; what has no id that can be read is left out.

        :param limit: as :meth:`items` has it.
        """
        return filter(None, map(self.listed, self.items(reads, limit=limit)))

    def listed(self, item: Json) -> RemoteObject | None:
        """Return an item of a list as far as it can be read, ``None`` where that is not its id."""
        if (object_id := readers.text(item.get(self.id_key))) is None:
            return None
        created = readers.moment(readers.at(item, *self.created_at)) or 0.0
        return RemoteObject(object_id, created, readers.text(readers.at(item, *self.etag_at)), item)

    def read_item(self, fields: Fields) -> RemoteObject:
        """
        Return an item whose age is known: it decides which of several is the one.

        :raises UnreadableError: if its id or its age cannot be read.
        """
        etag = readers.text(readers.at(fields.item, *self.etag_at))
        return RemoteObject(fields.identity(self.id_key), fields.moment(*self.created_at), etag, dict(fields.item))

    def version_of(self, existing: RemoteObject) -> int:
        """Return which version of it a list shows; only mapping sets have several that can be read."""
        return 0

    def is_going(self, fields: Fields) -> bool:
        """Whether an item is being deleted."""
        return False

    @abstractmethod
    def get(self, reads: Reads, object_id: str, version: int = 0) -> RemoteObject:
        """
        Return the object of an id.

        :param version: of a mapping set, which of its versions.
        :raises RequestError: if the service does not show it.
        """

    def find(self, reads: Reads, object_id: str, version: int = 0) -> RemoteObject | None:
        """
        Return the object to which another one refers, whatever it is called; ``None`` where it is gone.

        :param version: as :meth:`get` has it.
        :raises ReadLagError: if it cannot be read yet.
        """
        with contextlib.suppress(NotFoundError):
            return self.get(reads, object_id, version)
        # What no list shows is gone.
        for existing in self.list_all(reads):
            if existing.id == object_id:
                self.check_gone(reads, existing)
        return None

    def read(self, reads: Reads, existing: RemoteObject) -> RemoteObject | None:
        """
        Return a listed object as it is now, ``None`` where it is gone: lists are eventually consistent.

        :raises ReadLagError: if it cannot be read yet.
        """
        with contextlib.suppress(NotFoundError):
            return self.get(reads, existing.id, self.version_of(existing))
        self.check_gone(reads, existing)
        return None

    def confirm(self, reads: Reads, existing: RemoteObject) -> None:
        """
        Ask for what was just made, where the next step refers to it at once: it is refused before it can be read.

        Kinds that may have duplicates have had that time by then.
        """
        return

    def check_gone(self, reads: Reads, existing: RemoteObject) -> None:
        """
        Take the service's word that a listed object is gone.

        :raises ReadLagError: if it is so young that a read by its id may not find it yet.
        """
        patience.check_gone(reads, f"{self} {existing.id}", existing.created, self.settle_seconds(reads))

    def fields_of(self, existing: RemoteObject) -> Fields:
        """Return its members."""
        return Fields(f"{self} {existing.id}", existing.item)

    def fields_of_item(self, item: object) -> Fields:
        """Return the members of what the service shows; its id may be unreadable."""
        return Fields.of_item(self.name, item, self.id_key)

    # ---- marks -----------------------------------------------------------------------------------------------------

    def mark_of(self, existing: RemoteObject) -> Mark | None:
        """
        Return the mark that an object carries.

        :raises UnreadableError: if it is unknown whether it carries one.
        """
        return Mark.read(self.fields_of(existing).text("description"))

    def marked(self, payload: Json, mark: Mark | None) -> Json:
        """Return a payload with the mark at the end of its description."""
        if mark is None or not self.carries_mark:
            return payload
        return payload | {"description": f"{payload.get('description') or ''} {mark}".lstrip()}

    def with_mark(self, existing: RemoteObject, operations: Sequence[Json], mark: Mark) -> tuple[Json, ...]:
        """
        Return the operations of a PATCH, and among them what puts ``mark`` in the place of the one that is there.

        :param existing: what is changed.
        :param operations: of other changes, in the service's form; a new description among them keeps its text.
        """
        described = [step["value"] for step in operations if step["path"] == _DESCRIPTION]
        text = described[-1] if described else existing.item.get("description")
        others = (step for step in operations if step["path"] != _DESCRIPTION)
        return (*others, {"op": "add", "path": _DESCRIPTION, "value": mark.replace(text)})

    def belongs_to(self, existing: RemoteObject) -> str | None:
        """Return the id of the object that one without a mark serves."""
        return None

    # ---- changing --------------------------------------------------------------------------------------------------

    def patch(
        self, client: Client, existing: RemoteObject, operations: Sequence[Json], *, safe: bool | None = None
    ) -> RemoteObject:
        """
        Send a PATCH of an object as it was read; return the object as it is then, as far as the answer shows it.

        :param operations: a JSON Patch, or of a dataset an object of members to merge.
        :param safe: whether a repeat after a lost answer is harmless.
        :raises RequestError: with status 412 where somebody else has changed it meanwhile, and the service can tell.
        """
        raise NotImplementedError(f"a {self} is never changed")

    # ---- removing --------------------------------------------------------------------------------------------------

    def blocking_reference(self, reads: Reads, existing: RemoteObject, going: Collection[str] = ()) -> str:
        """
        Say why the object must not be deleted; empty where nothing is in the way.

        :param going: ids of what is going to be deleted before: it is in the way of nothing.
        :raises UnreadableError: if what might refer to it cannot be understood.
        """
        return f"a {self} is never deleted"

    def delete(self, client: Client, existing: RemoteObject) -> None:
        """Delete it, once it has been read by its id; again after a lost answer. What is absent by then is done."""
        with contextlib.suppress(NotFoundError):
            client.request("DELETE", f"{self.path}/{segment(existing.id)}", safe=True)

    def refusal(self, client: Client, existing: RemoteObject) -> str:
        """Delete it; return what the service says against it, empty where that is nothing."""
        try:
            self.delete(client, existing)
        except RequestError as error:
            if error.failure is not Failure.FINAL:
                raise
            return str(error)
        return ""

    def disable(self, client: Client, existing: RemoteObject) -> bool:
        """Keep a duplicate from working, where that is possible; return whether it had to be done."""
        return False


def all_kinds() -> list[Kind]:
    """Return every kind that a module of this package defines, one for each collection; users of others come first."""
    package = importlib.import_module(__package__)
    kinds: dict[str, Kind] = {}
    for module in pkgutil.iter_modules(package.__path__, f"{__package__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Kind):
                kinds.setdefault(value.path, value)
    ordered = sorted(kinds.values(), key=str, reverse=True)
    users = {kind: [user for user in ordered if user.collection in kind.referrers] for kind in ordered}
    return list(TopologicalSorter(users).static_order())


def created_object(answer: Answer, path: str, found_id: object, etag: object = None) -> RemoteObject:
    """
    Return the object that an answer to a creation names.

    :raises RequestError: as an unknown outcome, if it names none: something may well have been made.
    """
    made_id = readers.text(found_id)
    if made_id is None:
        raise RequestError(Failure.AMBIGUOUS, "POST", path, reason="the answer names no id", status=answer.status)
    item = answer.body if isinstance(answer.body, dict) else {}
    return RemoteObject(made_id, etag=readers.text(etag), item=item)
