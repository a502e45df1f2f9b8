"""
The observation of an operation: the existing objects of a name, each with the properties that a decision needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import Difference, NotFoundError
from airflow_provider_payments.aep.provisioning.decide import Memory, Now, Seen
from airflow_provider_payments.aep.provisioning.giving_up import busy_until, was_disabled_by_giving_up

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from airflow_provider_payments.aep.api.client import Client, Reads
    from airflow_provider_payments.aep.provisioning.duplicates import Duplicates
    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.kind import RemoteObject


@dataclass
class Observer:
    """
    Looks up, searches and reads the objects that an operation decides on.

    :param client: for reading.
    :param desired: the value that existing objects are compared with.
    :param duplicates: knows which objects this operation created.
    :param if_exists: see :func:`.ensure.ensure`.
    :param memory: what the operation has done and learnt so far.
    :param ignored: ids of objects that are never candidates, regardless of their names.
    """

    client: Client
    desired: Resource
    duplicates: Duplicates
    if_exists: str
    memory: Memory
    ignored: Collection[str] = ()
    #: The objects of the last lookup by id, without those that a read by id did not find.
    seen: dict[str, Seen] = field(default_factory=dict)
    #: Whether a search found objects that the lookup by name had missed: then each later lookup uses both keys.
    uses_both_keys: bool = False
    _listed: dict[str, RemoteObject] = field(default_factory=dict)

    def __post_init__(self) -> None:
        #: Answers the lookups.
        self.reads: Reads = self.client
        #: When the lists of ``reads`` were read, by the local monotonic clock; ``None``: each lookup sends requests.
        self._read_at: float | None = None

    @property
    def now(self) -> Now:
        """The time by both clocks."""
        return Now(self.client.transport.clock.monotonic(), self.client.now())

    @property
    def read_at(self) -> Now:
        """The time at which the lists were read: the observation tells nothing about the time after it."""
        return self.now if self._read_at is None else Now(self._read_at, self.client.transport.now(self._read_at))

    def look_up(self, reads: Reads, read_at: float | None = None) -> None:
        """Look up the objects of the name, by requests or in lists that were read at ``read_at``."""
        self.reads, self._read_at = reads, read_at
        self._listed = self._candidates(self.desired.look_up(reads))
        if self.uses_both_keys:
            self._listed = self._candidates(self.desired.search_by_second_key(reads)) | self._listed
        self.memory = self.memory.after_lookup(self._listed, self.now.monotonic, searched=self.uses_both_keys)
        self.seen = {}
        self._compare(self._listed.values())

    def search(self) -> None:
        """Search by the second key too."""
        found = self._candidates(self.desired.search_by_second_key(self.reads))
        missed = {object_id: existing for object_id, existing in found.items() if object_id not in self._listed}
        self.uses_both_keys = bool(missed)
        self._listed |= missed
        self._compare(missed.values())
        self.memory = replace(self.memory, searched=True)

    def check(self, object_id: str) -> Seen | None:
        """Read a listed object by its id; return it, or ``None`` if it no longer exists."""
        listed, before = self._listed[object_id], self.seen.pop(object_id, None)
        now = self.desired.kind.read(self.client, listed)
        if now is None:
            self.memory = self.memory.after_missing(object_id, self.now.monotonic)
        elif before and now is listed:
            self.seen[object_id] = self.assess(now, before.differences + before.tolerated, checked=True)
        else:
            self._compare([now], checked=True)
        return self.seen.get(object_id)

    def forget_withdrawn(self, object_id: str) -> None:
        """Forget an object that this operation created and has deleted."""
        self.memory = self.memory.after_withdrawal(object_id)
        del self.seen[object_id]

    def assess(self, existing: RemoteObject, differences: Iterable[Difference], *, checked: bool) -> Seen:
        """Return an existing object with the properties that a decision needs."""
        found = list(differences)
        decisive = [d for d in found if self.desired.is_decisive(d)]
        mark = self.desired.kind.mark_of(existing) if self.desired.kind.carries_mark else None
        return Seen(
            existing,
            tuple(decisive),
            tolerated=tuple(d for d in found if not self.desired.is_decisive(d)),
            ours=self.duplicates.is_ours(existing),
            is_duplicate=self.desired.is_duplicate(decisive),
            checked=checked,
            was_given_up=self._was_given_up(existing, decisive, checked=checked),
            busy_until=busy_until(mark),
        )

    def _compare(self, found: Iterable[RemoteObject], *, checked: bool = False) -> None:
        for existing in found:
            self.duplicates.recognise(existing)
            if existing.id in self.memory.missing and not checked:
                continue
            try:
                differences = self.desired.differences(self.reads, existing)
            except NotFoundError:
                self.desired.kind.check_deleted(self.client, existing)
                self.memory = self.memory.after_missing(existing.id, self.now.monotonic)
            else:
                self.seen[existing.id] = self.assess(existing, differences, checked=checked)
                self.memory = self.memory.after_found(existing.id)

    def _was_given_up(self, existing: RemoteObject, differences: list[Difference], *, checked: bool) -> bool:
        """
        Return whether a try or run of this chain gave up and disabled an object that matches otherwise.

        Differences that an allowed update can remove are ignored. For an object that was not read by its id: whether
        that is possible.
        """
        others = [d for d in differences if d.field != "state"]
        removable = self.if_exists == "update" and all(d.field.startswith(self.desired.changeable) for d in others)
        is_disabled = self.desired.kind.ingests and len(others) < len(differences)
        if not is_disabled or self.client.read_only or (others and not removable):
            return False
        writer, mark = self.duplicates.writer, self.desired.kind.mark_of(existing)
        if self.if_exists == "fail" and not writer.owns(mark):
            return False
        return not checked or was_disabled_by_giving_up(writer, mark, existing)

    def _candidates(self, listed: Iterable[RemoteObject]) -> dict[str, RemoteObject]:
        return {existing.id: existing for existing in listed if existing.id not in self.ignored}
