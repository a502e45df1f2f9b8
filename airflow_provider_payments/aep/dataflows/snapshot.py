"""
A snapshot of a sandbox: it answers read requests from lists that it has read completely, each list once.

Resources receive the snapshot instead of a client, and compare against it as against the platform. Its type allows no
write. A list is read when one of its objects is first needed; an object that its list does not contain is read by its
id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unicodedata import normalize
from urllib.parse import unquote

from airflow_provider_payments.aep.api.permissions import naming_permission
from airflow_provider_payments.aep.errors import Failure, NotFoundError, Problem, RequestError
from airflow_provider_payments.aep.readers import at, sequence, text
from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.data_prep import MAPPING_SET
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_service import BASE_CONNECTION, SOURCE_CONNECTION, TARGET_CONNECTION
from airflow_provider_payments.aep.resources.identity import IDENTITY
from airflow_provider_payments.aep.resources.items import FlowServiceKind
from airflow_provider_payments.aep.resources.schema_registry import FIELD_GROUP, SCHEMA
from airflow_provider_payments.aep.services import FLOW_SERVICE, PAGE, Json

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Params, Place, Reads
    from airflow_provider_payments.aep.http.answers import Expected
    from airflow_provider_payments.aep.resources.kind import Kind

__all__ = ["FLOW_SERVICE_PAGE_SIZE", "FLOW_SPEC", "Snapshot", "placeholder_id"]

#: Items per page of Flow Service and Data Prep. Adobe documents this limit for search bodies only; if a service returns
#: fewer items, further pages are read.
FLOW_SERVICE_PAGE_SIZE = 1000
REGISTRY_PAGE_SIZE = 300
FLOW_SPEC = FlowServiceKind(name="flow spec", path=f"{FLOW_SERVICE}/flowSpecs", carries_mark=False)
_PLACEHOLDER_PREFIX = "known-after-apply:"


def placeholder_id(kind: str, name: str) -> str:
    """Return the placeholder for the id of an object to be created; it depends on kind and name only."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else f"-{ord(letter):x}-" for letter in name)
    return f"{_PLACEHOLDER_PREFIX}{kind.replace(' ', '-')}:{words}"


@dataclass(frozen=True)
class _Collection:
    """
    A collection of a service.

    :param limit: items per page.
    :param page_answer: builds the service's answer for a page of items.
    :param item_answer: builds the service's answer for one item.
    """

    kind: Kind
    limit: int
    page_answer: Callable[[list[Json]], Any]
    item_answer: Callable[[Json], Any]


@dataclass
class _Items:
    """The items of a list, found by id and by name."""

    by_id: dict[str, Json] = field(default_factory=dict)
    by_name: dict[str, list[Json]] = field(default_factory=dict)
    #: Items without a readable name; each may have any name.
    nameless: list[Json] = field(default_factory=list)

    @property
    def all(self) -> list[Json]:
        """All items, in the order of the list."""
        return list(self.by_id.values())

    def named(self, name: str) -> list[Json]:
        """Return the items that have a name or may have it."""
        return [*self.by_name.get(normalize("NFC", name), ()), *self.nameless]


