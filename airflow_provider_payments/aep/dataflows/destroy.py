"""
Destroy: delete the dataflows of definitions, their connections, and on request their empty datasets.

The objects to delete are chosen from a snapshot, without a write: those that carry the project's mark and that no other
object uses. Each object is read and checked again before it is deleted, and an object is deleted after its users.
No state is kept: after a destroy was killed, the next destroy finds the remaining objects.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import attrs

from airflow_provider_payments.aep.dataflows.project import owner
from airflow_provider_payments.aep.dataflows.reach import Reach
from airflow_provider_payments.aep.dataflows.sandbox import Sandbox, name_of
from airflow_provider_payments.aep.errors import InvalidInputError, ReadOnlyError, UnreadableError
from airflow_provider_payments.aep.provisioning.removing import remove
from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_service import SOURCE_CONNECTION, TARGET_CONNECTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.dataflows.definition import Definition
    from airflow_provider_payments.aep.dataflows.loading import Project
    from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
    from airflow_provider_payments.aep.resources.marks import Mark
    from airflow_provider_payments.aep.services import Json

__all__ = ["DESTROY_FORMAT", "Destroy", "Removal", "execute_destroy", "plan_destroy"]

#: The only kinds that are deleted, in the order of deletion: an object comes after its users.
DELETABLE_KINDS: tuple[Kind, ...] = (DATAFLOW, TARGET_CONNECTION, SOURCE_CONNECTION, DATASET)
#: Version of the JSON form; increased when a member changes its meaning.
DESTROY_FORMAT = 1


@attrs.frozen(kw_only=True)
class Removal:
    """
    The planned action for one object, and later its outcome.

    :param users: names of the definitions that reach the object.
    :param reason: why the object is kept.
    :param outcome: ``deleted``, ``gone`` (it was deleted by another client before) or ``kept``; empty before the
        destroy is executed.
    """

    kind: Kind
    existing: RemoteObject
    action: Literal["delete", "keep"]
    users: tuple[str, ...] = ()
    reason: str = ""
    outcome: Literal["", "deleted", "gone", "kept"] = ""

    @property
    def name(self) -> str:
        """The object's name."""
        return name_of(self.existing, self.kind.name_key)

    def to_json(self) -> Json:
        """Return the removal as plain JSON."""
        return {
            "action": self.action,
            "kind": self.kind.name,
            "name": self.name,
            "id": self.existing.id,
            "definitions": list(self.users),
            "reason": self.reason,
            "outcome": self.outcome,
        }


@attrs.frozen(kw_only=True)
class Destroy:
    """
    The objects that a destroy deletes, in this order, and those that it keeps.

    :param organisation: the organisation of the sandbox.
    :param project: the owner that the marks of the objects to delete name.
    :param definitions: names of the definitions whose objects are deleted; empty if orphans are deleted.
    :param notes: information about the consequences.
    """

    organisation: str
    sandbox: str
    project: str
    environment: str | None
    definitions: tuple[str, ...]
    removals: tuple[Removal, ...]
    notes: tuple[str, ...] = ()

    @property
    def to_delete(self) -> tuple[Removal, ...]:
        """The removals of objects to delete."""
        return tuple(each for each in self.removals if each.action == "delete")

    @property
    def failed(self) -> tuple[Removal, ...]:
        """The removals of objects that were to be deleted and were kept."""
        return tuple(each for each in self.to_delete if each.outcome == "kept")

    @property
    def digest(self) -> str:
        """A hash that is equal for destroys that delete the same objects."""
        ids = sorted((each.kind.name, each.existing.id) for each in self.to_delete)
        content = json.dumps([self.organisation, self.sandbox, self.project, ids])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def expect(self, digest: str | None) -> None:
        """
        Check that this destroy is the approved one.

        :param digest: the digest of the approved destroy; ``None`` accepts any.
        :raises InvalidInputError: if the digests differ.
        """
        if digest is not None and digest != self.digest:
            allowed = f"the digest of the current list, {self.digest}; the objects to delete changed after the approval"
            raise InvalidInputError("expect", digest, allowed)

    def to_json(self) -> Json:
        """Return the destroy as plain JSON; ``format`` is the version of the form."""
        return {
            "format": DESTROY_FORMAT,
            "organisation": self.organisation,
            "sandbox": self.sandbox,
            "project": self.project,
            "environment": self.environment,
            "digest": self.digest,
            "definitions": list(self.definitions),
            "removals": [each.to_json() for each in self.removals],
            "notes": list(self.notes),
        }


