"""
One request of a verification: any answer of the platform, as a value.

Requests are counted and throttled. A rate limited request is sent again as soon as the service allows it, and so is a
read that fails. An answer that did not come from the service, and a refusal that concerns the credential or a temporary
state, prove nothing about an assumption: the check is not tried.
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

__all__ = ["Answer", "LimitReachedError", "Probe", "RequestBudget", "UnansweredError", "as_answer", "failure_text"]

#: Maximum number of times that a rate limited request, and a read that fails, is sent.
MAX_SENT, MAX_READS = 6, 3
#: Statuses of refusals that concern the credential or a temporary state.
INCONCLUSIVE_STATUSES = (401, 403, 408, 429)
#: The form of the services' error codes, and the known titles of errors that have no code. A report holds no other
#: text of an error, because that may contain data of the tenant.
_CODE = re.compile(
    r"[A-Z]{2,20}-[0-9]{3,6}(-[0-9]{3})?|[0-9]{3,6}|[A-Z][A-Za-z]{1,30}Error|Unauthorized|Forbidden|Conflict|Unavailable"
    r"|(invalid|unauthorized|unsupported|access)_(client|request|grant|grant_type|scope|token|denied)"
)


class LimitReachedError(NotTriedError):
    """The maximum number of requests, or of objects of a kind, is reached."""


class UnansweredError(NotTriedError):
    """A request was not answered, so its effect is unknown."""


@attrs.frozen
class Answer:
    """
    An answer of the platform.

    :param status: the HTTP status.
    :param code: the code or known title of a refusal. Defaults to empty: a success, or a refusal without either.
    :param form: the form of the body: ``json``, ``html``, ``blank`` or ``other``. Defaults to ``"json"``.
    :param body: the parsed body of a success. Defaults to ``None``.
    :param headers: the headers of a success, whose names are matched in any case. Defaults to none.
    """

    status: int
    code: str = ""
    form: str = "json"
    body: Any = None
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def summary(self) -> Json:
        """The part of the answer that a report holds."""
        return {"status": self.status, "code": self.code, "form": self.form}

    @property
    def status_text(self) -> str:
        """The status, followed by the code if there is one."""
        return f"{self.status} {self.code}".rstrip()


class RequestBudget:
    """
    A context manager around each request, which counts and throttles requests and raises at their limit.

    :param client: the client whose requests are counted.
    :param limit: the maximum number of requests, excluding those of :meth:`unlimited`.
    """

    def __init__(self, client: Client, limit: int) -> None:
        self.limit = limit
        #: Requests that are reserved for the deletion of created objects.
        self.reserve = 0
        #: All requests, and those that count towards the limit.
        self.sent = self._limited = 0
        self._is_limited = True
        #: The context manager that the caller set for each request.
        self._outer: AbstractContextManager[Any] = client.transport.pace
        self._throttle = Throttle(client.transport.clock)

    @classmethod
    @contextmanager
    def of(cls, client: Client, limit: int) -> Iterator[Self]:
        """Apply a budget to the requests of the block."""
        budget = cls(client, limit)
        client.transport.pace = budget
        try:
            yield budget
        finally:
            client.transport.pace = budget._outer

    @contextmanager
    def unlimited(self) -> Iterator[None]:
        """Exclude the requests of the block from the limit: the search for objects and their deletion must not stop."""
        self._is_limited = False
        try:
            yield
        finally:
            self._is_limited = True

    def __enter__(self) -> None:
        if self._is_limited and self._limited >= self.limit - self.reserve:
            raise LimitReachedError("the number of requests that checks may send is reached")
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
    Sends requests to one sandbox.

    :param client: the client of the sandbox.
    :param budget: the budget of its requests.
    """

    client: Client
    budget: RequestBudget

    def send(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        sender: Client | None = None,
    ) -> Answer:
        """
        Send one request, and return its answer, which may be a refusal.

        :param sender: another client that sends the request, for checks of its credential, organisation or sandbox: any
            refusal by a service is then an answer. Defaults to ``None``: the sandbox's client.
        :raises NotTriedError: if the answer proves nothing; see :func:`as_answer`.
        """
        for sent in range(1, MAX_SENT + 1):
            try:
                answer = (sender or self.client).request(
                    method, path, params=params, body=body, headers=headers, expected=anything, attempts=1
                )
            except RequestError as error:
                if not _is_repeated(error, sent):
                    return as_answer(error) if sender is None or error.status is None else _answer_of(error)
                wait = FIRST_WAIT_SECONDS * 2**sent if error.retry_after is None else error.retry_after
                self.client.transport.clock.sleep(min(wait, MAX_WAIT_SECONDS))
                continue
            return Answer(answer.status, body=answer.body, headers=answer.headers)
        raise AssertionError("unreachable")


def as_answer(error: RequestError) -> Answer:
    """
    Return the refusal that an error holds.

    :raises UnansweredError: if the error is ambiguous: no answer, a 5xx, a redirect, or the page of a proxy.
    :raises NotTriedError: if the refusal concerns the credential or a temporary state, not the request.
    """
    if _is_failed(error) or error.status in INCONCLUSIVE_STATUSES:
        kind = UnansweredError if error.failure is Failure.AMBIGUOUS else NotTriedError
        raise kind(f"{error.method} {_without_ids(error.path)} {failure_text(error)}")
    return _answer_of(error)


def _is_repeated(error: RequestError, sent: int) -> bool:
    if error.failure is Failure.THROTTLED:
        return sent < MAX_SENT
    return _is_failed(error) and error.changes_nothing and sent < MAX_READS


def _is_failed(error: RequestError) -> bool:
    return error.status is None or not 400 <= error.status < 500


def _answer_of(error: RequestError) -> Answer:
    form = "json" if error.problem.has_content else _form(error.reason)
    return Answer(error.status or 0, _code(error), form)


def failure_text(error: RequestError) -> str:
    """Return how a request failed, without any text of the tenant, as the end of a sentence about the request."""
    return f"was answered {Answer(error.status, _code(error)).status_text}" if error.status else "was not answered"


def _code(error: RequestError) -> str:
    code = error.code or error.problem.title
    return code if _CODE.fullmatch(code) else ""


def _form(reason: str) -> str:
    return "blank" if reason == BLANK else "html" if reason.startswith("answered HTML") else "other"


def _without_ids(path: str) -> str:
    """Return the steps of a path that are words: a report holds no ids."""
    known = [step for step in path.split("/") if re.fullmatch(r"[a-zA-Z-]{1,30}", step)]
    return "/".join(["", *known])