class Snapshot:
    """
    A reader that reads each list of a sandbox once.

    :param reads: the client or reader that sends the requests.
    :param page_size: items per page of Flow Service and Data Prep. Defaults to 1000.
    :param progress: called with the name of each list before the list is read.
    """

    def __init__(
        self,
        reads: Reads,
        page_size: int = FLOW_SERVICE_PAGE_SIZE,
        progress: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._reads, self._progress = reads, progress
        self._lists = {each.kind.path: each for each in _lists(page_size)}
        self._items: dict[str, _Items | RequestError] = {}
        self._answers: dict[object, Any] = {}

    # ---- the interface of Reads ------------------------------------------------------------------------------------

    @property
    def settle_seconds(self) -> float:
        """The settle time of the client, in seconds."""
        return self._reads.settle_seconds

    @property
    def dataflow_settle_seconds(self) -> float:
        """The settle time of the client for dataflows, in seconds."""
        return self._reads.dataflow_settle_seconds

    def now(self) -> float:
        """Return the platform's time in epoch seconds."""
        return self._reads.now()

    def once(self, name: str, request: Callable[[], str]) -> str:
        """Return a constant of the platform, which is read at its first use."""
        return self._reads.once(name, request)

    def walk(
        self, path: str, read_page: Callable[[Place | None], tuple[list[Any], Place | None]], identity: str
    ) -> Iterator[list[Any]]:
        """Yield the pages of a list."""
        return self._reads.walk(path, read_page, identity)

    def get(
        self,
        path: str,
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        expected: Expected | None = None,
    ) -> Any:
        """Return the answer to ``GET path``, from the lists if they contain it."""
        pairs = dict(params.items() if isinstance(params, Mapping) else params or ())
        answer = self._from_lists(path, pairs)
        if answer is None:
            key = (path, tuple(sorted(pairs.items())), tuple(sorted((headers or {}).items())))
            if key not in self._answers:
                self._answers[key] = self._answer_or_absence(
                    lambda: self._reads.get(path, params, headers=headers, expected=expected)
                )
            if isinstance(known := self._answers[key], RequestError):
                raise known
            return known
        return expected(answer) if expected else answer

    # ---- further reads of plans ------------------------------------------------------------------------------------

    def items(self, kind: Kind) -> list[Json]:
        """Return all items in the list of a kind."""
        return self._read(self._lists[kind.path]).all

    @staticmethod
    def _answer_or_absence(request: Callable[[], Any]) -> Any:
        """Return the answer to a request, or the error of an absent object, which is cached like an answer."""
        try:
            return request()
        except NotFoundError as error:
            return error

    # ---- answers ---------------------------------------------------------------------------------------------------

    def _from_lists(self, path: str, params: Mapping[str, str]) -> Any:
        if listed := self._lists.get(path):
            return self._page(listed, params)
        parent, _, quoted = path.rpartition("/")
        object_id = unquote(quoted)
        if object_id.startswith(_PLACEHOLDER_PREFIX):
            raise NotFoundError(Failure.FINAL, "GET", path, status=404, problem=Problem(title="known after apply"))
        if not (collection := self._lists.get(parent)):
            return None
        item = self._read(collection).by_id.get(object_id)
        return collection.item_answer(item) if item is not None and _is_sufficient(collection, item, params) else None

    def _page(self, collection: _Collection, params: Mapping[str, str]) -> Any:
        if params.get("start", "0") != "0":
            return collection.page_answer([])
        items = self._read(collection)
        name = _requested_name(collection, params)
        return collection.page_answer(items.all if name is None else items.named(name))

    def _read(self, collection: _Collection) -> _Items:
        if collection.kind.path not in self._items:
            self._items[collection.kind.path] = self._read_once(collection)
        if isinstance(found := self._items[collection.kind.path], RequestError):
            raise found
        return found

    def _read_once(self, collection: _Collection) -> _Items | RequestError:
        """Return the items of a list, or the error of reading it; both are cached, so the list is read only once."""
        self._progress(collection.kind.collection)
        found = _Items()
        try:
            with naming_permission():
                for item in collection.kind.items(self._reads, limit=collection.limit):
                    self._add(found, collection.kind, item)
        except RequestError as error:
            return error
        return found

    @staticmethod
    def _add(found: _Items, kind: Kind, item: Json) -> None:
        if object_id := text(item.get(kind.id_key)):
            found.by_id[object_id] = item
        name = item.get(kind.name_key)
        if isinstance(name, str):
            found.by_name.setdefault(normalize("NFC", name), []).append(item)
        else:
            found.nameless.append(item)


def _lists(page_size: int) -> Iterator[_Collection]:
    flow_service: tuple[Kind, ...] = DATAFLOW, SOURCE_CONNECTION, TARGET_CONNECTION, BASE_CONNECTION, FLOW_SPEC
    registry: tuple[Kind, ...] = SCHEMA, FIELD_GROUP, IDENTITY
    for kind in flow_service:
        yield _Collection(kind, page_size, lambda items: {"items": items}, lambda item: {"items": [item]})
    for kind in registry:
        yield _Collection(kind, REGISTRY_PAGE_SIZE, lambda items: {"results": items}, lambda item: item)
    yield _Collection(
        DATASET, PAGE, lambda items: {item["id"]: item for item in items}, lambda item: {item["id"]: item}
    )
    yield _Collection(MAPPING_SET, page_size, lambda items: {"data": items}, lambda item: item)


def _requested_name(collection: _Collection, params: Mapping[str, str]) -> str | None:
    """Return the name for which a request filters; callers check other filters themselves."""
    requested, key = params.get("property", ""), f"{collection.kind.name_key}=="
    if requested.startswith(key):
        return requested.removeprefix(key).strip('"')
    return params.get("name")


def _is_sufficient(collection: _Collection, item: Json, params: Mapping[str, str]) -> bool:
    """Return whether the item of a list contains all that a request for the object would return."""
    if "version" in params:
        return str(item.get("version") or 0) == params["version"]
    # A field group that refers to other resources is complete only after the registry has resolved the references.
    return collection.kind is not FIELD_GROUP or all(
        str(at(part, "$ref") or "#").startswith("#") for part in sequence(item.get("allOf"))
    )
