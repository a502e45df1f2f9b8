"""Data Access' operations."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_payments.emulator.catalog.refusals import not_found
from airflow_provider_payments.emulator.catalog.state import Catalog
from airflow_provider_payments.emulator.core.call import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.core.parsing import parse_count
from airflow_provider_payments.emulator.core.refusals import PlainRefusal
from airflow_provider_payments.emulator.data_access import shapes
from airflow_provider_payments.emulator.data_access.files import (
    ROW_ERROR_SAMPLES,
    ROW_ERROR_SAMPLES_ALIAS,
    File,
    dataset_files,
    meta_files,
    rejected_files,
)
from airflow_provider_payments.emulator.data_access.shapes import PREFIX

PREVIEW_ROWS = 100


def list_dataset_files(call: Call[Catalog]) -> Answer:
    catalog, batch = call.state, call.state.batch(call.params["id"])
    dataset = catalog.datasets.get(batch.dataset_id)
    view_id = dataset.view_id if dataset else ""
    numbers = range(1, len(dataset_files(catalog, batch)) + 1)
    return shapes.page_of(
        call,
        f"/batches/{batch.id}/files",
        numbers,
        lambda number: shapes.dataset_file(call, batch, view_id, number),
    )


def show_dataset_file(call: Call[Catalog]) -> Answer:
    """List the parts of a dataset file, or with ``path`` return the content of one part."""
    batch_id, _, number = call.params["id"].rpartition("-")
    batch = call.state.batches.read(batch_id)
    files = dataset_files(call.state, batch) if batch else []
    place = (parse_count(number) or 0) - 1
    if not 0 <= place < len(files):
        raise not_found(f"File {call.params['id'][:100]}")
    return _show(call, f"/files/{call.params['id']}", files[place : place + 1])


def show_failed(call: Call[Catalog]) -> Answer:
    """List the files of a batch that failed, or with ``path`` return the content of one file."""
    batch = call.state.batch(call.params["id"])
    return _show(call, f"/batches/{batch.id}/failed", rejected_files(call.state, batch))


def show_meta(call: Call[Catalog]) -> Answer:
    """List the diagnostics of a batch, or with ``path`` list another directory or return the content of a file."""
    batch = call.state.batch(call.params["id"])
    directories, address = meta_files(call.state, batch), f"/batches/{batch.id}/meta"
    path = (call.parameter("path") or "").strip("/")
    if path in directories:
        return shapes.directory(call, address, directories[path], path)
    name = ROW_ERROR_SAMPLES if path == ROW_ERROR_SAMPLES_ALIAS else path
    within, _, name = name.rpartition("/")
    return _download(call, directories.get(within, ()), name)


def preview_dataset(call: Call[Catalog]) -> Answer:
    return Answer({"data": call.state.get(call.params["id"]).rows[:PREVIEW_ROWS]})


def _show(call: Call[Catalog], address: str, files: Sequence[File]) -> Answer:
    path = call.parameter("path")
    return _download(call, files, path) if path else shapes.directory(call, address, files)


def _download(call: Call[Catalog], files: Sequence[File], name: str) -> Answer:
    file = next((file for file in files if file.name == name), None)
    if file is None:
        raise not_found(f"Path {name[:100]}")
    return shapes.download(call, file)


__all__ = ["DIALECT", "PREFIX", "ROUTES"]

DIALECT = Dialect(PlainRefusal)
ROUTES: Routes[Catalog] = (
    ("GET", "/batches/{id}/files", list_dataset_files),
    ("GET", "/batches/{id}/failed", show_failed),
    ("GET", "/batches/{id}/meta", show_meta),
    ("GET", "/files/{id}", show_dataset_file),
    ("GET", "/datasets/{id}/preview", preview_dataset),
)
