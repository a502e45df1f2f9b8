"""
An organisation's sandbox on Experience Platform: signed requests to its services, lists as iterators.

Sources: Adobe's OpenAPI files of Flow Service, Schema Registry, Catalog and Data Prep; the guides "Sort and filter
responses" (Flow Service) and "Explore a data structure of a payments source".
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_payments.aep.api import pages
from airflow_provider_payments.aep.api.attributes import paths_of
from airflow_provider_payments.aep.errors import (
    Failure,
    InvalidInputError,
    Problem,
    ReadOnlyError,
    RequestError,
    UnreadableError,
)
from airflow_provider_payments.aep.http.answers import Answer, Expected, UnexpectedError, an_item, an_object
from airflow_provider_payments.aep.http.retries import TICK
from airflow_provider_payments.aep.http.transport import Call, Credential, Transport, require_https
from airflow_provider_payments.aep.readers import mapping, mappings, text
from airflow_provider_payments.aep.services import (
    ACCEPT_FULL,
    ACCEPT_LIST,
    CATALOG,
    DATA_PREP,
    DEFAULT_URL,
    FLOW_SERVICE,
    PAGE,
    SCHEMA_REGISTRY,
    Json,
    segment,
)

#: Empty pages in a row that are followed; a service may filter behind its paging.
MAX_EMPTY_PAGES = 20
#: The ends of paths to which a POST changes nothing.
READING_POSTS = ("/mappingSets/validate", "/search", "/preview")


@dataclass(frozen=True)
class Client:
    """
    Requests in the name of one organisation to one sandbox.

    :param org_id: the organisation, such as ``ABC123@AdobeOrg``.
    :param sandbox: the sandbox's name, lower case; never assumed.
    :param url: the platform; the token is sent to this host only.
    :param consistency_window: seconds within which a request whose answer was lost takes effect and shows in lists.
    :param dataflow_window: the same for dataflows, which must be surer: a second one would ingest twice.
    :param operation_timeout: seconds within which one object is found or made, all waits included.
    :param marks: whether what is made carries a mark; without one nothing is ever deleted.
    :param read_only: refuse every request that could change something.
    """

    org_id: str
    sandbox: str
    credential: Credential = field(repr=False)
    transport: Transport = field(repr=False)
    url: str = DEFAULT_URL
    consistency_window: float = 10.0
    dataflow_window: float = 50.0
    operation_timeout: float = 900.0
    marks: bool = True
    read_only: bool = False
    _learnt: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", require_https("host", self.url))
        if not self.org_id.endswith("@AdobeOrg"):
            raise InvalidInputError("org_id", self.org_id, "it must be an organisation id that ends in @AdobeOrg")
        if not self.sandbox:
            raise InvalidInputError("sandbox", "", "name the sandbox, for example 'dev'; there is no default")
        if self.sandbox != self.sandbox.lower() or not self.sandbox.replace("-", "").isalnum():
            raise InvalidInputError("sandbox", self.sandbox, "lower-case letters, digits and hyphens")
        for name in ("consistency_window", "dataflow_window"):
            if not getattr(self, name) >= 0:
                raise InvalidInputError(name, getattr(self, name), "it must be 0 or more seconds")
        longest = max(self.consistency_window, self.dataflow_window) + TICK
        if not self.operation_timeout > longest:
            allowed = f"it must be more seconds than the windows and one, {longest:g}"
            raise InvalidInputError("operation_timeout", self.operation_timeout, allowed)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | list[tuple[str, str]] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        safe: bool | None = None,
        expected: Expected | None = None,
    ) -> Answer:
        """
        Send one request to ``path`` below the platform's URL.

        :param body: JSON, or a function that returns it for each attempt anew.
        :param safe: whether a repeat of a write is harmless, as with a deletion; that of a read is.
        :param expected: what the answer's body must be, see :mod:`.answers`.
        :raises RequestError: for every answer but a 2xx of the expected shape.
        :raises ReadOnlyError: for a write where ``read_only`` is set.
        """
        reads = method == "GET" or (method == "POST" and path.endswith(READING_POSTS))
        if self.read_only and not reads:
            raise ReadOnlyError(method, path)
        own = {
            "x-api-key": self.credential.client_id,
            "x-gw-ims-org-id": self.org_id,
            "x-sandbox-name": self.sandbox,
        }
        if method != "GET":
            own["Content-Type"] = "application/json"
        pairs = list(params.items()) if isinstance(params, Mapping) else list(params or [])
        call = Call(
            method,
            f"{self.url}{path}",
            params=pairs,
            json=body,
            headers=own | dict(headers or {}),
            credential=self.credential,
            safe=safe,
            changes_nothing=reads,
            expected=expected,
        )
        with self.transport.within(self.operation_timeout):
            return self.transport.send(call)

    def get(self, path: str, params: Mapping[str, str] | list[tuple[str, str]] | None = None, **kwargs: Any) -> Any:
        """Return the body that ``GET path`` answers."""
        return self.request("GET", path, params=params, **kwargs).body

    # ---- lists -------------------------------------------------------------------------------------------------

    def items(self, collection: str, *filters: str, orderby: str | None = None) -> Iterator[Json]:
        """
        Yield the items of :meth:`pages`, one by one.

        :raises UnreadableError: for an item that is no object: it may be any.
        """
        for page in self.pages(collection, *filters, orderby=orderby):
            yield from pages.objects(page, collection)

    def pages(
        self, collection: str, *filters: str, orderby: str | None = None, limit: int = PAGE
    ) -> Iterator[list[Any]]:
        """
        Yield a Flow Service collection, page after page; each is one request.

        :param collection: such as ``sourceConnections``.
        :param filters: ``property`` expressions, all of which must hold. A service that ignores one answers more than
            was asked for, so callers check what they get.
        :param limit: items a page, 1000 at most.
        :raises RequestError: as an ambiguous read, if the list ends before its end.
        """
        params = [("property", f) for f in filters] + [("limit", str(limit))]
        if orderby:
            params.append(("orderby", orderby))
        path = f"{FLOW_SERVICE}/{collection}"

        def ask(token: str | None) -> tuple[list[Any], str | None]:
            page = self._object(
                path, [*params, *([("continuationToken", token)] if token else [])], expected=pages.a_listing
            )
            return page["items"], pages.next_token(page)

        return self._walk(path, ask, "id")

    def _walk(
        self, path: str, ask: Callable[[str | None], tuple[list[Any], str | None]], identity: str
    ) -> Iterator[list[Any]]:
        """
        Yield pages until one names no other.

        :param ask: returns the items of the page that a token names (``None``: the first), and the next one's token.
        :param identity: the member that tells items apart.
        :raises RequestError: as an ambiguous read, if pages or tokens come again, or nothing but empty pages.
        """
        deadline = self.transport.deadline.within(self.operation_timeout)
        token, tokens, seen, empty = None, set[str](), set[str](), 0
        while True:
            with self.transport.until(deadline):
                page, token = ask(token)
            new = {known for item in page if (known := text(mapping(item).get(identity)))} - seen
            yield page
            if token is None:
                return
            empty = 0 if page else empty + 1
            cut = (
                "the service repeats a page token"
                if token in tokens
                else "the service repeats a page"
                if page and not new
                else f"more than {MAX_EMPTY_PAGES} empty pages in a row"
                if empty > MAX_EMPTY_PAGES
                else ""
            )
            if cut:
                raise RequestError(Failure.AMBIGUOUS, "GET", path, reason=f"the list is incomplete: {cut}")
            tokens.add(token)
            seen |= new

    def item(self, collection: str, item_id: str) -> Json:
        """Return one Flow Service item, out of the list that a single GET answers."""

        def the_item(body: Any) -> Json:
            item = an_item(body)
            if item["id"] != item_id:
                raise UnexpectedError("the answer holds another item")
            return item

        return self._object(f"{FLOW_SERVICE}/{collection}/{segment(item_id)}", expected=the_item)

    def registry_results(self, kind: str, title: str | None = None) -> Iterator[Json]:
        """
        Yield the tenant's Schema Registry resources of ``kind``, those with this title where one is given.

        The next page begins behind a value of what orders the list. All of them are ordered by when they were changed,
        the registry's own order: a title that is not ASCII may be misread there, as in a filter.
        """
        order = {"orderby": "title", "property": f"title=={title}"} if title else {"orderby": "updated"}
        params = order | {"limit": str(PAGE)}
        path = f"{SCHEMA_REGISTRY}/tenant/{kind}"

        def ask(start: str | None) -> tuple[list[Any], str | None]:
            asked = list((params | ({"start": start} if start else {})).items())
            page = self._object(path, asked, headers={"Accept": ACCEPT_LIST}, expected=pages.results)
            return page["results"], pages.next_start(page)

        for page in self._walk(path, ask, "$id"):
            yield from pages.objects(page, kind)

    def registry_resource(self, kind: str, resource_id: str, accept: str = ACCEPT_FULL) -> Json:
        """Return one Schema Registry resource, by default with all that it refers to resolved."""
        path = f"{SCHEMA_REGISTRY}/tenant/{kind}/{segment(resource_id)}"
        return self._object(path, headers={"Accept": accept}, expected=pages.a_resource)

    def datasets(self, name: str | None = None) -> Iterator[Json]:
        """
        Yield the datasets, those of this name where one is given, each with its ``id`` put in.

        Nothing tells the last page, and a short one may not be it: the list ends with a page that has nothing new.
        """
        deadline = self.transport.deadline.within(self.operation_timeout)
        seen = set[str]()
        start = 0
        while True:
            params = ({"name": name} if name else {}) | {
                "limit": str(PAGE),
                "start": str(start),
                "properties": "name,description,schemaRef,tags,created,lastBatchId",
            }
            with self.transport.until(deadline):
                page = self._object(f"{CATALOG}/dataSets", params, expected=pages.by_id)
            new = [key for key in page if key not in seen]
            if not new:
                return
            for key in new:
                yield {**pages.objects([page[key]], "dataSets")[0], "id": key}
            seen.update(new)
            start += len(page)

    def dataset(self, dataset_id: str) -> Json:
        """Return one dataset, its ``id`` put in."""
        path = f"{CATALOG}/dataSets/{segment(dataset_id)}"

        def the_dataset(body: Any) -> Json:
            found = an_object(body)
            # An empty object is a documented way to say that there is none.
            if found and not isinstance(found.get(dataset_id), dict):
                raise UnexpectedError("the answer holds another dataset")
            return found

        found = self._object(path, expected=the_dataset)
        if not found:
            raise RequestError(Failure.FINAL, "GET", path, status=404, problem=Problem(detail="There is none."))
        return {**found[dataset_id], "id": dataset_id}

    def a_batch_of(self, dataset_id: str) -> str | None:
        """Return the id of one of a dataset's batches, ``None`` where it has none."""
        params = {"dataSet": dataset_id, "limit": "1"}
        return next(iter(self._object(f"{CATALOG}/batches", params, expected=pages.by_id)), None)

    def mapping_sets(self, name: str | None = None) -> Iterator[Json]:
        """
        Yield mapping sets; ``name`` is a hint to the service, which may ignore it.

        Nothing tells the last page, and a short one may not be it: the list ends with a page that has nothing new.
        """
        path = f"{DATA_PREP}/mappingSets"
        deadline = self.transport.deadline.within(self.operation_timeout)
        seen = set[str]()
        start, by_items = 0, False
        while True:
            params = {"limit": str(PAGE), "start": str(start)} | ({"name": name} if name else {})
            with self.transport.until(deadline):
                found = self._object(path, params, expected=pages.mapping_sets)["data"]
            page = pages.objects(found, "mappingSets")
            new = [item for item in page if item["id"] not in seen]
            if not new:
                return
            # In Adobe's reference `start` counts pages. Where a page repeats what an earlier one held, it counts items.
            by_items = by_items or len(new) < len(page)
            yield from new
            seen.update(item["id"] for item in new)
            start = len(seen) if by_items else start + 1

    def mapping_set(self, mapping_set_id: str, version: int) -> Json:
        """Return one version of a mapping set; without naming one, the service would show the first."""
        path = f"{DATA_PREP}/mappingSets/{segment(str(mapping_set_id))}"
        return self._object(path, {"version": str(version)}, expected=pages.a_mapping_set)

    def _object(self, path: str, params: Any = None, expected: Expected = an_object, **kwargs: Any) -> Json:
        found: Json = self.get(path, params, expected=expected, **kwargs)
        return found

    # ---- what the tenant and its base connections hold ---------------------------------------------------------

    def tenant_id(self) -> str:
        """Return the tenant's namespace without its underscore; asked once."""
        with self._lock:
            if "tenant_id" not in self._learnt:
                stats = self._object(f"{SCHEMA_REGISTRY}/stats", expected=pages.a_tenant)
                self._learnt["tenant_id"] = stats["tenantId"].removeprefix("_")
            return self._learnt["tenant_id"]

    def test_base_connection(self, connection_id: str) -> bool:
        """Ask the service to log in at the vendor with the base connection's credential."""
        return self._object(f"{FLOW_SERVICE}/connections/{segment(connection_id)}/test").get("result") is True

    def explore(self, connection_id: str, table: str | None = None, *, preview: bool = False) -> Any:
        """
        Return a base connection's tables, or one table's columns, with up to the service's number of rows.

        :param table: a table's path as the list of tables gives it; ``None`` lists the tables.
        :param preview: whether rows are wanted too, under ``data``.
        """
        params = {"objectType": "table", "object": table} if table else {"objectType": "root"}
        if preview:
            params["preview"] = "true"
        return self.get(f"{FLOW_SERVICE}/connections/{segment(connection_id)}/explore", params)

    def explore_resource(self, connection_id: str, resource_path: str, *, preview: bool = False) -> Json:
        """Return the shape of a REST source's resource, such as Stripe's ``charges``."""
        encoded = base64.b64encode(json.dumps({"resourcePath": resource_path}).encode()).decode()
        params = {
            "objectType": "rest",
            "object": "json",
            "fileType": "json",
            "preview": str(preview).lower(),
            "sourceParams": encoded,
        }
        return self._object(f"{FLOW_SERVICE}/connections/{segment(connection_id)}/explore", params)

    def attributes(self, connection_id: str, resource_path: str) -> list[str]:
        """Return a REST resource's attributes as paths, such as ``data.id``, as far as explore shows them."""
        return paths_of(self.explore_resource(connection_id, resource_path).get("schema"))

    def columns(self, connection_id: str, table: str) -> list[Json]:
        """
        Return a table's columns, in the form that a source connection takes.

        :raises InvalidInputError: if the table has no columns, that is, does not exist.
        """
        path = f"{FLOW_SERVICE}/connections/{segment(connection_id)}/explore"
        shape = self._object(path, {"objectType": "table", "object": table}, expected=pages.a_table)
        columns = shape["schema"]["columns"]
        if not columns:
            raise InvalidInputError("table", table, "it must be a table of the base connection; explore lists them")
        for column in columns:
            if not text(mapping(column).get("name")):
                raise UnreadableError(f"a column of table {table!r}", "it has no name")
        return [dict(column) for column in mappings(columns)]
