"""
Download of row error files, from Data Access into a folder of any store, in bounded memory.

A file is written under a temporary name, byte for byte, and renamed when it is complete. So a file with its final name
is always complete, and is not downloaded again after a kill.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from airflow_provider_payments.aep.api import catalog, data_access
from airflow_provider_payments.aep.errors import NotFoundError, StoreError
from airflow_provider_payments.aep.http.answers import UnexpectedError
from airflow_provider_payments.aep.readers import at, count, iso, moment, sequence
from airflow_provider_payments.aep.runs.row_errors import LineReader, RowErrors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.api.data_access import DiagnosticFile
    from airflow_provider_payments.aep.services import Json

log = logging.getLogger(__name__)

#: Bytes that are read at a time from a file that is complete already.
CHUNK_BYTES = 2**16


class StoragePath(Protocol):
    """The methods of a store's path that a download uses; Airflow's ``ObjectStoragePath`` has them."""

    @property
    def fs(self) -> Any:
        """The ``fsspec`` file system."""

    @property
    def path(self) -> str:
        """The path within the file system."""

    def __truediv__(self, name: str) -> StoragePath:
        """Return the path of a file or folder in this folder."""

    def exists(self) -> bool:
        """Return whether the file exists."""

    def open(self, mode: str) -> Any:
        """Open the file."""

    def mkdir(self, *, parents: bool, exist_ok: bool) -> None:
        """Create the folder."""

    def unlink(self) -> None:
        """Remove the file."""


@dataclass
class Download:
    """
    A download of batches' row errors into a folder: a subfolder for each batch, with the file names of Data Access.

    :param client: the client that sends the requests.
    :param folder: the folder for the files.
    :param writer: a part of the names of incomplete files; this writer's are overwritten, another writer's are kept.
    :param display_path: the folder's path in ``files``, because ``folder`` may omit the connection that the user gave.
        Defaults to ``""``: the path of ``folder``.
    :param examples: whether to keep an example of each kind of error, which contains values of records.
    :param files: the paths of the complete files, whether downloaded now or earlier.
    :param without_row_errors: the batches that have no row errors although records failed or may have failed, each with
        the reason.
    """

    client: Client
    folder: StoragePath
    writer: str
    display_path: str = ""
    examples: bool = False
    files: list[str] = field(default_factory=list)
    without_row_errors: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.errors = self._reader().found

    def _reader(self) -> LineReader:
        return LineReader(examples=self.examples)

    def add(self, batch_id: str) -> None:
        """
        Download the row errors of a batch, and one file of its samples.

        :raises StoreError: if the store refuses.
        :raises RequestError: if the batch does not exist, or a file cannot be read.
        :raises UnreadableError: if an answer cannot be understood.
        """
        files, rows = len(self.files), self.errors.rows
        for file in self._listed(batch_id):
            self._add_file(batch_id, file)
        has_errors = len(self.files) > files
        batch = {} if has_errors else catalog.batch(self.client, batch_id)
        if _failed(batch) == 0:
            log.info("Batch %s: no record failed", batch_id)
            return
        for name in data_access.SAMPLES:
            # Samples repeat some of the row errors, so they are counted only if there are no others.
            if self._add_file(batch_id, data_access.DiagnosticFile(name), is_counted=not has_errors):
                break
        if len(self.files) == files:
            self._explain(batch_id, batch)
        else:
            text = "Batch %s: %d row errors in %d files"
            log.info(text, batch_id, self.errors.rows - rows, len(self.files) - files)

    def _listed(self, batch_id: str) -> list[DiagnosticFile]:
        try:
            return list(data_access.row_error_files(self.client, batch_id))
        except NotFoundError:
            return []

    def _add_file(self, batch_id: str, file: DiagnosticFile, *, is_counted: bool = True) -> bool:
        """Download a file unless the folder has it; return whether the folder has it now, or the service has not."""
        *folders, name = (_safe(part) for part in (batch_id, *file.path.split("/", 1)))
        folder = self.folder
        for each in folders:
            folder = folder / each
        target, part = folder / name, folder / f"{name}.{self.writer}.part"
        with _store(target):
            is_there = target.exists()
        try:
            found = _count(target, self._reader()) if is_there else self._fetch(batch_id, file, folder, part)
        except NotFoundError:
            if file.path not in data_access.SAMPLES:
                text = "%s of batch %s is listed but no longer exists: row errors are kept for 30 days"
                log.warning(text, file.path, batch_id)
            return False
        if not is_there:
            with _store(target):
                part.fs.mv(part.path, target.path)
        self.files.append("/".join([(self.display_path or str(self.folder)).rstrip("/"), *folders, name]))
        if found.unreadable:
            log.warning("%d lines of %s are not row errors and were not counted", found.unreadable, target)
        if is_counted:
            self.errors.add(found)
        return True

    def _fetch(self, batch_id: str, file: DiagnosticFile, folder: StoragePath, part: StoragePath) -> RowErrors:
        def write(chunks: Iterator[bytes]) -> RowErrors:
            with _store(part):
                folder.mkdir(parents=True, exist_ok=True)
            return _write(chunks, part, self._reader(), file.length)

        try:
            found: RowErrors = data_access.read_file(self.client, batch_id, file, write)
        except BaseException:  # a kill too must not leave an incomplete file
            with suppress(Exception):  # the error that matters is raised below; a store may raise any other here
                part.unlink()
            raise
        return found

    def _explain(self, batch_id: str, batch: Json) -> None:
        """Record and log why a batch has no row errors although records failed."""
        ended = moment(batch.get("completed")) or moment(batch.get("created"))
        until = ended + data_access.RETENTION_DAYS * 86400 if ended else None
        if until and self.client.now() >= until:
            reason = f"row errors were kept for {data_access.RETENTION_DAYS} days, until {iso(until)}"
        elif _is_off(at(batch, "tags", "acp_enableErrorDiagnostics")):
            reason = "error diagnostics were off; error_diagnostics or partial_ingestion_percent turns them on"
        else:
            reason = "Data Access lists none"
        self.without_row_errors[batch_id] = reason
        failed = "an unknown number" if _failed(batch) is None else _failed(batch)
        log.warning("Batch %s has no row errors, though %s of its records failed: %s", batch_id, failed, reason)


def _write(chunks: Iterable[bytes], part: StoragePath, reader: LineReader, length: int | None) -> RowErrors:
    """
    Write a file and return the counts of its row errors.

    :raises UnexpectedError: if it is not a file of row errors, or shorter than Data Access reports.
    """
    with _store(part):
        out = part.open("wb")
    try:
        for chunk in chunks:
            reader.feed(chunk)
            with _store(part):
                out.write(chunk)
    finally:
        with _store(part):
            out.close()
    if reader.bytes < (length or 0):
        raise UnexpectedError(f"the file has {reader.bytes} bytes instead of {length}")
    if not reader.bytes and length is None:
        raise UnexpectedError("answered blank")
    return reader.finish()


def _count(target: StoragePath, reader: LineReader) -> RowErrors:
    """Return the counts of a complete file."""
    with _store(target), target.open("rb") as file:
        return reader.read(iter(lambda: file.read(CHUNK_BYTES), b""))


@contextmanager
def _store(path: StoragePath) -> Iterator[None]:
    """Turn an error of the store into a :class:`~airflow_provider_payments.aep.errors.StoreError` with the path."""
    try:
        yield
    except Exception as error:  # each store's library has its own errors
        raise StoreError(path, error) from error


def _safe(name: str) -> str:
    """Return a service's name as a file name; different names give different file names."""
    return name.replace(".", "%2E") if not name.strip(".") else quote(name, safe=" ")


def _failed(batch: Json) -> int | None:
    return count(at(batch, "metrics", "failedRecordCount"))


def _is_off(tag: object) -> bool:
    return str(next(iter(sequence(tag)), tag)).lower() == "false"
