"""Makes plans: pure reading, of each list once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.dataflows.chain import Planning
from airflow_provider_payments.aep.dataflows.flows import DataflowSteps
from airflow_provider_payments.aep.dataflows.placeholders import texts_of
from airflow_provider_payments.aep.dataflows.plan import Plan, Step, in_order
from airflow_provider_payments.aep.dataflows.sandbox import Sandbox, name_of
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot, unknown_id
from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.data_prep import MAPPING_SET
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_service import BASE_CONNECTION, SOURCE_CONNECTION, TARGET_CONNECTION
from airflow_provider_payments.aep.resources.identity import IDENTITY
from airflow_provider_payments.aep.resources.profile import SchemaProfile
from airflow_provider_payments.aep.resources.schema_registry import FIELD_GROUP, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.dataflows.loading import Located, Project

__all__ = ["make_plan", "plan_project"]

#: Kinds in the order in which they are created.
ORDER = [
    kind.name
    for kind in (
        BASE_CONNECTION,
        FIELD_GROUP,
        SCHEMA,
        IDENTITY,
        SchemaProfile.kind,
        SOURCE_CONNECTION,
        DATASET,
        TARGET_CONNECTION,
        MAPPING_SET,
        DATAFLOW,
    )
]
HIDDEN = (
    "what access labels hide from this credential is in no list: an object that is hidden is planned as new, and a "
    "dataflow that is hidden is no second reader"
)


def plan_project(client: Client, project: Project, progress: Callable[[str], None] = lambda name: None) -> Plan:
    """
    Return what is to be done so that the sandbox of a client holds what the definitions say.

    :param progress: is called with the name of each list that is going to be read.
    :raises RequestError: if a list cannot be read.
    """
    snapshot = Snapshot(client, progress=progress)
    return make_plan(project, snapshot, organisation=client.org_id, sandbox=client.sandbox, marks=client.marks)


def make_plan(
    project: Project, snapshot: Snapshot, *, organisation: str = "", sandbox: str = "", marks: bool = True
) -> Plan:
    """
    Return what is to be done so that the sandbox holds what the definitions say.

    :param snapshot: the sandbox; nothing here could change it.
    :param organisation: whose sandbox it is, for the plan's reader and digest.
    :param sandbox: its name.
    :param marks: whether the connection writes marks.
    :raises RequestError: if a list cannot be read.
    """
    planning = Planning(Sandbox(snapshot), project.name, marks)
    # Definitions that refer to what others describe come after them.
    for located in sorted(project.definitions, key=_refers):
        DataflowSteps(planning, located).plan()
    steps = _blocked(_shared(in_order(planning.steps, ORDER)))
    notes = [*planning.notes, *_orphans(project, planning)]
    if any(step.action == "create" for step in steps):
        notes.append(HIDDEN)
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
    )


def _refers(located: Located) -> int:
    definition = located.definition
    return isinstance(definition.dataset, str) + isinstance(definition.schema, str)


def _shared(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return steps, each creation needed by all definitions that need what refers to it."""
    users = {unknown_id(step.kind, step.name): dict.fromkeys(step.users) for step in steps if step.action == "create"}
    shared = []
    for step in reversed(steps):
        is_new = step.action == "create"
        own = users[unknown_id(step.kind, step.name)] if is_new else dict.fromkeys(step.users)
        for text in texts_of(step.desired):
            if text in users:
                users[text].update(own)
        shared.append(attrs.evolve(step, users=tuple(own)) if is_new else step)
    return tuple(reversed(shared))


def _blocked(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return steps, those blocked that wait for a conflict and that no other definition needs."""
    stuck = {user for step in steps if step.action == "conflict" for user in step.users}
    to_do = ("create", "update", "adopt")
    return tuple(
        attrs.evolve(step, action="blocked") if step.action in to_do and stuck.issuperset(step.users) else step
        for step in steps
    )


def _orphans(project: Project, planning: Planning) -> list[str]:
    """Name the dataflows that carry the project's mark and that no definition reaches."""
    if not project.is_whole or project.name is None:
        return []
    reached = {step.id for step in planning.steps}
    return [
        f"dataflow {name_of(each)!r} ({each.id}) carries this project's mark, and no definition says it"
        for each in planning.sandbox.dataflows
        if each.id not in reached and (mark := DATAFLOW.mark_of(each)) and mark.owner == project.name
    ]
