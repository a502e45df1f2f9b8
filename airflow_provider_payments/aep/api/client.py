"""
The client of one sandbox on Experience Platform: signed requests, and lists page by page.

The reads of each service are in the module of its name in this package.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import attrs

from airflow_provider_payments.aep.errors import Failure, InvalidInputError, ReadOnlyError, RequestError
from airflow_provider_payments.aep.http.call import Call, Credential, require_https
from airflow_provider_payments.aep.http.retries import TICK_SECONDS
from airflow_provider_payments.aep.readers import mapping, text
from airflow_provider_payments.aep.services import DEFAULT_URL

if TYPE_CHECKING:
    from airflow_provider_payments.aep.http.answers import Answer, Expected
    from airflow_provider_payments.aep.http.transport import Transport

#: How many empty pages in a row are followed; a service may filter after it has divided a list into pages.
MAX_EMPTY_PAGES = 20
#: Path suffixes of POST requests that only read.
READING_POSTS = ("/mappingSets/validate", "/search", "/preview")

Params = Mapping[str, str] | list[tuple[str, str]]
Place = TypeVar("Place", str, int)


class Reads(Protocol):
    """
    The read-only part of :class:`Client`.

    Functions that only find and compare accept this type, so that a plan can pass another reader, such as lists that
    were read before.
    """

    @property
    def settle_seconds(self) -> float:
        """The time within which a request whose answer was lost takes effect and is listed."""

    @property
    def dataflow_settle_seconds(self) -> float:
        """The settle time of dataflows."""

    def now(self) -> float:
        """Return the platform's time in epoch seconds."""

    def get(
        self,
        path: str,
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        expected: Expected | None = None,
    ) -> Any:
        """Return the body of the answer to ``GET path``."""

    def walk(
        self, path: str, read_page: Callable[[Place | None], tuple[list[Any], Place | None]], identity: str
    ) -> Iterator[list[Any]]:
        """Yield the pages of a list."""

    def once(self, name: str, request: Callable[[], str]) -> str:
        """Return a value that never changes, and that is requested at its first use only."""


def _https(value: str) -> str:
    return require_https("host", value)


