"""
One request of a verification: what the platform answers, whatever that is, as a value.

Requests are counted and kept apart in time; a rate limited one is sent again once the service allows it, and so is a
read that fails. What no service answered, and what is refused because of the credential or for the moment, decides
nothing: the check is not tried.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import attrs

from airflow_provider_payments.aep.errors import Failure, RequestError
from airflow_provider_payments.aep.http.answers import BLANK, anything
from airflow_provider_payments.aep.http.retries import FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS
from airflow_provider_payments.aep.http.throttle import Throttle
from airflow_provider_payments.aep.verification.findings import NotTriedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from types import TracebackType

    from airflow_provider_payments.aep.api.client import Client, Params
    from airflow_provider_payments.aep.services import Json

__all__ = ["Pace", "Probe", "Seen", "SpentError", "UnansweredError", "refusal_of", "refused"]

#: How often a rate limited request is sent in all, and a read that fails.
MAX_SENT, MAX_READS = 6, 3
#: Statuses of refusals that are about the credential or the moment.
NO_ANSWER = (401, 403, 408, 429)
#: What codes of the services look like, and titles where there is none; anything else may hold words of the tenant.
_CODE = re.compile(
    r"[A-Z]{2,20}-[0-9]{3,6}(-[0-9]{3})?|[0-9]{3,6}|[A-Z][A-Za-z]{1,30}Error|Unauthorized|Forbidden|Conflict|Unavailable"
    r"|(invalid|unauthorized|unsupported|access)_(client|request|grant|grant_type|scope|token|denied)"
)


class SpentError(NotTriedError):
    """The number of requests that may be sent is reached."""


class UnansweredError(NotTriedError):
    """It is not known what a request has done."""


@attrs.frozen
class Seen:
    """
    An answer.

    :param status: the HTTP status.
    :param code: the service's code or title of a refusal; empty for a success, and where it has none that is known.
    :param form: ``json``, ``html``, ``blank`` or ``other``.
    :param body: of a success.
    :param headers: of a success, by names in any case.
    """

    status: int
    code: str = ""
    form: str = "json"
    body: Any = None
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    @property
    def shown(self) -> Json:
        """What a report says of it."""
        return {"status": self.status, "code": self.code, "form": self.form}


class Pace:
    """
    What each request passes through: it counts them, and keeps some for the removal of what was made.

    :param client: whose requests are counted.
    :param limit: how many may be sent, without those of :meth:`unlimited`.
    """

    def __init__(self, client: Client, limit: int) -> None:
        self.limit = limit
        #: Requests that are kept for the removal.
        self.reserve = 0
        #: All requests, and those that the limit is about.
        self.sent = self._limited = 0
        self._is_limited = True
        #: Of the caller, if there is one.
        self._outer: AbstractContextManager[Any] = client.transport.pace
        self._throttle = Throttle(client.transport.clock)

    @classmethod
    @contextmanager
    def of(cls, client: Client, limit: int) -> Iterator[Self]:
        """Let the requests of the block pass through one."""
        pace = cls(client, limit)
        client.transport.pace = pace
        try:
            yield pace
        finally:
            client.transport.pace = pace._outer

    @contextmanager
    def unlimited(self) -> Iterator[None]:
        """Send all requests of the block: what finds and removes objects is not stopped, however many there are."""
        self._is_limited = False
        try:
            yield
        finally:
            self._is_limited = True

    def __enter__(self) -> None:
        if self._is_limited and self._limited >= self.limit - self.reserve:
            raise SpentError("the number of requests that checks may send is reached")
        self._throttle.__enter__()
        self._outer.__enter__()
        self.sent += 1
        self._limited += self._is_limited

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outer.__exit__(kind, error, trace)
        self._throttle.__exit__(kind, error, trace)


@attrs.frozen
class Probe:
    """
    Asks one sandbox.

    :param client: of the sandbox.
    :param pace: what its requests pass through.
    """

    client: Client
    pace: Pace

    def send(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        by: Client | None = None,
    ) -> Seen:
        """
        Send one request; return what was answered, a refusal too.

        :param by: the client that sends it, where its credential or place is what the check is about: then any refusal
            is an answer.
        :raises NotTriedError: as :func:`refused` has it.
        """
        for sent in range(1, MAX_SENT + 1):
            try:
                answer = (by or self.client).request(
                    method, path, params=params, body=body, headers=headers, expected=anything, attempts=1
                )
            except RequestError as error:
                if not _is_repeated(error, sent):
                    return refused(error) if by is None or error.status is None else _seen(error)
                wait = FIRST_WAIT_SECONDS * 2**sent if error.retry_after is None else error.retry_after
                self.client.transport.clock.sleep(min(wait, MAX_WAIT_SECONDS))
                continue
            return Seen(answer.status, body=answer.body, headers=answer.headers)
        raise AssertionError("unreachable")


def refused(error: RequestError) -> Seen:
    """
    Return the answer by which a request failed.

    :raises UnansweredError: if no service answered, or with a 5xx, or it was a redirect or the page of a proxy.
    :raises NotTriedError: if it is about the credential or the moment, and not about what was sent.
    """
    if _is_failed(error) or error.status in NO_ANSWER:
        kind = UnansweredError if error.failure is Failure.AMBIGUOUS else NotTriedError
        raise kind(f"{error.method} {_place(error.path)} {refusal_of(error)}")
    return _seen(error)


def _is_repeated(error: RequestError, sent: int) -> bool:
    if error.failure is Failure.THROTTLED:
        return sent < MAX_SENT
    return _is_failed(error) and error.changes_nothing and sent < MAX_READS


def _is_failed(error: RequestError) -> bool:
    return error.status is None or not 400 <= error.status < 500


def _seen(error: RequestError) -> Seen:
    form = "json" if error.problem.has_content else _form(error.reason)
    return Seen(error.status or 0, _code(error), form)


def refusal_of(error: RequestError) -> str:
    """Return how a request failed, in words that a report may hold."""
    return f"was answered {error.status} {_code(error)}".rstrip() if error.status else "was not answered"


def _code(error: RequestError) -> str:
    code = error.code or error.problem.title
    return code if _CODE.fullmatch(code) else ""


def _form(reason: str) -> str:
    return "blank" if reason == BLANK else "html" if reason.startswith("answered HTML") else "other"


def _place(path: str) -> str:
    """Return a path without ids: the report holds none."""
    known = [step for step in path.split("/") if re.fullmatch(r"[a-zA-Z-]{1,30}", step)]
    return "/".join(["", *known])
