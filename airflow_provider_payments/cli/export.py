"""``payments export``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.export import Export, export_dataflows
from airflow_provider_payments.aep.dataflows.loading import load_project_file
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.tables import on_a_line
from airflow_provider_payments.cli.connecting import client_of, progress
from airflow_provider_payments.cli.output import print_rows

if TYPE_CHECKING:
    import argparse

__all__ = ["export"]


def export(args: argparse.Namespace) -> int:
    """Write files of what is there; status 1 where a payments dataflow was refused."""
    folder = Path(args.to)
    project = load_project_file(folder, environment=args.environment, conn_id=args.conn_id)
    client = client_of(project.aep_conn_id)
    with progress("reading the sandbox") as show:
        made = export_dataflows(
            Snapshot(client, progress=show),
            args.names,
            manage_schema=args.manage_schema,
            defaults=project.defaults,
        )
    _write(made, folder, force=args.force)
    if args.output == "table":
        for file in made.files:
            print(folder / file)
        for refusal in made.refused:
            print(on_a_line(f"{refusal.name} ({refusal.id}) refused: {refusal.reason}"), file=sys.stderr)
        print(made.summary)
    else:
        rows = [{"name": name, "outcome": "exported", "reason": ""} for name in made.files]
        print_rows(
            [*rows, *({"name": each.name, "outcome": "refused", "reason": each.reason} for each in made.refused)],
            args.output,
        )
    return 1 if made.refused else 0


def _write(made: Export, folder: Path, *, force: bool) -> None:
    there = [name for name in made.files if (folder / name).exists()]
    if there and not force:
        allowed = f"{len(there)} of the files exist, such as {there[0]}; --force overwrites them"
        raise InvalidInputError("to", str(folder), allowed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.files.items():
        (folder / name).write_text(text, encoding="utf-8")
