"""The files of a batch: the records that landed, what was read, why records failed, and what was rejected."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.catalog.batches import (
    DIAGNOSTICS_SECONDS,
    ROWS_PER_FILE,
    Batch,
    Row,
    RowError,
)
from airflow_provider_payments.emulator.catalog.refusals import not_found
from airflow_provider_payments.emulator.catalog.state import Catalog
from airflow_provider_payments.emulator.samples.flaws import CORRUPT

SAMPLES = 100
INPUT_FILES, ROW_ERRORS, ROW_ERROR_SAMPLES = "input_files", "row_errors", "row_error_samples.json"
# Documents write the name of the samples both ways.
OTHER_SAMPLES = "row_errors_sample.json"
# Row errors are kept apart by what went wrong: what begins with none of these breaks what the schema allows.
_STAGES = {"conversion": "MAPPER-", "parsing": "INGEST-1401-", "validation": ""}


@dataclass(frozen=True, slots=True)
class File:
    """A file of JSON Lines, written when somebody reads it, or a directory, which has none.

    :param name: within its directory.
    :param lines: gives its lines, each a JSON document.
    """

    name: str
    lines: Callable[[], Iterable[Any]] = tuple

    def content(self) -> bytes:
        return "".join(f"{json.dumps(line)}\n" for line in self.lines()).encode("ascii")


def dataset_files(catalog: Catalog, batch: Batch) -> list[File]:
    """The records that a batch brought into its dataset; none when the dataset is gone."""
    dataset = catalog.datasets.get(batch.dataset_id)
    records = dataset.rows[batch.first_row : batch.first_row + batch.output_records] if dataset else []
    return _parts(records)


def rejected_files(catalog: Catalog, batch: Batch) -> list[File]:
    """All that was read for a batch that failed; none for others."""
    check_kept(catalog, batch)
    return _parts(batch.rejected)


def meta_files(catalog: Catalog, batch: Batch) -> Mapping[str, Sequence[File]]:
    """The diagnostics of a batch by directory; the top one has the empty name and holds the others."""
    check_kept(catalog, batch)
    directories = {INPUT_FILES: [File("fileMetaData1.json", lambda: ({"path": batch.source},))]}
    top = [File(INPUT_FILES)]
    if batch.diagnosed:
        directories[ROW_ERRORS] = _error_files(batch.errors)
        top.append(File(ROW_ERRORS))
    if batch.errors:
        top.append(File(ROW_ERROR_SAMPLES, _error_lines(ROW_ERROR_SAMPLES, batch.errors[:SAMPLES])))
    return {"": top, **directories}


def check_kept(catalog: Catalog, batch: Batch) -> None:
    """Refuse what is older than diagnostics are kept."""
    if catalog.sandbox.clock.millis() >= batch.completed + DIAGNOSTICS_SECONDS * 1000:
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
            # Within a file the bare number of the code stands.
            "_errors": [{"code": error.code.split("-")[1], "message": error.message}],
            "_filename": name,
        }
        for error in errors
    )
