"""``payments verify``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.verification.options import read_options
from airflow_provider_payments.aep.verification.report import report_rows, report_text
from airflow_provider_payments.aep.verification.verify import verify as verify_sandbox
from airflow_provider_payments.cli.clients import client_of, progress, vendor_credential
from airflow_provider_payments.cli.output import print_rows, print_value

if TYPE_CHECKING:
    import argparse

    from airflow_provider_payments.aep.verification.report import Report

__all__ = ["verify"]

INTERRUPTED_STATUS = 130


def verify(args: argparse.Namespace) -> int:
    """Print the report about a sandbox; return 2 if the sandbox contradicts an assumption."""
    if args.report:
        _check_writable(args.report)
    options = read_options(vars(args), vendor_credential)
    client = client_of(args.conn_id)
    try:
        with progress("checking") as show:
            report = verify_sandbox(client, options, _announce, show)
    except KeyboardInterrupt:
        message = (
            "interrupted; its objects were deleted, unless a line above reports otherwise or it was interrupted twice"
        )
        print(f"payments verify: {message}", file=sys.stderr)
        return INTERRUPTED_STATUS
    try:
        if args.report:
            Path(args.report).write_text(f"{json.dumps(report.to_json(), indent=2)}\n", encoding="utf-8")
    finally:
        _print(report, args.output)
    return 2 if report.contradicted else 0


def _check_writable(report: str) -> None:
    """Raise an error if the report could not be written: the checks take minutes."""
    path = Path(report)
    is_new = not path.exists()
    try:
        path.open("a").close()
    except OSError as error:
        raise InvalidInputError("report", report, f"a file that can be written ({error.strerror})") from None
    if is_new:
        path.unlink()


def _announce(announcement: str) -> None:
    print(announcement, file=sys.stderr)


def _print(report: Report, output: str) -> None:
    if output == "table":
        print(report_text(report))
    elif output == "markdown":
        print_rows(report_rows(report), output)
    else:
        print_value(report.to_json(), output)
