"""What the Schema Registry offers to a reader. Source: Adobe's "Schema Registry API guide" and its OpenAPI file."""

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
#: Only the second version of the list comes in pages.
ACCEPT_DESCRIPTORS = "application/vnd.adobe.xdm-v2+json"
ACCEPT_DESCRIPTOR = "application/vnd.adobe.xdm+json"


def resources(reads: Reads, kind: str, title: str | None = None, limit: int = PAGE) -> Iterator[Json]:
    """
    Yield the tenant's resources of ``kind``, such as ``fieldgroups``; those with this title where one is given.

    The next page begins behind a value of what orders the list. All of them are ordered by when they were changed,
    the registry's own order: a title that is not ASCII may be misread there, as in a filter.

    :param limit: resources to ask for in a page, 300 at most.
    """
    order = {"orderby": "title", "property": f"title=={title}"} if title else {"orderby": "updated"}
    params = order | {"limit": str(limit)}
    path = f"{SCHEMA_REGISTRY}/tenant/{kind}"

    def ask(start: str | None) -> tuple[list[Any], str | None]:
        asked = params | ({"start": start} if start else {})
        page = reads.get(path, asked, headers={"Accept": ACCEPT_LIST}, expected=pages.holding("results"))
        return page["results"], _next_start(page)

    for page in reads.walk(path, ask, "$id"):
        yield from pages.objects(page, kind)


def descriptors(reads: Reads, limit: int = PAGE) -> Iterator[Json]:
    """
    Yield all descriptors of the sandbox: what fields of its schemas mean beyond their types.

    :param limit: descriptors to ask for in a page, 300 at most.
    """
    params = {"orderby": "updated", "limit": str(limit)}

    def ask(start: str | None) -> tuple[list[Any], str | None]:
        asked = params | ({"start": start} if start else {})
        page = reads.get(DESCRIPTORS, asked, headers={"Accept": ACCEPT_DESCRIPTORS}, expected=pages.holding("results"))
        return page["results"], _next_start(page)

    for page in reads.walk(DESCRIPTORS, ask, "@id"):
        yield from pages.objects(page, "descriptors")


def descriptor(reads: Reads, descriptor_id: str) -> Json:
    """Return one descriptor."""
    path, headers = f"{DESCRIPTORS}/{segment(descriptor_id)}", {"Accept": ACCEPT_DESCRIPTOR}
    found: Json = reads.get(path, headers=headers, expected=pages.identified("@id"))
    return found


def resource(reads: Reads, kind: str, resource_id: str, accept: str = ACCEPT_FULL) -> Json:
    """Return one resource, by default with all that it refers to resolved."""
    path = f"{SCHEMA_REGISTRY}/tenant/{kind}/{segment(resource_id)}"
    found: Json = reads.get(path, headers={"Accept": accept}, expected=pages.identified("$id"))
    return found


def tenant_id(reads: Reads) -> str:
    """Return the tenant's namespace without its underscore; asked once."""

    def ask() -> str:
        return str(reads.get(f"{SCHEMA_REGISTRY}/stats", expected=_a_tenant)["tenantId"].removeprefix("_"))

    return reads.once("tenant_id", ask)


def _a_tenant(body: Any) -> Json:
    """Expect the registry's statistics, with the tenant's namespace."""
    stats = an_object(body)
    if not (text(stats.get("tenantId")) or "").removeprefix("_"):
        raise UnexpectedError("it names no tenantId")
    return stats


def _next_start(page: Json) -> str | None:
    """Return where the next page of a list begins, by the value that it is sorted by."""
    following = at(page, "_page", "next")
    if following is None:
        return None
    try:
        return str(following) if type(following) is int else pages.sendable(following)
    except ValueError:
        raise pages.unreadable_link(SCHEMA_REGISTRY) from None
