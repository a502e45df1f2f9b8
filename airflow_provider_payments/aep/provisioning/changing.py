"""Changing an object that is there: sent once, and looked at again where an answer is lost or others change it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import (
    ConflictError,
    Difference,
    Failure,
    NotFoundError,
    RequestError,
    UnsettledError,
)
from airflow_provider_payments.aep.http.retries import FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS
from airflow_provider_payments.aep.resources.base import Change, Fixed, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.api.settling import Settling
    from airflow_provider_payments.aep.resources.kind import RemoteObject

log = logging.getLogger(__name__)

MAX_CHANGES = 3


@dataclass
class Changes:
    """
    The changes that one operation makes.

    :param desired: what the object becomes.
    :param if_exists: as :func:`.ensure.ensure` has it.
    :param settling: the waits of the operation.
    :param was_lost: whether the answer to a change was lost: it may have taken effect.
    """

    client: Client
    desired: Resource
    if_exists: str
    settling: Settling
    was_lost: bool = False

    def updated(self, existing: RemoteObject, differences: list[Difference]) -> RemoteObject:
        """Change it; where somebody else changed it meanwhile, or the answer is lost, look what is left to do."""
        for _ in range(MAX_CHANGES):
            try:
                return self._change(existing, differences)
            except RequestError as error:
                if isinstance(error, NotFoundError):
                    self._check_gone(existing, error)
                lost = error.failure is Failure.AMBIGUOUS
                if not (lost or error.status == 412) or (error.retry_after or 0.0) > MAX_WAIT_SECONDS:
                    raise
                self.was_lost = self.was_lost or lost
                log.warning("%s; looking at the %s again", error, self.desired.kind)
                if lost:
                    self.settling.sleep(max(FIRST_WAIT_SECONDS, error.retry_after or 0.0), "to be changed")
            now = self.desired.kind.read(self.client, existing)
            if now is None:
                break
            existing, differences = now, self.allowed(self.desired.differences(self.client, now))
            if not differences:
                # As any later look-up shows it.
                return next((e for e in self.desired.look_up(self.client) if e.id == now.id), now)
        raise UnsettledError(
            f"{self.settling.what} ({existing.id}) could not be changed: others change it, or answers are lost; the "
            "next attempt looks again"
        )

    def allowed(self, differences: Iterable[Difference]) -> list[Difference]:
        """Return what may be changed; without ``update`` only what completes an object that this run made."""
        return [d for d in differences if self.if_exists == "update" or self.desired.is_set_after_creation(d)]

    def _change(self, existing: RemoteObject, differences: list[Difference]) -> RemoteObject:
        desired, latest = self.desired, self.desired.latest(self.client, existing)
        if latest is not existing:
            differences = self.allowed(desired.differences(self.client, latest))
        match desired.judge(latest, differences, self.client.now()):
            case Fixed(fixed, advice):
                raise ConflictError(desired.kind.name, desired.name, latest.id, fixed, advice)
            case Change() as change:
                return desired.send(self.client, latest, change)

    def _check_gone(self, existing: RemoteObject, error: RequestError) -> None:
        """
        Find out whether a 404 speaks of the object itself: that to a change may speak of what the change refers to.

        :raises ReadLagError: if it does, and the object is so young that it may not be readable yet.
        """
        kind = self.desired.kind
        if error.method != "GET":
            try:
                kind.confirm(self.client, existing)
                kind.read(self.client, existing)
            except NotFoundError:
                pass
            else:
                return
        kind.check_gone(self.client, existing)
