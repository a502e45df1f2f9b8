"""The TCP connection of a request, which faults can close before or within an answer."""

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
    # uvicorn chooses between its two implementations by the installed packages.
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as HTTPProtocol


class TransportProtocol(HTTPProtocol):
    """uvicorn's protocol; it adds the connection's transport to the ``state`` of each request's scope."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvicorn copies this dictionary into the scope of each request of the connection.
        self.app_state: dict[str, Any] = {"transport": transport}
        super().connection_made(transport)


async def close_connection(scope: Scope, receive: Receive, reset: bool = False) -> None:
    """Close the connection of a request. Bytes that were written are still sent, unless the connection is reset.

    :param reset: whether the peer sees RST in place of FIN.
    """
    transport: asyncio.Transport = scope["state"]["transport"]
    if reset:
        # The option is set through a duplicate descriptor: not every event loop allows changes of its own socket.
        with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as duplicate:
            duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
    # Wait for the disconnect: otherwise the server would report that the application did not answer.
    while (await receive())["type"] != "http.disconnect":
        pass
