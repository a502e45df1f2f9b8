"""Batches: what a flow run ingested into a dataset and, for a limited time, why records failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DIAGNOSTICS_RETENTION_SECONDS = 30 * 86400
ROWS_PER_FILE = 1000
# Without error diagnostics a batch only says that there were errors; with them, one entry is the summary.
UNDIAGNOSED_ERROR = "INGEST-1211-400"
SUMMARY_ERROR = "INGEST-1212-400"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowError:
    """A record that failed.

    :param code: such as ``MAPPER-3700-400``.
    """

    code: str
    message: str
    row: Row


@dataclass(frozen=True, slots=True)
class Failure:
    """How many records of a batch failed with one code.

    :param code: as in :class:`RowError`.
    :param message: the most frequent one.
    :param count: 0 stands for the batch as a whole.
    """

    code: str
    message: str
    count: int


@dataclass(slots=True)
class Batch:
    """The records of one flow run. Times are epoch milliseconds.

    :param first_row: the index of its first record in the dataset.
    :param source: the name of the source's object.
    :param diagnosed: whether error diagnostics were on.
    :param percent: the tolerated percentage of bad records; None when there is none.
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
    diagnosed: bool
    percent: float | None
    errors: Sequence[RowError] = ()
    rejected: Sequence[Row] = ()
    number: int = -1

    @property
    def failed_records(self) -> int:
        return self.input_records - self.output_records

    @property
    def file_count(self) -> int:
        """The number of files of its records."""
        return -(-self.output_records // ROWS_PER_FILE)

    @property
    def tags(self) -> dict[str, list[str]]:
        percent = {} if self.percent is None else {"acp_partialIngestionPercent": [f"{self.percent:g}"]}
        return {
            "flowId": [self.flow_id],
            "flowRunId": [self.run_id],
            "acp_enableErrorDiagnostics": [str(self.diagnosed).lower()],
            **percent,
        }

    def summary(self) -> list[Failure]:
        """Its failures as the platform reports them."""
        return summed(self.failures, self.diagnosed, self.failed_records, self.output_records)

    def expire(self) -> None:
        """Drop the diagnostics."""
        self.errors = self.rejected = ()


def summed(failures: Sequence[Failure], diagnosed: bool, failed: int, landed: int) -> list[Failure]:
    """The failures of a batch as the platform reports them.

    :param diagnosed: whether error diagnostics were on.
    :param failed: how many records failed.
    :param landed: how many were ingested.
    """
    if not any(failure.count for failure in failures):
        return list(failures)
    if not diagnosed:
        message = "There were errors, and error diagnostics were not enabled."
        return [Failure(UNDIAGNOSED_ERROR, message, 0)]
    message = f"{failed} records failed and {landed} were ingested; the diagnostic files tell more."
    return [Failure(SUMMARY_ERROR, message, 0), *failures]
