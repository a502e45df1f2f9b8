"""Fault injection: the effect of each fault on a request and its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from airflow_provider_payments.emulator.core.behaviour import LagSeconds
from airflow_provider_payments.emulator.core.faults import Fault
from airflow_provider_payments.emulator.core.refusals import Refusal, error_page
from airflow_provider_payments.emulator.http.connection import close_connection
from airflow_provider_payments.emulator.http.gateway import token_invalid, too_many_requests
from airflow_provider_payments.emulator.http.refusals import with_code
from airflow_provider_payments.emulator.organisation import Organisation, Service


class ConnectionClosed(Response):
    """The absence of an answer: the connection is closed.

    :param reset: whether the peer sees RST in place of FIN.
    """

    def __init__(self, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await close_connection(scope, receive, self.reset)


class Truncated(Response):
    """An answer that ends after half of its body: the connection is closed.

    :param whole: the complete answer.
    """

    def __init__(self, whole: Response) -> None:
        super().__init__()
        self.whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whole = self.whole
        await send({"type": "http.response.start", "status": whole.status_code, "headers": whole.raw_headers})
        half = bytes(whole.body[: len(whole.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await close_connection(scope, receive)


@dataclass(frozen=True, slots=True)
class FaultContext:
    """A request for which a fault fires.

    :param service: the called service.
    :param handle: applies the request and returns its answer; may be called later.
    :param refuse: builds the answer for a refusal.
    """

    organisation: Organisation
    service: Service[Any]
    handle: Callable[[], Response]
    refuse: Callable[[Refusal], Response]


async def inject_fault(fault: Fault, request: FaultContext) -> Response:
    """Return the answer to a request for which a fault fires; the action decides whether the request is applied."""
    if fault.action != "delay":
        return _ACTIONS[fault.action](fault, request)
    try:
        async with asyncio.timeout(fault.options["seconds"]):
            await request.organisation.faults.discarded.wait()
    except TimeoutError:
        request.organisation.clock.run_due()
        return request.handle()
    # The faults were discarded: the state was reset, and a request to the old state must not change the new state; or
    # the emulator is stopping.
    return ConnectionClosed()


def _apply_then_drop(fault: Fault, request: FaultContext) -> Response:
    request.handle()
    return ConnectionClosed()


def _reset(fault: Fault, request: FaultContext) -> Response:
    if fault.options["apply"]:
        request.handle()
    return ConnectionClosed(reset=True)


def _status(fault: Fault, request: FaultContext) -> Response:
    options = fault.options
    status = options["status"]
    if status in (204, 304) or (status < 400 and "body" not in options):
        response = Response(status_code=status)
    elif "body" not in options:
        response = request.refuse(_refusal(fault, request))
    elif isinstance(options["body"], str):
        response = Response(options["body"].encode("utf-8"), status, media_type="text/plain")
    else:
        response = Response(json.dumps(options["body"]).encode("ascii"), status, media_type="application/json")
    response.headers.update(options["headers"])
    return response


def _refusal(fault: Fault, request: FaultContext) -> Refusal:
    """Return a refusal with the fault's status, in the form of the called service or of the service of its code."""
    status, detail = fault.options["status"], f"The emulator answers this because of {fault.id}."
    if "code" in fault.options:
        return with_code(fault.options["code"], status, detail)
    if request.service.behind_gateway and status in (401, 429):
        return token_invalid() if status == 401 else too_many_requests()
    return request.service.dialect.refuse(status, detail)


def _apply_then_status(fault: Fault, request: FaultContext) -> Response:
    request.handle()
    return _status(fault, request)


def _late_apply(fault: Fault, request: FaultContext) -> Response:
    def apply() -> None:
        request.handle()

    clock = request.organisation.clock
    clock.call_at(clock.now() + fault.options["seconds"], apply)
    return _status(fault, request) if "status" in fault.options else ConnectionClosed()


def _bad_json(fault: Fault, request: FaultContext) -> Response:
    response = request.handle()
    if response.body:
        response.body = response.body[:-1]
        response.headers["content-length"] = str(len(response.body))
    return response


def _html(fault: Fault, request: FaultContext) -> Response:
    status = fault.options["status"]
    return HTMLResponse(error_page(status), status, fault.options["headers"])


def _expire_token(fault: Fault, request: FaultContext) -> Response:
    request.organisation.tokens.revoke_all()
    return request.refuse(token_invalid())


def _list_lag(fault: Fault, request: FaultContext) -> Response:
    seconds = fault.options["seconds"]
    return _handle_with_lag(LagSeconds(listed=seconds, gone=seconds), request)


def _read_lag(fault: Fault, request: FaultContext) -> Response:
    return _handle_with_lag(LagSeconds(readable=fault.options["seconds"]), request)


def _handle_with_lag(lag: LagSeconds, request: FaultContext) -> Response:
    request.organisation.lag.of_request = lag
    try:
        return request.handle()
    finally:
        request.organisation.lag.of_request = None


_ACTIONS: Mapping[str, Callable[[Fault, FaultContext], Response]] = {
    "status": _status,
    "drop_before": lambda fault, request: ConnectionClosed(),
    "apply_then_drop": _apply_then_drop,
    "apply_then_status": _apply_then_status,
    "late_apply": _late_apply,
    "reset": _reset,
    "truncate": lambda fault, request: Truncated(request.handle()),
    "bad_json": _bad_json,
    "html": _html,
    "expire_token": _expire_token,
    "list_lag": _list_lag,
    "read_lag": _read_lag,
}
