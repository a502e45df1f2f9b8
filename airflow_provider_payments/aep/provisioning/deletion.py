"""
The deletion of a dataflow with its connections and its dataset.

The dataflow is deleted first, because the service deletes no connection that a dataflow uses. Once the dataflow is
deleted, the service does not record which connections belonged to it. So the deletion is first recorded in the marks of
the connections. If a try is killed, the next one finds them by these marks, in any version of Airflow. Source:
Adobe's tutorials "Delete dataflows" and "Delete connections".
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api.patience import patiently
from airflow_provider_payments.aep.errors import Failure, PlatformError, RequestError, UnsettledError
from airflow_provider_payments.aep.provisioning.lifecycle import connections_of, find_dataflow
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

#: The kinds of objects that may be deleted with a dataflow, in the order of deletion.
_RELATED_KINDS: tuple[Kind, ...] = (TARGET_CONNECTION, SOURCE_CONNECTION, DATASET)
#: How often one mark is written if other writers change the object in between.
MAX_MARK_WRITES = 3
#: Statuses that, like a 412, mean that another writer has changed the object since it was read.
CONFLICT_STATUSES = (409, 428)


@dataclass(frozen=True)
class Part:
    """A dataflow, or an object that is deleted with it."""

    kind: Kind
    existing: RemoteObject

    def __str__(self) -> str:
        return f"{self.kind} {self.existing.id}"

    @property
    def report(self) -> Json:
        """The part as a task returns it."""
        return {"kind": self.kind.name, "id": self.existing.id, "name": name_of(self.kind, self.existing)}


@dataclass(frozen=True)
class Deleted:
    """
    The outcome of a deletion.

    :param removed: reports of the objects that were deleted.
    :param kept: reports of the objects that stay, each with its ``reason``.
    """

    removed: list[Json] = field(default_factory=list)
    kept: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class Deletion:
    """
    The deletion of one dataflow. The dataflow itself needs no mark, because the user names it.

    :param client: for requests.
    :param dataflow: the dataflow's name or id, the same in each try.
    :param dataset: whether the target dataset is deleted too, if it has no batch. Defaults to false.
    """

    client: Client
    dataflow: str
    dataset: bool = False

    @cached_property
    def _digest(self) -> str:
        return deletion_digest(self.dataflow)

    def parts(self) -> list[Part]:
        """
        Return the dataflow and the objects to delete with it, in the order of deletion, and mark these objects.

        If the dataflow no longer exists, return the marked objects that a killed try has left.

        :raises AbsentError: if there is neither the dataflow nor a marked object.
        :raises InvalidInputError: if several dataflows have the name.
        :raises UnsettledError: if other writers keep changing an object; a later try continues.
        :raises UnreadableError: if a reference of the dataflow still cannot be understood after several reads.
        :raises RequestError: if a request still fails after its retries.
        """
        try:
            existing = find_dataflow(self.client, self.dataflow)
        except AbsentError:
            if left := self._find_left():
                return left
            raise
        related, deleted_before = self._find_related(existing), {existing.id}
        for part in related if self.client.marks else ():
            with self.client.transport.within(self.client.operation_timeout):
                if patiently(self.client, partial(self._mark, part, deleted_before)):
                    deleted_before.add(part.existing.id)
        return [Part(DATAFLOW, existing), *related]

    def carry_out(self, parts: Iterable[Part]) -> Deleted:
        """
        Delete the dataflow, and the other parts that nothing else uses; skip parts that no longer exist.

        The dataflow is disabled first, so that no run begins before its deletion.

        :param parts: the result of :meth:`parts`.
        :raises PlatformError: if the service refuses to delete the dataflow; then the other parts stay too.
        :raises UnreadableError: if an object that may use a part still cannot be understood after several reads; a
            later try continues.
        :raises RequestError: if a request still fails after its retries; a later try continues.
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

    def _find_left(self) -> list[Part]:
        kinds = [kind for kind in _RELATED_KINDS if self.dataset or kind is not DATASET]
        return [Part(kind, existing) for kind in kinds for existing in find_marked(self.client, kind, self._is_marked)]

    def _is_marked(self, mark: Mark | None) -> bool:
        return mark is not None and mark.deletion == self._digest

    def _find_related(self, dataflow: RemoteObject) -> list[Part]:
        found = [Part(kind, existing) for kind, existing in connections_of(self.client, dataflow)]
        targets = [part for part in found if self.dataset and part.kind is TARGET_CONNECTION]
        for part in targets:
            if dataset_id := part.kind.fields_of(part.existing).text("params", "dataSetId"):
                dataset = patiently(self.client, partial(DATASET.find, self.client, dataset_id))
                found += [Part(DATASET, dataset)] if dataset else []
        by_id = {part.existing.id: part for part in found}
        return sorted(by_id.values(), key=lambda part: _RELATED_KINDS.index(part.kind))

    def _mark(self, part: Part, deleted_before: Collection[str]) -> bool:
        """Record this deletion in an object's mark unless another object uses it; return whether to delete it."""
        kind, existing = part.kind, part.existing
        for _ in range(MAX_MARK_WRITES):
            mark = kind.mark_of(existing) or Writer().mark()
            if self._is_marked(mark):
                return True
            if kind.blocking_reference(self.client, existing, deleted_before):
                return False
            try:
                if rewrite_mark(self.client, kind, existing, replace(mark, deletion=self._digest)):
                    return True
            except RequestError as error:
                if error.failure is not Failure.FINAL:
                    raise
                if error.status not in CONFLICT_STATUSES:
                    log.warning(
                        "The mark of %s cannot be written; if this try is killed, the object stays: %s", part, error
                    )
                    return True
            now = kind.read(self.client, existing)
            if now is None:
                return False
            existing = now
        raise UnsettledError(
            f"{part} could not be marked, because other writers change it; the next attempt tries again"
        )
