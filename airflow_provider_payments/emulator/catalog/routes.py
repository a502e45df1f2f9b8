"""Catalog's operations."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_payments.emulator.catalog import related
from airflow_provider_payments.emulator.catalog.batches import Batch
from airflow_provider_payments.emulator.catalog.listing import Listing, answer, unique_values
from airflow_provider_payments.emulator.catalog.refusals import bad_request
from airflow_provider_payments.emulator.catalog.shapes import (
    batch_to_wire,
    dataset_to_wire,
    last_batches_to_wire,
    tags_of,
)
from airflow_provider_payments.emulator.catalog.state import Catalog, Dataset
from airflow_provider_payments.emulator.core.call import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.core.json_patch import PatchError, apply_patch, parse_patch
from airflow_provider_payments.emulator.core.refusals import PlainRefusal

PREFIX = "/data/foundation/catalog"
_BATCH_RANGES = {
    f"{name}{end}": (member, sign)
    for name, member in (("created", "created"), ("start", "started"), ("end", "completed"))
    for end, sign in (("After", ">"), ("Before", "<"))
}
# Readers of the members that lists use most often: they avoid building the whole wire object.
_READERS: Mapping[str, Callable[[Dataset], Any]] = {
    "name": lambda dataset: dataset.name,
    "description": lambda dataset: dataset.content.get("description", ""),
    "version": lambda dataset: dataset.version,
    "created": lambda dataset: dataset.created,
    "updated": lambda dataset: dataset.updated,
    "enableErrorDiagnostics": lambda dataset: dataset.content.get("enableErrorDiagnostics", False),
    "tags": tags_of,
    "schemaRef.id": lambda dataset: dataset.schema_id,
}
_KEYS = {"name": "name", "schemaRef.id": "schema"}
_BATCH_READERS: Mapping[str, Callable[[Batch], Any]] = {
    "batch": lambda batch: batch.id,
    "status": lambda batch: batch.status,
    "created": lambda batch: batch.started,
    "started": lambda batch: batch.started,
    "completed": lambda batch: batch.completed,
    "dataSet": lambda batch: batch.dataset_id,
    "recordCount": lambda batch: batch.input_records,
    "failedRecordCount": lambda batch: batch.failed_records,
    "size": lambda batch: batch.input_bytes,
    "tags": lambda batch: batch.tags,
}
_LAST_BATCH_READERS: Mapping[str, Callable[[Dataset], Any]] = {"dataSetId": lambda dataset: dataset.id}
_LAST_BATCH_SIMPLE = _LAST_BATCH_READERS.keys() | {
    *("lastBatchId", "lastBatchStatus", "lastSuccessfulBatchId", "lastFailedBatchId"),
    *("created", "updated"),
}
_USERS = {"createdClient", "createdUser", "updatedUser"}
_SIMPLE = _USERS | _READERS.keys() - {"tags", "schemaRef.id"}
_BATCH_SIMPLE = _USERS | _BATCH_READERS.keys() - {"tags"} | {"version", "updated", "externalId"}


def create_dataset(call: Call[Catalog]) -> Answer:
    request_data_source = (call.parameter("requestDataSource") or "false").lower() == "true"
    dataset = call.state.create(call.json_object(), request_data_source)
    return Answer([_reference(dataset)], 201, {"Location": f"{PREFIX}/dataSets/{dataset.id}"})


def list_datasets(call: Call[Catalog]) -> Answer:
    catalog = call.state
    shape = functools.partial(dataset_to_wire, catalog=catalog)
    return answer(call, Listing(catalog.datasets, shape, _READERS, _KEYS, simple=_SIMPLE))


def show_dataset(call: Call[Catalog]) -> Answer:
    get = functools.partial(call.state.get, removed=True)
    return related.look_up(call, get, functools.partial(dataset_to_wire, catalog=call.state))


def patch_dataset(call: Call[Catalog]) -> Answer:
    return _patch(call, deep=False)


def patch_dataset_v2(call: Call[Catalog]) -> Answer:
    return _patch(call, deep=True)


def _patch(call: Call[Catalog], *, deep: bool) -> Answer:
    catalog = call.state
    dataset = _dataset_to_write(call)
    body = call.json()
    if isinstance(body, list):
        # Patch paths refer to the wire form, in which these members exist even if no client has written them.
        wire = {"description": "", "tags": {}, "enableErrorDiagnostics": False, **dataset.content}
        try:
            patched = apply_patch(wire, parse_patch(body), parents=deep)
        except PatchError as error:
            raise bad_request(error.detail) from error
        if "schemaRef" not in patched:
            raise bad_request("'schemaRef' cannot be removed.")
        catalog.update(dataset, patched, whole=True)
    elif isinstance(body, dict):
        catalog.update(dataset, _deep_changes(dataset.content, body) if deep else body, whole=False)
    else:
        raise bad_request("The body must be an object, or a list of patch instructions.")
    return Answer([_reference(dataset)])


def _deep_changes(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changed members of a dataset, each merged with its nested changes; a tag may be a single text."""
    tags = changes.get("tags")
    if isinstance(tags, dict):
        listed = {key: [value] if isinstance(value, str) else value for key, value in tags.items()}
        changes = {**changes, "tags": listed}
    return _merged({key: content[key] for key in changes if key in content}, changes)


