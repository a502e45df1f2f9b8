"""Samples of a run's failed records: bounded in size, and never stored."""

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

#: Maximum size of all samples together.
MAX_SAMPLE_BYTES = 2**20
#: Maximum number of a run's batches whose samples are read; a run usually has one batch.
MAX_BATCHES = 3
#: Maximum number of seconds for reading the samples that an error mentions.
MAX_READ_SECONDS = 10.0
#: Maximum number of codes that a message names.
MAX_CODES_NAMED = 5


def read_samples(
    client: Client, batch_ids: Iterable[str], *, examples: bool = False, attempts: int | None = None
) -> RowErrors:
    """
    Return the counts of the first :data:`MAX_SAMPLE_BYTES` of the batches' samples.

    :param examples: whether to keep an example of each kind, which contains values of records.
    :param attempts: maximum number of times that each request is sent. Defaults to ``None``: the client's number.
    :raises RequestError: if the service refuses; a batch without samples is not an error.
    """
    found = RowErrors(examples={} if examples else None)
    left = MAX_SAMPLE_BYTES

    def count_beginning(chunks: Iterator[bytes]) -> LineReader:
        reader = LineReader(examples=examples)
        for chunk in chunks:
            reader.feed(chunk[: left - reader.bytes])
            if reader.bytes >= left:
                return reader  # without finish(): the last line was cut
        reader.finish()
        return reader

    for batch_id in list(batch_ids)[:MAX_BATCHES]:
        for name in data_access.SAMPLES:
            try:
                file = data_access.DiagnosticFile(name)
                reader: LineReader = data_access.read_file(client, batch_id, file, count_beginning, attempts)
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

    :param text: the codes, each with its number of records if known, such as ``MAPPER-3107 (12)``.
    :param sampled: number of sampled records; ``None`` if the run itself names the codes.
    """

    text: str
    sampled: int | None = None

    def __str__(self) -> str:
        """Return the codes as a sentence of an error, without its full stop."""
        among = "" if self.sampled is None else f" among {self.sampled} sampled records"
        return f"Most frequent codes{among}: {self.text}"


def sampled_codes(client: Client, run: FlowRun) -> FrequentCodes | None:
    """
    Return the most frequent codes among a run's samples, requested without retries; ``None`` if there are none.

    :raises RequestError: if the service refuses.
    """
    if not run.batch_ids or run.failed_records == 0:
        return None
    with client.transport.within(MAX_READ_SECONDS):
        found = read_samples(client, run.batch_ids, attempts=1)
    codes = ", ".join(f"{code} ({number})" for code, number in list(found.codes.items())[:MAX_CODES_NAMED])
    return FrequentCodes(codes, found.rows) if codes else None


def reported_codes(run: FlowRun) -> FrequentCodes | None:
    """Return the most frequent codes that the run itself reports; ``None`` if it reports none."""
    return FrequentCodes(", ".join(run.failed_codes[:MAX_CODES_NAMED])) if run.failed_codes else None
