"""Plans, applies and destroys as text for people: plain text, or Markdown for a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.member_names import in_definition_terms
from airflow_provider_payments.aep.dataflows.plan import ACTIONS, Action, Plan, Step, plain_value
from airflow_provider_payments.aep.readers import shown
from airflow_provider_payments.aep.tables import markdown, markdown_cell, on_a_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_payments.aep.dataflows.applied import Applied
    from airflow_provider_payments.aep.dataflows.destroy import Destroy, Removal
    from airflow_provider_payments.aep.errors import Difference

__all__ = ["applied_text", "destroy_text", "plan_markdown", "plan_text", "removal_text"]

#: Maximum number of names in a list of definitions that share an object.
MAX_LISTED_NAMES = 3
_COUNT_LABELS: dict[Action, str] = {
    "create": "to create",
    "adopt": "to adopt",
    "update": "to update",
    "conflict": "in conflict",
    "blocked": "blocked",
    "unchanged": "unchanged",
}


def plan_text(plan: Plan, *, unchanged: bool = False) -> str:
    """
    Return a plan as text: the sandbox, the steps of each definition with their changes, notes, and a summary.

    :param unchanged: whether to show unchanged objects too. Defaults to ``False``.
    """
    lines = [f"Sandbox {plan.sandbox}{_scope(plan)}", ""]
    for name in plan.definitions:
        steps = [step for step in plan.steps if _shown_for(step)[0] == name and (unchanged or not step.is_done)]
        if steps:
            lines += [name, *(f"  {line}" for step in steps for line in _step_lines(step)), ""]
    lines += [f"Note: {note}." for note in plan.notes]
    lines += [_summary(plan), f"Digest {plan.digest}"]
    return "\n".join(map(on_a_line, lines))


def applied_text(applied: Applied) -> str:
    """Return the result of an apply as text: the problems of each definition that is not done, and a summary."""
    lines = []
    for definition in applied.definitions:
        if not definition.is_done:
            lines += [f"{definition.name} is not done", *(f"  {problem}" for problem in definition.problems), ""]
    lines += [f"Note: {note}." for note in applied.notes]
    counts = [
        f"{number} {word}" for word in ("created", "found", "updated", "failed") if (number := applied.counts[word])
    ]
    done = sum(definition.is_done for definition in applied.definitions)
    total = f"{done} of {len(applied.definitions)} definitions are as written"
    return "\n".join(map(on_a_line, [*lines, f"Apply: {', '.join(counts) or 'nothing to do'}; {total}."]))


def destroy_text(destroy: Destroy) -> str:
    """Return a destroy as text: the sandbox, the objects of each definition to delete or keep, and a summary."""
    lines = [f"Sandbox {destroy.sandbox}{_scope(destroy)}", ""]
    for name in destroy.definitions or (None,):
        removals = [each for each in destroy.removals if next(iter(each.users), None) == name]
        if removals:
            heading = name or "Objects that no definition reaches"
            lines += [heading, *(f"  {line}" for each in removals for line in _removal_lines(each)), ""]
    lines += [f"Note: {note}." for note in destroy.notes]
    deleted = len(destroy.to_delete)
    lines += [f"Destroy: {deleted} to delete, {len(destroy.removals) - deleted} to keep.", f"Digest {destroy.digest}"]
    return "\n".join(map(on_a_line, lines))


def _removal_lines(removal: Removal) -> Iterator[str]:
    shared = f", also for {_name_list(removal.users[1:])}" if len(removal.users) > 1 else ""
    yield f"{'-' if removal.action == 'delete' else ' '} {_object_text(removal)}{shared}"
    if removal.reason:
        yield f"    {removal.reason}"


def removal_text(removal: Removal) -> str:
    """Return the outcome of one removal, as a line."""
    outcome = f"{removal.outcome[:1].upper()}{removal.outcome[1:]}"
    return on_a_line(f"{outcome} {_object_text(removal)}{f': {removal.reason}' if removal.reason else ''}")


def _object_text(removal: Removal) -> str:
    return f"{removal.kind} {removal.name} ({removal.existing.id})"


def plan_markdown(plan: Plan) -> str:
    """Return a plan as Markdown for a review comment: a table of the steps that are not unchanged."""
    lines = [f"### Plan for sandbox `{plan.sandbox}`{_scope(plan)}", "", _summary(plan), ""]
    steps = [step for step in plan.steps if not step.is_done]
    if steps:
        lines += [*markdown([_row(step) for step in steps], ["action", "object", "definition", "what"]), ""]
    lines += [f"- {markdown_cell(note)}" for note in plan.notes]
    lines += [f"Digest `{plan.digest}`"]
    return "\n".join(lines)


def _scope(plan: Plan | Destroy) -> str:
    project = f", project {plan.project}" if plan.project else ""
    return f"{project}, environment {plan.environment}" if plan.environment else project


def _summary(plan: Plan) -> str:
    if plan.is_empty:
        number = len(plan.definitions)
        return f"Nothing to do: {number} definition{'s are' if number != 1 else ' is'} as written."
    counts = [f"{number} {words}" for action, words in _COUNT_LABELS.items() if (number := plan.count(action))]
    return f"Plan: {', '.join(counts)}."


def _step_lines(step: Step) -> Iterator[str]:
    known = f" ({step.id})" if step.id else ""
    others = _shown_for(step)[1:]
    shared = f", also for {_name_list(others)}" if others else ""
    yield f"{ACTIONS[step.action]} {step.kind} {step.name}{known}{shared}"
    yield from (f"    {_change(change)}" for change in step.changes)
    if step.reason:
        place = f" ({step.place.file}:{step.place.line})" if step.place and step.action == "conflict" else ""
        yield f"    {step.reason}{place}"


def _shown_for(step: Step) -> tuple[str, ...]:
    return step.affected or step.users


def _name_list(names: Sequence[str]) -> str:
    """Return names as text: the first few, and the number of the others."""
    rest = len(names) - MAX_LISTED_NAMES
    return f"{', '.join(names[:MAX_LISTED_NAMES])} and {rest} more" if rest > 0 else ", ".join(names)


def _change(found: Difference) -> str:
    change = in_definition_terms(found)
    before, after = (_value(value) for value in (change.actual, change.desired))
    return f"{change.field}: {before} -> {after}"


def _value(value: object) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else shown(plain_value(value))


def _row(step: Step) -> tuple[str, ...]:
    what = [*map(_change, step.changes), *([step.reason] if step.reason else [])]
    sign = f"`{ACTIONS[step.action]}` {step.action}"
    return sign, f"{step.kind} {step.name}", _name_list(_shown_for(step)), "; ".join(what)
