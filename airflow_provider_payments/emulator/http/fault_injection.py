"""What each fault does to the request that it happens to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from airflow_provider_payments.emulator.core.faults import Fault
from airflow_provider_payments.emulator.core.refusals import GatewayRefusal, Refusal, error_page
from airflow_provider_payments.emulator.data_prep.refusals import DataPrepRefusal
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal
from airflow_provider_payments.emulator.http.connection import hang_up
from airflow_provider_payments.emulator.http.gateway import token_invalid, too_many_requests
from airflow_provider_payments.emulator.organisation import Organisation, Service
from airflow_provider_payments.emulator.sandboxes.refusals import SandboxesRefusal
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal


class Cut(Response):
    """No answer: the connection closes."""

    def __init__(self, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await hang_up(scope, receive, self.reset)


class Truncated(Response):
    """Another answer's head and the first half of its body; then the connection closes."""

    def __init__(self, whole: Response) -> None:
        super().__init__()
        self.whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whole = self.whole
        await send({"type": "http.response.start", "status": whole.status_code, "headers": whole.raw_headers})
        half = bytes(whole.body[: len(whole.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await hang_up(scope, receive)


@dataclass(frozen=True, slots=True)
class Struck:
    """A request that a fault happens to.

    :param service: that is asked.
    :param handle: lets the request take effect and gives its answer; may be called later than now.
    :param refuse: makes a refusal an answer.
    """

    organisation: Organisation
    service: Service[Any]
    handle: Callable[[], Response]
    refuse: Callable[[Refusal], Response]


async def disturb(fault: Fault, request: Struck) -> Response:
    """The answer to a request that a fault happens to, which has taken effect or not as the action has it."""
    if fault.action != "delay":
        return _ACTIONS[fault.action](fault, request)
    try:
        async with asyncio.timeout(fault.options["seconds"]):
            await request.organisation.faults.over.wait()
    except TimeoutError:
        request.organisation.clock.run_due()
        return request.handle()
    # A reset has begun new state, into which no request to the old state may leak; or the emulator stops.
    return Cut()


def _apply_then_drop(fault: Fault, request: Struck) -> Response:
    request.handle()
    return Cut()


def _reset(fault: Fault, request: Struck) -> Response:
    if fault.options["apply"]:
        request.handle()
    return Cut(reset=True)


def _status(fault: Fault, request: Struck) -> Response:
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


def _refusal(fault: Fault, request: Struck) -> Refusal:
    """What the asked service, or the one whose code it is, says with a status."""
    status, detail = fault.options["status"], f"The emulator answers this because of {fault.id}."
    kind, _, number = fault.options.get("code", "").partition("-")
    match kind:
        case "FLOW":
            return FlowRefusal(number, detail)
        case "XDM":
            return RegistryRefusal(number, "", detail)
        case "MAPPER":
            return DataPrepRefusal(number, "", detail)
        case "SMS":
            return SandboxesRefusal(number, detail)
        case "":
            if request.service.on_platform and status in (401, 429):
                return token_invalid() if status == 401 else too_many_requests()
            return request.service.dialect.refuse(status, detail)
    return GatewayRefusal(kind, detail)


def _apply_then_status(fault: Fault, request: Struck) -> Response:
    request.handle()
    return _status(fault, request)


def _late_apply(fault: Fault, request: Struck) -> Response:
    def apply() -> None:
        request.handle()

    clock = request.organisation.clock
    clock.at(clock.now() + fault.options["seconds"], apply)
    return _status(fault, request) if "status" in fault.options else Cut()


def _bad_json(fault: Fault, request: Struck) -> Response:
    response = request.handle()
    if response.body:
        response.body = response.body[:-1]
        response.headers["content-length"] = str(len(response.body))
    return response


def _html(fault: Fault, request: Struck) -> Response:
    status = fault.options["status"]
    return HTMLResponse(error_page(status), status, fault.options["headers"])


def _expire_token(fault: Fault, request: Struck) -> Response:
    request.organisation.tokens.revoke_all()
    return request.refuse(token_invalid())


def _list_lag(fault: Fault, request: Struck) -> Response:
    lag = request.organisation.lag
    lag.list_seconds = fault.options["seconds"]
    try:
        return request.handle()
    finally:
        lag.list_seconds = 0.0


def _read_lag(fault: Fault, request: Struck) -> Response:
    lag = request.organisation.lag
    lag.read_seconds = fault.options["seconds"]
    try:
        return request.handle()
    finally:
        lag.read_seconds = 0.0


_ACTIONS: Mapping[str, Callable[[Fault, Struck], Response]] = {
    "status": _status,
    "drop_before": lambda fault, request: Cut(),
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