def plan_destroy(
    project: Project,
    whole: Project,
    snapshot: Snapshot,
    *,
    datasets: bool = False,
    orphans: bool = False,
    organisation: str = "",
    sandbox: str = "",
    marks: bool = True,
) -> Destroy:
    """
    Choose the objects that a destroy deletes. No object is deleted here.

    :param project: the definitions whose objects are deleted.
    :param whole: all definitions of the project; objects that another definition uses are kept.
    :param snapshot: the contents of the sandbox.
    :param datasets: whether to delete datasets without a batch too. Defaults to ``False``.
    :param orphans: whether to delete the objects that carry the project's mark and that no definition reaches, instead
        of those that definitions reach. Defaults to ``False``.
    :param organisation: the organisation of the sandbox, for the reader and the digest.
    :param sandbox: the sandbox's name, for the reader and the digest.
    :param marks: whether the connection writes marks. Defaults to ``True``.
    :raises InvalidInputError: if there is no project file, if the connection switches marks off, or if orphans are
        requested and ``project`` does not hold all definitions.
    :raises RequestError: if a list cannot be read.
    """
    name = owner(project.name)
    if not marks:
        raise InvalidInputError(
            "marks", False, "a destroy recognises the project's objects by their marks; switch marks on"
        )
    if orphans and not project.is_complete:
        allowed = "finding orphans requires all definitions: give the project's whole folder, and no single definition"
        raise InvalidInputError("orphans", True, allowed)
    chosen = () if orphans else tuple(located.definition for located in project.definitions)
    names = {definition.name for definition in chosen}
    others = [each.definition for each in whole.definitions if each.definition.name not in names]
    decisions = _Decisions(name, Reach(Sandbox(snapshot)), others, datasets=datasets)
    removals = tuple(decisions.removals(decisions.orphans() if orphans else decisions.reached(chosen)))
    return Destroy(
        organisation=organisation,
        sandbox=sandbox,
        project=name,
        environment=project.environment,
        definitions=tuple(definition.name for definition in chosen),
        removals=removals,
        notes=tuple(_notes(removals)),
    )


def _notes(removals: tuple[Removal, ...]) -> Iterator[str]:
    """Yield a note for each kept dataset into which a later apply would ingest the same rows again."""
    deleted = {user for each in removals if each.kind is DATAFLOW and each.action == "delete" for user in each.users}
    for each in removals:
        again = sorted(deleted.intersection(each.users))
        if each.kind is DATASET and each.existing.item.get("lastBatchId") and again:
            names = ", ".join(map(repr, again))
            consequence = f"an apply of {names} ingests them again, unless `backfill: false` is written"
            yield f"dataset {each.name!r} keeps its rows: {consequence}"


Candidate = tuple["Kind", "RemoteObject", tuple[str, ...]]


