"""The result of an apply: for each object and for each definition."""

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

__all__ = ["APPLIED_FORMAT", "Applied", "AppliedDefinition", "StepKey", "StepResult", "step_key"]

#: Identifies a step across plans: kind, name and id of its object.
StepKey = tuple[str, str, str | None]

#: Version of the JSON form; increased when a member changes its meaning.
APPLIED_FORMAT = 1


def step_key(step: Step) -> StepKey:
    """Return the key of a step. The same step has the same key in the next plan."""
    return step.kind, step.name, step.id


@attrs.frozen
class StepResult:
    """
    The result of one step of a plan.

    :param outcome: what happened to the object; ``found`` means that another writer created it in the meantime.
    :param id: the object's id, if the object exists.
    :param error: why the step failed.
    :param duplicates: ids of the object's duplicates, which were not deleted.
    :param users: names of the definitions that need the object.
    """

    outcome: Literal["created", "found", "updated", "failed"]
    id: str | None = None
    error: PlatformError | None = None
    duplicates: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class AppliedDefinition:
    """
    The result of an apply for one definition.

    :param ids: ids of the existing objects that the definition needs, by kind.
    :param runs_since: ISO 8601 time; a flow run of the dataflow that begins at or after this time is current.
    :param problems: why the sandbox differs from the definition: errors, conflicts, and the steps that wait for these.
    :param retryable: whether a retry may complete the definition without any action by the user.
    """

    name: str
    ids: Mapping[str, str]
    runs_since: str
    problems: tuple[str, ...] = ()
    retryable: bool = False

    @property
    def is_done(self) -> bool:
        """Whether the sandbox matches the definition."""
        return not self.problems

    @property
    def flow_id(self) -> str | None:
        """The dataflow's id; ``None`` if the dataflow does not exist."""
        return self.ids.get(DATAFLOW.name)

    def to_json(self) -> Json:
        """Return the result as plain JSON."""
        dataflow = {"flow_id": self.flow_id, "runs_since": self.runs_since}
        return with_values({"done": self.is_done, "ids": dict(self.ids), "problems": list(self.problems)} | dataflow)


@attrs.frozen(kw_only=True)
class Applied:
    """
    The result of an apply.

    :param plan: the last plan, with the steps that were not applied.
    :param counts: how many objects were created, found or updated, and how many steps failed.
    :param duplicates: ids of duplicates of these objects, which were not deleted.
    """

    plan: Plan
    definitions: tuple[AppliedDefinition, ...]
    counts: Mapping[str, int]
    duplicates: tuple[str, ...] = ()

    @classmethod
    def of(cls, plan: Plan, results: Mapping[StepKey, StepResult], at: float) -> Self:
        """
        Build the result of an apply from the results of its steps.

        :param plan: the last plan.
        :param results: the results of the executed steps, of this plan and of earlier ones.
        :param at: the current time, in epoch seconds of the platform's clock.
        """
        now = datetime.fromtimestamp(at, UTC)
        since = {
            each.definition.name: each.definition.schedule.desired.runs_since(now).isoformat()
            for each in plan.loaded_project.definitions
        }
        current = [(step, _current_result(step, results.get(step_key(step)))) for step in plan.steps]
        errors = [(key, each) for key, each in results.items() if each.error]
        duplicates = [duplicate for each in results.values() for duplicate in each.duplicates]
        duplicates += [step.id for step in plan.steps if step.is_duplicate and step.id]
        return cls(
            plan=plan,
            definitions=tuple(_definition(name, current, errors, since[name]) for name in plan.definitions),
            counts=Counter(each.outcome for each in results.values()),
            duplicates=tuple(dict.fromkeys(duplicates)),
        )

    @property
    def is_done(self) -> bool:
        """Whether the sandbox matches all definitions."""
        return all(each.is_done for each in self.definitions)

    @property
    def notes(self) -> tuple[str, ...]:
        """Information that requires no action, in addition to the notes of the plan."""
        return (f"duplicates were left: {', '.join(self.duplicates)}",) if self.duplicates else ()

    @property
    def retryable(self) -> bool:
        """Whether a retry may complete every definition that is not done."""
        return all(each.retryable for each in self.definitions if not each.is_done)

    def to_json(self) -> Json:
        """Return the result as plain JSON; ``format`` is the version of the form."""
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


def _current_result(step: Step, done: StepResult | None) -> StepResult | None:
    """
    Return the result of a step, or ``None`` if the last plan contradicts it.

    The last plan is newer: it may find a conflict in an object that an earlier plan changed, or find an object that an
    earlier plan failed to create.
    """
    if step.action in ("conflict", "blocked"):
        return None
    exists = step.action in ("unchanged", "adopt")
    return None if exists and done and done.error else done


def _definition(
    name: str,
    results: Sequence[tuple[Step, StepResult | None]],
    errors: Sequence[tuple[StepKey, StepResult]],
    runs_since: str,
) -> AppliedDefinition:
    own = [(step, done) for step, done in results if name in step.users]
    ids = {step.kind.replace(" ", "_"): found for step, done in own if (found := (done and done.id) or step.id)}
    failed = {step_key(step): done.error for step, done in own if done and done.error}
    undone = [step for step, done in own if done is None and step.action not in ("unchanged", "adopt")]
    if undone and not failed:
        # The step that these steps waited for failed under an earlier plan, and its object may exist by now.
        failed = {key: done.error for key, done in errors if name in done.users and done.error}
    conflicts = [step for step in undone if step.action == "conflict"]
    problems = [f"{kind} {of!r}: {error}" for (kind, of, _), error in failed.items()]
    problems += [f"{step.kind} {step.name!r}: {step.reason}" for step in conflicts]
    if waiting := [f"{step.kind} {step.name!r}" for step in undone if step.action != "conflict"]:
        problems.append(f"not done, because they wait for the above: {', '.join(waiting)}")
    retryable = [error.retryable for error in failed.values()] + [step.is_temporary for step in conflicts]
    return AppliedDefinition(
        name=name,
        ids=ids,
        runs_since=runs_since,
        problems=tuple(problems),
        retryable=bool(retryable) and all(retryable),
    )
