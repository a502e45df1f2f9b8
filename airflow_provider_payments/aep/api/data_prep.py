"""What Data Prep offers to a reader. Source: Adobe's OpenAPI file."""

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
    Yield mapping sets; ``name`` is a hint to the service, which may ignore it.

    Nothing marks the last page, and a short one may not be it: the list ends with a page that has nothing new. In
    Adobe's reference ``start`` counts pages. Where a page repeats what an earlier one held, it counts items.

    :param limit: mapping sets to ask for in a page; no bound is published.
    """
    params = {"limit": str(limit)} | ({"name": name} if name else {})
    seen = set[str]()
    by_items = False

    def ask(start: int | None) -> tuple[list[Any], int | None]:
        nonlocal by_items
        found = reads.get(_MAPPING_SETS, params | {"start": str(start or 0)}, expected=_a_page)["data"]
        page = pages.objects(found, "mappingSets")
        new = [item for item in page if item["id"] not in seen]
        by_items = by_items or len(new) < len(page)
        seen.update(item["id"] for item in new)
        return new, (len(seen) if by_items else (start or 0) + 1) if new else None

    for page in reads.walk(_MAPPING_SETS, ask, "id"):
        yield from page


def mapping_set(reads: Reads, mapping_set_id: str, version: int) -> Json:
    """Return one version of a mapping set; without naming one, the service would show the first."""
    path = f"{_MAPPING_SETS}/{segment(str(mapping_set_id))}"
    found: Json = reads.get(path, {"version": str(version)}, expected=pages.identified("id"))
    return found


def _a_page(body: Any) -> Json:
    """Expect a page, each of whose items that are objects has an id."""
    page: Json = pages.holding("data")(body)
    if not all(text(item.get("id")) for item in mappings(page["data"])):
        raise UnexpectedError("a mapping set has no id")
    return page
