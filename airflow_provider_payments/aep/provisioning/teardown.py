"""
Remove what a failed run of a chain made.

Only what carries the mark of this chain and this run is touched, in the order in which it may go: dataflows, then the
connections that they read and write, then datasets, then base connections. What something else refers to stays, and so
does a dataset that holds rows. Schemas, field groups, classes and mapping sets are never deleted: they are listed.
Source: the tutorials "Delete dataflows" and "Delete source connections", Adobe's OpenAPI files.
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

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Teardown:
    """
    What became of a run's objects; each is an object of ``kind``, ``id`` and, where it stayed, ``reason``.

    :param removed: what was deleted.
    :param kept: what carries the run's mark and may not go.
    :param left_over: what no interface deletes safely: schemas, field groups, classes, and the mapping sets for these.
    """

    removed: list[Json] = field(default_factory=list)
    kept: list[Json] = field(default_factory=list)
    left_over: list[Json] = field(default_factory=list)

    def to_json(self) -> Json:
        """Return what an XCom carries."""
        return {"removed": self.removed, "kept": self.kept, "left_over": self.left_over}


def tear_down(
    client: Client, writer: Writer, *, dataflows: bool = False, check: Callable[[], None] = lambda: None
) -> Teardown:
    """
    Delete what ``writer`` made in this run and nothing uses.

    :param dataflows: whether its dataflows go too. Without it a dataflow stays, and with it all that it refers to: a
        chain that was completed is not torn down.
    :param check: called before and after the wait; what it raises ends the teardown before anything is deleted.
    :raises InvalidInputError: where the connection switches marks off: the run's objects could not be recognised.
    :raises UnreadableError: if what may use something cannot be understood; what was deleted by then is gone, and a
        repeat goes on.
    :raises RequestError: if a request fails in the end, likewise.
    """
    if not client.marks:
        raise InvalidInputError("marks", False, "a teardown finds what it may delete by the marks; switch them on")
    outcome = Teardown()
    check()
    with client.transport.within(client.operation_timeout):
        # A creation whose answer was lost may still take effect.
        if longest := max(client.settle_seconds, client.dataflow_settle_seconds):
            log.info("Waiting %.0f s for what was asked for last to show", longest + TICK_SECONDS)
            client.transport.clock.sleep(longest + TICK_SECONDS)
            check()
        kinds = all_kinds()
        for kind in kinds:
            if kind.is_deletable and (dataflows or not kind.ingests):
                for existing in find_marked(client, kind, writer.owns):
                    _remove(client, writer, kind, existing, outcome)
        stays = [kind for kind in kinds if not kind.is_deletable]
        for kind in (kind for kind in stays if kind.carries_mark):
            outcome.left_over.extend(_report(kind, existing) for existing in find_marked(client, kind, writer.owns))
        served = {left["id"] for left in outcome.left_over}
        for kind in (kind for kind in stays if served and not kind.carries_mark):
            serving = [existing for existing in list_whole(client, kind) if _served(kind, existing) in served]
            outcome.left_over.extend(_report(kind, existing) for existing in serving)
    return outcome


def _served(kind: Kind, existing: RemoteObject) -> str | None:
    try:
        return kind.belongs_to(existing)
    except UnreadableError:
        return None  # it would only have been reported


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
