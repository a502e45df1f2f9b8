"""Drift: the definitions that a sandbox does not match, except for ignored members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.definition import Definition
from airflow_provider_payments.aep.dataflows.member_names import member_of
from airflow_provider_payments.aep.dataflows.members import members_of
from airflow_provider_payments.aep.dataflows.problems import did_you_mean
from airflow_provider_payments.aep.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_payments.aep.dataflows.plan import Plan, Step

__all__ = ["check_ignored", "drifted"]


def drifted(plan: Plan, ignored: Collection[str] = ()) -> list[str]:
    """
    Return the names of the definitions that the sandbox does not match, in the plan's order.

    :param ignored: members such as ``tolerance``, or a member of one definition such as ``Square payments.enabled``.
        Defaults to none.
    """
    found = {
        user for step in plan.steps if not step.is_done for user in step.affected if _is_drift(step, user, ignored)
    }
    found |= {name for name in plan.drift if not _is_ignored("enabled", name, ignored)}
    return [name for name in plan.definitions if name in found]


def check_ignored(plan: Plan, ignored: Collection[str]) -> None:
    """
    Check that each ignored entry names a member of a definition.

    :raises InvalidInputError: if an entry names no member.
    """
    known = members_of(Definition)
    for entry in ignored:
        member = entry.removeprefix(next((f"{name}." for name in plan.definitions if entry.startswith(f"{name}.")), ""))
        if member not in known:
            allowed = f"a member, or a definition's name, a dot and a member{did_you_mean(member, known)}"
            raise InvalidInputError("ignore", entry, allowed)


def _is_drift(step: Step, user: str, ignored: Collection[str]) -> bool:
    """Return whether a step is drift of a definition: it changes more than ignored members."""
    members = {member_of(step.kind, change.field) for change in step.changes}
    if step.kind == "mapping set":
        members.add("mappings")
    return not members or not all(_is_ignored(member, user, ignored) for member in members)


def _is_ignored(member: str, name: str, ignored: Collection[str]) -> bool:
    return member in ignored or f"{name}.{member}" in ignored
