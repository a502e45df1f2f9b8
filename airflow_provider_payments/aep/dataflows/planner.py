"""Makes plans: pure reading, of each list once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.dataflows.chain import Planning
from airflow_provider_payments.aep.dataflows.flows import DataflowSteps
from airflow_provider_payments.aep.dataflows.levels import ORDER
from airflow_provider_payments.aep.dataflows.placeholders import texts_of
from airflow_provider_payments.aep.dataflows.plan import Plan, Step, in_order
from airflow_provider_payments.aep.dataflows.project import PROJECT_FILE
from airflow_provider_payments.aep.dataflows.sandbox import Sandbox, name_of
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot, unknown_id
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.resources.base import OWNER
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.dataflows.loading import Located, Project

__all__ = ["make_plan", "plan_project"]

#: How many new dataflows a note names.
MAX_NAMED = 3


def plan_project(
    client: Client,
    project: Project,
    *,
    take_over: Collection[str] = (),
    progress: Callable[[str], None] = lambda name: None,
) -> Plan:
    """
    Return what is to be done so that the sandbox of a client holds what the definitions say.

    :param take_over: as :func:`make_plan` has it.
    :param progress: is called with the name of each list that is going to be read.
    :raises RequestError: if a list cannot be read.
    """
    return make_plan(
        project,
        Snapshot(client, progress=progress),
        organisation=client.org_id,
        sandbox=client.sandbox,
        marks=client.marks,
        take_over=take_over,
    )


def make_plan(
    project: Project,
    snapshot: Snapshot,
    *,
    organisation: str = "",
    sandbox: str = "",
    marks: bool = True,
    take_over: Collection[str] = (),
) -> Plan:
    """
    Return what is to be done so that the sandbox holds what the definitions say.

    :param snapshot: the sandbox; nothing here could change it.
    :param organisation: whose sandbox it is, for the plan's reader and digest.
    :param sandbox: its name.
    :param marks: whether the connection writes marks.
    :param take_over: owners, such as DAGs by their ids: what carries the mark of one of them, and the definitions use,
        becomes the project's.
    :raises InvalidInputError: if there is no project that could take something over, or the connection has no marks.
    :raises RequestError: if a list cannot be read.
    """
    planning = Planning(Sandbox(snapshot), project.name, marks, _former_owners(project, take_over, marks=marks))
    # Definitions that refer to what others describe come after them.
    for located in sorted(project.definitions, key=_refers):
        DataflowSteps(planning, located).plan()
    steps = _blocked(_shared(in_order(planning.steps, ORDER)))
    notes = [*planning.notes, *_orphans(project, planning), *_owners_of_nothing(planning), *_may_be_hidden(steps)]
    if not marks:
        notes.append("the connection writes no marks, so any object is changed as if it were this project's")
    return Plan(
        organisation=organisation,
        sandbox=sandbox,
        project=project.name,
        environment=project.environment,
        definitions=tuple(located.definition.name for located in project.definitions),
        steps=steps,
        notes=tuple(dict.fromkeys(notes)),
        drift=tuple(planning.drift),
        written=project,
        take_over=tuple(sorted(take_over)),
    )


def _former_owners(project: Project, take_over: Collection[str], *, marks: bool) -> frozenset[str]:
    """Return the owners to take over from, if that is possible."""
    if take_over and project.name is None:
        allowed = f"what is taken over needs an owner: a {PROJECT_FILE} with `version: 1` and `project: NAME`"
        raise InvalidInputError("take_over", sorted(take_over), allowed)
    if take_over and not marks:
        raise InvalidInputError("marks", False, "who owns an object is known by its mark; switch marks on to take over")
    return frozenset(take_over) - {project.name}


def _refers(located: Located) -> int:
    definition = located.definition
    return isinstance(definition.dataset, str) + isinstance(definition.schema, str)


def _shared(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return steps, each creation needed by all definitions that need what refers to it."""
    users = {unknown_id(step.kind, step.name): _affects(step) for step in steps if step.action == "create"}
    shared = []
    for step in reversed(steps):
        is_new = step.action == "create"
        own = users[unknown_id(step.kind, step.name)] if is_new else _affects(step)
        for text in texts_of(step.desired):
            if text in users:
                users[text] |= {user: users[text].get(user, False) or affected for user, affected in own.items()}
        shared.append(step.used_by(own) if is_new else step)
    return tuple(reversed(shared))


def _affects(step: Step) -> dict[str, bool]:
    """Return the definitions that need a step, each with whether it is affected."""
    return {user: user not in step.unaffected for user in step.users}


def _blocked(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return steps, those blocked that wait for a conflict and that no other definition needs."""
    stuck = {user for step in steps if step.action == "conflict" for user in step.users}
    to_do = ("create", "update", "adopt")
    return tuple(
        attrs.evolve(step, action="blocked") if step.action in to_do and stuck.issuperset(step.affected) else step
        for step in steps
    )


def _owners_of_nothing(planning: Planning) -> list[str]:
    """Name the owners from whom nothing is taken over: one may be misspelt."""
    found = {change.actual for step in planning.steps for change in step.changes if change.field == OWNER}
    return [
        f"nothing that the definitions use carries the mark of {owner!r}"
        for owner in sorted(planning.take_over)
        if owner not in found
    ]


def _may_be_hidden(steps: tuple[Step, ...]) -> list[str]:
    """Say of new dataflows what no list can tell: rows come twice where one is there, and hidden."""
    new = [repr(step.name) for step in steps if (step.kind, step.action) == (DATAFLOW.name, "create")]
    if not new:
        return []
    names = ", ".join(new[:MAX_NAMED]) + (f" and {len(new) - MAX_NAMED} more" if len(new) > MAX_NAMED else "")
    hidden = (
        f"no list shows {names}. If access labels hide a dataflow of such a name from this credential, or one that "
        "reads the same into the same dataset, rows would come twice"
    )
    return [hidden]


def _orphans(project: Project, planning: Planning) -> list[str]:
    """Name the dataflows that carry the project's mark and that no definition reaches."""
    if not project.is_whole or project.name is None:
        return []
    reached = {step.id for step in planning.steps}
    return [
        f"dataflow {name_of(each)!r} ({each.id}) is an orphan: marked by this project, reached by no definition"
        for each in planning.sandbox.dataflows
        if each.id not in reached and (mark := DATAFLOW.mark_of(each)) and mark.owner == project.name
    ]
