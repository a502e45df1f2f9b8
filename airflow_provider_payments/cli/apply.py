"""``payments apply``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.apply import apply_plan
from airflow_provider_payments.aep.dataflows.planner import plan_project
from airflow_provider_payments.aep.dataflows.project import owner
from airflow_provider_payments.aep.dataflows.render import applied_text, plan_text
from airflow_provider_payments.cli.approval import approve
from airflow_provider_payments.cli.clients import client_of, plain_log_lines, progress, vendor_credential
from airflow_provider_payments.cli.output import print_rows, print_value
from airflow_provider_payments.cli.plan import print_plan
from airflow_provider_payments.cli.project_arguments import project_of

if TYPE_CHECKING:
    import argparse

    from airflow_provider_payments.aep.dataflows.applied import Applied, AppliedDefinition

__all__ = ["apply"]


def apply(args: argparse.Namespace) -> int:
    """Print a plan, ask for approval and apply the plan; return 1 if a definition is not done."""
    project = project_of(args, args.paths, args.only)
    owner(project.name)
    client = client_of(project.aep_conn_id)
    with progress("reading the sandbox") as show:
        plan = plan_project(client, project, take_over=args.take_over, progress=show)
    if args.output == "table":  # the other formats contain only the result
        print_plan(plan, args.output)
    plan.expect(args.expect)
    if plan.to_do:
        approve(args, plan_text(plan), "Apply this plan?")
    with progress("applying") as show, plain_log_lines(logging.INFO):
        applied = apply_plan(client, plan, credential=vendor_credential, progress=show)
    _print(applied, args.output)
    return 0 if applied.is_done else 1


def _print(applied: Applied, output: str) -> None:
    if output in ("json", "yaml"):
        print_value(applied.to_json(), output)
    elif output == "markdown":
        print_rows([_row(each) for each in applied.definitions], output)
    else:
        print(applied_text(applied))


def _row(each: AppliedDefinition) -> dict[str, object]:
    return {
        "definition": each.name,
        "done": each.is_done,
        "dataflow": each.flow_id,
        "problems": "; ".join(each.problems),
    }
