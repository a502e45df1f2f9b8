"""
Destroy: the dataflows of definitions deleted, with their connections, and on request their empty datasets.

What goes is decided from a snapshot, without a write; only what carries the project's mark, and what nothing else uses.
Each object is then read again and checked once more before it is deleted, users first. It holds no state: after a kill,
another destroy finds what is left.
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

__all__ = ["DESTROY_FORMAT", "Destroy", "Removal", "carry_out", "what_goes"]

#: The kinds that are ever deleted, users first.
DELETED: tuple[Kind, ...] = (DATAFLOW, TARGET_CONNECTION, SOURCE_CONNECTION, DATASET)
#: Raised when a member of the JSON form changes its meaning.
DESTROY_FORMAT = 1


@attrs.frozen(kw_only=True)
class Removal:
    """
    What becomes of one object.

    :param users: the definitions that reach it.
    :param reason: why it stays.
    :param outcome: what became of it: ``deleted``, ``gone`` already, or ``kept``; empty before.
    """

    kind: Kind
    existing: RemoteObject
    action: Literal["delete", "keep"]
    users: tuple[str, ...] = ()
    reason: str = ""
    outcome: Literal["", "deleted", "gone", "kept"] = ""

    @property
    def name(self) -> str:
        """What the object is called."""
        return name_of(self.existing, self.kind.name_key)

    def to_json(self) -> Json:
        """Return it as plain JSON."""
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
    What a destroy deletes, in that order, and what it keeps.

    :param organisation: whose sandbox it is.
    :param project: the owner in the marks of what goes.
    :param definitions: those whose objects go; none where it is the orphans'.
    :param notes: what a reader should know of what follows.
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
        """What goes."""
        return tuple(each for each in self.removals if each.action == "delete")

    @property
    def failed(self) -> tuple[Removal, ...]:
        """What was to go, and stayed."""
        return tuple(each for each in self.to_delete if each.outcome == "kept")

    @property
    def digest(self) -> str:
        """What two that delete the same have in common."""
        ids = sorted((each.kind.name, each.existing.id) for each in self.to_delete)
        content = json.dumps([self.organisation, self.sandbox, self.project, ids])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def expect(self, digest: str | None) -> None:
        """
        See that it deletes what somebody has approved.

        :param digest: of what was approved; ``None``: anything is as good.
        :raises InvalidInputError: if it deletes something else.
        """
        if digest is not None and digest != self.digest:
            allowed = f"the digest of what would be deleted now, {self.digest}; that has changed since it was approved"
            raise InvalidInputError("expect", digest, allowed)

    def to_json(self) -> Json:
        """Return it as plain JSON; ``format`` tells its form."""
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


def what_goes(
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
    Return what a destroy deletes; nothing is deleted here.

    :param project: the definitions whose objects go.
    :param whole: all definitions of the project: what one of the others uses stays.
    :param snapshot: the sandbox.
    :param datasets: whether datasets go too, those without a batch.
    :param orphans: let what carries the project's mark and no definition reaches go, instead of what definitions reach.
    :param organisation: whose sandbox it is, for the reader and the digest.
    :param sandbox: its name.
    :param marks: whether the connection writes marks.
    :raises InvalidInputError: without a project file; where the connection switches marks off; or for orphans, if these
        are not all definitions of the project.
    :raises RequestError: if a list cannot be read.
    """
    name = owner(project.name)
    if not marks:
        raise InvalidInputError("marks", False, "a destroy finds what it may delete by the marks; switch them on")
    if orphans and not project.is_whole:
        allowed = "orphans are known only against all definitions: name the project's whole folder, and no definition"
        raise InvalidInputError("orphans", True, allowed)
    chosen = () if orphans else tuple(located.definition for located in project.definitions)
    names = {definition.name for definition in chosen}
    others = [each.definition for each in whole.definitions if each.definition.name not in names]
    deciding = _Deciding(name, Reach(Sandbox(snapshot)), others, datasets=datasets)
    removals = tuple(deciding.judged(deciding.orphans() if orphans else deciding.reached(chosen)))
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
    """Say where an apply after the destroy would bring rows in once more."""
    unread = {user for each in removals if each.kind is DATAFLOW and each.action == "delete" for user in each.users}
    for each in removals:
        again = sorted(unread.intersection(each.users))
        if each.kind is DATASET and each.existing.item.get("lastBatchId") and again:
            names = ", ".join(map(repr, again))
            apply = f"an apply of {names} brings them in once more, unless `backfill: false` is written"
            yield f"dataset {each.name!r} keeps its rows: {apply}"


Candidate = tuple["Kind", "RemoteObject", tuple[str, ...]]


