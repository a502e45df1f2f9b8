"""
An organisation's sandbox on Experience Platform: signed requests, and lists page by page.

What a service offers stands in the module of its name beside this one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import attrs

from airflow_provider_payments.aep.errors import Failure, InvalidInputError, ReadOnlyError, RequestError
from airflow_provider_payments.aep.http.retries import TICK_SECONDS
from airflow_provider_payments.aep.http.transport import Call, Credential, Transport, require_https
from airflow_provider_payments.aep.readers import mapping, text
from airflow_provider_payments.aep.services import DEFAULT_URL

if TYPE_CHECKING:
    from airflow_provider_payments.aep.http.answers import Answer, Expected

#: Empty pages in a row that are followed; a service may filter behind its paging.
MAX_EMPTY_PAGES = 20
#: The ends of paths to which a POST changes nothing.
READING_POSTS = ("/mappingSets/validate", "/search", "/preview")

Params = Mapping[str, str] | list[tuple[str, str]]
Place = TypeVar("Place", str, int)


class Reads(Protocol):
    """
    What answers questions and, by its type, can change nothing; each member is as :class:`Client` has it.

    What finds, compares, explores and judges takes one, so that a plan can hand over another reader.
    """

    @property
    def settle_seconds(self) -> float:
        """Seconds within which a request whose answer was lost takes effect and shows in lists."""

    @property
    def dataflow_settle_seconds(self) -> float:
        """The same for dataflows."""

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
        """Return the body that ``GET path`` answers."""

    def walk(
        self, path: str, ask: Callable[[Place | None], tuple[list[Any], Place | None]], identity: str
    ) -> Iterator[list[Any]]:
        """Yield a list page after page."""

    def once(self, what: str, ask: Callable[[], str]) -> str:
        """Return what never changes, asked for with its first use."""


def _https(value: str) -> str:
    return require_https("host", value)


@attrs.frozen
class Client:
    """
    Requests in the name of one organisation to one sandbox.

    :param org_id: the organisation, such as ``ABC123@AdobeOrg``.
    :param sandbox: the sandbox's name, lower case; never assumed.
    :param credential: what signs requests.
    :param transport: what sends them; its clock and deadlines count.
    :param url: the platform; the token is sent to this host only.
    :param settle_seconds: seconds within which a request whose answer was lost takes effect and shows in lists.
    :param dataflow_settle_seconds: the same for dataflows, which must be surer: a second one would ingest twice.
    :param operation_timeout: seconds within which one object is found or made, all waits included.
    :param marks: whether what is made carries a mark; without one nothing is ever deleted.
    :param read_only: refuse every request that could change something.
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
    _learnt: dict[str, str] = attrs.field(factory=dict, init=False, repr=False, eq=False)
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
            allowed = f"it must be more seconds than the settle times and one, {longest:g}"
            raise InvalidInputError("operation_timeout", self.operation_timeout, allowed)

    def now(self) -> float:
        """Return the platform's time in epoch seconds; until it has answered, this machine's."""
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
        Send one request to ``path`` below the platform's URL.

        :param body: JSON, or a function that returns it for each attempt anew.
        :param safe: whether a repeat of a write is harmless, as with a deletion; that of a read is.
        :param expected: what the answer's body must be, see :mod:`.answers`.
        :param into: takes a file in chunks, see :class:`.transport.Call`.
        :param attempts: how many times it is sent at most, where that is not as many times as any.
        :param in_sandbox: whether the request is about the sandbox, which it then names.
        :raises RequestError: for every answer but a 2xx of the expected shape.
        :raises ReadOnlyError: for a write where ``read_only`` is set.
        """
        reads = method == "GET" or (method == "POST" and path.endswith(READING_POSTS))
        if self.read_only and not reads:
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
            safe=safe,
            changes_nothing=reads,
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
        """Return the body that ``GET path`` answers; arguments are those of :meth:`request`."""
        return self.request("GET", path, params=params, headers=headers, expected=expected).body

    def walk(
        self, path: str, ask: Callable[[Place | None], tuple[list[Any], Place | None]], identity: str
    ) -> Iterator[list[Any]]:
        """
        Yield a list page after page, until one names no other; each is one request.

        :param path: the list's, for the error.
        :param ask: returns the items of the page at a place (``None``: the first), and the next one's place.
        :param identity: the member that identifies an item.
        :raises RequestError: as an ambiguous read, if pages or places come again, or nothing but empty pages.
        """
        deadline = self.transport.deadline.within(self.operation_timeout)
        place, places, seen, empty = None, set[Place](), set[str](), 0
        while True:
            with self.transport.until(deadline):
                page, place = ask(place)
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

    def once(self, what: str, ask: Callable[[], str]) -> str:
        """
        Return what never changes in the sandbox, asked for with its first use.

        :param what: its name among such values.
        """
        with self._lock:
            if what not in self._learnt:
                self._learnt[what] = ask()
            return self._learnt[what]
