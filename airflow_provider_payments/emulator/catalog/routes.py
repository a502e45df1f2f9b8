"""Catalog's operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.catalog.batch_shapes import batch_to_wire
from airflow_provider_payments.emulator.catalog.batches import Batch
from airflow_provider_payments.emulator.catalog.filters import Selection, cut, shown_properties
from airflow_provider_payments.emulator.catalog.shapes import dataset_to_wire, tags_of
from airflow_provider_payments.emulator.catalog.state import Dataset, bad_request
from airflow_provider_payments.emulator.exchange import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.json_patch import PatchError, apply_patch, parse_patch
from airflow_provider_payments.emulator.refusals import PlainRefusal, Refusal

_SIMPLE = {
    name: name
    for name in (
        "name",
        "description",
        "version",
        "created",
        "updated",
        "createdClient",
        "createdUser",
        "updatedUser",
        "enableErrorDiagnostics",
    )
}
_BATCH_SIMPLE = {
    **{
        name: name
        for name in (
            "status",
            "version",
            "created",
            "updated",
            "started",
            "completed",
            "createdClient",
            "createdUser",
            "updatedUser",
            "externalId",
            "dataSet",
            "recordCount",
            "failedRecordCount",
            "size",
        )
    },
    "batch": "id",
}
_BATCH_AFTER = {"createdAfter": "created", "startAfter": "started", "endAfter": "completed"}
_BATCH_BEFORE = {"createdBefore": "created", "startBefore": "started", "endBefore": "completed"}
# Members that lists look at most often, read without shaping the whole object.
_QUICK: Mapping[str, Callable[[Dataset], Any]] = {
    "name": lambda dataset: dataset.name,
    "description": lambda dataset: dataset.content.get("description", ""),
    "version": lambda dataset: dataset.version,
    "created": lambda dataset: dataset.created,
    "updated": lambda dataset: dataset.updated,
    "enableErrorDiagnostics": lambda dataset: dataset.content.get("enableErrorDiagnostics", False),
    "tags": tags_of,
}
_BATCH_QUICK: Mapping[str, Callable[[Batch], Any]] = {
    "id": lambda batch: batch.id,
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


def create_dataset(call: Call) -> Answer:
    wanted = (call.first("requestDataSource") or "false").lower() == "true"
    dataset = call.sandbox.catalog.create(call.json_object(), wanted)
    return Answer([_reference(dataset)], 201, {"Location": f"/data/foundation/catalog/dataSets/{dataset.id}"})


def list_datasets(call: Call) -> Answer:
    sandbox, store = call.sandbox, call.sandbox.catalog.datasets

    def read(dataset: Dataset, member: str) -> Any:
        return _QUICK[member](dataset) if member in _QUICK else dataset_to_wire(dataset, sandbox).get(member)

    selection = Selection(call, read, _SIMPLE)
    name = call.first("name")
    # A plain name is found at once; only patterns are held against every dataset.
    candidates = store.select("name", (name,)) if name and not set("!*,") & set(name) else store.select()
    return Answer(selection.page(candidates.behind(None), lambda dataset: dataset_to_wire(dataset, sandbox)))


def show_dataset(call: Call) -> Answer:
    dataset = call.sandbox.catalog.get(call.params["id"])
    return Answer({dataset.id: cut(dataset_to_wire(dataset, call.sandbox), shown_properties(call))})


def patch_dataset(call: Call) -> Answer:
    return _patch(call, deep=False)


def patch_dataset_v2(call: Call) -> Answer:
    return _patch(call, deep=True)


def _patch(call: Call, *, deep: bool) -> Answer:
    catalog = call.sandbox.catalog
    dataset = _unchanged(call)
    body = call.json()
    if isinstance(body, list):
        # Instructions address the dataset as it is shown: these members are there even if nobody has written them.
        shown = {"description": "", "tags": {}, "enableErrorDiagnostics": False, **dataset.content}
        try:
            patched = apply_patch(shown, parse_patch(body), parents=deep)
        except PatchError as error:
            raise bad_request(error.detail) from error
        if "schemaRef" not in patched:
            raise bad_request("'schemaRef' cannot be removed.")
        catalog.update(dataset, patched, whole=True)
    elif isinstance(body, dict):
        catalog.update(dataset, _deepened(dataset.content, body) if deep else body, whole=False)
    else:
        raise bad_request("The body must be an object, or a list of patch instructions.")
    return Answer([_reference(dataset)])


def _deepened(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """What a change of nested members makes of the members around them; a tag may be one text."""
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


def _unchanged(call: Call) -> Dataset:
    """The dataset that is to be written, unless the request's conditions forbid that."""
    dataset = call.sandbox.catalog.get(call.params["id"])
    marks = {dataset.version, str(dataset.updated), "*"}
    for header, wanted in (("if-match", True), ("if-none-match", False)):
        named = call.headers.get(header)
        if named is not None and (named.strip().strip('"') in marks) != wanted:
            raise PlainRefusal(
                412, "PreconditionFailedError", f"The dataset is in version {dataset.version}; {header} forbids this."
            )
    return dataset


