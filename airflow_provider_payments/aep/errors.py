"""The errors of the client, with their causes as attributes. No error contains a header, a token or a credential."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple

from airflow_provider_payments.aep.redaction import redacted


class PlatformError(Exception):
    """The base class of all errors of :mod:`airflow_provider_payments.aep`."""

    #: Whether the same call may succeed later, so that an Airflow retry is useful.
    retryable = False

    def __init__(self, message: str = "") -> None:
        # A message may quote a service or a proxy at any place.
        super().__init__(_writable(message))

    def add(self, sentence: str) -> None:
        """Append a sentence to the message; an empty one changes nothing."""
        if sentence:
            self.args = (f"{self}. {_writable(sentence)}",)


class InvalidInputError(PlatformError, ValueError):
    """
    An argument is invalid, regardless of the state of the platform.

    :param field: the argument's name, as the user knows it.
    :param value: the given value.
    :param allowed: the allowed values, as the end of a sentence.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{field}={_given(value)} is not allowed: {allowed}")
        self.field = field
        self.value = value
        self.allowed = allowed


def _given(value: object, limit: int = 1000) -> str:
    try:
        text = redacted(repr(value))
    except (ValueError, RecursionError):  # a number of thousands of digits, or a deeply nested list
        text = f"<{type(value).__name__} that cannot be shown>"
    return text if len(text) <= limit else f"{text[:limit]}..."


class UnreadableError(PlatformError):
    """
    An item of an answer cannot be understood.

    :param what: the item, such as "dataflow 1234".
    :param reason: the defect, as the end of a sentence.
    """

    retryable = True

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} cannot be read: {reason}")


class DataflowDisabledError(PlatformError):
    """
    A dataflow whose run is waited for is disabled, and has no matching run.

    :param flow_id: the dataflow's id.
    :param changed_at: when the dataflow was last changed, as ISO 8601 text; ``None`` if the service does not return it.
    """

    def __init__(self, flow_id: str, changed_at: str | None) -> None:
        changed = f" (last changed at {changed_at})" if changed_at else ""
        super().__init__(
            f"dataflow {flow_id} is disabled{changed}, by a user or by the platform after 30 days of failures, so no "
            "run will begin. Find out the reason, enable the dataflow and clear the task; fail_if_disabled=False "
            "continues to wait"
        )


class Failure(Enum):
    """The known effect of a failed request on the server, which decides whether the request may be repeated."""

    NOT_SENT = "not sent"
    """The request did not reach the service and had no effect: any method may be repeated."""
    THROTTLED = "rate limited"
    """Status 429: the request had no effect, and any method may be repeated after the wait."""
    TOKEN_REFUSED = "token refused"
    """The service refused a token that can be replaced: any method may be repeated with another token."""
    AMBIGUOUS = "outcome unknown"
    """
    Timeout, reset, cut answer, any 5xx, or an answer that only an intermediary can have sent: blank, a redirect, HTML.
    The effect is unknown; only a read may be repeated.
    """
    FINAL = "final"
    """The service itself refused the request: a repeat cannot succeed."""


class Problem(NamedTuple):
    """
    The error in the body of an answer; each service has its own form of error bodies.

    :param code: the service's code, such as ``FLOW-1360-400``, ``XDM-1521-400`` or the gateway's ``403010``.
    :param title: the short description.
    :param detail: the most specific description in the body.
    :param request_id: the service's id of the request, for Adobe's support.
    """

    code: str = ""
    title: str = ""
    detail: str = ""
    request_id: str = ""

    @property
    def has_content(self) -> bool:
        """Whether the body contained an error of a service; any intermediary may answer an empty object."""
        return bool(self.code or self.title or self.detail)

    @classmethod
    def from_body(cls, body: object, request_id: str = "") -> Problem:
        """Return the error in a body of Flow Service, the gateway, Schema Registry, Catalog, Data Prep or IMS."""
        if not isinstance(body, Mapping):
            return cls(request_id=request_id)
        report = body["report"] if isinstance(body.get("report"), Mapping) else {}
        code = _text(body.get("error_code") or body.get("code") or body.get("error"))
        if not code:
            kind = _text(body.get("type"))
            code = kind.rsplit("/", 1)[-1] if "/errors/" in kind else ""
        details = (
            report.get("detailed-message"),
            body.get("errorMessage"),
            body.get("detail"),
            body.get("error_description"),
            body.get("message"),
            body.get("errorDetails"),
        )
        return cls(
            code=code,
            title=_text(body.get("title")),
            detail=next((_text(d) for d in details if d), ""),
            request_id=_text(report.get("request-id") or report.get("registryRequestId")) or request_id,
        )


def _writable(text: str) -> str:
    """Return text without secrets, and without the lone surrogates and NULs that logs and databases refuse."""
    return redacted(text).replace("\0", "").encode(errors="replace").decode()


def _text(value: object, limit: int = 500) -> str:
    """Return any value of an answer as one line of limited length, without secrets, for messages."""
    try:
        text = _writable(" ".join(str(value or "").split()))
    except (ValueError, RecursionError):  # a number of thousands of digits, or a deeply nested list
        text = f"<{type(value).__name__} that cannot be shown>"
    return text if len(text) <= limit else f"{text[:limit]}..."


