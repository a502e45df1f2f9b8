"""A plan: the steps that make a sandbox match its definitions, and the conflicts that prevent steps."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Literal, NamedTuple

import attrs

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.readers import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_payments.aep.dataflows.loading import Project
    from airflow_provider_payments.aep.dataflows.problems import Place
    from airflow_provider_payments.aep.errors import Difference
    from airflow_provider_payments.aep.resources.base import Change, Resource
    from airflow_provider_payments.aep.resources.kind import RemoteObject
    from airflow_provider_payments.aep.resources.sources import Source
    from airflow_provider_payments.aep.services import Json

__all__ = ["ACTIONS", "PLAN_FORMAT", "Action", "Login", "Plan", "Step", "plain_value", "sorted_by_kind"]

Action = Literal["unchanged", "adopt", "create", "update", "conflict", "blocked"]
#: The actions of steps, each with its sign in a plan's text.
ACTIONS: dict[Action, str] = {
    "unchanged": " ",
    "adopt": "=",
    "create": "+",
    "update": "~",
    "conflict": "!",
    "blocked": ".",
}
#: Version of the JSON form; increased when a member changes its meaning.
PLAN_FORMAT = 1


class Login(NamedTuple):
    """
    The Airflow connection from which an apply reads the credential of a new base connection.

    :param conn_id: id of the Airflow connection.
    :param source: the vendor of the account.
    """

    conn_id: str
    source: Source


@attrs.frozen(kw_only=True)
class Step:
    """
    The planned action for one object.

    :param id: the object's id, if the object exists.
    :param users: names of the definitions that need the object.
    :param unaffected: the users for which the object needs no action; the action is for another user.
    :param changes: the differences between the definition and the object.
    :param reason: for a conflict its cause and how to resolve it; for other actions information for a reviewer.
    :param place: position of the deciding member in the definition's file.
    :param desired: the desired object; ``None`` if one of its values is known only during an apply.
    :param existing: the existing object.
    :param change: the change that turns the existing object into the desired one.
    :param login: names the credential of a base connection to create; ``None`` for other steps.
    :param ignored: ids of objects of the same name that do not belong to this definition.
    :param is_temporary: whether the conflict may resolve itself, because an object cannot be read or understood at
        present.
    :param is_duplicate: whether the object is a duplicate of the object that the definitions use.
    """

    kind: str
    name: str
    action: Action
    id: str | None = None
    users: tuple[str, ...] = ()
    unaffected: frozenset[str] = frozenset()
    changes: tuple[Difference, ...] = ()
    reason: str = ""
    place: Place | None = None
    desired: Resource | None = attrs.field(default=None, repr=False, eq=False)
    existing: RemoteObject | None = attrs.field(default=None, repr=False, eq=False)
    change: Change | None = attrs.field(default=None, repr=False, eq=False)
    login: Login | None = attrs.field(default=None, repr=False, eq=False)
    ignored: tuple[str, ...] = attrs.field(default=(), repr=False, eq=False)
    is_temporary: bool = attrs.field(default=False, repr=False)
    is_duplicate: bool = attrs.field(default=False, repr=False)

    def used_by(self, users: Mapping[str, bool]) -> Step:
        """
        Return a copy of the step with these users.

        :param users: names of the definitions that need the object, each with whether the definition is affected.
        """
        unaffected = frozenset(user for user, affected in users.items() if not affected)
        return attrs.evolve(self, users=tuple(users), unaffected=unaffected)

    @property
    def affected(self) -> tuple[str, ...]:
        """The definitions for which the object needs an action or is in conflict."""
        return tuple(user for user in self.users if user not in self.unaffected)

    @property
    def is_done(self) -> bool:
        """Whether neither an apply nor a user has to do anything for the object."""
        return self.action == "unchanged"

    @property
    def changes_nothing(self) -> bool:
        """Whether an apply uses the object without changing it."""
        return self.action in ("unchanged", "adopt")

    def to_json(self) -> Json:
        """Return the step as plain JSON, without a credential."""
        changes = [
            {"field": d.field, "desired": plain_value(d.desired), "actual": plain_value(d.actual)} for d in self.changes
        ]
        return {
            "action": self.action,
            "kind": self.kind,
            "name": self.name,
            "id": self.id,
            "definitions": list(self.users),
            "changes": changes,
            "reason": self.reason,
            "place": str(self.place) if self.place else None,
        }


@attrs.frozen(kw_only=True)
class Plan:
    """
    The steps of a project in one sandbox, in the order of their execution.

    :param organisation: the organisation of the sandbox.
    :param definitions: the names of all planned definitions.
    :param notes: information that requires no action.
    :param drift: definitions whose dataflow was disabled outside the project; an apply does not enable it.
    :param loaded_project: the project that was planned.
    :param take_over: the owners whose objects the project takes over.
    """

    organisation: str
    sandbox: str
    project: str | None
    environment: str | None
    definitions: tuple[str, ...]
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    loaded_project: Project = attrs.field(repr=False, eq=False)
    take_over: tuple[str, ...] = attrs.field(default=(), repr=False)

    @property
    def conflicts(self) -> tuple[Step, ...]:
        """The steps that need a decision by a user."""
        return tuple(step for step in self.steps if step.action == "conflict")

    @property
    def to_do(self) -> tuple[Step, ...]:
        """The steps that send requests during an apply."""
        return tuple(step for step in self.steps if step.action in ("create", "update"))

    @property
    def is_empty(self) -> bool:
        """Whether no step needs an action."""
        return all(step.is_done for step in self.steps)

    @property
    def changed(self) -> tuple[str, ...]:
        """The definitions that need an action or have a conflict."""
        names = {user for step in self.steps if not step.is_done for user in step.affected}
        return tuple(name for name in self.definitions if name in names)

    def count(self, action: Action) -> int:
        """Return the number of steps with an action."""
        return sum(step.action == action for step in self.steps)

    @property
    def digest(self) -> str:
        """A hash that is equal for plans with equal steps; file positions, reasons and notes do not count."""
        steps = [(step.kind, step.name, step.action, step.id, _sorted_changes(step.changes)) for step in self.steps]
        content = json.dumps([self.organisation, self.sandbox, self.project, sorted(steps, key=repr)])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def expect(self, digest: str | None) -> None:
        """
        Check that this plan is the approved one.

        :param digest: the digest of the approved plan; ``None`` accepts any plan.
        :raises InvalidInputError: if the digests differ.
        """
        if digest is not None and digest != self.digest:
            allowed = f"the digest of the current plan, {self.digest}; the plan has changed since its approval"
            raise InvalidInputError("expect", digest, allowed)

    def to_json(self) -> Json:
        """Return the plan as plain JSON; ``format`` is the version of the form."""
        return {
            "format": PLAN_FORMAT,
            "organisation": self.organisation,
            "sandbox": self.sandbox,
            "project": self.project,
            "environment": self.environment,
            "digest": self.digest,
            "summary": {action: self.count(action) for action in ACTIONS},
            "changed": list(self.changed),
            "drift": list(self.drift),
            "steps": [step.to_json() for step in self.steps],
            "notes": list(self.notes),
        }


def _sorted_changes(changes: Sequence[Difference]) -> list[tuple[str, str, str]]:
    return sorted((d.field, shown(plain_value(d.desired)), shown(plain_value(d.actual))) for d in changes)


def plain_value(value: object) -> object:
    """Return a value of a difference as plain JSON."""
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, (list, tuple)):
        return [plain_value(inner) for inner in value]
    if isinstance(value, dict):
        return {str(name): plain_value(inner) for name, inner in value.items()}
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def sorted_by_kind(steps: Iterable[Step], order: Sequence[str]) -> tuple[Step, ...]:
    """Return steps sorted by kind, so that an object comes before the objects that refer to it."""
    return tuple(sorted(steps, key=lambda step: order.index(step.kind)))
