"""What was asked, for tests that count requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_provider_payments.emulator.exchange import UnreadableBody, parse_json

LOG_LENGTH = 100_000
MAX_LOGGED_BODY = 64 * 1024
_SECRET_NAMES = frozenset(
    {"clientsecret", "accesstoken", "refreshtoken", "password", "securitytoken", "apikey", "s3secretkey"}
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One request.

    :param body: as received; parsed only when somebody looks.
    :param at: epoch seconds on the emulator's clock.
    """

    number: int
    at: float
    method: str
    path: str
    query: str
    status: int
    request_id: str
    body: bytes

    def to_wire(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": self.at,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "status": self.status,
            "request_id": self.request_id,
            "body": _readable(self.body),
        }


class RequestLog:
    """The last requests, in order. Bodies and queries of IMS never get in, nor do the values of vendors' secrets."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=LOG_LENGTH)
        self._count = 0

    def record(self, at: float, method: str, path: str, query: str, status: int, request_id: str, body: bytes) -> None:
        """Add a finished request.

        :param at: epoch seconds.
        :param query: raw, as sent.
        """
        self._count += 1
        if path.startswith("/ims/"):
            query, body = "", b""
        if len(body) > MAX_LOGGED_BODY:
            body = b""
        self._entries.append(Entry(self._count, at, method, path, query, status, request_id, body))

    def select(self, method: str | None, path: str | None, status: str | None) -> Iterator[Entry]:
        """The requests that match all that is given.

        :param path: a prefix.
        """
        for entry in self._entries:
            if method and entry.method != method.upper():
                continue
            if path and not entry.path.startswith(path):
                continue
            if status and str(entry.status) != status:
                continue
            yield entry


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
            if (key.lower() in _SECRET_NAMES and isinstance(child, str)) or (hidden and key == "value")
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
