"""The files of a batch: ingested records, input, errors, and rejected records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.catalog.batches import (
    DIAGNOSTICS_RETENTION_SECONDS,
    ROWS_PER_FILE,
    Batch,
    Row,
    RowError,
)
from airflow_provider_payments.emulator.catalog.refusals import not_found
from airflow_provider_payments.emulator.catalog.state import Catalog
from airflow_provider_payments.emulator.samples.flaws import CORRUPT

MAX_ERROR_SAMPLES = 100
INPUT_FILES, ROW_ERRORS, ROW_ERROR_SAMPLES = "input_files", "row_errors", "row_error_samples.json"
# Adobe's documents use two names for the file of samples.
ROW_ERROR_SAMPLES_ALIAS = "row_errors_sample.json"
# Row errors are grouped by stage, which the prefix of the code identifies; all other codes belong to the validation.
_STAGES = {"conversion": "MAPPER-", "parsing": "INGEST-1401-", "validation": ""}


@dataclass(frozen=True, slots=True)
class File:
    """A file of JSON Lines, which is built when it is read, or a directory, which has no lines.

    :param name: the name within the directory.
    :param lines: returns the JSON documents of its lines.
    """

    name: str
    lines: Callable[[], Iterable[Any]] = tuple

    def content(self) -> bytes:
        return "".join(f"{json.dumps(line)}\n" for line in self.lines()).encode("ascii")


def dataset_files(catalog: Catalog, batch: Batch) -> list[File]:
    """Return files of the records that a batch added to its dataset; no file if the dataset was deleted."""
    dataset = catalog.datasets.get(batch.dataset_id)
    records = dataset.rows[batch.first_row : batch.first_row + batch.output_records] if dataset else []
    return _parts(records)


def rejected_files(catalog: Catalog, batch: Batch) -> list[File]:
    """Return files of all records that were read for a failed batch; no file for other batches."""
    check_retention(catalog, batch)
    return _parts(batch.rejected)


def meta_files(catalog: Catalog, batch: Batch) -> Mapping[str, Sequence[File]]:
    """Return the diagnostic files of a batch by directory; the top directory has an empty name and lists the others."""
    check_retention(catalog, batch)
    directories = {INPUT_FILES: [File("fileMetaData1.json", lambda: ({"path": batch.source},))]}
    top = [File(INPUT_FILES)]
    if batch.has_diagnostics:
        directories[ROW_ERRORS] = _error_files(batch.errors)
        top.append(File(ROW_ERRORS))
    if batch.errors:
        top.append(File(ROW_ERROR_SAMPLES, _error_lines(ROW_ERROR_SAMPLES, batch.errors[:MAX_ERROR_SAMPLES])))
    return {"": top, **directories}


def check_retention(catalog: Catalog, batch: Batch) -> None:
    """Refuse a batch whose diagnostics have expired."""
    if catalog.sandbox.clock.millis() >= batch.completed + DIAGNOSTICS_RETENTION_SECONDS * 1000:
        raise not_found(f"diagnostics of the batch {batch.id} any more")


def _parts(rows: Sequence[Row]) -> list[File]:
    return [
        File(f"part-{place:05d}.json", _slice(rows, place * ROWS_PER_FILE))
        for place in range(-(-len(rows) // ROWS_PER_FILE))
    ]


def _slice(rows: Sequence[Row], begin: int) -> Callable[[], Iterable[Row]]:
    return lambda: rows[begin : begin + ROWS_PER_FILE]


def _error_files(errors: Sequence[RowError]) -> list[File]:
    stages: dict[str, list[RowError]] = {stage: [] for stage in _STAGES}
    for error in errors:
        stages[next(stage for stage, code in _STAGES.items() if error.code.startswith(code))].append(error)
    files = []
    for stage, members in stages.items():
        for place, begin in enumerate(range(0, len(members), ROWS_PER_FILE)):
            name = f"{stage}_errors_{place}.json"
            files.append(File(name, _error_lines(name, members[begin : begin + ROWS_PER_FILE])))
    return files


def _error_lines(name: str, errors: Sequence[RowError]) -> Callable[[], Iterable[Any]]:
    return lambda: (
        {
            "_corrupt_record": error.row[CORRUPT] if CORRUPT in error.row else json.dumps(error.row),
            # Files contain only the number of the code.
            "_errors": [{"code": error.code.split("-")[1], "message": error.message}],
            "_filename": name,
        }
        for error in errors
    )
