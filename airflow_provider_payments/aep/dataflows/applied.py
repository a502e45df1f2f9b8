"""What came of an apply: of each object, and of each definition."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self

import attrs

from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.services import Json, with_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_payments.aep.dataflows.plan import Plan, Step
    from airflow_provider_payments.aep.errors import PlatformError

__all__ = ["APPLIED_FORMAT", "Applied", "AppliedDefinition", "Done", "Key", "key_of"]

Key = tuple[str, str, str | None]

#: Raised when a member of the JSON form changes its meaning.
APPLIED_FORMAT = 1


def key_of(step: Step) -> Key:
    """Return what tells a step from others, also in another plan; of several objects of a name each has its id."""
    return step.kind, step.name, step.id


@attrs.frozen
class Done:
    """
    What came of a step.

    :param what: ``found`` is what another writer made meanwhile.
    :param id: of the object, where it is there.
    :param error: why it failed.
    :param duplicates: ids of objects that mean the same and were left.
    :param users: the definitions that needed it.
    """

    what: Literal["created", "found", "updated", "failed"]
    id: str | None = None
    error: PlatformError | None = None
    duplicates: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class AppliedDefinition:
    """
    What came of a definition.

    :param ids: of the objects that it needs and that are there, by kind.
    :param runs_since: from when on a flow run of its dataflow is current, as ISO 8601 text.
    :param problems: why it is not as written: errors, conflicts, and what waits for these.
    :param retryable: whether another try may do without the user what is left.
    """

    name: str
    ids: Mapping[str, str]
    runs_since: str
    problems: tuple[str, ...] = ()
    retryable: bool = False

    @property
    def is_done(self) -> bool:
        """Whether the sandbox holds what it says."""
        return not self.problems

    @property
    def flow_id(self) -> str | None:
        """The id of its dataflow, where that is there."""
        return self.ids.get(DATAFLOW.name)

    def to_json(self) -> Json:
        """Return it as plain JSON."""
        own = {"flow_id": self.flow_id, "runs_since": self.runs_since}
        return with_values({"done": self.is_done, "ids": dict(self.ids), "problems": list(self.problems)} | own)


@attrs.frozen(kw_only=True)
class Applied:
    """
    What came of an apply.

    :param plan: the last plan that was made; it holds what was not applied.
    :param counts: how many objects were created, found, updated, and how many failed.
    :param duplicates: ids of objects that mean the same as one of these, and were left.
    """

    plan: Plan
    definitions: tuple[AppliedDefinition, ...]
    counts: Mapping[str, int]
    duplicates: tuple[str, ...] = ()

    @classmethod
    def of(cls, plan: Plan, done: Mapping[Key, Done], at: float) -> Self:
        """
        Return what came of a plan's steps.

        :param done: what came of those that were taken, in this plan or an earlier one.
        :param at: now, in epoch seconds of the platform's clock.
        """
        now = datetime.fromtimestamp(at, UTC)
        since = {
            each.definition.name: each.definition.schedule.desired.runs_since(now).isoformat()
            for each in plan.written.definitions
        }
        results = [(step, _outcome(step, done.get(key_of(step)))) for step in plan.steps]
        errors = [(key, each) for key, each in done.items() if each.error]
        duplicates = [one for each in done.values() for one in each.duplicates]
        duplicates += [step.id for step in plan.steps if step.is_duplicate and step.id]
        return cls(
            plan=plan,
            definitions=tuple(_definition(name, results, errors, since[name]) for name in plan.definitions),
            counts=Counter(each.what for each in done.values()),
            duplicates=tuple(dict.fromkeys(duplicates)),
        )

    @property
    def is_done(self) -> bool:
        """Whether the sandbox holds what all definitions say."""
        return all(each.is_done for each in self.definitions)

    @property
    def notes(self) -> tuple[str, ...]:
        """What nobody has to do anything about, and a reader should know; the plan has notes of its own."""
        return (f"duplicates were left: {', '.join(self.duplicates)}",) if self.duplicates else ()

    @property
    def retryable(self) -> bool:
        """Whether another try may do what is left of every definition that is not done."""
        return all(each.retryable for each in self.definitions if not each.is_done)

    def to_json(self) -> Json:
        """Return it as plain JSON; ``format`` tells its form."""
        return {
            "format": APPLIED_FORMAT,
            "sandbox": self.plan.sandbox,
            "project": self.plan.project,
            "digest": self.plan.digest,
            "done": self.is_done,
            "summary": dict(self.counts),
            "definitions": {each.name: each.to_json() for each in self.definitions},
            "duplicates": list(self.duplicates),
            "notes": [*self.plan.notes, *self.notes],
        }


def _outcome(step: Step, done: Done | None) -> Done | None:
    """Return what came of a step of the last plan: what an earlier one did to the object may be out of date."""
    if step.action in ("conflict", "blocked"):
        return None
    is_there = step.action in ("unchanged", "adopt")
    return None if is_there and done and done.error else done


def _definition(
    name: str, results: Sequence[tuple[Step, Done | None]], errors: Sequence[tuple[Key, Done]], runs_since: str
) -> AppliedDefinition:
    own = [(step, done) for step, done in results if name in step.users]
    ids = {step.kind.replace(" ", "_"): found for step, done in own if (found := (done and done.id) or step.id)}
    failed = {key_of(step): done.error for step, done in own if done and done.error}
    undone = [step for step, done in own if done is None and step.action not in ("unchanged", "adopt")]
    if undone and not failed:
        # What it waited for may be there by now.
        failed = {key: done.error for key, done in errors if name in done.users and done.error}
    conflicts = [step for step in undone if step.action == "conflict"]
    problems = [f"{kind} {of!r}: {error}" for (kind, of, _), error in failed.items()]
    problems += [f"{step.kind} {step.name!r}: {step.reason}" for step in conflicts]
    if waiting := [f"{step.kind} {step.name!r}" for step in undone if step.action != "conflict"]:
        problems.append(f"not done, for it waits for that: {', '.join(waiting)}")
    may_pass = [error.retryable for error in failed.values()] + [step.passes for step in conflicts]
    return AppliedDefinition(
        name=name,
        ids=ids,
        runs_since=runs_since,
        problems=tuple(problems),
        retryable=bool(may_pass) and all(may_pass),
    )
