"""
Reads of the Schema Registry: resources, descriptors and the tenant id.

Sources: Adobe's "Schema Registry API guide" and its OpenAPI file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.api import pages
from airflow_provider_payments.aep.http.answers import UnexpectedError, an_object
from airflow_provider_payments.aep.readers import at, text
from airflow_provider_payments.aep.services import ACCEPT_FULL, ACCEPT_LIST, PAGE, SCHEMA_REGISTRY, Json, segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_payments.aep.api.client import Reads

DESCRIPTORS = f"{SCHEMA_REGISTRY}/tenant/descriptors"
#: Only the second version of this list is paged.
ACCEPT_DESCRIPTORS = "application/vnd.adobe.xdm-v2+json"
ACCEPT_DESCRIPTOR = "application/vnd.adobe.xdm+json"


def resources(reads: Reads, kind: str, title: str | None = None, limit: int = PAGE) -> Iterator[Json]:
    """
    Yield the tenant's resources of a kind.

    The next page begins after a value of the sort order. The unfiltered list is sorted by the time of change, which is
    the registry's own order: as a start value, a title that is not ASCII may be misread, as in a filter.

    :param kind: the kind, such as ``fieldgroups``.
    :param title: yields only resources with this title. Defaults to all resources.
    :param limit: the page size to request, 300 at most.
    """
    order = {"orderby": "title", "property": f"title=={title}"} if title else {"orderby": "updated"}
    params = order | {"limit": str(limit)}
    path = f"{SCHEMA_REGISTRY}/tenant/{kind}"

    def read_page(start: str | None) -> tuple[list[Any], str | None]:
        query = params | ({"start": start} if start else {})
        page = reads.get(path, query, headers={"Accept": ACCEPT_LIST}, expected=pages.holding("results"))
        return page["results"], _next_start(page)

    for page in reads.walk(path, read_page, "$id"):
        yield from pages.objects(page, kind)


def descriptors(reads: Reads, limit: int = PAGE) -> Iterator[Json]:
    """
    Yield all descriptors of the sandbox, such as primary identities of schemas.

    :param limit: the page size to request, 300 at most.
    """
    params = {"orderby": "updated", "limit": str(limit)}

    def read_page(start: str | None) -> tuple[list[Any], str | None]:
        query = params | ({"start": start} if start else {})
        page = reads.get(DESCRIPTORS, query, headers={"Accept": ACCEPT_DESCRIPTORS}, expected=pages.holding("results"))
        return page["results"], _next_start(page)

    for page in reads.walk(DESCRIPTORS, read_page, "@id"):
        yield from pages.objects(page, "descriptors")


def descriptor(reads: Reads, descriptor_id: str) -> Json:
    """Return one descriptor."""
    path, headers = f"{DESCRIPTORS}/{segment(descriptor_id)}", {"Accept": ACCEPT_DESCRIPTOR}
    found: Json = reads.get(path, headers=headers, expected=pages.identified("@id"))
    return found


def resource(reads: Reads, kind: str, resource_id: str, accept: str = ACCEPT_FULL) -> Json:
    """Return one resource, by default with all references resolved."""
    path = f"{SCHEMA_REGISTRY}/tenant/{kind}/{segment(resource_id)}"
    found: Json = reads.get(path, headers={"Accept": accept}, expected=pages.identified("$id"))
    return found


def tenant_id(reads: Reads) -> str:
    """Return the tenant's namespace without its underscore; it is requested once for each client."""

    def request() -> str:
        return str(reads.get(f"{SCHEMA_REGISTRY}/stats", expected=_a_tenant)["tenantId"].removeprefix("_"))

    return reads.once("tenant_id", request)


def _a_tenant(body: Any) -> Json:
    """Expect the registry's statistics, with the tenant's namespace."""
    stats = an_object(body)
    if not (text(stats.get("tenantId")) or "").removeprefix("_"):
        raise UnexpectedError("the answer contains no tenantId")
    return stats


def _next_start(page: Json) -> str | None:
    """Return the start of the next page, which is a value of the list's sort order."""
    following = at(page, "_page", "next")
    if following is None:
        return None
    try:
        return str(following) if type(following) is int else pages.sendable(following)
    except ValueError:
        raise pages.unreadable_link(SCHEMA_REGISTRY) from None
