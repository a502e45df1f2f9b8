"""``payments destroy``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.destroy import execute_destroy, plan_destroy
from airflow_provider_payments.aep.dataflows.project import find_project_file
from airflow_provider_payments.aep.dataflows.render import destroy_text, removal_text
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.cli.approval import approve
from airflow_provider_payments.cli.clients import client_of, progress
from airflow_provider_payments.cli.output import print_rows, print_value
from airflow_provider_payments.cli.project_arguments import project_of

if TYPE_CHECKING:
    import argparse

    from airflow_provider_payments.aep.dataflows.destroy import Destroy, Removal
    from airflow_provider_payments.aep.dataflows.loading import Project

__all__ = ["destroy"]


def destroy(args: argparse.Namespace) -> int:
    """Print the objects to delete, ask for approval and delete them; return 1 if one of them was kept."""
    # Orphans may be left after the last definition file was removed.
    project = project_of(args, args.paths, args.only, may_be_empty=args.orphans)
    client = client_of(project.aep_conn_id)
    with progress("reading the sandbox") as show:
        planned = plan_destroy(
            project,
            _whole(args, project),
            Snapshot(client, progress=show),
            datasets=args.datasets,
            orphans=args.orphans,
            organisation=client.org_id,
            sandbox=client.sandbox,
            marks=client.marks,
        )
    is_table = args.output == "table"
    if is_table:
        print(destroy_text(planned))
    planned.expect(args.expect)
    if not _is_approved(args, planned):
        _print(planned, args.output)
        return 0
    done = execute_destroy(client, planned, _report if is_table else lambda removal: None)
    if is_table:
        print(f"Destroy: {len(done.to_delete) - len(done.failed)} of {len(done.to_delete)} deleted.")
    _print(done, args.output)
    return 1 if done.failed else 0


def _whole(args: argparse.Namespace, project: Project) -> Project:
    """Return the project with all its definitions: objects that another definition uses are kept."""
    file = find_project_file(Path(args.paths[0] if args.paths else "."))
    return project if project.is_complete or file is None else project_of(args, [str(file.parent)])


def _is_approved(args: argparse.Namespace, planned: Destroy) -> bool:
    """
    Return whether there is an object to delete and its deletion is approved.

    :raises InvalidInputError: if there is no terminal for the question, or the answer is not ``yes``.
    """
    if args.orphans and args.expect is None and args.yes:
        raise InvalidInputError("expect", None, "orphans are deleted only with the digest at the end of their list")
    if not planned.to_delete or (args.orphans and args.expect is None):
        return False
    if not args.yes and args.expect is None and not sys.stdin.isatty():
        _print(planned, args.output)  # so that a program can read the list
    approve(args, destroy_text(planned), f"Delete {len(planned.to_delete)} objects of sandbox {planned.sandbox}?")
    return True


def _report(removal: Removal) -> None:
    print(removal_text(removal), flush=True)


def _print(destroy: Destroy, output: str) -> None:
    """Print a destroy for programs; a table was printed before and during the destroy."""
    if output in ("json", "yaml"):
        print_value(destroy.to_json(), output)
    elif output == "markdown":
        rows = ({**each.to_json(), "definitions": ", ".join(each.users)} for each in destroy.removals)
        print_rows(list(rows), output)
