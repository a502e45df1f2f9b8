"""The ASGI layer in front of the routes: it reads the body of each request, and gives each an id and a log entry.

When a route is called, its request has been received completely and logged, even if no answer is sent later.
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
from airflow_provider_payments.emulator.core.request_log import LoggedRequest
from airflow_provider_payments.emulator.http.callers import forbidden_reason
from airflow_provider_payments.emulator.organisation import Organisation

CONTROL_PREFIX = "/__emulator__"
SCOPE_KEY = "emulator.request"


@dataclass(slots=True)
class IncomingRequest:
    """A received request, which the middleware passes to the routes in the ASGI scope.

    :param body: None if the body was larger than accepted.
    :param entry: the request's entry in the log; None for the control interface and the page, which are not logged.
    """

    request_id: str
    body: bytes | None
    entry: LoggedRequest | None = None


class RequestMiddleware:
    """ASGI middleware around all routes: reads the body, updates the clock, logs, and adds headers to the answer."""

    def __init__(self, app: ASGIApp, organisation: Organisation) -> None:
        self.app = app
        self.organisation = organisation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            incoming = IncomingRequest(new_uuid(), await _read_body(receive))
        except ClientDisconnect:
            # An incomplete request has no effect.
            return
        scope[SCOPE_KEY] = incoming
        self.organisation.clock.run_due()
        # The platform's services ignore a trailing slash; Starlette would redirect.
        path = scope["path"].rstrip("/") or "/"
        scope["path"] = path
        app = self.app
        if path != "/" and not path.startswith(CONTROL_PREFIX):
            incoming.entry = self._record(scope, incoming)
        elif (reason := forbidden_reason(scope["headers"])) is not None:
            refused = ControlRefusal(403, reason).body(incoming.request_id, self.organisation.clock.now())
            app = JSONResponse(refused, 403)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                if incoming.entry is not None:
                    # Set before the first byte is sent, so that a client with an answer finds its status in the log.
                    incoming.entry.status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"date", self._date()),
                    (b"x-request-id", incoming.request_id.encode()),
                ]
            await send(message)

        await app(scope, receive, send_with_headers)

    def _date(self) -> bytes:
        return _http_date(int(self.organisation.clock.now() + self.organisation.runtime_options.dates_ahead))

    def _record(self, scope: Scope, incoming: IncomingRequest) -> LoggedRequest:
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
        # A body that is too large is still read to its end: otherwise the sending client sees a reset, not the 413.
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
        if not message.get("more_body", False):
            break
    return b"".join(chunks) if size <= MAX_BODY_BYTES else None
