"""``payments status``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.loading import load_project_file
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.health.reading import HealthOptions, check_health
from airflow_provider_payments.aep.health.report import health_json, health_rows, health_table
from airflow_provider_payments.aep.inputs import as_duration, as_number, as_time
from airflow_provider_payments.cli.clients import client_of, progress
from airflow_provider_payments.cli.output import print_rows, print_value
from airflow_provider_payments.cli.project_arguments import project_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from airflow_provider_payments.aep.health.judging import Health

__all__ = ["status"]


def status(args: argparse.Namespace) -> int:
    """Print the health of dataflows; with ``--detailed-exitcode`` return 2 if a dataflow is not healthy."""
    conn_id, options = _options(args)
    client = client_of(conn_id)
    with progress("reading") as show:
        found = check_health(client, options, show)
    _print(found, args.output)
    return 2 if args.detailed_exitcode and not all(health.is_healthy for health in found) else 0


def _options(args: argparse.Namespace) -> tuple[str, HealthOptions]:
    """Return the id of the Airflow connection and the options of the health check."""
    since = as_time("failures_since", args.failures_since)
    limits = {
        "max_age": as_duration("max_age", args.max_age),
        "max_failed_ratio": as_number("max_failed_ratio", args.max_failed_ratio),
        "failures_since": since.timestamp() if since else None,
        "test_connections": args.test_connections,
        "ignore": args.ignore,
    }
    if args.definition:
        project = project_of(args, args.definition, args.names)
        definitions = [each.definition for each in project.definitions]
        return project.aep_conn_id, HealthOptions(definitions=definitions, **limits)
    if args.var:
        raise InvalidInputError(
            "var", args.var[0][0], "variables belong to definition files: name the files with --definition"
        )
    project = load_project_file(Path(), environment=args.environment, conn_id=args.conn_id)
    return project.aep_conn_id, HealthOptions(patterns=args.names, **limits)


def _print(found: Sequence[Health], output: str) -> None:
    if output == "table":
        print(health_table(found))
    elif output == "markdown":
        print_rows(health_rows(found), output)
    else:
        print_value(health_json(found), output)
