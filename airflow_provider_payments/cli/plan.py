"""``payments plan``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.planner import plan_project
from airflow_provider_payments.aep.dataflows.render import plan_markdown, plan_text
from airflow_provider_payments.cli.connecting import client_of, progress
from airflow_provider_payments.cli.output import print_value
from airflow_provider_payments.cli.reading import project_of

if TYPE_CHECKING:
    import argparse

    from airflow_provider_payments.aep.dataflows.plan import Plan

__all__ = ["plan", "print_plan"]

_STYLES = {"+": "green", "~": "yellow", "!": "bold red", "=": "cyan", ".": "dim"}


def plan(args: argparse.Namespace) -> int:
    """Print a plan; status 1 on a conflict, and with ``--detailed-exitcode`` 2 where something is to be done."""
    project = project_of(args, args.paths, args.only)
    client = client_of(project.aep_conn_id)
    with progress("reading the sandbox") as show:
        made = plan_project(client, project, take_over=args.take_over, progress=show)
    print_plan(made, args.output, unchanged=args.all)
    if made.conflicts:
        return 1
    return 2 if args.detailed_exitcode and not made.is_empty else 0


def print_plan(made: Plan, output: str, *, unchanged: bool = False) -> None:
    """Print a plan in a format."""
    if output in ("json", "yaml"):
        print_value(made.to_json(), output)
    elif output == "markdown":
        print(plan_markdown(made))
    elif sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        _print_coloured(plan_text(made, unchanged=unchanged))
    else:
        print(plan_text(made, unchanged=unchanged))


def _print_coloured(text: str) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True)
    for line in text.splitlines():
        is_step = line.startswith("  ") and not line.startswith("    ")
        console.print(line, style=_STYLES.get(line.strip()[:1]) if is_step else None, markup=False, highlight=False)
