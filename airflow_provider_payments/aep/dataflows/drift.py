"""Which definitions are not what a plan found, but for what somebody chose to ignore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.definition import Definition
from airflow_provider_payments.aep.dataflows.members import members_of
from airflow_provider_payments.aep.dataflows.problems import did_you_mean
from airflow_provider_payments.aep.dataflows.wording import member_of
from airflow_provider_payments.aep.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_payments.aep.dataflows.plan import Plan, Step

__all__ = ["check_ignored", "drifted"]


def drifted(plan: Plan, ignored: Collection[str] = ()) -> list[str]:
    """
    Return the definitions that are not as written, in their order.

    :param ignored: members such as ``tolerance``, or one definition's such as ``Square payments.enabled``.
    """
    found = {user for step in plan.steps if not step.is_done for user in step.affected if _counts(step, user, ignored)}
    found |= {name for name in plan.drift if not _is_ignored("enabled", name, ignored)}
    return [name for name in plan.definitions if name in found]


def check_ignored(plan: Plan, ignored: Collection[str]) -> None:
    """
    See that what is ignored can be there at all.

    :raises InvalidInputError: if it names no member.
    """
    known = members_of(Definition)
    for one in ignored:
        member = one.removeprefix(next((f"{name}." for name in plan.definitions if one.startswith(f"{name}.")), ""))
        if member not in known:
            allowed = f"a member, or a definition's name, a dot and a member{did_you_mean(member, known)}"
            raise InvalidInputError("ignore", one, allowed)


def _counts(step: Step, user: str, ignored: Collection[str]) -> bool:
    """Whether a step is drift: unless it only changes what is ignored."""
    members = {member_of(step.kind, change.field) for change in step.changes}
    if step.kind == "mapping set":
        members.add("mappings")
    return not members or not all(_is_ignored(member, user, ignored) for member in members)


def _is_ignored(member: str, name: str, ignored: Collection[str]) -> bool:
    return member in ignored or f"{name}.{member}" in ignored
