"""
The files of row errors, from Data Access into a folder of any store, in bounded memory.

A file is written beside its final name and moved there when it is complete, so what has the final name is never half a
file, and is not fetched again after a kill. It is written as it comes, byte for byte.
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

READ_BYTES = 2**16


class StoragePath(Protocol):
    """A path of a store, as far as it is used here: Airflow's ``ObjectStoragePath`` is one."""

    @property
    def fs(self) -> Any:
        """The file system, as ``fsspec`` has it."""

    @property
    def path(self) -> str:
        """The path within the file system."""

    def __truediv__(self, name: str) -> StoragePath:
        """Return what is below it."""

    def exists(self) -> bool:
        """Return whether it is there."""

    def open(self, mode: str) -> Any:
        """Open it as a binary file."""

    def mkdir(self, *, parents: bool, exist_ok: bool) -> None:
        """Make it a folder."""

    def unlink(self) -> None:
        """Remove it."""


@dataclass
class Download:
    """
    Row errors of batches in a folder: one folder for each batch, with the names of Data Access below it.

    :param folder: where the files go.
    :param writer: part of the names of incomplete files: another writer's are not touched, one's own are overwritten.
    :param shown: what the folder is called in ``files``: a store's path may leave out the connection that was given.
    :param examples: whether to keep an example of each kind of error, which holds values of records.
    :param files: what is there now, whether fetched or found complete.
    :param without: batches that have no row errors though records failed, or may have, and why.
    """

    client: Client
    folder: StoragePath
    writer: str
    shown: str = ""
    examples: bool = False
    files: list[str] = field(default_factory=list)
    without: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.errors = self._reader().found

    def _reader(self) -> LineReader:
        return LineReader(examples=self.examples)

    def add(self, batch_id: str) -> None:
        """
        Download what there is of a batch.

        :raises StoreError: if the store refuses.
        :raises RequestError: if there is no such batch, or a file cannot be read.
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
            # They repeat some of the row errors.
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
        """Have a file complete in the folder, fetched where it is not; return whether it is, or is gone."""
        *folders, name = (_safe(part) for part in (batch_id, *file.path.split("/", 1)))
        folder = self.folder
        for each in folders:
            folder = folder / each
        target, part = folder / name, folder / f"{name}.{self.writer}.part"
        with _store(target):
            is_there = target.exists()
        try:
            found = _counted(target, self._reader()) if is_there else self._fetched(batch_id, file, folder, part)
        except NotFoundError:
            if file.path not in data_access.SAMPLES:
                log.warning("%s of batch %s is listed, and gone: row errors are kept for 30 days", file.path, batch_id)
            return False
        if not is_there:
            with _store(target):
                part.fs.mv(part.path, target.path)
        self.files.append("/".join([(self.shown or str(self.folder)).rstrip("/"), *folders, name]))
        if found.unreadable:
            log.warning("%d lines of %s are no row errors, and were not counted", found.unreadable, target)
        if is_counted:
            self.errors.add(found)
        return True

    def _fetched(self, batch_id: str, file: DiagnosticFile, folder: StoragePath, part: StoragePath) -> RowErrors:
        def write(chunks: Iterator[bytes]) -> RowErrors:
            with _store(part):
                folder.mkdir(parents=True, exist_ok=True)
            return _written(chunks, part, self._reader(), file.length)

        try:
            found: RowErrors = data_access.read_file(self.client, batch_id, file, write)
        except BaseException:
            with suppress(Exception):  # what matters has been raised
                part.unlink()
            raise
        return found

    def _explain(self, batch_id: str, batch: Json) -> None:
        """Note why a batch has no row errors though records failed."""
        ended = moment(batch.get("completed")) or moment(batch.get("created"))
        until = ended + data_access.RETENTION_DAYS * 86400 if ended else None
        if until and self.client.now() >= until:
            reason = f"they were kept for {data_access.RETENTION_DAYS} days, until {iso(until)}"
        elif _is_off(at(batch, "tags", "acp_enableErrorDiagnostics")):
            reason = "error diagnostics were off; error_diagnostics or partial_ingestion_percent turns them on"
        else:
            reason = "Data Access shows none"
        self.without[batch_id] = reason
        failed = "an unknown number" if _failed(batch) is None else _failed(batch)
        log.warning("Batch %s has no row errors, though %s of its records failed: %s", batch_id, failed, reason)


def _written(chunks: Iterable[bytes], part: StoragePath, reader: LineReader, length: int | None) -> RowErrors:
    """
    Write a file; return what it says.

    :raises UnexpectedError: if it is no file of row errors, or shorter than Data Access says.
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


def _counted(target: StoragePath, reader: LineReader) -> RowErrors:
    """Return what a file says that is complete."""
    with _store(target), target.open("rb") as file:
        return reader.read(iter(lambda: file.read(READ_BYTES), b""))


@contextmanager
def _store(path: StoragePath) -> Iterator[None]:
    """Name the file that a store refuses; stores raise errors of all kinds."""
    try:
        yield
    except Exception as error:
        raise StoreError(path, error) from error


def _safe(name: str) -> str:
    """Return what a service calls something as the name of one file, different ones for different names."""
    return name.replace(".", "%2E") if not name.strip(".") else quote(name, safe=" ")


def _failed(batch: Json) -> int | None:
    return count(at(batch, "metrics", "failedRecordCount"))


def _is_off(tag: object) -> bool:
    return str(next(iter(sequence(tag)), tag)).lower() == "false"
