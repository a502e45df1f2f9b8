"""
Duplicates: further objects that mean the same, created by another writer at the same time or left by a killed one.

An operation deletes duplicates that it created itself. Of others it deletes only those that carry the mark of the same
chain and are too old to be work in progress, and only with ``remove_duplicates``. A duplicate dataflow that stays is
disabled, because it would ingest each row again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.kind import RemoteObject
    from airflow_provider_payments.aep.resources.marks import Mark, Writer

log = logging.getLogger(__name__)


@dataclass
class Duplicates:
    """
    Records the creations of one operation, and removes duplicates of the desired object.

    :param client: for reading, deleting and disabling duplicates.
    :param desired: the desired object.
    :param writer: the chain and run in whose name this operation creates.
    :param remove: whether duplicates that other runs of the writer's chain have left are deleted too.
    :param nonces: the nonces in the marks of all creations that this operation has sent.
    :param unknown_nonces: the nonces of the creations whose outcome is unknown so far.
    :param created_objects: the objects that this operation certainly created and has not deleted, by id, as they were
        then.
    """

    client: Client
    desired: Resource
    writer: Writer
    remove: bool
    nonces: set[str] = field(default_factory=set)
    unknown_nonces: set[str] = field(default_factory=set)
    created_objects: dict[str, RemoteObject] = field(default_factory=dict)

    def is_ours(self, existing: RemoteObject) -> bool:
        """Return whether this operation created an object."""
        mark = self.desired.kind.mark_of(existing)
        return existing.id in self.created_objects or (mark is not None and mark.nonce in self.nonces)

    def recognise(self, existing: RemoteObject) -> None:
        """Record a dataflow as created by this operation if it carries the mark of a creation without an answer."""
        mark = self.desired.kind.mark_of(existing) if self.desired.kind.ingests else None
        if mark is not None and mark.nonce in self.unknown_nonces:
            self.unknown_nonces.discard(mark.nonce)
            # Without an etag, because another writer may have changed the dataflow since its creation.
            self.created_objects[existing.id] = replace(existing, etag=None)

    def resolve(self, duplicates: Iterable[RemoteObject]) -> tuple[str, ...]:
        """
        Delete the duplicates that may be deleted, and keep the others from ingesting; return the ids of the others.

        :raises UnreadableError: if a duplicate cannot be read yet, or it is unknown whether it is in use.
        :raises RequestError: if a dataflow can neither be deleted nor disabled.
        """
        return tuple(duplicate.id for duplicate in duplicates if not self._delete_or_disable(duplicate))

    def _delete_or_disable(self, listed: RemoteObject) -> bool:
        """Return whether a duplicate was deleted, or no longer exists."""
        kind = self.desired.kind
        mark, name = kind.mark_of(listed), f"{kind} {self.desired.name!r} ({listed.id})"
        ours = self.is_ours(listed)
        creator = "this task" if ours else mark or "another writer, without a mark"
        # Unmarked objects of people are left unchanged, because they may be meant to run twice.
        if self.client.read_only or not (mark or ours):
            log.warning("There is a duplicate of %s, created by %s", name, creator)
            return False
        # Read it first: if it cannot be read yet, a deletion would be answered as if it no longer existed.
        duplicate = kind.read(self.client, listed)
        if duplicate is None:
            return True
        if self._may_be_deleted(mark, duplicate):
            reason = kind.blocking_reference(self.client, duplicate) or kind.try_delete(self.client, duplicate)
            if not reason:
                self.created_objects.pop(listed.id, None)
                log.warning("Removed a duplicate of %s, created by %s", name, creator)
                return True
            log.warning("Kept a duplicate of %s: %s", name, reason)
        else:
            hint = "; remove_duplicates=True would remove it" if mark else ""
            log.warning("There is a duplicate of %s, created by %s%s", name, creator, hint)
        if kind.disable(self.client, duplicate):
            log.warning("Disabled the duplicate of %s, so that nothing is ingested twice", name)
        return False

    def _may_be_deleted(self, mark: Mark | None, duplicate: RemoteObject) -> bool:
        if mark is None or not self.client.marks:
            return False
        # After three settle times, a running creator would have removed it. An object of unknown age may be recent.
        settled = duplicate.created + 3 * self.desired.kind.settle_seconds(self.client)
        is_old = duplicate.created > 0 and self.client.now() > settled
        return self.is_ours(duplicate) or (self.remove and mark.owner == self.writer.owner and is_old)