def replace_dataset(call: Call) -> Answer:
    dataset = _unchanged(call)
    call.sandbox.catalog.update(dataset, call.json_object(), whole=True)
    return Answer([_reference(dataset)])


def delete_dataset(call: Call) -> Answer:
    datasets = call.sandbox.catalog.datasets
    dataset = datasets.get(call.params["id"])
    if dataset is None:
        return Answer([])
    datasets.remove(dataset)
    return Answer([_reference(dataset)])


def list_batches(call: Call) -> Answer:
    sandbox, store = call.sandbox, call.sandbox.catalog.batches

    def read(batch: Batch, member: str) -> Any:
        return _BATCH_QUICK[member](batch) if member in _BATCH_QUICK else batch_to_wire(batch, sandbox).get(member)

    selection = Selection(call, read, _BATCH_SIMPLE, _BATCH_AFTER, _BATCH_BEFORE)
    dataset = call.first("dataSet")
    candidates = store.select("dataset", (dataset,)) if dataset and not set("!*,") & set(dataset) else store.select()
    return Answer(selection.page(candidates.behind(None), lambda batch: batch_to_wire(batch, sandbox)))


def show_batch(call: Call) -> Answer:
    batch = call.sandbox.catalog.batches.get(call.params["id"])
    if batch is None:
        raise PlainRefusal(404, "NotFoundError", f"There is no batch {call.params['id'][:100]}.")
    return Answer({batch.id: cut(batch_to_wire(batch, call.sandbox), shown_properties(call))})


def _reference(dataset: Dataset) -> str:
    return f"@/dataSets/{dataset.id}"


def _unreadable(detail: str) -> Refusal:
    return bad_request(detail)


def _sandbox_missing() -> Refusal:
    return bad_request("The header x-sandbox-name is missing.")


def _sandbox_unknown(name: str) -> Refusal:
    return PlainRefusal(404, "NotFoundError", f"There is no sandbox '{name[:100]}' in this organisation.")


def _failed() -> Refusal:
    return PlainRefusal(500, "InternalServerError", "The service failed unexpectedly.")


DIALECT = Dialect(_unreadable, _sandbox_missing, _sandbox_unknown, _failed)
ROUTES: Routes = (
    ("POST", "/dataSets", create_dataset),
    ("GET", "/dataSets", list_datasets),
    ("GET", "/dataSets/{id}", show_dataset),
    ("PATCH", "/dataSets/{id}", patch_dataset),
    ("PATCH", "/v2/dataSets/{id}", patch_dataset_v2),
    ("PUT", "/dataSets/{id}", replace_dataset),
    ("DELETE", "/dataSets/{id}", delete_dataset),
    ("GET", "/batches", list_batches),
    ("GET", "/batches/{id}", show_batch),
)
