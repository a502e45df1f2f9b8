"""Batches: what one flow run brought into a dataset, and for a while why some of it did not arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DIAGNOSTICS_SECONDS = 30 * 86400
ROWS_PER_FILE = 1000
# Without error diagnostics a batch only says that there were errors; with them, one entry sums the others up.
UNDIAGNOSED = "INGEST-1211-400"
SUMMARY = "INGEST-1212-400"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowError:
    """A record that did not land.

    :param code: such as ``MAPPER-3700-400``.
    """

    code: str
    message: str
    row: Row


@dataclass(frozen=True, slots=True)
class Failure:
    """How many records of a batch failed with one code.

    :param code: as in :class:`RowError`.
    :param message: the one that most of them have.
    :param count: 0 stands for the batch as a whole.
    """

    code: str
    message: str
    count: int


@dataclass(slots=True)
class Batch:
    """The records of one flow run. Times are epoch milliseconds.

    :param first_row: where its records begin among those of the dataset.
    :param source: what was read, as the source calls it.
    :param diagnosed: whether error diagnostics were on.
    :param percent: the tolerated share of bad records, None when there is none.
    :param errors: the records that failed, as long as diagnostics are kept; empty without diagnostics.
    :param rejected: all records read, as long as diagnostics are kept, when the batch failed as a whole.
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
        """How many files its records fill."""
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
        """What went wrong, as the platform tells it."""
        return summed(self.failures, self.diagnosed, self.failed_records, self.output_records)

    def expire(self) -> None:
        """Let go of the diagnostics."""
        self.errors = self.rejected = ()


def summed(failures: Sequence[Failure], diagnosed: bool, failed: int, landed: int) -> list[Failure]:
    """The failures of a batch as the platform tells them.

    :param diagnosed: whether error diagnostics were on.
    :param failed: how many records failed.
    :param landed: how many did not.
    """
    if not any(failure.count for failure in failures):
        return list(failures)
    if not diagnosed:
        message = "There were errors, and error diagnostics were not enabled."
        return [Failure(UNDIAGNOSED, message, 0)]
    message = f"{failed} records failed and {landed} were ingested; the diagnostic files tell more."
    return [Failure(SUMMARY, message, 0), *failures]
