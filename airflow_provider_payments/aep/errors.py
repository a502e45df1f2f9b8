"""What can go wrong, as data. No error ever holds a header, a token or a credential."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple

from airflow_provider_payments.aep.redaction import redacted


class PlatformError(Exception):
    """Base of everything raised by :mod:`airflow_provider_payments.aep`."""

    #: Whether the same call may succeed later. Final errors are not worth an Airflow retry.
    retryable = False

    def __init__(self, message: str = "") -> None:
        # A service's or a proxy's words may stand anywhere in it.
        super().__init__(_writable(message))

    def add(self, sentence: str) -> None:
        """Let the message say one thing more; nothing where ``sentence`` is empty."""
        if sentence:
            self.args = (f"{self}. {_writable(sentence)}",)


class InvalidInputError(PlatformError, ValueError):
    """
    A value that no request could make right; raised before any request is sent.

    :param field: the argument's name, as the user wrote it.
    :param value: what was given.
    :param allowed: what would be accepted, as the end of a sentence.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{field}={_given(value)} is not allowed: {allowed}")
        self.field = field
        self.value = value
        self.allowed = allowed


def _given(value: object, limit: int = 1000) -> str:
    try:
        text = redacted(repr(value))
    except (ValueError, RecursionError):  # a number of thousands of digits, a list in a list in a list...
        text = f"<{type(value).__name__} that cannot be shown>"
    return text if len(text) <= limit else f"{text[:limit]}..."


class UnreadableError(PlatformError):
    """
    An item of an answer that cannot be understood.

    :param what: which item of what.
    :param reason: what is wrong with it, as the end of a sentence.
    """

    retryable = True

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} cannot be read: {reason}")


class DataflowDisabledError(PlatformError):
    """
    A dataflow that is waited for is disabled, and has no run that is meant.

    :param flow_id: the dataflow.
    :param since: when it was changed last, as ISO 8601 text, where the service shows it.
    """

    def __init__(self, flow_id: str, since: str | None) -> None:
        when = f" since {since}" if since else ""
        super().__init__(
            f"dataflow {flow_id} is disabled{when}, by somebody or by the platform after 30 days of failures: no run "
            "will begin. Find out why, enable it and clear the task; fail_if_disabled=False goes on waiting"
        )


class Failure(Enum):
    """What is known of a failed request's effect on the server; it decides whether it may be repeated."""

    NOT_SENT = "not sent"
    """It never reached the service: nothing was made, any method may be repeated."""
    THROTTLED = "rate limited"
    """Status 429: nothing was made, any method may be repeated after the wait."""
    TOKEN_REFUSED = "token refused"
    """The service refuses a token that can be replaced: nothing was made, any method may be repeated with another."""
    AMBIGUOUS = "outcome unknown"
    """
    Time-out, reset, cut answer, any 5xx, and what only an intermediary can have said: a blank answer, a redirect, HTML.
    The effect is unknown, only a read may be repeated.
    """
    FINAL = "final"
    """The service itself understood and refused: repeating cannot help."""


class Problem(NamedTuple):
    """
    What a service says of a refusal, read defensively: each AEP service has its own error body.

    :param code: the service's code, such as ``FLOW-1360-400``, ``XDM-1521-400`` or the gateway's ``403010``.
    :param title: its short form.
    :param detail: the most telling sentence of the body.
    :param request_id: the service's own id of the request, for Adobe's support.
    """

    code: str = ""
    title: str = ""
    detail: str = ""
    request_id: str = ""

    @property
    def says_something(self) -> bool:
        """Whether there are words of a service's own; an empty object may come from anywhere."""
        return bool(self.code or self.title or self.detail)

    @classmethod
    def from_body(cls, body: object, request_id: str = "") -> Problem:
        """Read an error body of Flow Service, the gateway, Schema Registry, Catalog, Data Prep or IMS."""
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
    """Return text without secrets that every log and database takes: no half of a character, no NUL."""
    return redacted(text).replace("\0", "").encode(errors="replace").decode()


