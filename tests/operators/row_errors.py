"""Executes the operator that downloads row errors, in tests and in a process that is killed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from airflow_provider_payments.operators.diagnostics import DownloadRowErrorsOperator
from tests.operators.chain import context
from tests.row_error_service import BATCH


def download(path: Path | str, **arguments: Any) -> dict[str, Any]:
    """Download the row errors of a run, or of the fake service's batch."""
    given = arguments if arguments else {"batch_ids": [BATCH]}
    return DownloadRowErrorsOperator(task_id="download", path=str(path), **given).execute(context())


def files_below(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder, by their relative paths."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


if __name__ == "__main__":
    download(sys.argv[1])
