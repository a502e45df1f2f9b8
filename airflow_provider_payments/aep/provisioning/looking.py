"""
Looking: which objects of a name are there, each with what differs, and which of those that lists show are gone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import Difference, RequestError
from airflow_provider_payments.aep.provisioning.duplicates import Copies
from airflow_provider_payments.aep.resources.base import Existing, Resource

Candidates = list[tuple[Existing, list[Difference]]]


@dataclass
class Looks:
    """
    The looks of one operation.

    :param copies: is told of what it made itself.
    """

    client: Client
    want: Resource
    copies: Copies
    #: What lists show though it is gone -> when that was noticed; one answer may be a mistake, two are believed.
    dead: dict[str, float] = field(default_factory=dict)
    #: Whether the first key has missed something: from then on each look is by both.
    misses: bool = False
    _listed: dict[str, Existing] = field(default_factory=dict)

    def look(self) -> Candidates:
        """Return the objects of the name, each with what differs."""
        self._listed = _by_id(self.want.look_up(self.client))
        if self.misses:
            self._listed = _by_id(self.want.look_further(self.client)) | self._listed
        self.dead = {gone: noticed for gone, noticed in self.dead.items() if gone in self._listed}
        return self._compared(self._listed.values())

    def look_further(self) -> Candidates:
        """Return those that only the second key finds."""
        if self.misses:
            return []
        missed = {id_: e for id_, e in _by_id(self.want.look_further(self.client)).items() if id_ not in self._listed}
        self.misses = bool(missed)
        return self._compared(missed.values())

    def still_there(self, existing: Existing) -> Existing | None:
        """Return the object as it is now; lists show the dead for a while."""
        now = self.want.read(self.client, existing)
        if now is None:
            self.dead[existing.id] = self._now()
        return now

    @property
    def in_doubt(self) -> bool:
        """Whether something is listed of which it is not certain yet that it is gone."""
        return any(noticed > -math.inf for noticed in self.dead.values())

    def _compared(self, listed: Iterable[Existing]) -> Candidates:
        found = []
        for existing in listed:
            self.copies.recognise(existing)
            if existing.id in self.dead and not self._is_back(existing):
                continue
            try:
                found.append((existing, self.want.differences(self.client, existing)))
                self.dead.pop(existing.id, None)
            except RequestError as error:
                if not error.says_gone:
                    raise
                self.want.check_gone(self.client, existing)
                self.dead[existing.id] = -math.inf if existing.id in self.dead else self._now()
        return found

    def _is_back(self, existing: Existing) -> bool:
        """Ask a second time, a settle time later, for what was said to be gone."""
        noticed = self.dead[existing.id]
        if noticed == -math.inf or self._now() < noticed + self.want.settle_time(self.client):
            return False
        if self.want.read(self.client, existing) is None:
            self.dead[existing.id] = -math.inf
            return False
        return True

    def _now(self) -> float:
        return self.client.transport.now()


def oldest(found: Candidates) -> tuple[Existing, list[Difference]]:
    """Return the one that every writer chooses."""
    return min(found, key=lambda candidate: candidate[0].age)


def _by_id(listed: Iterable[Existing]) -> dict[str, Existing]:
    return {existing.id: existing for existing in listed}
