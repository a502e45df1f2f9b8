"""The ASGI layer in front of the routes: reads the body, numbers and logs each request.

By the time a route sees it the request is whole, has its id and is in the log, whatever becomes of its answer.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from email.utils import formatdate

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_payments.emulator.control.refusals import ControlRefusal
from airflow_provider_payments.emulator.core.identifiers import new_uuid
from airflow_provider_payments.emulator.core.parsing import MAX_BODY_BYTES
from airflow_provider_payments.emulator.core.request_log import Entry
from airflow_provider_payments.emulator.http.callers import objection
from airflow_provider_payments.emulator.organisation import Organisation

CONTROL_PREFIX = "/__emulator__"
SCOPE_KEY = "emulator.request"


@dataclass(slots=True)
class Incoming:
    """What the intake leaves in the scope for the handlers.

    :param body: ``None`` when it was larger than accepted.
    :param entry: its place in the request log; ``None`` for the emulator's own pages, which are not logged.
    """

    request_id: str
    body: bytes | None
    entry: Entry | None = None


class Intake:
    """Pure ASGI middleware."""

    def __init__(self, app: ASGIApp, organisation: Organisation) -> None:
        self.app = app
        self.organisation = organisation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            incoming = Incoming(new_uuid(), await _read_body(receive))
        except ClientDisconnect:
            # Half a request is none.
            return
        scope[SCOPE_KEY] = incoming
        self.organisation.clock.run_due()
        # A slash at the end names the same resource in these services; Starlette would redirect.
        path = scope["path"].rstrip("/") or "/"
        scope["path"] = path
        app = self.app
        if path != "/" and not path.startswith(CONTROL_PREFIX):
            incoming.entry = self._record(scope, incoming)
        elif (reason := objection(scope["headers"])) is not None:
            refused = ControlRefusal(403, reason).body(incoming.request_id, self.organisation.clock.now())
            app = JSONResponse(refused, 403)

        async def send_numbered(message: Message) -> None:
            if message["type"] == "http.response.start":
                if incoming.entry is not None:
                    # Before the first byte leaves, so that a client that has the answer finds it in the log too.
                    incoming.entry.status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"date", _http_date(int(self.organisation.clock.now()))),
                    (b"x-request-id", incoming.request_id.encode()),
                ]
            await send(message)

        await app(scope, receive, send_numbered)

    def _record(self, scope: Scope, incoming: Incoming) -> Entry:
        return self.organisation.log.record(
            self.organisation.clock.now(),
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-sandbox-name"), ""),
            incoming.request_id,
            incoming.body or b"",
        )


@functools.lru_cache(maxsize=2)
def _http_date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode("ascii")


async def _read_body(receive: Receive) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        # What is too large is still read to its end: else a client in the middle of sending sees a reset, no answer.
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
        if not message.get("more_body", False):
            break
    return b"".join(chunks) if size <= MAX_BODY_BYTES else None
