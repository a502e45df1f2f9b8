"""What the Catalog offers to a reader. Source: Adobe's OpenAPI file."""

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
    Yield the datasets, those of this name where one is given, each with its ``id`` put in.

    Nothing marks the last page, and a short one may not be it: the list ends with a page that has nothing new.

    :param limit: datasets to ask for in a page, 100 at most.
    """
    path = f"{CATALOG}/dataSets"
    params = {"properties": "name,description,schemaRef,tags,created,lastBatchId", "limit": str(limit)}
    params |= {"name": name} if name else {}
    seen = set[str]()

    def ask(start: int | None) -> tuple[list[Any], int | None]:
        page = reads.get(path, params | {"start": str(start or 0)}, expected=_by_id)
        new = [{**pages.objects([item], "dataSets")[0], "id": key} for key, item in page.items() if key not in seen]
        seen.update(page)
        return new, (start or 0) + len(page) if new else None

    for page in reads.walk(path, ask, "id"):
        yield from page


def dataset(reads: Reads, dataset_id: str) -> Json:
    """Return one dataset, its ``id`` put in."""
    path = f"{CATALOG}/dataSets/{segment(dataset_id)}"

    def the_dataset(body: Any) -> Json:
        found = an_object(body)
        # An empty object is a documented way to say that there is none.
        if found and not isinstance(found.get(dataset_id), dict):
            raise UnexpectedError("the answer holds another dataset")
        return found

    found = reads.get(path, expected=the_dataset)
    if not found:
        raise NotFoundError(Failure.FINAL, "GET", path, status=404, problem=Problem(detail="There is none."))
    return {**found[dataset_id], "id": dataset_id}


def batch(reads: Reads, batch_id: str) -> Json:
    """Return one batch: its status, metrics, tags and times, as far as the Catalog shows them."""

    def the_batch(body: Any) -> Json:
        found = an_object(body).get(batch_id)
        if not isinstance(found, dict):
            raise UnexpectedError("the answer holds another batch")
        return found

    found: Json = reads.get(f"{CATALOG}/batches/{segment(batch_id)}", expected=the_batch)
    return found


def a_batch_of(reads: Reads, dataset_id: str) -> str | None:
    """Return the id of one of a dataset's batches, ``None`` where it has none."""
    params = {"dataSet": dataset_id, "limit": "1"}
    return next(iter(reads.get(f"{CATALOG}/batches", params, expected=_by_id)), None)


def _by_id(body: Any) -> Json:
    """Expect a page: items by their ids."""
    page = an_object(body)
    if not all(map(text, page)):
        raise UnexpectedError("an id is unreadable")
    return page
