"""Samples of the records of a run that failed: a little of them, read at once and kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.api import data_access
from airflow_provider_payments.aep.errors import NotFoundError
from airflow_provider_payments.aep.runs.row_errors import LineReader, RowErrors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.runs.flow_run import FlowRun

#: Of all samples together.
MAX_SAMPLE_BYTES = 2**20
#: Batches of a run that are asked for samples; a run has one.
MAX_BATCHES = 3
#: Seconds that an error may wait for what it says of samples.
MAX_WAIT_SECONDS = 10.0
#: Codes that a message names.
MAX_CODES = 5


def read_samples(
    client: Client, batch_ids: Iterable[str], *, examples: bool = False, attempts: int | None = None
) -> RowErrors:
    """
    Return what the samples of batches say, the first :data:`MAX_SAMPLE_BYTES` of them.

    :param examples: whether to keep an example of each kind, which holds values of records.
    :param attempts: how many times each request is sent at most, where that is not as many times as any.
    :raises RequestError: if the service refuses; not where there are no samples.
    """
    found = RowErrors(examples={} if examples else None)
    left = MAX_SAMPLE_BYTES

    def some(chunks: Iterator[bytes]) -> LineReader:
        reader = LineReader(examples=examples)
        for chunk in chunks:
            reader.feed(chunk[: left - reader.bytes])
            if reader.bytes >= left:
                return reader  # the line that was cut says nothing
        reader.finish()
        return reader

    for batch_id in list(batch_ids)[:MAX_BATCHES]:
        for name in data_access.SAMPLES:
            try:
                file = data_access.DiagnosticFile(name)
                reader: LineReader = data_access.read_file(client, batch_id, file, some, attempts)
            except NotFoundError:
                pass
            else:
                found.add(reader.found)
                left -= reader.bytes
                break
        if left <= 0:
            break
    return found


@dataclass(frozen=True)
class FrequentCodes:
    """
    The most frequent codes of a run's failed records.

    :param text: the codes, each with how many records where that is known, such as ``MAPPER-3107 (12)``.
    :param sampled: of how many sampled records; ``None``: the run itself names them.
    """

    text: str
    sampled: int | None = None

    def __str__(self) -> str:
        """Return them as the end of an error."""
        among = "" if self.sampled is None else f" among {self.sampled} sampled records"
        return f"Most frequent codes{among}: {self.text}"


def sampled_codes(client: Client, run: FlowRun) -> FrequentCodes | None:
    """
    Return the most frequent codes among a run's samples, asked for once; ``None`` where there are none.

    :raises RequestError: if the service refuses.
    """
    if not run.batch_ids or run.failed_records == 0:
        return None
    with client.transport.within(MAX_WAIT_SECONDS):
        found = read_samples(client, run.batch_ids, attempts=1)
    codes = ", ".join(f"{code} ({number})" for code, number in list(found.codes.items())[:MAX_CODES])
    return FrequentCodes(codes, found.rows) if codes else None


def own_codes(run: FlowRun) -> FrequentCodes | None:
    """Return the most frequent codes that a run names itself; ``None`` where it names none."""
    return FrequentCodes(", ".join(run.failed_codes[:MAX_CODES])) if run.failed_codes else None
