"""Data Access' operations."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_payments.emulator.catalog.state import not_found
from airflow_provider_payments.emulator.core.call import Answer, Call, Dialect, Routes, count_from
from airflow_provider_payments.emulator.core.refusals import PlainRefusal
from airflow_provider_payments.emulator.data_access import shapes
from airflow_provider_payments.emulator.data_access.files import (
    OTHER_SAMPLES,
    ROW_ERROR_SAMPLES,
    File,
    dataset_files,
    meta_files,
    rejected_files,
)

PREVIEWED = 100


def list_dataset_files(call: Call) -> Answer:
    sandbox, batch = call.sandbox, call.sandbox.catalog.batch(call.params["id"])
    dataset = sandbox.catalog.datasets.get(batch.dataset_id)
    view_id = dataset.view_id if dataset else ""
    numbers = range(1, len(dataset_files(sandbox, batch)) + 1)
    return shapes.page_of(
        call,
        f"/batches/{batch.id}/files",
        numbers,
        lambda number: shapes.dataset_file(call, batch, view_id, number),
    )


def show_dataset_file(call: Call) -> Answer:
    """What a dataset file consists of, or with ``path`` the content of that."""
    batch_id, _, number = call.params["id"].rpartition("-")
    batch = call.sandbox.catalog.batches.read(batch_id)
    files = dataset_files(call.sandbox, batch) if batch else []
    place = (count_from(number) or 0) - 1
    if not 0 <= place < len(files):
        raise not_found(f"File {call.params['id'][:100]}")
    return _show(call, f"/files/{call.params['id']}", files[place : place + 1])


def show_failed(call: Call) -> Answer:
    """The files of a batch that failed, or with ``path`` the content of one."""
    batch = call.sandbox.catalog.batch(call.params["id"])
    return _show(call, f"/batches/{batch.id}/failed", rejected_files(call.sandbox, batch))


def show_meta(call: Call) -> Answer:
    """The diagnostics of a batch: all, with ``path`` those in a directory, or the content of one."""
    batch = call.sandbox.catalog.batch(call.params["id"])
    directories, address = meta_files(call.sandbox, batch), f"/batches/{batch.id}/meta"
    path = (call.first("path") or "").strip("/")
    if path in directories:
        return shapes.directory(call, address, directories[path], path)
    name = ROW_ERROR_SAMPLES if path == OTHER_SAMPLES else path
    within, _, name = name.rpartition("/")
    return _download(call, directories.get(within, ()), name)


def preview_dataset(call: Call) -> Answer:
    return Answer({"data": call.sandbox.catalog.get(call.params["id"]).rows[:PREVIEWED]})


def _show(call: Call, address: str, files: Sequence[File]) -> Answer:
    path = call.first("path")
    return _download(call, files, path) if path else shapes.directory(call, address, files)


def _download(call: Call, files: Sequence[File], name: str) -> Answer:
    file = next((file for file in files if file.name == name), None)
    if file is None:
        raise not_found(f"Path {name[:100]}")
    return shapes.download(call, file)


DIALECT = Dialect(PlainRefusal)
ROUTES: Routes = (
    ("GET", "/batches/{id}/files", list_dataset_files),
    ("GET", "/batches/{id}/failed", show_failed),
    ("GET", "/batches/{id}/meta", show_meta),
    ("GET", "/files/{id}", show_dataset_file),
    ("GET", "/datasets/{id}/preview", preview_dataset),
)
