"""Requests and answers, and a server on a loopback port that can send answers in broken ways."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode, urlsplit

JSON = (("Content-Type", "application/json"),)
#: Seconds between two bytes of an answer that trickles.
BYTE_INTERVAL_SECONDS = 0.1
#: Members of a list's answer that contain its items; a list of Catalog is an object of items by id.
ITEMS = ("items", "results", "data")


@dataclass(frozen=True)
class Request:
    """
    One request.

    :param target: the path with the query.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def is_token(self) -> bool:
        return self.path.endswith(("/token/v3", "/token"))

    @property
    def is_list(self) -> bool:
        """Whether the request is for a list: the last part of the path is the name of a collection."""
        return self.method == "GET" and self.path.rpartition("/")[2] in COLLECTIONS

    @property
    def is_of_catalog(self) -> bool:
        return "/catalog/" in self.path

    def without(self, name: str) -> Request:
        """Return the request without a query parameter."""
        query = urlencode([pair for pair in self.query if pair[0] != name])
        return replace(self, target=f"{self.path}?{query}" if query else self.path)


COLLECTIONS = {
    *("runs", "flows", "connections", "sourceConnections", "targetConnections", "flowSpecs", "connectionSpecs"),
    *("schemas", "fieldgroups", "classes", "datatypes", "descriptors", "dataSets", "batches", "mappingSets"),
}


@dataclass(frozen=True)
class Answer:
    """
    One answer.

    :param ending: how the answer is sent: ``whole``; ``cut`` in the middle of the body; ``reset`` without a byte;
        ``hang``: not at all, until the connection ends; ``trickle`` or ``trickle-head``: the body, or the whole answer,
        byte after byte.
    :param seconds: the duration of a hang or trickle; the rest of an answer that trickled is sent at once.
    :param closes: whether the connection ends after a trickle, without the rest of the answer.
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = JSON
    ending: str = "whole"
    seconds: float = 0.0
    closes: bool = False

    def has_header(self, name: str) -> bool:
        """Return whether the answer has a header."""
        return any(given.lower() == name.lower() for given, _ in self.headers)

    def with_header(self, name: str, value: str) -> Answer:
        """Return the answer with a header, instead of those of the same name."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))

    def head(self) -> bytes:
        """Return the status line and headers."""
        added = [] if self.status == 204 else [("Content-Length", str(len(self.body)))]
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}"]
        lines += [f"{name}: {value}" for name, value in (*self.headers, *added)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Odd"


Respond = Callable[[Request], Awaitable[Answer]]


class Server:
    """
    A server on a loopback port, in the running event loop.

    :param respond: returns the answer to a request.
    """

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    async def serve(self) -> None:
        """Serve until the task is cancelled."""
        server = await asyncio.start_server(self._connected, sock=self._listener, limit=1 << 20)
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await send(writer, await self._respond(await read(reader))):
                pass
        with suppress(OSError):
            writer.close()


async def read(reader: asyncio.StreamReader) -> Request:
    """Read a request; raise :class:`asyncio.IncompleteReadError` if the connection ends."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Request(method, target, headers, await reader.readexactly(length))


async def send(writer: asyncio.StreamWriter, answer: Answer) -> bool:
    """Send an answer; return whether the connection can be used again."""
    head, body = answer.head(), answer.body
    match answer.ending:
        case "reset":
            _reset(writer)
            return False
        case "hang":
            await asyncio.sleep(answer.seconds)
            return False
        case "cut":
            writer.write(head + body[: len(body) // 2])
            await writer.drain()
            return False
        case "trickle":
            writer.write(head)
            if not await _trickle(writer, body, answer):
                return False
        case "trickle-head":
            if not await _trickle(writer, head + body, answer):
                return False
        case _:
            writer.write(head + body)
    await writer.drain()
    return True


async def _trickle(writer: asyncio.StreamWriter, data: bytes, answer: Answer) -> bool:
    count = min(len(data), round(answer.seconds / BYTE_INTERVAL_SECONDS))
    for place in range(count):
        writer.write(data[place : place + 1])
        await writer.drain()
        await asyncio.sleep(BYTE_INTERVAL_SECONDS)
    if not answer.closes:
        writer.write(data[count:])
    return not answer.closes


def _reset(writer: asyncio.StreamWriter) -> None:
    """Reset the connection instead of closing it in an orderly way."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
