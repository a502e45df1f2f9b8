"""``payments diagnose``."""

from __future__ import annotations

import sys
import uuid
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.loading import load_project_file
from airflow_provider_payments.aep.readers import iso
from airflow_provider_payments.aep.runs.diagnosis import Diagnosis
from airflow_provider_payments.aep.runs.diagnosis import diagnose as diagnose_run
from airflow_provider_payments.aep.runs.row_error_files import Download
from airflow_provider_payments.aep.tables import aligned, on_a_line
from airflow_provider_payments.cli.clients import client_of, progress
from airflow_provider_payments.cli.output import print_rows, print_value

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.services import Json

__all__ = ["diagnose"]


def diagnose(args: argparse.Namespace) -> int:
    """Print the errors of a run, or of a dataflow's last failed run, and download its row errors on request."""
    project = load_project_file(Path(), environment=args.environment, conn_id=args.conn_id)
    client = client_of(project.aep_conn_id)
    # Some versions of Airflow log to the standard output.
    with redirect_stdout(sys.stderr), progress("reading the run") as show:
        show(args.run_or_flow)
        download = _download(client, args) if args.to else None
        found = diagnose_run(client, args.run_or_flow, download=download, examples=args.show_values)
    if args.output in ("json", "yaml"):
        print_value(found.to_json(), args.output)
    elif args.output == "markdown":
        print_rows(found.rows or [_code_row(row) for row in found.to_json()["codes"]], args.output)
    else:
        for line in _lines(found):
            print(on_a_line(line))
    return 0


def _download(client: Client, args: argparse.Namespace) -> Download:
    from airflow_provider_payments.operators.storage import storage_folder

    writer = f"cli-{uuid.uuid4().hex[:8]}"
    return Download(client, storage_folder("to", args.to), writer, display_path=args.to, examples=args.show_values)


def _lines(found: Diagnosis) -> Iterator[str]:
    run = found.run
    yield str(run)
    ended = f", ended {iso(run.completed_at)}" if run.completed_at else ""
    yield f"dataflow {run.flow_id}{ended}; batches: {', '.join(run.batch_ids) or 'none'}"
    known = {each.code for each in found.codes}
    yield from (f"  {error}" for error in run.errors if error.partition(":")[0] not in known)
    rows, has_row_errors = found.rows, bool(found.errors.counts)
    if found.codes:
        yield from ("", "Failed records by code, as the run reports them:")
        codes = [_code_row(row) for row in found.to_json()["codes"]]
        yield from _table(codes, ("count", "code") if has_row_errors else ("count", "code", "message"))
    if has_row_errors:
        yield from ("", f"{found.errors.rows} {'samples' if found.is_sampled else 'row errors'} by code and column:")
        yield from _table(rows, ("count", "code", "column", "message"))
    elif found.is_sampled and run.failed_records != 0 and not run.is_active:
        yield from ("", "There are no samples of row errors")
    if found.without_row_errors or found.files:
        yield ""
    yield from (
        f"Batch {batch_id} has no row errors: {reason}" for batch_id, reason in found.without_row_errors.items()
    )
    yield from found.files or ()


def _table(rows: Sequence[Json], columns: Sequence[str]) -> Iterator[str]:
    """Yield aligned lines. A row's example follows the row."""
    for line, row in zip(aligned(rows, columns), [{}, *rows], strict=True):
        yield f"  {line}"
        if row.get("example") not in (None, row.get("message")):
            yield f"      example: {row['example']}"
        if "record" in row:
            yield f"      record: {row['record']}"


def _code_row(row: Json) -> Json:
    return {"count": "" if row["count"] is None else row["count"], "code": row["code"], "message": row["message"]}
