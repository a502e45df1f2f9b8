"""
Duplicates: further objects that mean the same, made at the same moment by another writer or left by a killed one.

What a call has made itself it deletes. Of others it deletes only what it is asked to, what carries the mark of the same
chain, and what is too old to be work in progress. A dataflow that stays is disabled: it would ingest each row again.
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
    What becomes of the duplicates of ``desired``.

    :param client: for reading, deleting and disabling them.
    :param desired: what they are duplicates of.
    :param writer: in whose name this call creates.
    :param remove: whether what other runs of the writer's chain have left is deleted too.
    :param nonces: of the creations that this call has sent.
    :param unseen: those of them whose outcome is unknown so far.
    :param made: what it certainly made and has not deleted, by id, as it was then.
    """

    client: Client
    desired: Resource
    writer: Writer
    remove: bool
    nonces: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)
    made: dict[str, RemoteObject] = field(default_factory=dict)

    def is_mine(self, existing: RemoteObject) -> bool:
        """Whether this call made it."""
        mark = self.desired.kind.mark_of(existing)
        return existing.id in self.made or (mark is not None and mark.nonce in self.nonces)

    def recognise(self, existing: RemoteObject) -> None:
        """Take note of a dataflow that carries the mark of a creation whose answer was lost."""
        mark = self.desired.kind.mark_of(existing) if self.desired.kind.ingests else None
        if mark is not None and mark.nonce in self.unseen:
            self.unseen.discard(mark.nonce)
            # What it was when it was made is unknown: somebody else may have changed it meanwhile.
            self.made[existing.id] = replace(existing, etag=None)

    def resolve(self, duplicates: Iterable[RemoteObject]) -> tuple[str, ...]:
        """
        Delete the duplicates that may be deleted and keep the others from ingesting; return the ids of those that stay.

        :raises UnreadableError: if one cannot be read yet, or it is unknown whether it is in use.
        :raises RequestError: if a dataflow can neither be deleted nor disabled.
        """
        return tuple(duplicate.id for duplicate in duplicates if not self._deleted(duplicate))

    def _deleted(self, listed: RemoteObject) -> bool:
        kind = self.desired.kind
        mark, name = kind.mark_of(listed), f"{kind} {self.desired.name!r} ({listed.id})"
        mine = self.is_mine(listed)
        by = "this task" if mine else mark or "somebody else"
        # What people made by hand is theirs to run twice.
        if self.client.read_only or not (mark or mine):
            log.warning("There is a duplicate of %s, made by %s", name, by)
            return False
        # A deletion of what cannot be read yet would be answered as one of what is gone.
        duplicate = kind.read(self.client, listed)
        if duplicate is None:
            return True
        if self._may_be_deleted(mark, duplicate):
            reason = kind.blocking_reference(self.client, duplicate) or kind.refusal(self.client, duplicate)
            if not reason:
                self.made.pop(listed.id, None)
                log.warning("Removed a duplicate of %s, made by %s", name, by)
                return True
            log.warning("Kept a duplicate of %s: %s", name, reason)
        else:
            hint = "; remove_duplicates=True would remove it" if mark else ""
            log.warning("There is a duplicate of %s, made by %s%s", name, by, hint)
        if kind.disable(self.client, duplicate):
            log.warning("Disabled the duplicate of %s, so that nothing is ingested twice", name)
        return False

    def _may_be_deleted(self, mark: Mark | None, duplicate: RemoteObject) -> bool:
        if mark is None or not self.client.marks:
            return False
        # Its writer has had the time to remove it, were it alive. What does not say how old it is may be young.
        settled = duplicate.created + 3 * self.desired.kind.settle_seconds(self.client)
        is_old = duplicate.created > 0 and self.client.now() > settled
        return self.is_mine(duplicate) or (self.remove and mark.owner == self.writer.owner and is_old)
