"""The log of requests, for tests and people."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.core.parsing import UnreadableBody, parse_json

MAX_ENTRIES = 100_000
MAX_LOG_BYTES = 64 * 1024 * 1024
MAX_LOGGED_BODY_BYTES = 64 * 1024
_SECRET_NAMES = frozenset(
    {"clientsecret", "accesstoken", "refreshtoken", "password", "securitytoken", "apikey", "s3secretkey"}
)


@dataclass(slots=True)
class LoggedRequest:
    """A request in the log.

    :param at: the time of its arrival, in epoch seconds on the emulator's clock.
    :param sandbox: the value of the header with the sandbox; empty without that header.
    :param body: the bytes received; they are parsed when the entry is shown.
    :param status: the status of the answer; None while there is no answer.
    :param fault: the id and action of the fault that fired for the request, if any.
    :param problem: the label and detail of the refusal that answered the request, if any.
    """

    number: int
    at: float
    method: str
    path: str
    query: str
    sandbox: str
    request_id: str
    body: bytes
    status: int | None = None
    fault: tuple[str, str] | None = None
    problem: tuple[str, str] | None = None

    @property
    def size(self) -> int:
        """The size of the parts that the client determines, which bounds the memory of the log."""
        return len(self.path) + len(self.query) + len(self.body)

    def to_wire(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": self.at,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "sandbox": self.sandbox or None,
            "status": self.status,
            "fault": self.fault and {"id": self.fault[0], "action": self.fault[1]},
            "request_id": self.request_id,
            "body": _readable(self.body),
        }


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """A filter of logged requests; a None matches any request.

    :param path: the beginning of the path.
    :param status: the status of the answer; ``none`` selects requests without an answer.
    :param since: selects requests with a higher number.
    :param fault: the id or the action of the fault that fired.
    """

    method: str | None = None
    path: str | None = None
    status: str | None = None
    sandbox: str | None = None
    since: int | None = None
    fault: str | None = None

    def matches(self, entry: LoggedRequest) -> bool:
        return (
            (self.since is None or entry.number > self.since)
            and (self.method is None or entry.method == self.method.upper())
            and (self.path is None or entry.path.startswith(self.path))
            and (self.status is None or str(entry.status).lower() == self.status.lower())
            and (self.sandbox is None or entry.sandbox == self.sandbox)
            and (self.fault is None or self.fault in (entry.fault or ()))
        )


class RequestLog:
    """The most recent requests in order, limited in number and in bytes.

    Bodies and queries of requests to IMS are never logged, and the values of vendors' secrets are never shown.
    """

    def __init__(self) -> None:
        self._entries: deque[LoggedRequest] = deque()
        self._count = 0
        self._size = 0

    def record(
        self, at: float, method: str, path: str, query: str, sandbox: str, request_id: str, body: bytes
    ) -> LoggedRequest:
        """Add a request that was received completely; its status is set later.

        :param at: epoch seconds.
        :param query: the encoded query, as sent.
        """
        self._count += 1
        if path.startswith("/ims/"):
            query, body = "", b""
        if len(body) > MAX_LOGGED_BODY_BYTES:
            body = b""
        # Requests name few different sandboxes: sharing one string for each name saves memory.
        entry = LoggedRequest(self._count, at, method, path, query, sys.intern(sandbox[:100]), request_id, body)
        self._entries.append(entry)
        self._size += entry.size
        while len(self._entries) > MAX_ENTRIES or self._size > MAX_LOG_BYTES:
            self._size -= self._entries.popleft().size
        return entry

    def clear(self) -> int:
        """Remove all requests and return how many were removed. The numbering of later requests continues."""
        count = len(self._entries)
        self._entries.clear()
        self._size = 0
        return count

    def newest_first(self) -> Iterator[LoggedRequest]:
        """Return all requests, newest first."""
        return reversed(self._entries)

    def select(self, selection: RequestFilter) -> Iterator[LoggedRequest]:
        """Return the requests that a filter matches, in the order of their arrival."""
        return (entry for entry in self._entries if selection.matches(entry))


def _readable(body: bytes) -> Any:
    if not body:
        return None
    try:
        return _masked(parse_json(body))
    except UnreadableBody:
        return None


def _masked(node: Any) -> Any:
    if isinstance(node, list):
        return [_masked(child) for child in node]
    if isinstance(node, dict):
        hidden = _names_secret(node.get("path"))
        return {
            key: "***"
            if (key.lower() in _SECRET_NAMES and child is not None) or (hidden and key == "value")
            else _masked(child)
            for key, child in node.items()
        }
    return node


def _names_secret(path: Any) -> bool:
    """Return whether the path of a patch instruction leads to a credential or to a part of a credential."""
    if not isinstance(path, str):
        return False
    steps = path.lower().strip("/").split("/")
    return steps[0] == "auth" or steps[-1] in _SECRET_NAMES
