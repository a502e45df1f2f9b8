"""
The teardown of a failed run: deletes the objects that the run created.

Only objects with the mark of this chain and this run are deleted, each before the objects that it refers to: dataflows,
then the source and target connections, then datasets, then base connections. An object that another one refers to
stays, and so does a dataset that contains rows. Schemas, field groups, classes and mapping sets are never deleted, only
reported. Source: the tutorials "Delete dataflows" and "Delete source connections", Adobe's OpenAPI files.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_payments.aep import readers
from airflow_provider_payments.aep.errors import InvalidInputError, UnreadableError
from airflow_provider_payments.aep.http.retries import TICK_SECONDS
from airflow_provider_payments.aep.provisioning.removing import find_marked, list_whole, remove
from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject, all_kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.marks import Writer
    from airflow_provider_payments.aep.services import Json

__all__ = ["Teardown", "tear_down"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Teardown:
    """
    The outcome of a teardown: reports with the ``kind``, ``id`` and ``name`` of the run's objects.

    :param removed: the objects that were deleted.
    :param kept: the objects with the run's mark that must not be deleted, each with the ``reason``.
    :param left_over: objects that no API deletes safely: schemas, field groups, classes, and the mapping sets for
        these.
    """

    removed: list[Json] = field(default_factory=list)
    kept: list[Json] = field(default_factory=list)
    left_over: list[Json] = field(default_factory=list)

    def to_json(self) -> Json:
        """Return the value for an XCom."""
        return {"removed": self.removed, "kept": self.kept, "left_over": self.left_over}


def tear_down(
    client: Client, writer: Writer, *, dataflows: bool = False, check: Callable[[], None] = lambda: None
) -> Teardown:
    """
    Delete the objects that one run of a chain created and that nothing uses.

    :param client: for requests.
    :param writer: the chain and its run.
    :param dataflows: whether dataflows are deleted too. Otherwise a dataflow stays with all objects that it refers to,
        so a completed chain is not torn down. Defaults to false.
    :param check: called before and after the wait; an exception from it ends the teardown before any deletion.
    :raises InvalidInputError: if the connection switches marks off, by which the run's objects are recognised.
    :raises UnreadableError: if an object that may use another one cannot be understood; earlier deletions remain done,
        and a later try continues.
    :raises RequestError: if a request still fails after its retries; a later try continues.
    """
    if not client.marks:
        raise InvalidInputError(
            "marks", False, "a teardown recognises the objects of its run by their marks; switch marks on"
        )
    outcome = Teardown()
    check()
    with client.transport.within(client.operation_timeout):
        # A creation whose answer was lost may still take effect.
        if longest := max(client.settle_seconds, client.dataflow_settle_seconds):
            log.info("Waiting %.0f s until the run's last creations are listed", longest + TICK_SECONDS)
            client.transport.clock.sleep(longest + TICK_SECONDS)
            check()
        kinds = all_kinds()
        for kind in kinds:
            if kind.is_deletable and (dataflows or not kind.ingests):
                for existing in find_marked(client, kind, writer.owns):
                    _remove(client, writer, kind, existing, outcome)
        undeletable = [kind for kind in kinds if not kind.is_deletable]
        for kind in (kind for kind in undeletable if kind.carries_mark):
            outcome.left_over.extend(_report(kind, existing) for existing in find_marked(client, kind, writer.owns))
        left_ids = {left["id"] for left in outcome.left_over}
        for kind in (kind for kind in undeletable if left_ids and not kind.carries_mark):
            related = [existing for existing in list_whole(client, kind) if _parent_id(kind, existing) in left_ids]
            outcome.left_over.extend(_report(kind, existing) for existing in related)
    return outcome


def _parent_id(kind: Kind, existing: RemoteObject) -> str | None:
    """Return the id of the object that an unmarked one belongs to, if known."""
    try:
        return kind.belongs_to(existing)
    except UnreadableError:
        return None  # no error, because such objects are only reported


def _remove(client: Client, writer: Writer, kind: Kind, listed: RemoteObject, outcome: Teardown) -> None:
    reason = remove(client, kind, listed, writer.owns)
    if reason is None:
        return
    if reason:
        outcome.kept.append(_report(kind, listed) | {"reason": reason})
    else:
        outcome.removed.append(_report(kind, listed))


def _report(kind: Kind, existing: RemoteObject) -> Json:
    name = readers.text(existing.item.get("name")) or readers.text(existing.item.get("title"))
    return {"kind": kind.name, "id": existing.id, "name": name}
