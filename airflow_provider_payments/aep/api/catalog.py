"""Reads of the Catalog: datasets and batches. Source: Adobe's OpenAPI file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.api import pages
from airflow_provider_payments.aep.errors import Failure, NotFoundError, Problem
from airflow_provider_payments.aep.http.answers import UnexpectedError, an_object
from airflow_provider_payments.aep.readers import text
from airflow_provider_payments.aep.services import CATALOG, PAGE, Json, segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_payments.aep.api.client import Reads


def datasets(reads: Reads, name: str | None = None, limit: int = PAGE) -> Iterator[Json]:
    """
    Yield the datasets, each with its ``id`` added as a member.

    No page is marked as the last one, and a short page need not be the last: the list ends with a page without a new
    dataset.

    :param name: yields only the datasets of this name. Defaults to all datasets.
    :param limit: the page size to request, 100 at most.
    """
    path = f"{CATALOG}/dataSets"
    params = {"properties": "name,description,schemaRef,tags,created,lastBatchId", "limit": str(limit)}
    params |= {"name": name} if name else {}
    seen = set[str]()

    def read_page(start: int | None) -> tuple[list[Any], int | None]:
        page = reads.get(path, params | {"start": str(start or 0)}, expected=_by_id)
        new = [{**pages.objects([item], "dataSets")[0], "id": key} for key, item in page.items() if key not in seen]
        seen.update(page)
        return new, (start or 0) + len(page) if new else None

    for page in reads.walk(path, read_page, "id"):
        yield from page


def dataset(reads: Reads, dataset_id: str) -> Json:
    """Return one dataset, with its ``id`` added as a member."""
    path = f"{CATALOG}/dataSets/{segment(dataset_id)}"

    def the_dataset(body: Any) -> Json:
        found = an_object(body)
        # An empty object is a documented answer for an unknown dataset.
        if found and not isinstance(found.get(dataset_id), dict):
            raise UnexpectedError("the answer contains another dataset")
        return found

    found = reads.get(path, expected=the_dataset)
    if not found:
        raise NotFoundError(Failure.FINAL, "GET", path, status=404, problem=Problem(detail="There is no such dataset."))
    return {**found[dataset_id], "id": dataset_id}


def batch(reads: Reads, batch_id: str) -> Json:
    """Return one batch with the status, metrics, tags and times that the Catalog returns."""

    def the_batch(body: Any) -> Json:
        found = an_object(body).get(batch_id)
        if not isinstance(found, dict):
            raise UnexpectedError("the answer contains another batch")
        return found

    found: Json = reads.get(f"{CATALOG}/batches/{segment(batch_id)}", expected=the_batch)
    return found


def find_batch_id(reads: Reads, dataset_id: str) -> str | None:
    """Return the id of any batch of a dataset; ``None`` if it has none."""
    params = {"dataSet": dataset_id, "limit": "1"}
    return next(iter(reads.get(f"{CATALOG}/batches", params, expected=_by_id)), None)


def _by_id(body: Any) -> Json:
    """Expect a page of items by their ids."""
    page = an_object(body)
    if not all(map(text, page)):
        raise UnexpectedError("the answer contains an unreadable id")
    return page
