"""What was asked, for tests that count requests."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.core.parsing import UnreadableBody, parse_json

LOG_LENGTH = 100_000
LOG_BYTES = 64 * 1024 * 1024
MAX_LOGGED_BODY = 64 * 1024
_SECRET_NAMES = frozenset(
    {"clientsecret", "accesstoken", "refreshtoken", "password", "securitytoken", "apikey", "s3secretkey"}
)


@dataclass(slots=True)
class Entry:
    """One request.

    :param at: when it came, in epoch seconds on the emulator's clock.
    :param sandbox: as its header names it; empty without one.
    :param body: as received; parsed only when somebody looks.
    :param status: None as long as there is no answer, which may be for ever.
    :param fault: id and action of the fault that happened to it.
    :param problem: what a refusal calls it, and its detail.
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
        """What a client makes long or short."""
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
class Selection:
    """Which requests somebody wants to see; what is None does not matter.

    :param path: how the path begins.
    :param status: ``none`` for those without an answer.
    :param since: only those with a higher number.
    :param fault: id or action.
    """

    method: str | None = None
    path: str | None = None
    status: str | None = None
    sandbox: str | None = None
    since: int | None = None
    fault: str | None = None

    def covers(self, entry: Entry) -> bool:
        return (
            (self.since is None or entry.number > self.since)
            and (self.method is None or entry.method == self.method.upper())
            and (self.path is None or entry.path.startswith(self.path))
            and (self.status is None or str(entry.status).lower() == self.status.lower())
            and (self.sandbox is None or entry.sandbox == self.sandbox)
            and (self.fault is None or self.fault in (entry.fault or ()))
        )


class RequestLog:
    """The last requests, in order: as many as are allowed, in number and in space.

    Bodies and queries of IMS never get in, nor do the values of vendors' secrets.
    """

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._count = 0
        self._size = 0

    def record(
        self, at: float, method: str, path: str, query: str, sandbox: str, request_id: str, body: bytes
    ) -> Entry:
        """Add a request that has come in whole; the handler notes the status.

        :param at: epoch seconds.
        :param query: raw, as sent.
        """
        self._count += 1
        if path.startswith("/ims/"):
            query, body = "", b""
        if len(body) > MAX_LOGGED_BODY:
            body = b""
        # The same few names come again and again: one copy of each is enough.
        entry = Entry(self._count, at, method, path, query, sys.intern(sandbox[:100]), request_id, body)
        self._entries.append(entry)
        self._size += entry.size
        while len(self._entries) > LOG_LENGTH or self._size > LOG_BYTES:
            self._size -= self._entries.popleft().size
        return entry

    def clear(self) -> int:
        """Forget all requests; numbers go on. Returns how many there were."""
        count = len(self._entries)
        self._entries.clear()
        self._size = 0
        return count

    def newest_first(self) -> Iterator[Entry]:
        """All requests, from the last one back."""
        return reversed(self._entries)

    def select(self, selection: Selection) -> Iterator[Entry]:
        """The requests that a selection covers, in the order in which they came."""
        return (entry for entry in self._entries if selection.covers(entry))


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
    """Whether the value of a patch instruction is a credential, or a part of one."""
    if not isinstance(path, str):
        return False
    steps = path.lower().strip("/").split("/")
    return steps[0] == "auth" or steps[-1] in _SECRET_NAMES
