"""
Copies: further objects that are the same one, made at the same moment by another writer or left by one that was killed.

What a call has made itself it deletes. Of others it deletes only what is asked for, carries the mark of the same chain,
and is too old to be somebody's work in progress. A dataflow that stays is disabled, for it would ingest each row again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.resources.base import Existing, Resource
from airflow_provider_payments.aep.resources.marks import Mark, Writer

log = logging.getLogger(__name__)


@dataclass
class Copies:
    """
    What becomes of the copies of ``want``.

    :param remove: whether what other runs of the writer's chain have left is deleted too.
    :param nonces: of the creations that this call has asked for.
    :param unseen: those of them of which nobody knows yet what they brought.
    :param made: what it certainly made and has not deleted, by id, as it was then.
    """

    client: Client
    want: Resource
    writer: Writer
    remove: bool
    nonces: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)
    made: dict[str, Existing] = field(default_factory=dict)

    def is_mine(self, existing: Existing) -> bool:
        """Whether this call made it."""
        mark = self.want.mark_of(existing)
        return existing.id in self.made or (mark is not None and mark.nonce in self.nonces)

    def recognise(self, existing: Existing) -> None:
        """Take note of a dataflow that carries the mark of a creation whose answer was lost."""
        mark = self.want.mark_of(existing) if self.want.ingests else None
        if mark is not None and mark.nonce in self.unseen:
            self.unseen.discard(mark.nonce)
            self.made[existing.id] = existing

    def see_to(self, copies: Iterable[Existing]) -> tuple[str, ...]:
        """
        Delete the copies that may be deleted, keep the others from ingesting, and return the ids of those that stay.

        :raises UnreadableError: if one cannot be read yet, or nobody can tell whether it is in use.
        :raises RequestError: if a dataflow can neither be deleted nor disabled.
        """
        return tuple(copy.id for copy in copies if not self._deleted(copy))

    def _deleted(self, listed: Existing) -> bool:
        mark, name = self.want.mark_of(listed), f"{self.want.kind} {self.want.name!r} ({listed.id})"
        mine = self.is_mine(listed)
        by = "this task" if mine else mark or "somebody else"
        # What people made by hand is theirs to run twice.
        if self.client.read_only or not (mark or mine):
            log.warning("There is a copy of %s, made by %s", name, by)
            return False
        # A deletion of what cannot be read yet would be answered as one of what is gone.
        copy = self.want.read(self.client, listed)
        if copy is None:
            return True
        if self._may_be_deleted(mark, copy):
            reason = self.want.in_use(self.client, copy) or self._refusal(copy)
            if not reason:
                self.made.pop(listed.id, None)
                log.warning("Removed a copy of %s, made by %s", name, by)
                return True
            log.warning("Kept a copy of %s: %s", name, reason)
        else:
            hint = "; remove_copies=True would remove it" if mark else ""
            log.warning("There is a copy of %s, made by %s%s", name, by, hint)
        if self.want.disable(self.client, copy):
            log.warning("Disabled the copy of %s, so that nothing is ingested twice", name)
        return False

    def _may_be_deleted(self, mark: Mark | None, copy: Existing) -> bool:
        if mark is None or not self.client.marks:
            return False
        # Its writer has had the time to remove it, were it alive. What does not say how old it is may be young.
        settled = copy.created + 3 * self.want.settle_time(self.client)
        is_old = copy.created > 0 and self.client.transport.now() > settled
        return self.is_mine(copy) or (self.remove and mark.owner == self.writer.owner and is_old)

    def _refusal(self, copy: Existing) -> str:
        """Delete it; return what the service says against it."""
        try:
            self.want.delete(self.client, copy)
        except RequestError as error:
            if error.failure is not Failure.FINAL:
                raise
            return str(error)
        return ""
