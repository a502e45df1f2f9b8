"""
The deletion of one object that nothing uses, if its mark still allows it; for teardown, destroy and deletion.

The object is read by its id first, because lists are eventually consistent. A repeat after a lost answer, or after a
killed try, is harmless.
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
    """Return all objects of a kind. The list is read to its end before any deletion, because deletions shift pages."""
    return patiently(client, lambda: list(kind.list_all(client)))


def find_marked(client: Client, kind: Kind, is_ours: Callable[[Mark | None], bool]) -> list[RemoteObject]:
    """Return the objects of a kind whose marks ``is_ours`` accepts; log those whose marks cannot be read."""

    def accepts(existing: RemoteObject) -> bool:
        try:
            return is_ours(kind.mark_of(existing))
        except UnreadableError as error:
            log.warning("Kept an object whose mark cannot be read: %s", error)
            return False

    return [existing for existing in list_whole(client, kind) if accepts(existing)]


def remove(
    client: Client, kind: Kind, listed: RemoteObject, is_ours: Callable[[Mark | None], bool], *, disable: bool = False
) -> str | None:
    """
    Delete an object; return why it stays, empty if it was deleted, ``None`` if it no longer existed.

    :param listed: the object as it was listed.
    :param is_ours: whether an object with a given mark may be deleted.
    :param disable: whether a dataflow is disabled first, so that no run begins before the deletion.
    :raises UnreadableError: if an object that may use it still cannot be understood after several reads.
    :raises RequestError: if a request still fails after its retries; a refusal of the deletion is returned instead.
    """
    return patiently(client, partial(_remove, client, kind, listed, is_ours, disable))


def _remove(
    client: Client, kind: Kind, listed: RemoteObject, is_ours: Callable[[Mark | None], bool], disable: bool
) -> str | None:
    existing = kind.read(client, listed)
    if existing is None:
        return None
    reason = _reason_to_keep(client, kind, existing, is_ours)
    if not reason:
        note = "; it is disabled" if disable and _disable(client, kind, existing) else ""
        reason = f"{refusal}{note}" if (refusal := kind.try_delete(client, existing)) else ""
    log.info("%s %s %s %s", "Kept" if reason else "Removed", kind, existing.id, reason)
    return reason


def _disable(client: Client, kind: Kind, existing: RemoteObject) -> bool:
    """Disable an object if possible; return whether it was disabled."""
    try:
        return kind.disable(client, existing)
    except RequestError as error:
        if error.failure is not Failure.FINAL:  # a draft cannot be disabled, and never runs
            raise
        return False


def _reason_to_keep(client: Client, kind: Kind, existing: RemoteObject, is_ours: Callable[[Mark | None], bool]) -> str:
    if not is_ours(kind.mark_of(existing)):
        return "its mark names another owner or run by now"
    return kind.blocking_reference(client, existing)
