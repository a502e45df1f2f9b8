"""What planning a definition shares, whether its dataflow is there or not: steps, marks, how changes are judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments.aep.dataflows.plan import Step
from airflow_provider_payments.aep.dataflows.problems import did_you_mean
from airflow_provider_payments.aep.dataflows.snapshot import unknown_id
from airflow_provider_payments.aep.errors import Difference
from airflow_provider_payments.aep.resources.base import OWNER, Fixed, Resource
from airflow_provider_payments.aep.resources.reference import Reference, reference_to
from airflow_provider_payments.aep.resources.sources import SOURCES, Source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from airflow_provider_payments.aep.dataflows.definition import Definition
    from airflow_provider_payments.aep.dataflows.loading import Located
    from airflow_provider_payments.aep.dataflows.sandbox import Sandbox
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject

__all__ = ["Chain", "Known", "Planning", "StuckError"]


class StuckError(Exception):
    """Nothing more can be said of a definition: a step of it is a conflict on which the others stand."""


@dataclass(frozen=True)
class Known:
    """
    A part of a chain as far as it is known.

    :param id: of what is there, or what stands for the id of what will be.
    """

    id: str
    existing: RemoteObject | None = None


@dataclass
class Planning:
    """
    What the definitions of one plan share.

    :param owner: the project in marks; ``None`` where no project file says it.
    :param marks: whether the connection writes marks; without them nothing is anybody's.
    :param take_over: owners whose objects become the project's, as far as its definitions use them.
    :param datasets: datasets that are going to be created, by name, each with its schema: others may refer to them.
    :param schemas: schemas that are going to be created, by title.
    :param profiles: ids of the schemas that are going to be in Profile.
    :param fields: by field group, the fields that definitions want it to hold: what one adds, others keep.
    :param new_readers: what dataflows that are going to be created read and write to -> the first of them.
    """

    sandbox: Sandbox
    owner: str | None = None
    marks: bool = True
    take_over: frozenset[str] = frozenset()
    datasets: dict[str, tuple[Known, Known]] = field(default_factory=dict)
    schemas: dict[str, Known] = field(default_factory=dict)
    profiles: set[str] = field(default_factory=set)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    new_readers: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _steps: dict[tuple[str, str], Step] = field(default_factory=dict)
    _users: dict[tuple[str, str], dict[str, bool]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)

    def add(self, key: str, step: Step) -> None:
        """Add a step; one that another definition needs too is one step, and what is to be done of it counts."""
        place = step.kind, key
        users = self._users.setdefault(place, {})
        users |= {user: users.get(user, False) or not step.is_done for user in step.users}
        known = self._steps.get(place)
        is_less = step.changes_nothing or (known and known.action == "update" and _only_hands_over(step))
        if known is None or known.is_done or not is_less:
            self._steps[place] = step

    def updates(self, ids: Collection[str]) -> bool:
        """Whether one of these objects is going to be updated, as far as is known."""
        return any(step.action == "update" and step.id in ids for step in self._steps.values())

    @property
    def steps(self) -> list[Step]:
        """The steps so far, each with all definitions that need it."""
        return [step.used_by(self._users[place]) for place, step in self._steps.items()]


def _only_hands_over(step: Step) -> bool:
    return isinstance(step.desired, Reference)


class Chain:
    """The steps of one definition."""

    def __init__(self, planning: Planning, located: Located) -> None:
        self.planning, self.located = planning, located
        self.sandbox, self.snapshot = planning.sandbox, planning.sandbox.snapshot

    @property
    def definition(self) -> Definition:
        """What is planned."""
        return self.located.definition

    @property
    def vendor(self) -> Source:
        """Whose data it is."""
        return SOURCES[self.definition.source.vendor]

    # ---- steps -----------------------------------------------------------------------------------------------------

    def add(self, kind: Kind, name: str, action: Any, key: str, **what: Any) -> None:
        """Add a step of this definition."""
        place = self.located.place(*what.pop("at", ()))
        step = Step(kind=kind.name, name=name, action=action, users=(self.definition.name,), place=place, **what)
        self.planning.add(key, step)

    def create(self, kind: Kind, name: str, desired: Resource | None = None, reason: str = "", **what: Any) -> Known:
        """Add the creation of an object."""
        key = unknown_id(kind.name, name)
        self.add(kind, name, "create", key, desired=desired, reason=reason, **what)
        return Known(key)

    def conflict(
        self,
        kind: Kind,
        name: str,
        reason: str,
        changes: Iterable[Difference] = (),
        at: tuple[str, ...] = (),
        **what: Any,
    ) -> None:
        """Add a step that somebody must decide about, this definition's alone: others may want the object as it is."""
        key = f"{what.get('id') or unknown_id(kind.name, name)} of {self.definition.name}"
        self.add(kind, name, "conflict", key, reason=reason, changes=tuple(changes), at=at, **what)

    def keep(
        self, kind: Kind, name: str, existing: RemoteObject, *, used: bool, desired: Resource | None = None
    ) -> Known:
        """
        Add an object that is as it should be.

        :param used: whether the dataflow uses it already.
        """
        if self._former_owner(kind, existing):
            return self.judge(name, reference_to(kind)(), existing, used=used)
        action = "unchanged" if used or self.is_ours(kind, existing) else "adopt"
        self.add(kind, name, action, existing.id, id=existing.id, existing=existing, desired=desired)
        return Known(existing.id, existing)

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
    ) -> Known:
        """
        Add what becomes of an object that is there: nothing, a change, or a conflict.

        :param differences: in what it differs, where that was found out already.
        :param shown: the same in the definition's words.
        :param reason: what a reviewer should know of the change.
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
        if isinstance(verdict, Fixed):
            self.conflict(kind, name, verdict.advice, changes or verdict.differences, at, id=existing.id)
        elif obstacle := self._foreign(kind, existing):
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
        return Known(existing.id, existing)

    # ---- whose it is -----------------------------------------------------------------------------------------------

    def _former_owner(self, kind: Kind, existing: RemoteObject) -> str | None:
        """Return whom an object is taken over from, ``None`` where it is not."""
        mark = kind.mark_of(existing) if kind.carries_mark and self.planning.take_over else None
        return mark.owner if mark and mark.owner in self.planning.take_over else None

    def is_ours(self, kind: Kind, existing: RemoteObject) -> bool:
        """Whether an object carries this project's mark."""
        mark = kind.mark_of(existing) if kind.carries_mark else None
        return mark is not None and mark.owner == self.planning.owner

    def _foreign(self, kind: Kind, existing: RemoteObject) -> str:
        """Say why an object must not be changed; empty where it may be."""
        if self.planning.owner is None or not self.planning.marks or not kind.carries_mark:
            return ""
        mark = kind.mark_of(existing)
        if mark is None:
            if self.definition.manage_unmarked:
                return ""
            return "nobody marked it, so it may be somebody else's: write `manage_unmarked: true` to change it"
        if mark.owner == self.planning.owner or mark.owner in self.planning.take_over:
            return ""
        return f"it belongs to {mark.owner!r}, by its mark: change it there, or take it over"

    # ---- what there is ---------------------------------------------------------------------------------------------

    def default_name(self, part: str) -> str:
        """Return what a part is called that nobody named."""
        return f"{self.definition.name} - {part}"

    @staticmethod
    def similar(name: str, known: Iterable[str]) -> str:
        """Return the end of a sentence that names the most similar object there is."""
        return did_you_mean(name, [one for one in known if one])
