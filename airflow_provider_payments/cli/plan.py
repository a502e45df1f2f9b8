"""``payments plan``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.planner import plan_project
from airflow_provider_payments.aep.dataflows.render import plan_markdown, plan_text
from airflow_provider_payments.cli.clients import client_of, progress
from airflow_provider_payments.cli.output import print_value
from airflow_provider_payments.cli.project_arguments import project_of

if TYPE_CHECKING:
    import argparse

    from airflow_provider_payments.aep.dataflows.plan import Plan

__all__ = ["plan", "print_plan"]

_STYLES = {"+": "green", "~": "yellow", "!": "bold red", "=": "cyan", ".": "dim"}


def plan(args: argparse.Namespace) -> int:
    """Print a plan; return 1 if it has a conflict, or 2 with ``--detailed-exitcode`` if it is not empty."""
    project = project_of(args, args.paths, args.only)
    client = client_of(project.aep_conn_id)
    with progress("reading the sandbox") as show:
        found = plan_project(client, project, take_over=args.take_over, progress=show)
    print_plan(found, args.output, unchanged=args.all)
    if found.conflicts:
        return 1
    return 2 if args.detailed_exitcode and not found.is_empty else 0


def print_plan(plan: Plan, output: str, *, unchanged: bool = False) -> None:
    """
    Print a plan.

    :param output: the format.
    :param unchanged: whether to show unchanged objects too; applies to text only. Defaults to ``False``.
    """
    if output in ("json", "yaml"):
        print_value(plan.to_json(), output)
    elif output == "markdown":
        print(plan_markdown(plan))
    elif sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        _print_coloured(plan_text(plan, unchanged=unchanged))
    else:
        print(plan_text(plan, unchanged=unchanged))


def _print_coloured(text: str) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True)
    for line in text.splitlines():
        is_step = line.startswith("  ") and not line.startswith("    ")
        console.print(line, style=_STYLES.get(line.strip()[:1]) if is_step else None, markup=False, highlight=False)
