"""
The deletion of a dataflow with the connections and the dataset that go with it.

The dataflow goes first: the service deletes no connection that a dataflow uses. Once it is gone, nothing says which
connections were its own, so these say it themselves before: their marks name the deletion. A try that follows a kill
finds them by that, in any version of Airflow. Source: Adobe's tutorials "Delete dataflows" and "Delete connections".
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api.patience import patiently
from airflow_provider_payments.aep.errors import Failure, PlatformError, RequestError, UnsettledError
from airflow_provider_payments.aep.provisioning.lifecycle import ends_of, find_dataflow
from airflow_provider_payments.aep.provisioning.removing import find_marked, remove
from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.finding import AbsentError, name_of
from airflow_provider_payments.aep.resources.flow_service import SOURCE_CONNECTION, TARGET_CONNECTION
from airflow_provider_payments.aep.resources.marks import Mark, Writer, deletion_digest
from airflow_provider_payments.aep.resources.switches import rewrite_mark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
    from airflow_provider_payments.aep.services import Json

__all__ = ["Deleted", "Deletion", "Part"]

log = logging.getLogger(__name__)

#: The kinds that may go with a dataflow, users first.
_GOING_WITH: tuple[Kind, ...] = (TARGET_CONNECTION, SOURCE_CONNECTION, DATASET)
#: How often a mark is written again that somebody else's change has got in the way of.
MAX_MARKINGS = 3
#: Statuses that, like a 412, say that somebody else's change came between.
CONFLICTS = (409, 428)


@dataclass(frozen=True)
class Part:
    """A dataflow, or what goes with it."""

    kind: Kind
    existing: RemoteObject

    def __str__(self) -> str:
        return f"{self.kind} {self.existing.id}"

    @property
    def report(self) -> Json:
        """What a task returns of it."""
        return {"kind": self.kind.name, "id": self.existing.id, "name": name_of(self.kind, self.existing)}


@dataclass(frozen=True)
class Deleted:
    """
    What became of a dataflow and of what goes with it.

    :param removed: what was deleted.
    :param kept: what stays, each with its ``reason``.
    """

    removed: list[Json] = field(default_factory=list)
    kept: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class Deletion:
    """
    The deletion of one dataflow. No mark is asked for to begin it, because the dataflow is named.

    :param asked: the dataflow's name or id, the same in each try.
    :param dataset: whether datasets go too, those without a batch.
    """

    client: Client
    asked: str
    dataset: bool = False

    @cached_property
    def _digest(self) -> str:
        return deletion_digest(self.asked)

    def parts(self) -> list[Part]:
        """
        Return the dataflow and what goes with it, in the order in which they may go; what goes with it is marked.

        Once the dataflow is gone, that is what a try that was killed has left.

        :raises AbsentError: if nothing is left.
        :raises InvalidInputError: if several dataflows have the name.
        :raises UnsettledError: if others change an object all the time; a repeat goes on.
        :raises UnreadableError: if what the dataflow refers to cannot be understood in the end.
        :raises RequestError: if a request fails in the end.
        """
        try:
            dataflow = find_dataflow(self.client, self.asked)
        except AbsentError:
            if left := self._left():
                return left
            raise
        found, going = self._going_with(dataflow), {dataflow.id}
        for part in found if self.client.marks else ():
            with self.client.transport.within(self.client.operation_timeout):
                if patiently(self.client, partial(self._mark, part, going)):
                    going.add(part.existing.id)
        return [Part(DATAFLOW, dataflow), *found]

    def carry_out(self, parts: Iterable[Part]) -> Deleted:
        """
        Delete the dataflow and, of what goes with it, what nothing else uses; what is gone already is done.

        The dataflow is disabled before, so that no run begins.

        :param parts: as :meth:`parts` returns them.
        :raises PlatformError: if the service refuses to delete the dataflow: the rest stays too.
        :raises UnreadableError: if what may use something cannot be understood in the end; a repeat goes on.
        :raises RequestError: if a request fails in the end, likewise.
        """
        parts, outcome = list(parts), Deleted()
        is_named = any(part.kind is DATAFLOW for part in parts)
        for part in parts:
            with self.client.transport.within(self.client.operation_timeout):
                reason = remove(
                    self.client, part.kind, part.existing, lambda mark: is_named or self._is_marked(mark), disable=True
                )
            if reason and part.kind is DATAFLOW:
                raise PlatformError(f"{part} was not deleted: {reason}")
            if reason:
                outcome.kept.append(part.report | {"reason": reason})
            elif reason is not None:
                outcome.removed.append(part.report)
        return outcome

    def _left(self) -> list[Part]:
        kinds = [kind for kind in _GOING_WITH if self.dataset or kind is not DATASET]
        return [Part(kind, existing) for kind in kinds for existing in find_marked(self.client, kind, self._is_marked)]

    def _is_marked(self, mark: Mark | None) -> bool:
        return mark is not None and mark.deletion == self._digest

    def _going_with(self, dataflow: RemoteObject) -> list[Part]:
        found = [Part(kind, existing) for kind, existing in ends_of(self.client, dataflow)]
        targets = [part for part in found if self.dataset and part.kind is TARGET_CONNECTION]
        for part in targets:
            if dataset_id := part.kind.fields_of(part.existing).text("params", "dataSetId"):
                dataset = patiently(self.client, partial(DATASET.find, self.client, dataset_id))
                found += [Part(DATASET, dataset)] if dataset else []
        by_id = {part.existing.id: part for part in found}
        return sorted(by_id.values(), key=lambda part: _GOING_WITH.index(part.kind))

    def _mark(self, part: Part, going: Collection[str]) -> bool:
        """Let an object's mark name this deletion, unless something that stays uses it; return whether it goes."""
        kind, existing = part.kind, part.existing
        for _ in range(MAX_MARKINGS):
            mark = kind.mark_of(existing) or Writer().mark()
            if self._is_marked(mark):
                return True
            if kind.blocking_reference(self.client, existing, going):
                return False
            try:
                if rewrite_mark(self.client, kind, existing, replace(mark, deletion=self._digest)):
                    return True
            except RequestError as error:
                if error.failure is not Failure.FINAL:
                    raise
                if error.status not in CONFLICTS:
                    log.warning("The mark of %s cannot be written, so it stays if this try is killed: %s", part, error)
                    return True
            now = kind.read(self.client, existing)
            if now is None:
                return False
            existing = now
        raise UnsettledError(f"{part} could not be marked: others change it; the next attempt looks again")
