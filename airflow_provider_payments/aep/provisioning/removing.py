"""
Deletes one object, if it is still whose it was and nothing uses it: what teardown, destroy and deletion do with each.

It is read by its id before, for lists are eventually consistent. A repeat after a lost answer, or after a kill, finds
nothing more to do.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api.patience import patiently
from airflow_provider_payments.aep.errors import Failure, RequestError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
    from airflow_provider_payments.aep.resources.marks import Mark

__all__ = ["find_marked", "list_whole", "remove"]

log = logging.getLogger(__name__)


def list_whole(client: Client, kind: Kind) -> list[RemoteObject]:
    """Return all objects of a kind: the whole list before the first deletion, because deletions shift pages."""
    return patiently(client, lambda: list(kind.list_all(client)))


def find_marked(client: Client, kind: Kind, is_ours: Callable[[Mark | None], bool]) -> list[RemoteObject]:
    """Return the objects of a kind whose marks are meant; one whose mark cannot be read stays, with a warning."""

    def is_meant(existing: RemoteObject) -> bool:
        try:
            return is_ours(kind.mark_of(existing))
        except UnreadableError as error:
            log.warning("Kept: %s", error)
            return False

    return [existing for existing in list_whole(client, kind) if is_meant(existing)]


def remove(
    client: Client, kind: Kind, listed: RemoteObject, is_ours: Callable[[Mark | None], bool], *, disable: bool = False
) -> str | None:
    """
    Delete an object; return why it stays, empty where it was deleted, ``None`` where it is gone already.

    :param listed: the object as a list shows it.
    :param is_ours: whether an object with a mark may be deleted.
    :param disable: whether a dataflow is disabled before, so that no run begins between.
    :raises UnreadableError: if what may use it cannot be understood in the end.
    :raises RequestError: if a request fails in the end; a refusal of the service is a reason instead.
    """
    return patiently(client, partial(_remove, client, kind, listed, is_ours, disable))


def _remove(
    client: Client, kind: Kind, listed: RemoteObject, is_ours: Callable[[Mark | None], bool], disable: bool
) -> str | None:
    existing = kind.read(client, listed)
    if existing is None:
        return None
    reason = _obstacle(client, kind, existing, is_ours)
    if not reason:
        note = "; it is disabled" if disable and _disabled(client, kind, existing) else ""
        reason = f"{refusal}{note}" if (refusal := kind.refusal(client, existing)) else ""
    log.info("%s %s %s %s", "Kept" if reason else "Removed", kind, existing.id, reason)
    return reason


def _disabled(client: Client, kind: Kind, existing: RemoteObject) -> bool:
    """Disable it, where that is possible; return whether it was."""
    try:
        return kind.disable(client, existing)
    except RequestError as error:
        if error.failure is not Failure.FINAL:  # a draft, for example, cannot be disabled, and runs never
            raise
        return False


def _obstacle(client: Client, kind: Kind, existing: RemoteObject, is_ours: Callable[[Mark | None], bool]) -> str:
    if not is_ours(kind.mark_of(existing)):
        return "its mark names another owner or run by now"
    return kind.blocking_reference(client, existing)
