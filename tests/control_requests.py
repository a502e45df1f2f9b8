"""
Requests to the emulator's control interface over kept connections.

Nearly every test sends some, and one with virtual time sends one for each wait of a client: a session of ``requests``,
which the public fixture opens for each request, would take several times as long as the emulator.
"""

from __future__ import annotations

import os
import select
import threading
from http.client import HTTPConnection
from json import dumps, loads
from typing import Any
from urllib.parse import urlencode

TIMEOUT_SECONDS = 30


class _Connections(threading.local):
    """The connections of a thread, by address."""

    def __init__(self) -> None:
        self.kept: dict[str, HTTPConnection] = {}

    def to(self, address: str) -> HTTPConnection:
        """Return a connection; one that the emulator has closed is opened again by its next request."""
        connection = self.kept.setdefault(address, HTTPConnection(address, timeout=TIMEOUT_SECONDS))
        if connection.sock is not None and select.select([connection.sock], [], [], 0)[0]:
            connection.close()
        return connection


_connections = _Connections()
# A child must not send over the connections of its parent.
os.register_at_fork(after_in_child=_connections.__init__)


def control(address: str, method: str, path: str, *, params: Any = None, json: Any = None) -> Any:
    """
    Send a request to the control interface of an emulator, and return its answer.

    :param address: its host and port.
    :param path: the part after ``/__emulator__/``.
    :param params: the query.
    :param json: the body; ``None`` sends none.
    :raises ValueError: with the emulator's message, if it refuses the request.
    """
    query = f"?{urlencode(params)}" if params else ""
    body, headers = None, {}
    if json is not None:
        body, headers = dumps(json).encode(), {"Content-Type": "application/json"}
    connection = _connections.to(address)
    try:
        connection.request(method, f"/__emulator__/{path}{query}", body, headers)
        answer = connection.getresponse()
        document = loads(answer.read())
    except BaseException:
        connection.close()  # an answer that was not read would be taken for that of the next request
        raise
    if answer.status >= 400:
        raise ValueError(document["error"])
    return document