@attrs.frozen
class Client:
    """
    Sends requests of one organisation to one sandbox.

    :param org_id: the organisation's id, such as ``ABC123@AdobeOrg``.
    :param sandbox: the sandbox's name in lower case; there is no default sandbox.
    :param credential: signs the requests.
    :param transport: sends the requests; its clock and deadlines apply.
    :param url: the platform's URL; the token is sent to this host only.
    :param settle_seconds: the time within which a request whose answer was lost takes effect and is listed. Defaults to
        10.
    :param dataflow_settle_seconds: the settle time of dataflows. Defaults to 50: it is longer because a duplicate
        dataflow would ingest each row twice.
    :param operation_timeout: seconds within which one object is found or created, all waits included. Defaults to 900.
    :param marks: whether created objects carry a mark. Without marks, only a dataflow that a call created and gives up
        is ever deleted. Defaults to true.
    :param read_only: whether every request that could change something is refused. Defaults to false.
    """

    org_id: str
    sandbox: str
    credential: Credential = attrs.field(repr=False)
    transport: Transport = attrs.field(repr=False)
    url: str = attrs.field(default=DEFAULT_URL, converter=_https)
    settle_seconds: float = 10.0
    dataflow_settle_seconds: float = 50.0
    operation_timeout: float = 900.0
    marks: bool = True
    read_only: bool = False
    _constants: dict[str, str] = attrs.field(factory=dict, init=False, repr=False, eq=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if not self.org_id.endswith("@AdobeOrg"):
            raise InvalidInputError("org_id", self.org_id, "it must be an organisation id that ends in @AdobeOrg")
        if not self.sandbox:
            raise InvalidInputError("sandbox", "", "name the sandbox, for example 'dev'; there is no default")
        if self.sandbox != self.sandbox.lower() or not self.sandbox.replace("-", "").isalnum():
            raise InvalidInputError("sandbox", self.sandbox, "lower-case letters, digits and hyphens")
        for name in ("settle_seconds", "dataflow_settle_seconds"):
            if not getattr(self, name) >= 0:
                raise InvalidInputError(name, getattr(self, name), "it must be 0 or more seconds")
        longest = max(self.settle_seconds, self.dataflow_settle_seconds) + TICK_SECONDS
        if not self.operation_timeout > longest:
            allowed = f"it must be more seconds than the longest settle time plus 1, {longest:g}"
            raise InvalidInputError("operation_timeout", self.operation_timeout, allowed)

    def now(self) -> float:
        """Return the platform's time in epoch seconds; before its first answer, the local time."""
        return self.transport.now()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        safe: bool | None = None,
        expected: Expected | None = None,
        into: Callable[[Iterator[bytes]], Any] | None = None,
        attempts: int | None = None,
        in_sandbox: bool = True,
    ) -> Answer:
        """
        Send one request and return its answer.

        :param method: the HTTP method.
        :param path: the path below the platform's URL.
        :param params: the query parameters.
        :param body: JSON, or a function that returns the JSON of each attempt.
        :param headers: additional headers.
        :param safe: whether the request may be repeated after an unknown outcome. Defaults to whether it only reads.
        :param expected: checks the shape of the answer's body, see :mod:`.answers`.
        :param into: consumes a file in chunks, see :class:`.call.Call`.
        :param attempts: the number of attempts allowed, not counting one repeat with a new token. Defaults to that of
            the transport.
        :param in_sandbox: whether the request names the sandbox. Defaults to true.
        :raises RequestError: for any answer other than a 2xx of the expected shape.
        :raises ReadOnlyError: for a write if ``read_only`` is set.
        """
        changes_nothing = method == "GET" or (method == "POST" and path.endswith(READING_POSTS))
        if self.read_only and not changes_nothing:
            raise ReadOnlyError(method, path)
        own = {"x-api-key": self.credential.client_id, "x-gw-ims-org-id": self.org_id}
        if in_sandbox:
            own["x-sandbox-name"] = self.sandbox
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
            changes_nothing=changes_nothing,
            safe=changes_nothing if safe is None else safe,
            expected=expected,
            into=into,
            attempts=attempts,
        )
        with self.transport.within(self.operation_timeout):
            return self.transport.send(call)

    def get(
        self,
        path: str,
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        expected: Expected | None = None,
    ) -> Any:
        """Return the body of the answer to ``GET path``; arguments are those of :meth:`request`."""
        return self.request("GET", path, params=params, headers=headers, expected=expected).body

    def walk(
        self, path: str, read_page: Callable[[Place | None], tuple[list[Any], Place | None]], identity: str
    ) -> Iterator[list[Any]]:
        """
        Yield the pages of a list, until a page has no next one; each page is one request.

        :param path: the path of the list, for the error.
        :param read_page: requests the page at a place (``None``: the first page); returns its items and the next page's
            place.
        :param identity: the member that identifies an item.
        :raises RequestError: as an ambiguous read, if a page or a place is repeated, or after too many empty pages.
        """
        deadline = self.transport.deadline.within(self.operation_timeout)
        place, places, seen, empty = None, set[Place](), set[str](), 0
        while True:
            with self.transport.until(deadline):
                page, place = read_page(place)
            new = {known for item in page if (known := text(mapping(item).get(identity)))} - seen
            yield page
            if place is None:
                return
            empty = 0 if page else empty + 1
            cut = (
                "the service repeats a page token"
                if place in places
                else "the service repeats a page"
                if page and not new
                else f"more than {MAX_EMPTY_PAGES} empty pages in a row"
                if empty > MAX_EMPTY_PAGES
                else ""
            )
            if cut:
                raise RequestError(Failure.AMBIGUOUS, "GET", path, reason=f"the list is incomplete: {cut}")
            places.add(place)
            seen |= new

    def once(self, name: str, request: Callable[[], str]) -> str:
        """
        Return a value that never changes in the sandbox, and that is requested at its first use only.

        :param name: the name of the value.
        :param request: requests the value.
        """
        with self._lock:
            if name not in self._constants:
                self._constants[name] = request()
            return self._constants[name]
