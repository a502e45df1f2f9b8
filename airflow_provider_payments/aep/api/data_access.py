"""
What Data Access offers to a reader: the diagnostics of a batch, files of JSON Lines.

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

#: Days for which the diagnostics of a batch are kept.
RETENTION_DAYS = 30
ROW_ERRORS = "row_errors"
#: The name that flow runs use for the file of samples, and the one of Adobe's OpenAPI file.
SAMPLES = ("row_error_samples.json", "row_errors_sample.json")


@dataclass(frozen=True)
class DiagnosticFile:
    """
    A file of a batch's diagnostics.

    :param path: what Data Access calls it, below the batch.
    :param length: its bytes; ``None`` where that is not said.
    """

    path: str
    length: int | None = None


def row_error_files(client: Client, batch_id: str) -> Iterator[DiagnosticFile]:
    """
    Yield the files of a batch's row errors, page after page.

    :raises RequestError: if the service refuses, with a 404 where the batch has none, or they have expired.
    """
    path = _meta(batch_id)

    def ask(start: int | None) -> tuple[list[Any], int | None]:
        begin = start or 0
        params = {"path": ROW_ERRORS, "start": str(begin), "limit": str(PAGE)}
        page = client.get(path, params, expected=pages.holding("data"))
        found = page["data"]
        end, total = begin + len(found), count(at(page, "_page", "count"))
        has_more = bool(at(page, "_links", "next")) or total is None or end < total
        return found, end if found and has_more else None

    for page in client.walk(path, ask, "name"):
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
    Stream a file of a batch's diagnostics into a function; return what that returns.

    :param into: takes the file in chunks, for each attempt anew; see :class:`.transport.Call`.
    :param attempts: how many times it is asked for at most, where that is not as many times as anything.
    :raises RequestError: if the service refuses, or brings no usable answer.
    """
    params, headers = {"path": file.path}, {"Accept": "*/*"}
    return client.request("GET", _meta(batch_id), params=params, headers=headers, into=into, attempts=attempts).body


def _meta(batch_id: str) -> str:
    return f"{DATA_ACCESS}/batches/{segment(batch_id)}/meta"


def _name(item: Json) -> str:
    if found := text(item.get("name")):
        return found
    raise UnreadableError("a file of row errors", f"name={shown(item.get('name'))}")
