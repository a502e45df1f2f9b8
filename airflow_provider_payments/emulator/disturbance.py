"""What each fault does to the request that it happens to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import responses
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from airflow_provider_payments.emulator.exchange import Dialect
from airflow_provider_payments.emulator.faults import Fault
from airflow_provider_payments.emulator.flow_service.headers import TITLES
from airflow_provider_payments.emulator.gateway import token_invalid, too_many_requests
from airflow_provider_payments.emulator.refusals import (
    DataPrepRefusal,
    FlowRefusal,
    GatewayRefusal,
    NumberedRefusal,
    OAuthRefusal,
    PlainRefusal,
    Refusal,
    RegistryRefusal,
    error_page,
)
from airflow_provider_payments.emulator.wire import hang_up

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.world import World

_FLOW_NUMBERS = {400: "1000", 403: "2120", 404: "1439", 412: "1404", 503: "1103", 504: "1104"}
_OAUTH_ERRORS = {400: "invalid_request", 401: "invalid_client", 503: "temporarily_unavailable"}


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

    :param dialect: of the service that is asked.
    :param on_platform: whether the gateway stands before that service.
    :param handle: lets the request take effect and gives its answer; may be called later than now.
    :param refuse: makes a refusal an answer.
    """

    world: World
    dialect: Dialect
    on_platform: bool
    handle: Callable[[], Response]
    refuse: Callable[[Refusal], Response]


async def disturb(fault: Fault, request: Struck) -> Response:
    """The answer to a request that a fault happens to, which has taken effect or not as the action has it."""
    if fault.action != "delay":
        return _ACTIONS[fault.action](fault, request)
    try:
        async with asyncio.timeout(fault.options["seconds"]):
            await request.world.faults.over.wait()
    except TimeoutError:
        return request.handle()
    # A reset has begun another world, and what was asked of the old one may not leak into it; or the emulator stops.
    return Cut()


def _drop_before(fault: Fault, request: Struck) -> Response:
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
    status = fault.options["status"]
    detail, reason = f"The emulator answers this because of {fault.id}.", responses.get(status, "Error")
    if "code" in fault.options:
        return _coded(fault.options["code"], detail, reason)
    if request.on_platform and status in (401, 429):
        return token_invalid() if status == 401 else too_many_requests()
    match request.dialect.failed():
        case FlowRefusal():
            return _coded(f"FLOW-{_FLOW_NUMBERS.get(status, '1102')}-{status}", detail, reason)
        case NumberedRefusal() as usual:
            return type(usual)(f"{usual.code.partition('-')[0]}-{status}", reason, detail)
        case OAuthRefusal():
            return OAuthRefusal(_OAUTH_ERRORS.get(status, "server_error"), detail, status)
        case _:
            return PlainRefusal(status, reason, detail)


def _coded(code: str, detail: str, reason: str) -> Refusal:
    kind, _, number = code.partition("-")
    match kind:
        case "FLOW":
            return FlowRefusal(number, detail, title=TITLES.get(number, reason))
        case "XDM":
            return RegistryRefusal(number, reason, detail)
        case "MAPPER":
            return DataPrepRefusal(number, reason, detail)
        case _:
            return GatewayRefusal(code, detail)


def _apply_then_status(fault: Fault, request: Struck) -> Response:
    request.handle()
    return _status(fault, request)


def _late_apply(fault: Fault, request: Struck) -> Response:
    def apply() -> None:
        request.handle()

    clock = request.world.clock
    clock.at(clock.now() + fault.options["seconds"], apply)
    return _status(fault, request) if "status" in fault.options else Cut()


def _truncate(fault: Fault, request: Struck) -> Response:
    return Truncated(request.handle())


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
    request.world.tokens.revoke_all()
    return request.refuse(token_invalid())


def _list_lag(fault: Fault, request: Struck) -> Response:
    world = request.world
    # Only what this request writes may lag, not what was due before it.
    world.clock.run_due()
    world.lag.seconds = fault.options["seconds"]
    try:
        return request.handle()
    finally:
        world.lag.seconds = 0.0


_ACTIONS: Mapping[str, Callable[[Fault, Struck], Response]] = {
    "status": _status,
    "drop_before": _drop_before,
    "apply_then_drop": _apply_then_drop,
    "apply_then_status": _apply_then_status,
    "late_apply": _late_apply,
    "reset": _reset,
    "truncate": _truncate,
    "bad_json": _bad_json,
    "html": _html,
    "expire_token": _expire_token,
    "list_lag": _list_lag,
}
