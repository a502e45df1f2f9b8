"""
The kinds of objects in Experience Platform: how objects of a kind are listed, read, marked and deleted.

Teardown and the removal of duplicates need only the kind. The desired state of one object is a
:class:`~.base.Resource`. A new kind needs one module in this package, with the kind and its resource, and one small
operator.
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

#: JSON pointer of the member that contains the mark. Datasets keep their mark in a tag.
_DESCRIPTION = "/description"


@dataclass(frozen=True)
class RemoteObject:
    """
    An object that exists in a service, as it was last read.

    :param id: the object's id.
    :param created: when the object was created, in epoch seconds of the service's clock; 0 if unknown.
    :param etag: the object's version, for ``If-Match``; ``None`` if the service reports none.
    :param item: the object's members as the service returns them. For an object that was just created: only the body
        of the answer to the creation.
    """

    id: str
    created: float = 0.0
    etag: str | None = None
    item: Json = field(default_factory=dict, repr=False)

    @property
    def creation_order(self) -> tuple[float, str]:
        """The sort key by which every writer orders objects, oldest first, so that all writers choose the same one."""
        return self.created, self.id


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind(ABC):
    """
    A kind of object, such as dataflows.

    :param name: the kind's name in messages, such as ``dataflow``.
    :param path: path of the kind's collection below the platform's URL.
    :param page: path of an object's page in Experience Platform's user interface, with ``{id}`` as the placeholder of
        the object's id. Defaults to the overview of sources.
    :param may_duplicate: whether two simultaneous creations both succeed and the second does harm, so that the later
        object must be deleted or disabled. Defaults to ``True``.
    :param carries_mark: whether objects that this package creates carry the mark of their chain. Defaults to ``True``.
    :param ingests: whether an object of the kind ingests rows by itself, so that a duplicate must be found before its
        start time. Defaults to ``False``.
    :param is_deletable: whether this package ever deletes an object of the kind. Defaults to ``False``.
    :param referrers: Flow Service collection -> the field by which items of that collection refer to an object of this
        kind. Defaults to none.
    """

    name: str
    path: str
    page: str = "source/overview"
    may_duplicate: bool = True
    carries_mark: bool = True
    ingests: bool = False
    is_deletable: bool = False
    referrers: Mapping[str, str] = field(default_factory=dict)

    #: Members of the kind's items that contain the name, the id, the time of creation and the etag.
    name_key: ClassVar[str] = "name"
    id_key: ClassVar[str] = "id"
    created_at: ClassVar[tuple[str, ...]] = ("createdAt",)
    etag_at: ClassVar[tuple[str, ...]] = ("etag",)

    def __str__(self) -> str:
        return self.name

    @property
    def collection(self) -> str:
        """The name of the kind's collection, such as ``flows``: the last segment of its path."""
        return self.path.rpartition("/")[2]

    def settle_seconds(self, reads: Reads) -> float:
        """Return the seconds after which a creation whose answer was lost has taken effect and is listed."""
        return reads.settle_seconds

    # ---- lookups ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def items(self, reads: Reads, name: str | None = None, limit: int = PAGE) -> Iterable[Json]:
        """
        Yield the items of the kind as the service lists them.

        :param name: the name to filter by. Filters are only hints: a service may return other items as well.
        :param limit: the page size.
        """

    def list_all(self, reads: Reads, limit: int = PAGE) -> Iterator[RemoteObject]:
        """
        Yield all objects of the kind, without the items whose id cannot be read.

        :param limit: the page size.
        """
        return filter(None, map(self.listed, self.items(reads, limit=limit)))

    def listed(self, item: Json) -> RemoteObject | None:
        """Return a listed item with the members that can be read, ``None`` if its id cannot be read."""
        if (object_id := readers.text(item.get(self.id_key))) is None:
            return None
        created = readers.moment(readers.at(item, *self.created_at)) or 0.0
        return RemoteObject(object_id, created, readers.text(readers.at(item, *self.etag_at)), item)

    def read_item(self, fields: Fields) -> RemoteObject:
        """
        Return the object of an item.

        The time of creation is required, because the oldest of several objects is chosen.

        :raises UnreadableError: if the item's id or time of creation cannot be read.
        """
        etag = readers.text(readers.at(fields.item, *self.etag_at))
        return RemoteObject(fields.identity(self.id_key), fields.moment(*self.created_at), etag, dict(fields.item))

    def version_of(self, existing: RemoteObject) -> int:
        """Return the version in which an object is listed; only mapping sets have several readable versions."""
        return 0

    def is_being_deleted(self, fields: Fields) -> bool:
        """Return whether the service is deleting an item."""
        return False

    @abstractmethod
    def get(self, reads: Reads, object_id: str, version: int = 0) -> RemoteObject:
        """
        Read an object by its id.

        :param version: the version to read, for mapping sets only.
        :raises RequestError: if the request fails, with status 404 if the service does not know the id.
        """

    def find(self, reads: Reads, object_id: str, version: int = 0) -> RemoteObject | None:
        """
        Read an object by an id to which another object refers; return ``None`` if the object no longer exists.

        :param version: the version to read, for mapping sets only.
        :raises ReadLagError: if the object was created too recently to conclude from a 404 that it was deleted.
        """
        with contextlib.suppress(NotFoundError):
            return self.get(reads, object_id, version)
        # A 404 may be read lag if the object is listed; if no list contains the object either, it no longer exists.
        for existing in self.list_all(reads):
            if existing.id == object_id:
                self.check_deleted(reads, existing)
        return None

    def read(self, reads: Reads, existing: RemoteObject) -> RemoteObject | None:
        """
        Read a listed object by its id; return ``None`` if it no longer exists, as lists are eventually consistent.

        :raises ReadLagError: if the object was created too recently to conclude from a 404 that it was deleted.
        """
        with contextlib.suppress(NotFoundError):
            return self.get(reads, existing.id, self.version_of(existing))
        self.check_deleted(reads, existing)
        return None

    def check_readable(self, reads: Reads, existing: RemoteObject) -> None:
        """
        Check that an object that was just created can be read by its id, if the next step refers to it at once.

        A service refuses references to an object that it cannot read yet. Kinds that may have duplicates need no check,
        because each creation of such an object is followed by a wait for the settle time.

        :raises RequestError: with status 404 if the object cannot be read yet.
        """
        return

    def check_deleted(self, reads: Reads, existing: RemoteObject) -> None:
        """
        Check that a 404 means that a listed object was deleted, by the object's age.

        :raises ReadLagError: if the object was created so recently that a read by its id may not find it yet.
        :raises UnreadableError: if the object's age is unknown.
        """
        patience.check_deleted(reads, f"{self} {existing.id}", existing.created, self.settle_seconds(reads))

    def fields_of(self, existing: RemoteObject) -> Fields:
        """Return the members of an object, to be read strictly."""
        return Fields(f"{self} {existing.id}", existing.item)

    def fields_of_item(self, item: object) -> Fields:
        """
        Return the members of an item, whose id may be unreadable.

        :raises UnreadableError: if the item is not a JSON object.
        """
        return Fields.of_item(self.name, item, self.id_key)

    # ---- marks -----------------------------------------------------------------------------------------------------

    def mark_of(self, existing: RemoteObject) -> Mark | None:
        """
        Return the mark that an object carries, ``None`` if it carries none.

        :raises UnreadableError: if the member that contains the mark cannot be understood.
        """
        return Mark.read(self.fields_of(existing).text("description"))

    def marked(self, payload: Json, mark: Mark | None) -> Json:
        """Return a copy of a payload with the mark at the end of its description."""
        if mark is None or not self.carries_mark:
            return payload
        return payload | {"description": f"{payload.get('description') or ''} {mark}".lstrip()}

    def with_mark(self, existing: RemoteObject, operations: Sequence[Json], mark: Mark) -> tuple[Json, ...]:
        """
        Return the operations of a PATCH, extended by the one that replaces the object's mark by ``mark``.

        :param existing: the object that the PATCH changes.
        :param operations: the other changes, in the service's form. The text of a new description among them is kept.
        """
        described = [step["value"] for step in operations if step["path"] == _DESCRIPTION]
        text = described[-1] if described else existing.item.get("description")
        others = (step for step in operations if step["path"] != _DESCRIPTION)
        return (*others, {"op": "add", "path": _DESCRIPTION, "value": mark.replace(text)})

    def belongs_to(self, existing: RemoteObject) -> str | None:
        """Return the id of the object on which an object without a mark depends, such as the schema of an identity."""
        return None

    # ---- changes ---------------------------------------------------------------------------------------------------

    def patch(
        self, client: Client, existing: RemoteObject, operations: Sequence[Json], *, safe: bool | None = None
    ) -> RemoteObject:
        """
        Send a PATCH of an object as it was read; return the object with the changes that the answer contains.

        :param operations: a JSON Patch; for a dataset one object of members to merge.
        :param safe: whether the request may be sent again after a lost answer. Defaults to ``None``: it may not.
        :raises RequestError: with status 412 if another writer has changed the object since it was read, for services
            that support etags.
        """
        raise NotImplementedError(f"a {self} is never changed")

    # ---- deletion --------------------------------------------------------------------------------------------------

    def blocking_reference(self, reads: Reads, existing: RemoteObject, deleted_before: Collection[str] = ()) -> str:
        """
        Return why the object must not be deleted, empty if nothing blocks its deletion.

        :param deleted_before: ids of objects that will be deleted first; references from them do not block.
        :raises UnreadableError: if an item that may refer to the object cannot be understood.
        """
        return f"a {self} is never deleted"

    def delete(self, client: Client, existing: RemoteObject) -> None:
        """
        Delete an object that has been read by its id.

        The request is sent again after a lost answer. A 404 counts as success.
        """
        with contextlib.suppress(NotFoundError):
            client.request("DELETE", f"{self.path}/{segment(existing.id)}", safe=True)

    def try_delete(self, client: Client, existing: RemoteObject) -> str:
        """Try to delete an object; return the service's refusal, empty if the object was deleted."""
        try:
            self.delete(client, existing)
        except RequestError as error:
            if error.failure is not Failure.FINAL:
                raise
            return str(error)
        return ""

    def disable(self, client: Client, existing: RemoteObject) -> bool:
        """Disable an object, if objects of the kind can be disabled; return whether this call has disabled it."""
        return False


def all_kinds() -> list[Kind]:
    """
    Return the kinds that the modules of this package define, one for each collection.

    A kind comes before the kinds whose ``referrers`` name its collection, which is the order of deletion.
    """
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
    Return the object that a creation created, from the service's answer.

    :param path: the path of the request, for the error.
    :param found_id: the value that the answer contains as the object's id.
    :param etag: the value that the answer contains as the object's etag.
    :raises RequestError: with an unknown outcome if the answer contains no id, as an object may have been created.
    """
    created_id = readers.text(found_id)
    if created_id is None:
        raise RequestError(Failure.AMBIGUOUS, "POST", path, reason="the answer contains no id", status=answer.status)
    item = answer.body if isinstance(answer.body, dict) else {}
    return RemoteObject(created_id, etag=readers.text(etag), item=item)
