"""The TCP connection of a request, for answers that are cut off."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Scope

if TYPE_CHECKING:
    from asyncio import Protocol as HTTPProtocol
else:
    # uvicorn's own choice between its two implementations, by what is installed.
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as HTTPProtocol


class TransportProtocol(HTTPProtocol):
    """uvicorn's protocol, with the connection's transport in the ``state`` of each request's scope."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvicorn copies this dictionary into the scope of each request of the connection.
        self.app_state: dict[str, Any] = {"transport": transport}
        super().connection_made(transport)


async def close_connection(scope: Scope, receive: Receive, reset: bool = False) -> None:
    """Close the connection of a request; what was written is still sent, unless it is reset.

    :param reset: whether the peer sees RST in place of FIN.
    """
    transport: asyncio.Transport = scope["state"]["transport"]
    if reset:
        # A duplicate descriptor of the same socket: not every event loop lets its own be changed.
        with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as duplicate:
            duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
    # Without waiting for the disconnect, the server would report an application that did not answer.
    while (await receive())["type"] != "http.disconnect":
        pass
