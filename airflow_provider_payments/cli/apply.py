"""``payments apply``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.apply import apply_plan
from airflow_provider_payments.aep.dataflows.loading import load_project
from airflow_provider_payments.aep.dataflows.planner import plan_project
from airflow_provider_payments.aep.dataflows.render import applied_text
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.cli.connecting import client_of, progress, vendor_credential
from airflow_provider_payments.cli.output import print_rows, print_value
from airflow_provider_payments.cli.plan import print_plan
from airflow_provider_payments.cli.validate import given_variables

if TYPE_CHECKING:
    import argparse

    from airflow_provider_payments.aep.dataflows.applied import Applied, AppliedDefinition

__all__ = ["apply", "confirmed"]


def apply(args: argparse.Namespace) -> int:
    """Print a plan, have it approved, do it; status 1 where something is left that was to be done."""
    project = load_project(
        *args.paths,
        environment=args.environment,
        variables=given_variables(args),
        only=args.only,
        conn_id=args.conn_id,
    )
    client = client_of(project.aep_conn_id)
    with progress("reading the sandbox") as show:
        plan = plan_project(client, project, take_over=args.take_over, progress=show)
    if args.output == "table":  # what is printed for a program is the outcome alone
        print_plan(plan, args.output)
    plan.expect(args.expect)
    if plan.to_do and not args.yes and args.expect is None:
        confirmed("Apply this plan?")
    with progress("applying") as show:
        applied = apply_plan(client, plan, credential=vendor_credential, progress=show)
    _print(applied, args.output)
    return 0 if applied.is_done else 1


def confirmed(question: str) -> None:
    """
    Ask for ``yes`` on a terminal.

    :raises InvalidInputError: if there is no terminal, or the answer is another one.
    """
    if not sys.stdin.isatty():
        raise InvalidInputError("--yes", None, "it must be given, or --expect DIGEST, where nobody can be asked")
    print(f"{question} Only `yes` is taken for yes: ", end="", file=sys.stderr, flush=True)
    if (answer := sys.stdin.readline().strip()) != "yes":
        raise InvalidInputError("answer", answer, "`yes`; nothing was done")


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
