"""
Reads of Data Access: the diagnostics of a batch, which are files of JSON Lines.

Sources: Adobe's OpenAPI file, the guide "Retrieve error diagnostics".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.api import pages
from airflow_provider_payments.aep.errors import UnreadableError
from airflow_provider_payments.aep.readers import at, count, shown, text
from airflow_provider_payments.aep.services import DATA_ACCESS, PAGE, Json, segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_payments.aep.api.client import Client

#: How long the service keeps the diagnostics of a batch.
RETENTION_DAYS = 30
#: The folder of a batch's row errors.
ROW_ERRORS = "row_errors"
#: The names of the file with samples of row errors: in flow runs, and in Adobe's OpenAPI file.
SAMPLES = ("row_error_samples.json", "row_errors_sample.json")


@dataclass(frozen=True)
class DiagnosticFile:
    """
    A file of a batch's diagnostics.

    :param path: the file's path in Data Access, relative to the batch.
    :param length: the file's size in bytes; ``None`` if the service does not state it.
    """

    path: str
    length: int | None = None


def row_error_files(client: Client, batch_id: str) -> Iterator[DiagnosticFile]:
    """
    Yield the files with the row errors of a batch.

    :raises RequestError: if the service refuses; a 404 means that the batch has no row errors or that they have
        expired.
    """
    path = _meta_path(batch_id)

    def read_page(start: int | None) -> tuple[list[Any], int | None]:
        begin = start or 0
        params = {"path": ROW_ERRORS, "start": str(begin), "limit": str(PAGE)}
        page = client.get(path, params, expected=pages.holding("data"))
        found = page["data"]
        end, total = begin + len(found), count(at(page, "_page", "count"))
        has_more = bool(at(page, "_links", "next")) or total is None or end < total
        return found, end if found and has_more else None

    for page in client.walk(path, read_page, "name"):
        for item in pages.objects(page, ROW_ERRORS):
            yield DiagnosticFile(f"{ROW_ERRORS}/{_name(item)}", count(item.get("length")))


def read_file(
    client: Client,
    batch_id: str,
    file: DiagnosticFile,
    into: Callable[[Iterator[bytes]], Any],
    attempts: int | None = None,
) -> Any:
    """
    Stream a file of a batch's diagnostics into a function; return the function's result.

    :param into: consumes the file in chunks, for each attempt from the beginning; see :class:`.call.Call`.
    :param attempts: the number of attempts allowed. Defaults to that of the transport.
    :raises RequestError: if the service refuses, or if no attempt has a usable answer.
    """
    params, headers, path = {"path": file.path}, {"Accept": "*/*"}, _meta_path(batch_id)
    return client.request("GET", path, params=params, headers=headers, into=into, attempts=attempts).body


def _meta_path(batch_id: str) -> str:
    return f"{DATA_ACCESS}/batches/{segment(batch_id)}/meta"


def _name(item: Json) -> str:
    if found := text(item.get("name")):
        return found
    raise UnreadableError("a file of row errors", f"name={shown(item.get('name'))}")
