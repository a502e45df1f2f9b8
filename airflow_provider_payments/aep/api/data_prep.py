"""Reads of Data Prep: mapping sets. Source: Adobe's OpenAPI file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.api import pages
from airflow_provider_payments.aep.http.answers import UnexpectedError
from airflow_provider_payments.aep.readers import mappings, text
from airflow_provider_payments.aep.services import DATA_PREP, PAGE, Json, segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_payments.aep.api.client import Reads

_MAPPING_SETS = f"{DATA_PREP}/mappingSets"


def mapping_sets(reads: Reads, name: str | None = None, limit: int = PAGE) -> Iterator[Json]:
    """
    Yield the mapping sets.

    No page is marked as the last one, and a short page need not be the last: the list ends with a page without a new
    mapping set. In Adobe's reference, ``start`` counts pages. If a page repeats items of an earlier one, it counts
    items.

    :param name: a filter that the service may ignore. Defaults to no filter.
    :param limit: the page size to request; Adobe publishes no upper bound.
    """
    params = {"limit": str(limit)} | ({"name": name} if name else {})
    seen = set[str]()
    by_items = False

    def read_page(start: int | None) -> tuple[list[Any], int | None]:
        nonlocal by_items
        found = reads.get(_MAPPING_SETS, params | {"start": str(start or 0)}, expected=_a_page)["data"]
        page = pages.objects(found, "mappingSets")
        new = [item for item in page if item["id"] not in seen]
        by_items = by_items or len(new) < len(page)
        seen.update(item["id"] for item in new)
        return new, (len(seen) if by_items else (start or 0) + 1) if new else None

    for page in reads.walk(_MAPPING_SETS, read_page, "id"):
        yield from page


def mapping_set(reads: Reads, mapping_set_id: str, version: int) -> Json:
    """Return a version of a mapping set; without a version in the request, the service returns the first one."""
    path = f"{_MAPPING_SETS}/{segment(str(mapping_set_id))}"
    found: Json = reads.get(path, {"version": str(version)}, expected=pages.identified("id"))
    return found


def _a_page(body: Any) -> Json:
    """Expect a page in which each item that is an object has an id."""
    page: Json = pages.holding("data")(body)
    if not all(text(item.get("id")) for item in mappings(page["data"])):
        raise UnexpectedError("a mapping set has no id")
    return page
