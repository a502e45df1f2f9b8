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
from airflow_provider_payments.cli.clients import client_of, progress
from airflow_provider_payments.cli.output import print_rows, print_value

if TYPE_CHECKING:
    import argparse

__all__ = ["export"]


def export(args: argparse.Namespace) -> int:
    """Write a definition file for each payments dataflow; return 1 if a dataflow was refused."""
    folder = Path(args.to)
    project = load_project_file(folder, environment=args.environment, conn_id=args.conn_id)
    client = client_of(project.aep_conn_id)
    with progress("reading the sandbox") as show:
        exported = export_dataflows(
            Snapshot(client, progress=show),
            args.names,
            manage_schema=args.manage_schema,
            defaults=project.defaults,
        )
    _write(exported, folder, force=args.force)
    if args.output == "table":
        for file in exported.files:
            print(folder / file)
        for refusal in exported.refused:
            print(on_a_line(f"{refusal.name} ({refusal.id}) refused: {refusal.reason}"), file=sys.stderr)
        print(exported.summary)
    elif args.output == "markdown":
        rows = [{"outcome": "exported", "what": str(folder / file), "reason": ""} for file in exported.files]
        rows += [
            {"outcome": "refused", "what": f"{each.name} ({each.id})", "reason": each.reason}
            for each in exported.refused
        ]
        print_rows(rows, args.output)
    else:
        print_value(exported.to_json(folder), args.output)
    return 1 if exported.refused else 0


def _write(exported: Export, folder: Path, *, force: bool) -> None:
    existing = [name for name in exported.files if (folder / name).exists()]
    if existing and not force:
        allowed = f"{len(existing)} of the files exist, such as {existing[0]}; --force overwrites them"
        raise InvalidInputError("to", str(folder), allowed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in exported.files.items():
        (folder / name).write_text(text, encoding="utf-8")
