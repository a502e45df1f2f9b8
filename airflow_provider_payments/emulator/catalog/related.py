"""The views and files of datasets, and lookups of objects by ids."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from airflow_provider_payments.emulator.catalog.batches import Batch
from airflow_provider_payments.emulator.catalog.listing import Listing, answer, cut
from airflow_provider_payments.emulator.catalog.refusals import not_found
from airflow_provider_payments.emulator.catalog.shapes import file_to_wire, view_to_wire
from airflow_provider_payments.emulator.catalog.state import Catalog, Dataset
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.refusals import PlainRefusal
from airflow_provider_payments.emulator.core.store import Numbered, Store

Item = TypeVar("Item", bound=Numbered)


@dataclass(slots=True)
class View:
    """The only view of a dataset; the view exists as long as the dataset."""

    id: str
    dataset: Dataset
    number: int = -1


@dataclass(slots=True)
class DatasetFile:
    """A file that a batch wrote into a dataset.

    :param id: the batch's id and the number of the file in the batch, from 1.
    """

    id: str
    batch: Batch
    dataset: Dataset
    number: int = -1


_RETENTION = {"defaultValue": "P12M", "maxValue": "P10Y", "minValue": "P30D"}
_VIEW_READERS: Mapping[str, Callable[[View], Any]] = {
    "dataSetId": lambda view: view.dataset.id,
    "created": lambda view: view.dataset.created,
    "updated": lambda view: view.dataset.updated,
}
_FILE_READERS: Mapping[str, Callable[[DatasetFile], Any]] = {
    "batchId": lambda file: file.batch.id,
    "dataSetId": lambda file: file.dataset.id,
    "dataSetViewId": lambda file: file.dataset.view_id,
    "created": lambda file: file.batch.completed,
    "updated": lambda file: file.batch.completed,
}


def look_up(call: Call[Catalog], get: Callable[[str], Item], show: Callable[[Item], dict[str, Any]]) -> Answer:
    """Answer with the objects whose ids the path lists, separated by commas; unknown ids are left out.

    :param get: returns an object by its id, or refuses; the refusal is the answer if no object is found.
    """
    found, refusal = {}, None
    for identifier in call.params["id"].split(","):
        try:
            item = get(identifier.strip())
        except PlainRefusal as error:
            refusal = error
        else:
            found[item.id] = cut(call, show(item))
    if refusal and not found:
        raise refusal
    return Answer(found)


def list_views(call: Call[Catalog]) -> Answer:
    return _answer_views(call, call.state.datasets.select().after(None))


def list_views_of_dataset(call: Call[Catalog]) -> Answer:
    return _answer_views(call, [call.state.get(call.params["id"])])


def _answer_views(call: Call[Catalog], datasets: Iterable[Dataset]) -> Answer:
    views: Store[View] = Store(keys={"dataSetId": lambda view: (view.dataset.id,)})
    for dataset in datasets:
        views.add(_view_of(dataset))
    show = functools.partial(_show_view, call)
    keys, simple = {"dataSetId": "dataSetId"}, _VIEW_READERS.keys() | {"status"}
    return answer(call, Listing(views, show, _VIEW_READERS, keys, simple=simple))


def _show_view(call: Call[Catalog], view: View) -> dict[str, Any]:
    return view_to_wire(view.dataset, call.state)


def show_view(call: Call[Catalog]) -> Answer:
    catalog = call.state
    owners = {dataset.view_id: dataset.id for dataset in catalog.datasets}

    def get(identifier: str) -> View:
        if identifier not in owners:
            raise _no_view(identifier)
        return _view_of(catalog.get(owners[identifier]))

    return look_up(call, get, functools.partial(_show_view, call))


def show_view_of_dataset(call: Call[Catalog]) -> Answer:
    view = _view_in_path(call)
    return Answer({view.id: cut(call, _show_view(call, view))})


def _view_in_path(call: Call[Catalog]) -> View:
    dataset = call.state.get(call.params["id"])
    if dataset.view_id != call.params["view"]:
        raise _no_view(call.params["view"])
    return _view_of(dataset)


def _view_of(dataset: Dataset) -> View:
    return View(dataset.view_id, dataset)


def _no_view(identifier: str) -> PlainRefusal:
    return not_found(f"View {identifier[:100]}")


def list_files_of_view(call: Call[Catalog]) -> Answer:
    dataset = _view_in_path(call).dataset
    return _answer_files(call, call.state.batches.select("dataSet", (dataset.id,)).after(None))


def list_files(call: Call[Catalog]) -> Answer:
    """List all files, or those of a dataset. Adobe's links and samples spell the dataset's parameter in two ways."""
    batches = call.state.batches
    named = call.parameter("dataSetId") or call.parameter("datasetId")
    # Values with wildcards, commas or negation are handled by the filter of the list.
    chosen = batches.select("dataSet", (named,)) if named and not set("!*,") & set(named) else batches.select()
    return _answer_files(call, chosen.after(None))


def _answer_files(call: Call[Catalog], batches: Iterable[Batch]) -> Answer:
    files: Store[DatasetFile] = Store(keys={"batchId": lambda file: (file.batch.id,)})
    for batch in batches:
        for file in _files_of(call, batch):
            files.add(file)
    show = functools.partial(_show_file, call)
    return answer(call, Listing(files, show, _FILE_READERS, {"batchId": "batchId"}, simple=_FILE_READERS.keys()))


def _files_of(call: Call[Catalog], batch: Batch) -> list[DatasetFile]:
    dataset = call.state.datasets.get(batch.dataset_id)
    if dataset is None:
        return []
    return [DatasetFile(f"{batch.id}-{place}", batch, dataset) for place in range(1, batch.file_count + 1)]


def _show_file(call: Call[Catalog], file: DatasetFile) -> dict[str, Any]:
    return {"id": file.id, **file_to_wire(file.batch, file.dataset.view_id, call.state)}


def show_file(call: Call[Catalog]) -> Answer:
    def get(identifier: str) -> DatasetFile:
        batch = call.state.batches.read(identifier.rpartition("-")[0])
        for file in _files_of(call, batch) if batch else ():
            if file.id == identifier:
                return file
        raise not_found(f"File {identifier[:100]}")

    return look_up(call, get, functools.partial(_show_file, call))


def show_retention_limits(call: Call[Catalog]) -> Answer:
    """Return how long the rows of a dataset may be kept."""
    call.state.get(call.params["id"])
    return Answer({"extensions": {"adobe_lakeHouse": {"rowExpiration": _RETENTION}}})


def list_collections(_: Call[Catalog]) -> Answer:
    return Answer({name: f"@/{name}" for name in ("batches", "dataSets", "dataSetFiles", "dataSetViews")})


ROUTES: Routes[Catalog] = (
    ("GET", "", list_collections),
    ("GET", "/ttl/{id}", show_retention_limits),
    ("GET", "/dataSetViews", list_views),
    ("GET", "/dataSetViews/{id}", show_view),
    ("GET", "/dataSets/{id}/views", list_views_of_dataset),
    ("GET", "/dataSets/{id}/views/{view}", show_view_of_dataset),
    ("GET", "/dataSets/{id}/views/{view}/files", list_files_of_view),
    ("GET", "/dataSetFiles", list_files),
    ("GET", "/dataSetFiles/{id}", show_file),
    # The path of the request in the guide.
    ("GET", "/dataSets/datasetFiles", list_files),
)