class _Decisions:
    """
    Decides which objects are deleted, and why others are kept.

    :param owner: the project's name.
    :param others: the definitions whose objects are kept.
    :param datasets: whether datasets may be deleted.
    """

    def __init__(self, owner: str, reach: Reach, others: list[Definition], *, datasets: bool) -> None:
        self.owner, self.reach, self.others, self.datasets = owner, reach, others, datasets
        self.snapshot = reach.snapshot
        #: Ids of the objects to delete, among those decided so far.
        self.ids_to_delete: set[str] = set()

    @cached_property
    def _used_by(self) -> Mapping[str, str]:
        """Names of the other definitions, by the ids of the objects that they use."""
        return {
            existing.id: definition.name for definition in self.others for existing in self.reach.used_by(definition)
        }

    def reached(self, definitions: Iterable[Definition]) -> list[Candidate]:
        """Return the objects that definitions reach, each once with the names of these definitions."""
        found: dict[tuple[Kind, str], tuple[RemoteObject, list[str]]] = {}
        for definition in definitions:
            for kind, existing in self.reach.reached_by(definition):
                found.setdefault((kind, existing.id), (existing, []))[1].append(definition.name)
        return [(kind, existing, tuple(users)) for (kind, _), (existing, users) in found.items()]

    def orphans(self) -> list[Candidate]:
        """Return the objects that carry the project's mark and that no definition reaches."""
        return [
            (kind, existing, ())
            for kind in DELETABLE_KINDS
            for existing in kind.list_all(self.snapshot)
            if existing.id not in self._used_by and self._is_ours(kind, existing)
        ]

    def _is_ours(self, kind: Kind, existing: RemoteObject) -> bool:
        try:
            return is_owned_by(self.owner, kind.mark_of(existing))
        except UnreadableError:
            return False

    def removals(self, candidates: Iterable[Candidate]) -> Iterator[Removal]:
        """Yield the decision about each object, in the order of deletion. Kinds that are never deleted come last."""
        for kind, existing, users in sorted(candidates, key=_order):
            reason = self._reason_to_keep(kind, existing)
            if not reason:
                self.ids_to_delete.add(existing.id)
            action: Literal["delete", "keep"] = "keep" if reason else "delete"
            yield Removal(kind=kind, existing=existing, action=action, users=users, reason=reason)

    def _reason_to_keep(self, kind: Kind, existing: RemoteObject) -> str:
        if kind not in DELETABLE_KINDS:
            return f"a {kind} is never deleted: others may use it"
        try:
            if obstacle := self._ownership_conflict(kind.mark_of(existing)):
                return obstacle
            if user := self._used_by.get(existing.id):
                return f"definition {user!r} uses it"
            if kind is DATASET and not self.datasets:
                return "a dataset is deleted only with `--datasets`, and only without a batch"
            return kind.blocking_reference(self.snapshot, existing, self.ids_to_delete)
        except UnreadableError as error:
            return str(error)

    def _ownership_conflict(self, mark: Mark | None) -> str:
        if mark is None:
            return "it has no mark, so it may belong to another user"
        return "" if is_owned_by(self.owner, mark) else f"its mark names the owner {mark.owner!r}"


def is_owned_by(owner: str, mark: Mark | None) -> bool:
    """Return whether an object with this mark belongs to a project."""
    return mark is not None and mark.owner == owner


def _order(candidate: Candidate) -> tuple[int, str, str]:
    kind, existing, _ = candidate
    place = DELETABLE_KINDS.index(kind) if kind in DELETABLE_KINDS else len(DELETABLE_KINDS)
    return place, kind.name if place == len(DELETABLE_KINDS) else "", existing.id


def execute_destroy(
    client: Client, planned: Destroy, report: Callable[[Removal], None] = lambda removal: None
) -> Destroy:
    """
    Delete the chosen objects; return the destroy with the outcome of each object.

    A dataflow is disabled before it is deleted. An object that has another owner or a user by now is kept. After an
    error the objects deleted so far stay deleted, and another destroy continues.

    :param planned: the result of :func:`plan_destroy`.
    :param report: called with each removal as soon as its outcome is known.
    :raises ReadOnlyError: if the connection is read-only and there is an object to delete.
    :raises UnreadableError: if an object that may be a user cannot be understood.
    :raises RequestError: if a request fails after its retries.
    """
    if client.read_only and planned.to_delete:
        raise ReadOnlyError("DELETE", planned.to_delete[0].kind.path)
    return attrs.evolve(planned, removals=tuple(_executed(client, planned, report)))


def _executed(client: Client, planned: Destroy, report: Callable[[Removal], None]) -> Iterator[Removal]:
    for removal in planned.removals:
        if removal.action == "keep":
            yield attrs.evolve(removal, outcome="kept")
            continue
        with client.transport.within(client.operation_timeout):
            reason = remove(
                client, removal.kind, removal.existing, lambda mark: is_owned_by(planned.project, mark), disable=True
            )
        done = attrs.evolve(removal, reason=reason or "", outcome=_outcome(reason))
        report(done)
        yield done


def _outcome(reason: str | None) -> Literal["deleted", "gone", "kept"]:
    return "gone" if reason is None else "kept" if reason else "deleted"
