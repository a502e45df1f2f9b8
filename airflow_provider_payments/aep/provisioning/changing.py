"""Updates of an existing object: sent once, and compared again after a lost answer or another writer's change."""

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
from airflow_provider_payments.aep.resources.base import Change, Resource, Unchangeable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.api.settling import Settling
    from airflow_provider_payments.aep.resources.kind import RemoteObject

log = logging.getLogger(__name__)

MAX_UPDATES = 3


@dataclass
class Changes:
    """
    The updates of one operation.

    :param client: for requests.
    :param desired: the value that the object is to match.
    :param if_exists: see :func:`.ensure.ensure`.
    :param settling: the waits of the operation.
    :param answer_was_lost: whether the answer to an update was lost: the update may have taken effect.
    """

    client: Client
    desired: Resource
    if_exists: str
    settling: Settling
    answer_was_lost: bool = False

    def update(self, existing: RemoteObject, differences: list[Difference]) -> RemoteObject:
        """
        Update an object and return it.

        After a lost answer, or another writer's change, the object is read again and the remaining differences are
        updated.
        """
        for _ in range(MAX_UPDATES):
            try:
                return self._change(existing, differences)
            except RequestError as error:
                if isinstance(error, NotFoundError):
                    self._check_deleted(existing, error)
                lost = error.failure is Failure.AMBIGUOUS
                if not (lost or error.status == 412) or (error.retry_after or 0.0) > MAX_WAIT_SECONDS:
                    raise
                self.answer_was_lost = self.answer_was_lost or lost
                log.warning("%s; reading the %s again", error, self.desired.kind)
                if lost:
                    # Enabling and disabling (POST) have no If-Match: a lost request could undo a later one.
                    settle_seconds = self.settling.seconds_after_sending if error.method == "POST" else 0.0
                    pause = max(settle_seconds, FIRST_WAIT_SECONDS, error.retry_after or 0.0)
                    self.settling.sleep(pause, "to be changed")
            now = self.desired.kind.read(self.client, existing)
            if now is None:
                break
            existing, differences = now, self.allowed(self.desired.differences(self.client, now))
            if not differences:
                # Return the listed form, as an adoption does: a read by id may return other members.
                return next((e for e in self.desired.look_up(self.client) if e.id == now.id), now)
        raise UnsettledError(
            f"{self.settling.what} ({existing.id}) could not be updated, because other writers change it or answers "
            "were lost; the next attempt tries again"
        )

    def allowed(self, differences: Iterable[Difference]) -> list[Difference]:
        """Return the differences that may be changed; without ``update`` only those that complete a creation."""
        return [d for d in differences if self.if_exists == "update" or self.desired.is_set_after_creation(d)]

    def _change(self, existing: RemoteObject, differences: list[Difference]) -> RemoteObject:
        desired, latest = self.desired, self.desired.latest(self.client, existing)
        if latest is not existing:
            differences = self.allowed(desired.differences(self.client, latest))
        match desired.judge(latest, differences, self.client.now()):
            case Unchangeable(fixed, advice):
                raise ConflictError(desired.kind.name, desired.name, latest.id, fixed, advice)
            case Change() as change:
                return desired.send(self.client, latest, change)

    def _check_deleted(self, existing: RemoteObject, error: RequestError) -> None:
        """
        Find out whether a 404 is about the object: a 404 to an update may be about another object that it refers to.

        :raises ReadLagError: if it is about the object, which is too recent to be readable for certain.
        """
        kind = self.desired.kind
        if error.method != "GET":
            try:
                kind.check_readable(self.client, existing)
                kind.read(self.client, existing)
            except NotFoundError:
                pass
            else:
                return
        kind.check_deleted(self.client, existing)
