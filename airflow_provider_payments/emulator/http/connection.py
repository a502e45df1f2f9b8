"""The TCP connection under a request, for answers that break off."""

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


class OpenProtocol(HTTPProtocol):
    """uvicorn's protocol; each request's scope has the connection's transport in its ``state``."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvicorn copies this dictionary into the scope of each request that comes over the connection.
        self.app_state: dict[str, Any] = {"transport": transport}
        super().connection_made(transport)


async def hang_up(scope: Scope, receive: Receive, reset: bool = False) -> None:
    """Close the connection that a request came over; what has been written still leaves, unless it is reset.

    :param reset: whether the peer sees RST in place of FIN.
    """
    transport: asyncio.Transport = scope["state"]["transport"]
    if reset:
        # A duplicate: not every event loop lets its own socket be changed, and both name the same one to the kernel.
        with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as duplicate:
            duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
    # Until the server has noticed it would take the silence for a mistake of the application.
    while (await receive())["type"] != "http.disconnect":
        pass
