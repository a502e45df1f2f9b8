"""Plans against the emulator, and their steps taken one by one, as an apply will."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import attrs

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.loading import load_project
from airflow_provider_payments.aep.dataflows.plan import Plan, Step
from airflow_provider_payments.aep.dataflows.planner import make_plan
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot, unknown_id
from airflow_provider_payments.aep.provisioning.ensure import ensure
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.resources.marks import Writer
from tests.aep.dataflows.files import write_files


def plan_of(client: Client, folder: Path, *, take_over: Collection[str] = (), **how: Any) -> Plan:
    """Plan the definitions of a folder."""
    project, snapshot = load_project(folder, **how), Snapshot(client)
    return make_plan(project, snapshot, sandbox=client.sandbox, marks=client.marks, take_over=take_over)


def plan_text(client: Client, folder: Path, *texts: str, **how: Any) -> Plan:
    """Plan the definitions of these texts."""
    return plan_of(client, write_files(folder, **{f"f{at}": text for at, text in enumerate(texts)}), **how)


def actions(plan: Plan) -> dict[str, str]:
    """Return the action of each kind; of several the first that is to be done."""
    found: dict[str, str] = {}
    for step in plan.steps:
        if found.get(step.kind, "unchanged") == "unchanged":
            found[step.kind] = step.action
    return found


def not_done(plan: Plan) -> dict[str, str]:
    """Return the action of each kind for which something is to be done."""
    return {kind: action for kind, action in actions(plan).items() if action != "unchanged"}


def the_step(plan: Plan, action: str) -> Step:
    """Return the one step of an action."""
    (step,) = (step for step in plan.steps if step.action == action)
    return step


def apply(client: Client, plan: Plan, owner: str = "manual") -> None:
    """Take the steps of a plan without conflicts."""
    assert not plan.conflicts, [str(step) for step in plan.conflicts]
    made: dict[str, str] = {}
    for step in plan.steps:
        if step.action == "create":
            assert step.desired is not None
            done = ensure(client, _known(step.desired, made), writer=Writer(owner))
            made[unknown_id(step.kind, step.name)] = done.existing.id
        elif step.action == "update":
            assert step.desired is not None
            assert step.existing is not None
            assert step.change is not None
            change = attrs.evolve(step.change, operations=tuple(_filled(each, made) for each in step.change.operations))
            step.desired.send(client, step.existing, change)


def _known(desired: Resource, made: dict[str, str]) -> Resource:
    fields = {name: getattr(desired, name) for name in (field.name for field in attrs.fields(type(desired)))}
    return attrs.evolve(
        desired, **{n: _filled(v, made) for n, v in fields.items() if isinstance(v, (str, tuple)) and n != "mappings"}
    )


def _filled(value: Any, made: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, made) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_filled(inner, made) for inner in value)
    return made.get(value, value) if isinstance(value, str) else value
