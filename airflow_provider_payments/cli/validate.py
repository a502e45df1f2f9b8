"""``payments validate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.loading import Project, environments, load_project
from airflow_provider_payments.aep.dataflows.problems import DefinitionError, Problem
from airflow_provider_payments.cli.output import print_rows
from airflow_provider_payments.cli.project_arguments import given_variables

if TYPE_CHECKING:
    import argparse

__all__ = ["validate"]


def validate(args: argparse.Namespace) -> int:
    """Check files in one environment, or in each; return 1 if there is a problem."""
    projects: list[Project] = []
    problems: list[Problem] = []
    chosen: list[str | None] = [args.environment] if args.environment else [*environments(*args.paths)]
    for environment in chosen or [None]:
        try:
            projects.append(load_project(*args.paths, environment=environment, variables=given_variables(args)))
        except DefinitionError as error:
            problems += error.problems
    warnings = [warning for project in projects for warning in project.warnings]
    found = [("error", problem) for problem in sorted(set(problems))]
    found += [("warning", warning) for warning in sorted(set(warnings))]
    if args.output == "table":
        for severity, problem in found:
            print(problem if severity == "error" else f"{problem} (warning)")
        if projects and not problems:
            print(_summary(projects))
    else:
        print_rows([_row(severity, problem) for severity, problem in found], args.output)
    return 1 if problems else 0


def _summary(projects: list[Project]) -> str:
    number = len(projects[0].definitions)
    names = [project.environment for project in projects if project.environment]
    where = f" in {', '.join(names)}" if names else ""
    return f"{number} definition{'s are' if number != 1 else ' is'} valid{where}"


def _row(severity: str, problem: Problem) -> dict[str, object]:
    file, line, column = problem.place
    return {
        "severity": severity,
        "file": file,
        "line": line,
        "column": column,
        "path": problem.path,
        "allowed": problem.allowed,
    }
