"""Helpers that plan and apply definitions against the emulator."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import attrs

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.applied import Applied
from airflow_provider_payments.aep.dataflows.apply import apply_plan
from airflow_provider_payments.aep.dataflows.loading import load_project
from airflow_provider_payments.aep.dataflows.plan import Plan, Step
from airflow_provider_payments.aep.dataflows.planner import make_plan
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
from tests.aep.dataflows.files import write_files

#: Faults that leave the outcome of a write unknown.
LOST_ANSWERS: dict[str, dict[str, Any]] = {
    "500": {"action": "status", "status": 500},
    "done and 500": {"action": "apply_then_status", "status": 500},
    "done and cut": {"action": "apply_then_drop"},
    "reset": {"action": "reset", "apply": False},
}


def plan_of(client: Client, folder: Path, *, take_over: Collection[str] = (), **how: Any) -> Plan:
    """Plan the definitions of a folder."""
    project, snapshot = load_project(folder, **how), Snapshot(client)
    return make_plan(project, snapshot, sandbox=client.sandbox, marks=client.marks, take_over=take_over)


def plan_text(client: Client, folder: Path, *texts: str, **how: Any) -> Plan:
    """Plan the definitions of these texts."""
    return plan_of(client, write_files(folder, **{f"f{at}": text for at, text in enumerate(texts)}), **how)


def actions(plan: Plan) -> dict[str, str]:
    """Return the action of each kind; if a kind has several steps, the first that is not ``unchanged``."""
    found: dict[str, str] = {}
    for step in plan.steps:
        if found.get(step.kind, "unchanged") == "unchanged":
            found[step.kind] = step.action
    return found


def not_done(plan: Plan) -> dict[str, str]:
    """Return the action of each kind with a step that is not ``unchanged``."""
    return {kind: action for kind, action in actions(plan).items() if action != "unchanged"}


def the_step(plan: Plan, action: str) -> Step:
    """Return the only step with an action."""
    (step,) = (step for step in plan.steps if step.action == action)
    return step


def apply(client: Client, plan: Plan, owner: str = "manual") -> Applied:
    """
    Apply a plan without conflicts.

    :param owner: the project's name in marks, instead of that of the files.
    """
    assert not plan.conflicts, [str(step) for step in plan.conflicts]
    written = attrs.evolve(plan, project=owner, loaded_project=replace(plan.loaded_project, name=owner))
    applied = apply_plan(client, written, credential=lambda conn_id, source: {})
    assert applied.is_done, applied.to_json()
    return applied
