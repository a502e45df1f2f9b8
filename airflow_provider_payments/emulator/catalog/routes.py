"""Catalog's operations."""

from __future__ import annotations

from airflow_provider_payments.emulator.catalog.filters import Selection
from airflow_provider_payments.emulator.catalog.shapes import batch_to_wire, dataset_to_wire
from airflow_provider_payments.emulator.catalog.state import Dataset, bad_request
from airflow_provider_payments.emulator.exchange import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.json_patch import PatchError, apply_patch, parse_patch
from airflow_provider_payments.emulator.refusals import PlainRefusal, Refusal

_BATCH_FILTERS = ("status", "created", "createdClient", "createdUser", "updatedUser")


def create_dataset(call: Call) -> Answer:
    wanted = (call.first("requestDataSource") or "false").lower() == "true"
    dataset = call.sandbox.catalog.create(call.json_object(), wanted)
    return Answer([_reference(dataset)], 201, {"Location": f"/data/foundation/catalog/dataSets/{dataset.id}"})


def list_datasets(call: Call) -> Answer:
    selection, sandbox = Selection(call), call.sandbox
    return Answer(selection.page({item.id: dataset_to_wire(item, sandbox) for item in sandbox.catalog.datasets}))


def show_dataset(call: Call) -> Answer:
    selection, sandbox = Selection(call), call.sandbox
    dataset = sandbox.catalog.get(call.params["id"])
    return Answer({dataset.id: selection.cut(dataset_to_wire(dataset, sandbox))})


def patch_dataset(call: Call) -> Answer:
    return _patch(call, parents=False)


def patch_dataset_v2(call: Call) -> Answer:
    return _patch(call, parents=True)


def _patch(call: Call, *, parents: bool) -> Answer:
    catalog = call.sandbox.catalog
    dataset = catalog.get(call.params["id"])
    body = call.json()
    if isinstance(body, list):
        # Instructions address the dataset as it is shown: these members are there even if nobody has written them.
        shown = {"description": "", "tags": {}, "enableErrorDiagnostics": False, **dataset.content}
        try:
            patched = apply_patch(shown, parse_patch(body), parents=parents)
        except PatchError as error:
            raise bad_request(error.detail) from error
        if "schemaRef" not in patched:
            raise bad_request("The schema of a dataset cannot be removed.")
        catalog.update(dataset, patched, whole=True)
    elif isinstance(body, dict):
        catalog.update(dataset, body, whole=False)
    else:
        raise bad_request("The body must be an object, or a list of patch instructions.")
    return Answer([_reference(dataset)])


def replace_dataset(call: Call) -> Answer:
    catalog = call.sandbox.catalog
    dataset = catalog.get(call.params["id"])
    catalog.update(dataset, call.json_object(), whole=True)
    return Answer([_reference(dataset)])


def delete_dataset(call: Call) -> Answer:
    datasets = call.sandbox.catalog.datasets
    dataset = datasets.get(call.params["id"])
    if dataset is None:
        return Answer([])
    datasets.remove(dataset)
    return Answer([_reference(dataset)])


def list_batches(call: Call) -> Answer:
    selection, sandbox = Selection(call, _BATCH_FILTERS), call.sandbox
    wanted = call.first("dataSet")
    batches = [batch for batch in sandbox.catalog.batches if wanted is None or batch.dataset_id == wanted]
    return Answer(selection.page({batch.id: batch_to_wire(batch, sandbox) for batch in batches}))


def show_batch(call: Call) -> Answer:
    batch = call.sandbox.catalog.batches.get(call.params["id"])
    if batch is None:
        raise PlainRefusal(404, "NotFoundError", f"There is no batch {call.params['id'][:100]}.")
    return Answer({batch.id: batch_to_wire(batch, call.sandbox)})


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
