"""The base of planning a definition: adding steps, judging changes, and checking owners."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments.aep.dataflows.plan import Step
from airflow_provider_payments.aep.dataflows.problems import did_you_mean
from airflow_provider_payments.aep.dataflows.snapshot import placeholder_id
from airflow_provider_payments.aep.errors import Difference
from airflow_provider_payments.aep.resources.base import OWNER, Resource, Unchangeable
from airflow_provider_payments.aep.resources.reference import Reference, reference_to
from airflow_provider_payments.aep.resources.sources import SOURCES, Source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from airflow_provider_payments.aep.dataflows.definition import Definition
    from airflow_provider_payments.aep.dataflows.loading import Located
    from airflow_provider_payments.aep.dataflows.sandbox import Sandbox
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject

__all__ = ["ChainSteps", "PlannedObject", "Planning", "PlanningStoppedError"]


class PlanningStoppedError(Exception):
    """Planning of a definition cannot continue, because the remaining steps depend on a conflict."""


@dataclass(frozen=True)
class PlannedObject:
    """
    An object of a chain during planning.

    :param id: the object's id; of an object that is to be created, a placeholder.
    :param existing: the existing object; ``None`` if the object is to be created.
    """

    id: str
    existing: RemoteObject | None = None


@dataclass
class Planning:
    """
    The state that the definitions of one plan share.

    :param owner: the project that marks name as the owner; ``None`` without a project file.
    :param marks: whether the connection writes marks; without marks no object has an owner.
    :param take_over: owners whose objects the project takes over, if its definitions use them.
    :param datasets: datasets to be created, by name, each with its schema; other definitions may refer to them.
    :param schemas: schemas to be created, by title.
    :param profiles: ids of the schemas that will be enabled for Profile.
    :param fields: by field group, the desired fields of all definitions planned so far.
    :param new_readers: names of dataflows to be created, by what they read and write to: base connection, table or
        resource, and dataset. Of several dataflows the first.
    """

    sandbox: Sandbox
    owner: str | None = None
    marks: bool = True
    take_over: frozenset[str] = frozenset()
    datasets: dict[str, tuple[PlannedObject, PlannedObject]] = field(default_factory=dict)
    schemas: dict[str, PlannedObject] = field(default_factory=dict)
    profiles: set[str] = field(default_factory=set)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    new_readers: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _steps: dict[tuple[str, str], Step] = field(default_factory=dict)
    _users: dict[tuple[str, str], dict[str, bool]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)

    def add(self, key: str, step: Step) -> None:
        """
        Add a step. Several definitions share one step for an object; an action outweighs no action.

        :param key: identifies the object within its kind.
        """
        place = step.kind, key
        users = self._users.setdefault(place, {})
        users |= {user: users.get(user, False) or not step.is_done for user in step.users}
        known = self._steps.get(place)
        is_less = step.changes_nothing or (known and known.action == "update" and _changes_owner_only(step))
        if known is None or known.is_done or not is_less:
            self._steps[place] = step

    def has_update_of(self, ids: Collection[str]) -> bool:
        """Return whether the steps so far update one of these objects."""
        return any(step.action == "update" and step.id in ids for step in self._steps.values())

    @property
    def steps(self) -> list[Step]:
        """The steps so far, each with all its users."""
        return [step.used_by(self._users[place]) for place, step in self._steps.items()]


def _changes_owner_only(step: Step) -> bool:
    return isinstance(step.desired, Reference)


class ChainSteps:
    """The steps of one definition."""

    def __init__(self, planning: Planning, located: Located) -> None:
        self.planning, self.located = planning, located
        self.sandbox, self.snapshot = planning.sandbox, planning.sandbox.snapshot

    @property
    def definition(self) -> Definition:
        """The definition that is planned."""
        return self.located.definition

    @property
    def vendor(self) -> Source:
        """The vendor of the data."""
        return SOURCES[self.definition.source.vendor]

    # ---- steps -----------------------------------------------------------------------------------------------------

    def add(self, kind: Kind, name: str, action: Any, key: str, at: tuple[str, ...] = (), **step_fields: Any) -> None:
        """
        Add a step of this definition.

        :param key: identifies the object within its kind.
        :param at: path of the member that decides the action. Defaults to the definition's name.
        """
        place = self.located.place(*at)
        users = (self.definition.name,)
        step = Step(kind=kind.name, name=name, action=action, users=users, place=place, **step_fields)
        self.planning.add(key, step)

    def create(
        self, kind: Kind, name: str, desired: Resource | None = None, reason: str = "", **step_fields: Any
    ) -> PlannedObject:
        """Add the creation of an object."""
        key = placeholder_id(kind.name, name)
        self.add(kind, name, "create", key, desired=desired, reason=reason, **step_fields)
        return PlannedObject(key)

    def conflict(
        self,
        kind: Kind,
        name: str,
        reason: str,
        changes: Iterable[Difference] = (),
        at: tuple[str, ...] = (),
        **step_fields: Any,
    ) -> None:
        """Add a conflict. The step belongs to this definition alone: other definitions may accept the object."""
        key = f"{step_fields.get('id') or placeholder_id(kind.name, name)} of {self.definition.name}"
        self.add(kind, name, "conflict", key, reason=reason, changes=tuple(changes), at=at, **step_fields)

    def keep(
        self, kind: Kind, name: str, existing: RemoteObject, *, used: bool, desired: Resource | None = None
    ) -> PlannedObject:
        """
        Add an existing object that needs no change, except possibly of its owner.

        :param used: whether the dataflow uses the object already.
        """
        if self._former_owner(kind, existing):
            return self.judge(name, reference_to(kind)(), existing, used=used)
        action = "unchanged" if used or self.is_ours(kind, existing) else "adopt"
        self.add(kind, name, action, existing.id, id=existing.id, existing=existing, desired=desired)
        return PlannedObject(existing.id, existing)

    def judge(
        self,
        name: str,
        desired: Resource,
        existing: RemoteObject,
        *,
        used: bool,
        at: tuple[str, ...] = (),
        differences: Sequence[Difference] | None = None,
        shown: Sequence[Difference] | None = None,
        reason: str = "",
    ) -> PlannedObject:
        """
        Add the step of an existing object: no action, an update, or a conflict.

        :param used: whether the dataflow uses the object already.
        :param at: path of the member that decides the action.
        :param differences: the differences, if known; by default they are computed here.
        :param shown: the differences to show in the plan. Defaults to ``differences``.
        :param reason: information about the change for a reviewer.
        """
        kind = desired.kind
        found = list(desired.differences(self.snapshot, existing) if differences is None else differences)
        changes = list(found if shown is None else shown)
        if former := self._former_owner(kind, existing):
            desired = attrs.evolve(desired, owner=self.planning.owner)
            owner = Difference(OWNER, self.planning.owner, former)
            found, changes = [*found, owner], [*changes, owner]
        if not found:
            return self.keep(kind, name, existing, used=used, desired=desired)
        latest = desired.latest(self.snapshot, existing)
        verdict = desired.judge(latest, found, self.snapshot.now())
        if isinstance(verdict, Unchangeable):
            self.conflict(kind, name, verdict.advice, changes or verdict.differences, at, id=existing.id)
        elif obstacle := self._ownership_conflict(kind, existing):
            self.conflict(kind, name, obstacle, changes, at, id=existing.id)
        else:
            self.add(
                kind,
                name,
                "update",
                existing.id,
                id=existing.id,
                changes=tuple(changes),
                reason=reason,
                at=at,
                desired=desired,
                existing=latest,
                change=verdict,
            )
        return PlannedObject(existing.id, existing)

    # ---- owners ----------------------------------------------------------------------------------------------------

    def _former_owner(self, kind: Kind, existing: RemoteObject) -> str | None:
        """Return the owner from which the object is taken over; ``None`` if it is not taken over."""
        mark = kind.mark_of(existing) if kind.carries_mark and self.planning.take_over else None
        return mark.owner if mark and mark.owner in self.planning.take_over else None

    def is_ours(self, kind: Kind, existing: RemoteObject) -> bool:
        """Return whether an object carries this project's mark."""
        mark = kind.mark_of(existing) if kind.carries_mark else None
        return mark is not None and mark.owner == self.planning.owner

    def _ownership_conflict(self, kind: Kind, existing: RemoteObject) -> str:
        """Return why the project must not change an object; empty if it may."""
        if self.planning.owner is None or not self.planning.marks or not kind.carries_mark:
            return ""
        mark = kind.mark_of(existing)
        if mark is None:
            if self.definition.manage_unmarked:
                return ""
            return "it has no mark, so it may belong to another user: write `manage_unmarked: true` to change it"
        if mark.owner == self.planning.owner or mark.owner in self.planning.take_over:
            return ""
        return f"its mark names the owner {mark.owner!r}: change it there, or take it over"

    # ---- names -----------------------------------------------------------------------------------------------------

    def default_name(self, part: str) -> str:
        """Return the name of a part for which the definition gives no name."""
        return f"{self.definition.name} - {part}"

    @staticmethod
    def suggestion(name: str, known: Iterable[str]) -> str:
        """Return the end of a sentence that proposes the most similar known name."""
        return did_you_mean(name, filter(None, known))