def _merged(known: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = {**known, **changes}
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(known.get(key), dict):
            result[key] = _merged(known[key], value)
    return result


def _dataset_to_write(call: Call[Catalog]) -> Dataset:
    """Return the dataset that the path names; refuse if a precondition of the request fails."""
    dataset = call.state.get(call.params["id"])
    current = {dataset.version, str(dataset.updated), "*"}
    for header, must_match in (("if-match", True), ("if-none-match", False)):
        tag = call.headers.get(header)
        if tag is not None and (tag.strip().strip('"') in current) != must_match:
            raise PlainRefusal(412, f"The dataset is in version {dataset.version}; {header} forbids this.")
    return dataset


def replace_dataset(call: Call[Catalog]) -> Answer:
    dataset = _dataset_to_write(call)
    call.state.update(dataset, call.json_object(), whole=True)
    return Answer([_reference(dataset)])


def delete_dataset(call: Call[Catalog]) -> Answer:
    catalog = call.state
    dataset = catalog.get(call.params["id"])
    catalog.datasets.remove(dataset)
    return Answer([_reference(dataset)])


def list_batches(call: Call[Catalog]) -> Answer:
    return answer(call, _batches(call))


def _batches(call: Call[Catalog]) -> Listing[Batch]:
    shape = functools.partial(batch_to_wire, catalog=call.state)
    store, keys = call.state.batches, {"dataSet": "dataSet"}
    return Listing(store, shape, _BATCH_READERS, keys, simple=_BATCH_SIMPLE, ranges=_BATCH_RANGES)


def list_last_batches(call: Call[Catalog]) -> Answer:
    catalog = call.state
    shape = functools.partial(last_batches_to_wire, catalog=catalog)
    # Datasets without a batch are left out.
    with_batches = replace(call, query=[*call.query, ("property", "lastBatchId")])
    return answer(with_batches, Listing(catalog.datasets, shape, _LAST_BATCH_READERS, simple=_LAST_BATCH_SIMPLE))


def show_batch(call: Call[Catalog]) -> Answer:
    return related.look_up(call, call.state.batch, functools.partial(batch_to_wire, catalog=call.state))


def show_unique_values(call: Call[Catalog]) -> Answer:
    return unique_values(call, _batches(call), call.params["member"])


def _reference(dataset: Dataset) -> str:
    return f"@/dataSets/{dataset.id}"


DIALECT = Dialect(PlainRefusal)
ROUTES: Routes[Catalog] = (
    ("POST", "/dataSets", create_dataset),
    ("GET", "/dataSets", list_datasets),
    *related.ROUTES,
    ("GET", "/dataSets/{id}", show_dataset),
    ("PATCH", "/dataSets/{id}", patch_dataset),
    ("PATCH", "/v2/dataSets/{id}", patch_dataset_v2),
    ("PUT", "/dataSets/{id}", replace_dataset),
    ("DELETE", "/dataSets/{id}", delete_dataset),
    ("GET", "/batches", list_batches),
    ("GET", "/batches/uniques/{member}", show_unique_values),
    ("GET", "/batches/{id}", show_batch),
    ("GET", "/lastBatches", list_last_batches),
)
