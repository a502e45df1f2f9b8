"""Planning: compare the definitions of a project with a sandbox. It only reads, and each list once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.dataflows.chain import Planning
from airflow_provider_payments.aep.dataflows.flows import DataflowSteps
from airflow_provider_payments.aep.dataflows.levels import CREATION_ORDER
from airflow_provider_payments.aep.dataflows.placeholders import texts_of
from airflow_provider_payments.aep.dataflows.plan import Plan, Step, sorted_by_kind
from airflow_provider_payments.aep.dataflows.project import PROJECT_FILE
from airflow_provider_payments.aep.dataflows.sandbox import Sandbox, name_of
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot, placeholder_id
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.resources.base import OWNER
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.dataflows.loading import Located, Project

__all__ = ["make_plan", "plan_project"]

#: Maximum number of new dataflows that a note names.
MAX_NAMES_IN_NOTE = 3


def plan_project(
    client: Client,
    project: Project,
    *,
    take_over: Collection[str] = (),
    progress: Callable[[str], None] = lambda name: None,
) -> Plan:
    """
    Return the plan of a project for the sandbox of a client.

    :param take_over: see :func:`make_plan`.
    :param progress: called with the name of each list before the list is read.
    :raises InvalidInputError: see :func:`make_plan`.
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
    Return the plan of a project for a sandbox.

    :param snapshot: the contents of the sandbox.
    :param organisation: the organisation of the sandbox, for the plan's reader and digest.
    :param sandbox: the sandbox's name, for the plan's reader and digest.
    :param marks: whether the connection writes marks. Defaults to ``True``.
    :param take_over: owners in marks, such as ids of DAGs. Of their objects, the project becomes the owner of those
        that its definitions use. Defaults to none.
    :raises InvalidInputError: with ``take_over``, if there is no project file or the connection writes no marks.
    :raises RequestError: if a list cannot be read.
    """
    planning = Planning(Sandbox(snapshot), project.name, marks, _former_owners(project, take_over, marks=marks))
    # A definition may refer to a schema or dataset that another one describes: the one that describes comes first.
    for located in sorted(project.definitions, key=_reference_count):
        DataflowSteps(planning, located).plan()
    steps = _with_blocked_steps(_with_shared_users(sorted_by_kind(planning.steps, CREATION_ORDER)))
    notes = [
        *planning.notes,
        *_orphans(project, planning),
        *_unused_former_owners(planning),
        *_hidden_dataflow_note(steps),
    ]
    if not marks:
        notes.append("the connection writes no marks, so any object may be changed as if it belonged to this project")
    return Plan(
        organisation=organisation,
        sandbox=sandbox,
        project=project.name,
        environment=project.environment,
        definitions=tuple(located.definition.name for located in project.definitions),
        steps=steps,
        notes=tuple(dict.fromkeys(notes)),
        drift=tuple(planning.drift),
        loaded_project=project,
        take_over=tuple(sorted(take_over)),
    )


def _former_owners(project: Project, take_over: Collection[str], *, marks: bool) -> frozenset[str]:
    """
    Return the owners from which objects are taken over.

    :raises InvalidInputError: if there are such owners, but no project file or no marks.
    """
    if take_over and project.name is None:
        allowed = f"taking over requires an owner: a {PROJECT_FILE} with `version: 1` and `project: NAME`"
        raise InvalidInputError("take_over", sorted(take_over), allowed)
    if take_over and not marks:
        raise InvalidInputError(
            "marks", False, "an object's owner is known only by its mark; switch marks on to take over"
        )
    return frozenset(take_over) - {project.name}


def _reference_count(located: Located) -> int:
    definition = located.definition
    return isinstance(definition.dataset, str) + isinstance(definition.schema, str)


def _with_shared_users(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return steps with complete users: an object to be created is needed by all users of objects that refer to it."""
    users = {placeholder_id(step.kind, step.name): _users_of(step) for step in steps if step.action == "create"}
    shared = []
    for step in reversed(steps):
        is_new = step.action == "create"
        step_users = users[placeholder_id(step.kind, step.name)] if is_new else _users_of(step)
        for text in texts_of(step.desired):
            if text in users:
                users[text] |= {user: users[text].get(user, False) or affected for user, affected in step_users.items()}
        shared.append(step.used_by(step_users) if is_new else step)
    return tuple(reversed(shared))


def _users_of(step: Step) -> dict[str, bool]:
    """Return the users of a step, each with whether it is affected."""
    return {user: user not in step.unaffected for user in step.users}


def _with_blocked_steps(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return steps with those blocked for which all affected definitions have a conflict."""
    in_conflict = {user for step in steps if step.action == "conflict" for user in step.users}
    to_do = ("create", "update", "adopt")
    return tuple(
        attrs.evolve(step, action="blocked") if step.action in to_do and in_conflict.issuperset(step.affected) else step
        for step in steps
    )


def _unused_former_owners(planning: Planning) -> list[str]:
    """Return a note for each former owner without an object to take over; its name may be misspelt."""
    found = {change.actual for step in planning.steps for change in step.changes if change.field == OWNER}
    return [
        f"no object that the definitions use carries the mark of {owner!r}"
        for owner in sorted(planning.take_over)
        if owner not in found
    ]


def _hidden_dataflow_note(steps: tuple[Step, ...]) -> list[str]:
    """Return a note that new dataflows may ingest rows twice if access labels hide an existing dataflow."""
    new = [repr(step.name) for step in steps if (step.kind, step.action) == (DATAFLOW.name, "create")]
    if not new:
        return []
    names = ", ".join(new[:MAX_NAMES_IN_NOTE]) + (
        f" and {len(new) - MAX_NAMES_IN_NOTE} more" if len(new) > MAX_NAMES_IN_NOTE else ""
    )
    hidden = (
        f"{names} will be created. If access labels hide a dataflow of such a name from this credential, or one that "
        "reads the same data into the same dataset, rows would be ingested twice"
    )
    return [hidden]


def _orphans(project: Project, planning: Planning) -> list[str]:
    """Return a note for each dataflow that carries the project's mark and that no definition reaches."""
    if not project.is_complete or project.name is None:
        return []
    reached = {step.id for step in planning.steps}
    return [
        f"dataflow {name_of(each)!r} ({each.id}) is an orphan: marked by this project, reached by no definition"
        for each in planning.sandbox.dataflows
        if each.id not in reached and (mark := DATAFLOW.mark_of(each)) and mark.owner == project.name
    ]