def _text(value: object, limit: int = 500) -> str:
    """One line of bounded length, without secrets: a service may answer anything, and it ends in a task log."""
    try:
        text = _writable(" ".join(str(value or "").split()))
    except (ValueError, RecursionError):  # a number of thousands of digits, a list in a list in a list...
        text = f"<{type(value).__name__} that cannot be shown>"
    return text if len(text) <= limit else f"{text[:limit]}..."


class RequestError(PlatformError):
    """
    A request that brought no usable answer.

    :param failure: what is known about its effect.
    :param method: the HTTP method.
    :param path: the path without its query.
    :param reason: why, in a few words, when there is no answer to quote.
    :param status: the HTTP status, when there was an answer.
    :param problem: what the service said.
    :param retry_after: seconds that the service asks to wait.
    :param changes_nothing: whether the request only reads; by default a GET does. Its outcome is never unknown.
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
        """The service's code, empty when it gave none."""
        return self.problem.code

    def _message(self) -> str:
        said = [str(self.status) if self.status else "", self.problem.code, self.problem.title, self.problem.detail]
        unanswered = self.failure is Failure.AMBIGUOUS and self.changes_nothing
        parts = [f"{self.method} {self.path} failed ({'no usable answer' if unanswered else self.failure.value})"]
        answer = " - ".join(dict.fromkeys(s for s in said if s))
        parts += [p for p in (self.reason, answer) if p]
        if hint := _HINTS.get(self.status or 0):
            parts.append(hint)
        if self.retry_after is not None:
            parts.append(f"the service asks to wait {self.retry_after:g} s")
        if self.problem.request_id:
            parts.append(f"request id {self.problem.request_id}")
        return "; ".join(parts)


#: Codes of a 404 that is about the sandbox (``FLOW-21..``), or the gateway's (six digits).
_NOT_ABOUT_AN_OBJECT = r"FLOW-2|\d{6}$"
_HINTS = {
    401: "check client id and client secret (or the access token) of the connection",
    403: "check the organisation, the sandbox and the permissions of the credential",
    412: "somebody else changed the object meanwhile",
}


class NotFoundError(RequestError):
    """The service itself reports that the object does not exist; a 404 of the gateway or of a proxy does not."""

    @staticmethod
    def is_meant(status: int | None, problem: Problem, reason: str = "") -> bool:
        """
        Return whether an answer is a 404 about an object, in the service's own words.

        :param reason: why the answer cannot be read as the service's, if it cannot.
        """
        own_words = problem.says_something and not reason
        return status == 404 and own_words and not re.match(_NOT_ABOUT_AN_OBJECT, problem.code)


class Difference(NamedTuple):
    """One field in which an existing object is not what was asked for."""

    field: str
    desired: Any
    actual: Any

    def __str__(self) -> str:
        return f"{self.field}: desired {_shown(self.desired)}, actual {_shown(self.actual)}"


def _shown(value: object) -> str:
    return repr(sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value)


class ConflictError(PlatformError):
    """
    An object of the desired name exists and is not the desired one, or may not be reused.

    :param kind: the kind of object, such as ``dataflow``.
    :param name: its name.
    :param object_id: the id of the one that stands in the way.
    :param differences: field by field; empty where existing at all is the conflict.
    :param advice: what the user can do.
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
    """A write whose outcome could not be learnt in time; the next attempt looks again before it writes."""

    retryable = True


class UnlistedError(PlatformError):
    """The service says that it made an object, and no list shows it: another attempt would make it again."""


class ReadOnlyError(PlatformError):
    """A write was asked of a connection that forbids them; nothing was sent."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"{method} {path} was not sent: read_only is set in the connection")


class StoreError(PlatformError):
    """
    A store refuses a file, or cannot be reached.

    :param path: of the file.
    :param error: what the store raised.
    """

    retryable = True

    def __init__(self, path: object, error: Exception) -> None:
        super().__init__(f"{path} cannot be written or read: {type(error).__name__}: {_text(error)}")