class _Deciding:
    """
    What may be deleted, and why not.

    :param owner: the project.
    :param others: the definitions whose objects stay.
    :param datasets: whether datasets may go.
    """

    def __init__(self, owner: str, reach: Reach, others: list[Definition], *, datasets: bool) -> None:
        self.owner, self.reach, self.others, self.datasets = owner, reach, others, datasets
        self.snapshot = reach.snapshot
        #: Ids of what goes, as far as it is decided: users come first.
        self.going: set[str] = set()

    @cached_property
    def _used_by(self) -> Mapping[str, str]:
        """The other definitions by the ids of what they use."""
        return {
            existing.id: definition.name for definition in self.others for existing in self.reach.used_by(definition)
        }

    def reached(self, definitions: Iterable[Definition]) -> list[Candidate]:
        """Return what definitions reach, each object once, with those that reach it."""
        found: dict[tuple[Kind, str], tuple[RemoteObject, list[str]]] = {}
        for definition in definitions:
            for kind, existing in self.reach.of(definition):
                found.setdefault((kind, existing.id), (existing, []))[1].append(definition.name)
        return [(kind, existing, tuple(users)) for (kind, _), (existing, users) in found.items()]

    def orphans(self) -> list[Candidate]:
        """Return what carries the project's mark and no definition reaches."""
        return [
            (kind, existing, ())
            for kind in DELETED
            for existing in kind.list_all(self.snapshot)
            if existing.id not in self._used_by and self._is_ours(kind, existing)
        ]

    def _is_ours(self, kind: Kind, existing: RemoteObject) -> bool:
        try:
            return is_of(self.owner, kind.mark_of(existing))
        except UnreadableError:
            return False

    def judged(self, found: Iterable[Candidate]) -> Iterator[Removal]:
        """Yield what becomes of each, in the order of deletion; what stays comes last."""
        for kind, existing, users in sorted(found, key=_order):
            reason = self._why_it_stays(kind, existing)
            if not reason:
                self.going.add(existing.id)
            action: Literal["delete", "keep"] = "keep" if reason else "delete"
            yield Removal(kind=kind, existing=existing, action=action, users=users, reason=reason)

    def _why_it_stays(self, kind: Kind, existing: RemoteObject) -> str:
        if kind not in DELETED:
            return f"a {kind} is never deleted: others may use it"
        try:
            if obstacle := self._foreign(kind.mark_of(existing)):
                return obstacle
            if user := self._used_by.get(existing.id):
                return f"definition {user!r} uses it"
            if kind is DATASET and not self.datasets:
                return "a dataset is deleted only with `--datasets`, and only without a batch"
            return kind.blocking_reference(self.snapshot, existing, self.going)
        except UnreadableError as error:
            return str(error)

    def _foreign(self, mark: Mark | None) -> str:
        if mark is None:
            return "nobody marked it, so it may be somebody else's"
        return "" if is_of(self.owner, mark) else f"it belongs to {mark.owner!r}, by its mark"


def is_of(owner: str, mark: Mark | None) -> bool:
    """Whether an object with this mark is the project's."""
    return mark is not None and mark.owner == owner


def _order(candidate: Candidate) -> tuple[int, str, str]:
    kind, existing, _ = candidate
    place = DELETED.index(kind) if kind in DELETED else len(DELETED)
    return place, kind.name if place == len(DELETED) else "", existing.id


def carry_out(client: Client, planned: Destroy, report: Callable[[Removal], None] = lambda removal: None) -> Destroy:
    """
    Delete what goes, each object after a check of its own; return the same with what became of each.

    A dataflow is disabled before it is deleted. What has got another owner or a user meanwhile stays.

    :param report: called with each object as soon as its outcome is known.
    :raises ReadOnlyError: where the connection is read-only.
    :raises UnreadableError: if what may use something cannot be understood; what was deleted by then is gone, and a
        repeat goes on.
    :raises RequestError: if a request fails in the end, likewise.
    """
    if client.read_only and planned.to_delete:
        raise ReadOnlyError("DELETE", planned.to_delete[0].kind.path)
    return attrs.evolve(planned, removals=tuple(_carried_out(client, planned, report)))


def _carried_out(client: Client, planned: Destroy, report: Callable[[Removal], None]) -> Iterator[Removal]:
    for removal in planned.removals:
        if removal.action == "keep":
            yield attrs.evolve(removal, outcome="kept")
            continue
        with client.transport.within(client.operation_timeout):
            reason = remove(
                client, removal.kind, removal.existing, lambda mark: is_of(planned.project, mark), disable=True
            )
        done = attrs.evolve(removal, reason=reason or "", outcome=_outcome(reason))
        report(done)
        yield done


def _outcome(reason: str | None) -> Literal["deleted", "gone", "kept"]:
    return "gone" if reason is None else "kept" if reason else "deleted"
