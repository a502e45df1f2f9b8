"""Batches: the records that a flow run ingested into a dataset, and for a limited time the errors of failed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DIAGNOSTICS_RETENTION_SECONDS = 30 * 86400
ROWS_PER_FILE = 1000
# Without error diagnostics a batch reports only that there were errors; with diagnostics, its first entry is a summary.
UNDIAGNOSED_ERROR = "INGEST-1211-400"
SUMMARY_ERROR = "INGEST-1212-400"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowError:
    """A record that failed.

    :param code: the error code, such as ``MAPPER-3700-400``.
    """

    code: str
    message: str
    row: Row


@dataclass(frozen=True, slots=True)
class Failure:
    """The number of records of a batch that failed with one code.

    :param code: as in :class:`RowError`.
    :param message: the most frequent message with the code.
    :param count: the number of records; 0 if the failure is that of the whole batch.
    """

    code: str
    message: str
    count: int


@dataclass(slots=True)
class Batch:
    """The records of one flow run. Times are epoch milliseconds.

    :param first_row: the index of the batch's first record in the dataset.
    :param source: the name of the source's object.
    :param has_diagnostics: whether error diagnostics were on.
    :param percent: the tolerated percentage of bad records; None if no bad record is tolerated.
    :param errors: the failed records, while diagnostics are kept; empty without diagnostics.
    :param rejected: all records read, while diagnostics are kept, if the whole batch failed.
    """

    id: str
    dataset_id: str
    flow_id: str
    run_id: str
    status: str
    started: int
    completed: int
    source: str
    input_bytes: int
    input_records: int
    output_records: int
    first_row: int
    failures: tuple[Failure, ...]
    has_diagnostics: bool
    percent: float | None
    errors: Sequence[RowError] = ()
    rejected: Sequence[Row] = ()
    number: int = -1

    @property
    def failed_records(self) -> int:
        return self.input_records - self.output_records

    @property
    def file_count(self) -> int:
        """The number of files that contain the batch's records."""
        return -(-self.output_records // ROWS_PER_FILE)

    @property
    def tags(self) -> dict[str, list[str]]:
        percent = {} if self.percent is None else {"acp_partialIngestionPercent": [f"{self.percent:g}"]}
        return {
            "flowId": [self.flow_id],
            "flowRunId": [self.run_id],
            "acp_enableErrorDiagnostics": [str(self.has_diagnostics).lower()],
            **percent,
        }

    def summary(self) -> list[Failure]:
        """Return the failures of the batch as the platform reports them."""
        return reported_failures(self.failures, self.has_diagnostics, self.failed_records, self.output_records)

    def expire(self) -> None:
        """Drop the diagnostics."""
        self.errors = self.rejected = ()


def reported_failures(failures: Sequence[Failure], has_diagnostics: bool, failed: int, ingested: int) -> list[Failure]:
    """Return the failures of a batch as the platform reports them.

    :param has_diagnostics: whether error diagnostics were on.
    :param failed: the number of records that failed.
    :param ingested: the number of records that were ingested.
    """
    if not any(failure.count for failure in failures):
        return list(failures)
    if not has_diagnostics:
        message = "There were errors, and error diagnostics were not enabled."
        return [Failure(UNDIAGNOSED_ERROR, message, 0)]
    message = f"{failed} records failed and {ingested} were ingested; see the diagnostic files."
    return [Failure(SUMMARY_ERROR, message, 0), *failures]
