"""The ASGI layer in front of the routes: reads the body, numbers and logs each request.

What disturbs requests on purpose (faults, a rate limit) belongs between this layer and the routes: by then the request
is whole, has its id, and whatever the answer becomes is still logged.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_payments.emulator.exchange import MAX_BODY_BYTES
from airflow_provider_payments.emulator.identifiers import new_uuid
from airflow_provider_payments.emulator.world import World

CONTROL_PREFIX = "/__emulator__"
SCOPE_KEY = "emulator.request"


@dataclass(slots=True)
class Incoming:
    """What the intake leaves in the scope for the handlers.

    :param body: ``None`` when it was larger than accepted.
    """

    request_id: str
    body: bytes | None


class Intake:
    """Pure ASGI middleware.

    :param app: the routes.
    """

    def __init__(self, app: ASGIApp, world: World) -> None:
        self.app = app
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        incoming = Incoming(new_uuid(), await _read_body(receive))
        scope[SCOPE_KEY] = incoming
        # A slash at the end names the same resource in these services; Starlette would redirect.
        path = scope["path"].rstrip("/") or "/"
        scope["path"] = path
        at = self.world.clock.now()
        status = 0

        async def send_numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", incoming.request_id.encode())]
                if not path.startswith(CONTROL_PREFIX):
                    # Before the first byte leaves, so that whoever has the answer also finds it in the log.
                    self.world.log.record(
                        at,
                        scope["method"],
                        path,
                        scope["query_string"].decode("latin-1"),
                        status,
                        incoming.request_id,
                        incoming.body or b"",
                    )
            await send(message)

        await self.app(scope, receive, send_numbered)


async def _read_body(receive: Receive) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        chunk = message.get("body", b"")
        size += len(chunk)
        # What is too large is still read to its end: else a client in the middle of sending sees a reset, no answer.
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
        if not message.get("more_body", False):
            break
    return b"".join(chunks) if size <= MAX_BODY_BYTES else None
