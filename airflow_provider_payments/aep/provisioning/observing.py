"""
Observing: which objects of a name are there, each with what :mod:`.decide` needs to know of it.
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
    The observations of one operation.

    :param client: for reading.
    :param desired: what is compared with what is there.
    :param duplicates: takes note of what this call made itself.
    :param if_exists: as :func:`.ensure.ensure` has it.
    :param memory: of what the operation has done and learnt.
    :param ignored: ids of objects that do not count, whatever they are called.
    """

    client: Client
    desired: Resource
    duplicates: Duplicates
    if_exists: str
    memory: Memory
    ignored: Collection[str] = ()
    #: What the last look has shown, by id, without what is gone.
    seen: dict[str, Seen] = field(default_factory=dict)
    #: Whether the first key has missed something: from then on each look is by both.
    by_both: bool = False
    _listed: dict[str, RemoteObject] = field(default_factory=dict)

    def __post_init__(self) -> None:
        #: What is looked at, and when that was read, by the own clock; ``None``: just now.
        self.reads: Reads = self.client
        self._read_at: float | None = None

    @property
    def now(self) -> Now:
        """The time by both clocks."""
        return Now(self.client.transport.clock.monotonic(), self.client.now())

    @property
    def read_at(self) -> Now:
        """When the lists were read: later than that nothing is known."""
        return self.now if self._read_at is None else Now(self._read_at, self.client.transport.now(self._read_at))

    def look(self, reads: Reads, read_at: float | None = None) -> None:
        """Look at the lists, or at what they showed a moment ago."""
        self.reads, self._read_at = reads, read_at
        self._listed = self._found(self.desired.look_up(reads))
        if self.by_both:
            self._listed = self._found(self.desired.look_further(reads)) | self._listed
        self.memory = self.memory.looked(self._listed, self.now.own, searched=self.by_both)
        self.seen = {}
        self._compare(self._listed.values())

    def search(self) -> None:
        """Look by the second key too."""
        found = self._found(self.desired.look_further(self.reads))
        missed = {object_id: existing for object_id, existing in found.items() if object_id not in self._listed}
        self.by_both = bool(missed)
        self._listed |= missed
        self._compare(missed.values())
        self.memory = replace(self.memory, searched=True)

    def check(self, object_id: str) -> Seen | None:
        """Read a listed object by its id; return it unless it is gone."""
        listed, before = self._listed[object_id], self.seen.pop(object_id, None)
        now = self.desired.kind.read(self.client, listed)
        if now is None:
            self.memory = self.memory.missing(object_id, self.now.own)
        elif before and now is listed:
            self.seen[object_id] = self.seen_as(now, before.differences + before.leeway, checked=True)
        else:
            self._compare([now], checked=True)
        return self.seen.get(object_id)

    def withdrew(self, object_id: str) -> None:
        """Forget what this call made and has removed."""
        self.memory = self.memory.withdrew(object_id)
        del self.seen[object_id]

    def seen_as(self, existing: RemoteObject, differences: Iterable[Difference], *, checked: bool) -> Seen:
        """Return what an object is to the decision."""
        found = list(differences)
        differing = [d for d in found if self.desired.is_decisive(d)]
        mark = self.desired.kind.mark_of(existing) if self.desired.kind.carries_mark else None
        return Seen(
            existing,
            tuple(differing),
            leeway=tuple(d for d in found if not self.desired.is_decisive(d)),
            ours=self.duplicates.is_mine(existing),
            is_duplicate=self.desired.is_duplicate(differing),
            checked=checked,
            withdrawn=self._is_withdrawn(existing, differing, checked=checked),
            busy_until=busy_until(mark),
        )

    def _compare(self, found: Iterable[RemoteObject], *, checked: bool = False) -> None:
        for existing in found:
            self.duplicates.recognise(existing)
            if existing.id in self.memory.gone and not checked:
                continue
            try:
                differences = self.desired.differences(self.reads, existing)
            except NotFoundError:
                self.desired.kind.check_gone(self.client, existing)
                self.memory = self.memory.missing(existing.id, self.now.own)
            else:
                self.seen[existing.id] = self.seen_as(existing, differences, checked=checked)
                self.memory = self.memory.found(existing.id)

    def _is_withdrawn(self, existing: RemoteObject, differences: list[Difference], *, checked: bool) -> bool:
        """
        Whether an attempt of this chain made and disabled it, and it is right otherwise.

        What an update that is allowed can make right counts as right. Before it is read by its id: whether that may be.
        """
        others = [d for d in differences if d.field != "state"]
        reached = self.if_exists == "update" and all(d.field.startswith(self.desired.changeable) for d in others)
        is_disabled = self.desired.kind.ingests and len(others) < len(differences)
        if not is_disabled or self.client.read_only or (others and not reached):
            return False
        writer, mark = self.duplicates.writer, self.desired.kind.mark_of(existing)
        if self.if_exists == "fail" and not writer.owns(mark):
            return False
        return not checked or was_disabled_by_giving_up(writer, mark, existing)

    def _found(self, listed: Iterable[RemoteObject]) -> dict[str, RemoteObject]:
        return {existing.id: existing for existing in listed if existing.id not in self.ignored}