class RequestError(PlatformError):
    """
    A request without a usable answer.

    :param failure: the known effect of the request.
    :param method: the HTTP method.
    :param path: the path without its query.
    :param reason: the reason, if no service's answer states it. Defaults to none.
    :param status: the HTTP status, if there was an answer.
    :param problem: the error in the service's answer. Defaults to an empty one.
    :param retry_after: the seconds of a ``Retry-After`` header.
    :param changes_nothing: whether the request only reads, so that its message never calls the outcome unknown.
        Defaults to true for a GET.
    """

    def __init__(
        self,
        failure: Failure,
        method: str,
        path: str,
        *,
        reason: str = "",
        status: int | None = None,
        problem: Problem | None = None,
        retry_after: float | None = None,
        changes_nothing: bool | None = None,
    ) -> None:
        self.failure = failure
        self.method = method
        self.path = path
        self.reason = _writable(reason)
        self.status = status
        self.problem = problem or Problem()
        self.retry_after = retry_after
        self.changes_nothing = method == "GET" if changes_nothing is None else changes_nothing
        self.retryable = failure is not Failure.FINAL
        super().__init__(self._message())

    @property
    def code(self) -> str:
        """The service's error code; empty if there is none."""
        return self.problem.code

    def _message(self) -> str:
        details = [str(self.status) if self.status else "", self.problem.code, self.problem.title, self.problem.detail]
        unanswered = self.failure is Failure.AMBIGUOUS and self.changes_nothing
        parts = [f"{self.method} {self.path} failed ({'no usable answer' if unanswered else self.failure.value})"]
        answer = " - ".join(dict.fromkeys(detail for detail in details if detail))
        parts += [p for p in (self.reason, answer) if p]
        if hint := _HINTS.get(self.status or 0):
            parts.append(hint)
        if self.retry_after is not None:
            parts.append(f"the service asks to wait {self.retry_after:g} s")
        if self.problem.request_id:
            parts.append(f"request id {self.problem.request_id}")
        return "; ".join(parts)


#: Codes of a 404 that is about the sandbox (``FLOW-21..``), or of the gateway (six digits).
_NOT_ABOUT_AN_OBJECT = r"FLOW-2|\d{6}$"
#: Status -> advice at the end of the message.
_HINTS = {
    401: "check client id and client secret (or the access token) of the connection",
    403: "check the organisation, the sandbox and the permissions of the credential",
    412: "another writer has changed the object since it was read",
}


class NotFoundError(RequestError):
    """The service itself reports that the object does not exist; a 404 of the gateway or of a proxy does not."""

    @staticmethod
    def matches(status: int | None, problem: Problem, reason: str = "") -> bool:
        """
        Return whether an answer is a 404 of a service about an object.

        :param status: the HTTP status.
        :param problem: the error in the answer.
        :param reason: why the answer is not one of a service. Defaults to an answer of a service.
        """
        is_of_service = problem.has_content and not reason
        return status == 404 and is_of_service and not re.match(_NOT_ABOUT_AN_OBJECT, problem.code)


class Difference(NamedTuple):
    """A field in which an existing object differs from the desired one, with both values."""

    field: str
    desired: Any
    actual: Any

    def __str__(self) -> str:
        return f"{self.field}: desired {_shown(self.desired)}, actual {_shown(self.actual)}"


def _shown(value: object) -> str:
    return repr(sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value)


class ConflictError(PlatformError):
    """
    An object of the desired name exists, and differs from the desired one or may not be adopted.

    :param kind: the kind of object, such as ``dataflow``.
    :param name: the desired name.
    :param object_id: the id of the existing object.
    :param differences: the differing fields. Defaults to none, if the existence alone is the conflict.
    :param advice: what the user can do. Defaults to no advice.
    """

    def __init__(
        self, kind: str, name: str, object_id: str, differences: Iterable[Difference] = (), advice: str = ""
    ) -> None:
        self.kind = kind
        self.name = name
        self.object_id = object_id
        self.differences = tuple(differences)
        text = f"{kind} {name!r} exists already ({object_id})"
        if self.differences:
            text += " and differs: " + "; ".join(map(str, self.differences))
        super().__init__(f"{text}. {advice}".rstrip())


class UnsettledError(PlatformError):
    """The outcome of a write is still unknown at the end of the operation; the next attempt reads before it writes."""

    retryable = True


class UnlistedError(PlatformError):
    """A service answered that it created an object, but no list shows it; another attempt would create a duplicate."""


class ReadOnlyError(PlatformError):
    """A write was not sent, because the connection is read-only."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"{method} {path} was not sent: read_only is set in the connection")


class StoreError(PlatformError):
    """
    A file store refuses a file, or cannot be reached.

    :param path: the path of the file.
    :param error: the exception of the store.
    """

    retryable = True

    def __init__(self, path: object, error: Exception) -> None:
        super().__init__(f"{path} cannot be written or read: {type(error).__name__}: {_text(error)}")
