"""A plan: what is to be done so that a sandbox holds what definitions say, and what stands in the way."""

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

__all__ = ["ACTIONS", "PLAN_FORMAT", "Action", "Login", "Plan", "Step", "in_order", "plain_value"]

Action = Literal["unchanged", "adopt", "create", "update", "conflict", "blocked"]
#: What each action means, by its sign in a plan's text.
ACTIONS: dict[Action, str] = {
    "unchanged": " ",
    "adopt": "=",
    "create": "+",
    "update": "~",
    "conflict": "!",
    "blocked": ".",
}
#: Raised when a member of the JSON form changes its meaning.
PLAN_FORMAT = 1


class Login(NamedTuple):
    """
    What a new base connection logs in with.

    :param conn_id: the Airflow connection that holds the vendor's credential.
    :param source: whose account it is.
    """

    conn_id: str
    source: Source


@attrs.frozen(kw_only=True)
class Step:
    """
    What becomes of one object.

    :param id: where it is there.
    :param users: the definitions that need it.
    :param unaffected: those of them for which it is as it should be: another one changes or adopts it.
    :param changes: where it is not as it was written.
    :param reason: why it is a conflict, and the ways out; or what a reviewer should know.
    :param place: where the definition wrote what decides.
    :param desired: what it should be; ``None`` where a value needs what only an apply knows.
    :param existing: what is there.
    :param change: what makes the one of the other.
    :param login: what a new base connection logs in with.
    :param ignored: ids of objects of the same name that are none of this definition's.
    :param passes: whether a conflict may pass by itself: something cannot be read, or understood, for now.
    :param is_duplicate: whether it does the same as another object, which counts.
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
    passes: bool = attrs.field(default=False, repr=False)
    is_duplicate: bool = attrs.field(default=False, repr=False)

    def used_by(self, users: Mapping[str, bool]) -> Step:
        """
        Return it with all its users.

        :param users: the definitions that need it, each with whether it is affected.
        """
        unaffected = frozenset(user for user, affected in users.items() if not affected)
        return attrs.evolve(self, users=tuple(users), unaffected=unaffected)

    @property
    def affected(self) -> tuple[str, ...]:
        """The definitions for which something is to be done of it, or stands in the way."""
        return tuple(user for user in self.users if user not in self.unaffected)

    @property
    def is_done(self) -> bool:
        """Whether nothing is to be done, now or by somebody."""
        return self.action == "unchanged"

    @property
    def changes_nothing(self) -> bool:
        """Whether the object is used as it is."""
        return self.action in ("unchanged", "adopt")

    def to_json(self) -> Json:
        """Return it as plain JSON, no credential in it."""
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
    Steps in the order in which they are to be taken.

    :param organisation: whose sandbox it is.
    :param definitions: the names of all definitions that were planned.
    :param notes: what nobody has to do anything about, and a reader should know.
    :param drift: definitions that are not as written though an apply would change nothing: disabled behind their back.
    :param written: the definitions.
    :param take_over: the owners whose objects become the project's.
    """

    organisation: str
    sandbox: str
    project: str | None
    environment: str | None
    definitions: tuple[str, ...]
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    written: Project = attrs.field(repr=False, eq=False)
    take_over: tuple[str, ...] = attrs.field(default=(), repr=False)

    @property
    def conflicts(self) -> tuple[Step, ...]:
        """The steps that somebody must decide about."""
        return tuple(step for step in self.steps if step.action == "conflict")

    @property
    def to_do(self) -> tuple[Step, ...]:
        """The steps that an apply takes."""
        return tuple(step for step in self.steps if step.action in ("create", "update"))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done."""
        return all(step.is_done for step in self.steps)

    @property
    def changed(self) -> tuple[str, ...]:
        """The definitions for which something is to be done, or stands in the way."""
        names = {user for step in self.steps if not step.is_done for user in step.affected}
        return tuple(name for name in self.definitions if name in names)

    def count(self, action: Action) -> int:
        """Return how many steps there are of an action."""
        return sum(step.action == action for step in self.steps)

    @property
    def digest(self) -> str:
        """What two plans that do the same have in common: of where files lie and of texts nothing is in it."""
        steps = [(step.kind, step.name, step.action, step.id, _sorted_changes(step.changes)) for step in self.steps]
        content = json.dumps([self.organisation, self.sandbox, self.project, sorted(steps, key=repr)])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def expect(self, digest: str | None) -> None:
        """
        See that it is the plan that somebody has approved.

        :param digest: of that one; ``None``: any plan is as good.
        :raises InvalidInputError: if it is another one.
        """
        if digest is not None and digest != self.digest:
            allowed = f"the digest of the plan as it is now, {self.digest}; it has changed since that one was approved"
            raise InvalidInputError("expect", digest, allowed)

    def to_json(self) -> Json:
        """Return it as plain JSON; ``format`` tells its form."""
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
    """Return a compared value as plain JSON."""
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, (list, tuple)):
        return [plain_value(inner) for inner in value]
    if isinstance(value, dict):
        return {str(name): plain_value(inner) for name, inner in value.items()}
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def in_order(steps: Iterable[Step], order: Sequence[str]) -> tuple[Step, ...]:
    """Return steps by their kinds: what others refer to comes first."""
    return tuple(sorted(steps, key=lambda step: order.index(step.kind)))
