"""
A sandbox as it is read once: what answers, from whole lists, all that a plan or an export asks.

It is handed to the resources in the place of a client, so they compare against it as against the platform. By its type
it can change nothing. A list is read when something of it is first asked for; an object that its list does not show is
asked for by its id.
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

__all__ = ["FLOW_SERVICE_PAGE", "FLOW_SPEC", "Snapshot", "unknown_id"]

#: Items to ask for in a page of Flow Service and of Data Prep. Adobe documents this bound for search bodies only; a
#: service that gives fewer is asked for the rest.
FLOW_SERVICE_PAGE = 1000
REGISTRY_PAGE = 300
FLOW_SPEC = FlowServiceKind(name="flow spec", path=f"{FLOW_SERVICE}/flowSpecs", carries_mark=False)
_UNKNOWN = "known-after-apply:"


def unknown_id(kind: str, name: str) -> str:
    """Return what stands for the id of an object that does not exist yet: the same for the same name."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else f"-{ord(letter):x}-" for letter in name)
    return f"{_UNKNOWN}{kind.replace(' ', '-')}:{words}"


@dataclass(frozen=True)
class _List:
    """
    A collection of a service.

    :param limit: items to ask for in a page.
    :param page: makes an answer of items, as the service does of a page.
    :param one: makes an answer of one item.
    """

    kind: Kind
    limit: int
    page: Callable[[list[Json]], Any]
    one: Callable[[Json], Any]


@dataclass
class _Items:
    """The items of a list, found by id and by name."""

    by_id: dict[str, Json] = field(default_factory=dict)
    by_name: dict[str, list[Json]] = field(default_factory=dict)
    #: What has no name that can be read may be the one that is looked for.
    nameless: list[Json] = field(default_factory=list)

    @property
    def all(self) -> list[Json]:
        """All of them, in the list's order."""
        return list(self.by_id.values())

    def named(self, name: str) -> list[Json]:
        """Those that may have a name."""
        return [*self.by_name.get(normalize("NFC", name), ()), *self.nameless]


class Snapshot:
    """
    A reader that asks for each list once.

    :param reads: what is asked, at most once for each list.
    :param page_size: items to ask for in a page of Flow Service and Data Prep.
    :param progress: is called with the name of each list that is going to be read.
    """

    def __init__(
        self,
        reads: Reads,
        page_size: int = FLOW_SERVICE_PAGE,
        progress: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._reads, self._progress = reads, progress
        self._lists = {one.kind.path: one for one in _lists(page_size)}
        self._items: dict[str, _Items | RequestError] = {}
        self._answers: dict[object, Any] = {}

    # ---- what Reads has --------------------------------------------------------------------------------------------

    @property
    def settle_seconds(self) -> float:
        """As the client has it."""
        return self._reads.settle_seconds

    @property
    def dataflow_settle_seconds(self) -> float:
        """As the client has it."""
        return self._reads.dataflow_settle_seconds

    def now(self) -> float:
        """Return the platform's time in epoch seconds."""
        return self._reads.now()

    def once(self, name: str, request: Callable[[], str]) -> str:
        """Return what never changes, asked for with its first use."""
        return self._reads.once(name, request)

    def walk(
        self, path: str, read_page: Callable[[Place | None], tuple[list[Any], Place | None]], identity: str
    ) -> Iterator[list[Any]]:
        """Yield a list page after page."""
        return self._reads.walk(path, read_page, identity)

    def get(
        self,
        path: str,
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        expected: Expected | None = None,
    ) -> Any:
        """Return what ``GET path`` answers, out of the lists where these tell."""
        pairs = dict(params.items() if isinstance(params, Mapping) else params or ())
        answer = self._from_lists(path, pairs)
        if answer is None:
            key = (path, tuple(sorted(pairs.items())), tuple(sorted((headers or {}).items())))
            if key not in self._answers:
                self._answers[key] = self._ask(
                    lambda: self._reads.get(path, params, headers=headers, expected=expected)
                )
            if isinstance(known := self._answers[key], RequestError):
                raise known
            return known
        return expected(answer) if expected else answer

    # ---- what a plan asks besides ----------------------------------------------------------------------------------

    def items(self, kind: Kind) -> list[Json]:
        """Return all items of a kind, as its list shows them."""
        return self._read(self._lists[kind.path]).all

    @staticmethod
    def _ask(ask: Callable[[], Any]) -> Any:
        """Return the answer, or the error that says that there is none: that is asked for once too."""
        try:
            return ask()
        except NotFoundError as error:
            return error

    # ---- answers ---------------------------------------------------------------------------------------------------

    def _from_lists(self, path: str, params: Mapping[str, str]) -> Any:
        if whole := self._lists.get(path):
            return self._page(whole, params)
        collection, _, quoted = path.rpartition("/")
        object_id = unquote(quoted)
        if object_id.startswith(_UNKNOWN):
            raise NotFoundError(Failure.FINAL, "GET", path, status=404, problem=Problem(title="known after apply"))
        if not (whole := self._lists.get(collection)):
            return None
        item = self._read(whole).by_id.get(object_id)
        return whole.one(item) if item is not None and _is_whole(whole, item, params) else None

    def _page(self, whole: _List, params: Mapping[str, str]) -> Any:
        if params.get("start", "0") != "0":
            return whole.page([])
        items = self._read(whole)
        name = _name_asked(whole, params)
        return whole.page(items.all if name is None else items.named(name))

    def _read(self, whole: _List) -> _Items:
        if whole.kind.path not in self._items:
            self._items[whole.kind.path] = self._read_once(whole)
        if isinstance(found := self._items[whole.kind.path], RequestError):
            raise found
        return found

    def _read_once(self, whole: _List) -> _Items | RequestError:
        """Return the items of a list, or why it cannot be read: it is not asked for again for each that needs it."""
        self._progress(whole.kind.collection)
        found = _Items()
        try:
            with naming_permission():
                for item in whole.kind.items(self._reads, limit=whole.limit):
                    self._add(found, whole.kind, item)
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


def _lists(page_size: int) -> Iterator[_List]:
    flow_service: tuple[Kind, ...] = DATAFLOW, SOURCE_CONNECTION, TARGET_CONNECTION, BASE_CONNECTION, FLOW_SPEC
    registry: tuple[Kind, ...] = SCHEMA, FIELD_GROUP, IDENTITY
    for kind in flow_service:
        yield _List(kind, page_size, lambda items: {"items": items}, lambda item: {"items": [item]})
    for kind in registry:
        yield _List(kind, REGISTRY_PAGE, lambda items: {"results": items}, lambda item: item)
    yield _List(DATASET, PAGE, lambda items: {item["id"]: item for item in items}, lambda item: {item["id"]: item})
    yield _List(MAPPING_SET, page_size, lambda items: {"data": items}, lambda item: item)


def _name_asked(whole: _List, params: Mapping[str, str]) -> str | None:
    """Return the name that a list is asked for; other filters are hints that nobody relies on."""
    asked, key = params.get("property", ""), f"{whole.kind.name_key}=="
    if asked.startswith(key):
        return asked.removeprefix(key).strip('"')
    return params.get("name")


def _is_whole(whole: _List, item: Json, params: Mapping[str, str]) -> bool:
    """Whether what a list shows of an object is what is asked for."""
    if "version" in params:
        return str(item.get("version") or 0) == params["version"]
    # A field group that refers to others is complete only where these are put in their place.
    return whole.kind is not FIELD_GROUP or all(
        str(at(part, "$ref") or "#").startswith("#") for part in sequence(item.get("allOf"))
    )
