"""All services, the control interface and the page as one ASGI application."""

from __future__ import annotations

import functools
import json
import traceback
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route

from airflow_provider_payments.emulator.control import routes as control
from airflow_provider_payments.emulator.core.behaviour import BLANK, HTML, JSON, RefusalAnswer
from airflow_provider_payments.emulator.core.call import Answer, Call, Handler
from airflow_provider_payments.emulator.core.parsing import UnreadableBody
from airflow_provider_payments.emulator.core.refusals import PlainRefusal, Refusal, error_page
from airflow_provider_payments.emulator.http.fault_injection import FaultContext, inject_fault
from airflow_provider_payments.emulator.http.gateway import check_request
from airflow_provider_payments.emulator.http.middleware import (
    CONTROL_PREFIX,
    SCOPE_KEY,
    IncomingRequest,
    RequestMiddleware,
)
from airflow_provider_payments.emulator.http.refusals import with_code
from airflow_provider_payments.emulator.organisation import SERVICES, Organisation, Service

CONTROL = Service(
    "control",
    CONTROL_PREFIX,
    control.ROUTES,
    control.DIALECT,
    lambda organisation, _: organisation,
    behind_gateway=False,
)
# The case of requests to an unknown path: the gateway answers them with an HTML page, unless an answer is chosen.
UNKNOWN_PATH = "unknown_path"
Endpoint = Callable[[Request], Awaitable[Response]]


def make_app(organisation: Organisation) -> Starlette:
    """Build the ASGI application of an organisation."""
    routes: list[BaseRoute] = [Route("/", _page(organisation), methods=["GET"])]
    for service in (*SERVICES, CONTROL):
        below = [
            Route(path or service.prefix, _endpoint(organisation, service, handler), methods=[method])
            for method, path, handler in service.routes
        ]
        # A mount matches only paths below its prefix: routes at the prefix itself are added next to the mount.
        at_prefix = [route for route in below if route.path == service.prefix]
        routes += [*at_prefix, Mount(service.prefix, routes=[route for route in below if route not in at_prefix])]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(RequestMiddleware, organisation=organisation)],
        exception_handlers=dict.fromkeys((404, 405), _not_a_route(organisation)),
    )
    app.router.redirect_slashes = False
    return app


def _page(organisation: Organisation) -> Endpoint:
    async def serve(request: Request) -> Response:
        # Imported with the first request for the page: an import above would make each start a tenth slower.
        from airflow_provider_payments.emulator.page.routes import show

        return show(organisation, request)

    return serve


def _endpoint(organisation: Organisation, service: Service[Any], handler: Handler[Any]) -> Endpoint:
    async def serve(request: Request) -> Response:
        incoming: IncomingRequest = request.scope[SCOPE_KEY]

        # This function is synchronous, as the handlers are: nothing awaits between a handler's checks and its changes,
        # so parallel requests cannot interleave within it. A fault may call it later, or not at all.
        def handle() -> Response:
            try:
                return _response(handler(_call(organisation, service, request, incoming)))
            except UnreadableBody as error:
                return refuse(service.dialect.refuse(400, str(error)))
            except Refusal as refusal:
                return refuse(refusal)
            except Exception:
                # Any other exception is a bug of the emulator: print the cause to stderr, and answer the service's 500.
                traceback.print_exc()
                return refuse(service.dialect.refuse(500, "The service failed unexpectedly."))

        refuse = functools.partial(_refused, organisation, service, incoming)
        faults = organisation.faults
        fault = faults.match_request(request.method, request.scope["path"]) if service is not CONTROL else None
        if fault is None:
            return handle()
        if incoming.entry is not None:
            incoming.entry.fault = (fault.id, fault.action)
        return await inject_fault(fault, FaultContext(organisation, service, handle, refuse))

    return serve


def _refused(
    organisation: Organisation, service: Service[Any], incoming: IncomingRequest, refusal: Refusal
) -> Response:
    """Return the answer to a refused request: the refusal's own, or the answer that is chosen for its case."""
    chosen = organisation.runtime_options.refusals.get(f"{service.name}.{refusal.case}")
    if chosen is not None:
        refusal = with_code(chosen.code, chosen.status, refusal.detail)
    if incoming.entry is not None:
        incoming.entry.problem = (refusal.label, refusal.detail[:300])
    if chosen is not None and (chosen.form != JSON or chosen.status < 300):
        return _without_problem(chosen)
    body = refusal.body(incoming.request_id, organisation.clock.now())
    return _response(Answer(body, refusal.status, refusal.headers))


def _without_problem(chosen: RefusalAnswer) -> Response:
    """Return a chosen answer whose body does not describe the refusal."""
    if chosen.form == HTML:
        return HTMLResponse(error_page(chosen.status), chosen.status)
    return Response(status_code=chosen.status) if chosen.form == BLANK else _response(Answer({}, chosen.status))


def _call(organisation: Organisation, service: Service[Any], request: Request, incoming: IncomingRequest) -> Call[Any]:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
    raw = incoming.body
    if service.behind_gateway:
        check_request(organisation, service.dialect, request.method, headers, raw is None or bool(raw))
    if raw is None:
        raise PlainRefusal(413, "The request body is larger than the emulator accepts.")
    if service.behind_gateway:
        service.dialect.check_sandbox(headers, organisation.sandboxes)
    sent = request.scope["query_string"].decode("latin-1")
    encoding = "utf-8" if organisation.runtime_options.queries_are_utf8 or not service.behind_gateway else "latin-1"
    query = parse_qsl(sent, keep_blank_values=True, encoding=encoding, errors="replace")
    state = service.state(organisation, headers.get("x-sandbox-name", ""))
    return Call(state, request.scope["path"], query, headers, request.path_params, raw)


def _response(answer: Answer) -> Response:
    if answer.body is None:
        return Response(status_code=answer.status, headers=dict(answer.headers))
    if isinstance(answer.body, bytes):
        return Response(answer.body, answer.status, dict(answer.headers))
    # ASCII only: a lone surrogate from a client could not be encoded as UTF-8.
    content = json.dumps(answer.body, separators=(",", ":")).encode("ascii")
    return Response(content, answer.status, dict(answer.headers), "application/json")


def _not_a_route(organisation: Organisation) -> Callable[[Request, Any], Awaitable[Response]]:
    async def answer(request: Request, error: Any) -> Response:
        if error.status_code == 405:
            return HTMLResponse(error_page(405), 405, {"Allow": ", ".join(sorted(_methods(request)))})
        service = next((one for one in SERVICES if request.scope["path"].startswith(f"{one.prefix}/")), None)
        if service is None or not organisation.runtime_options.refusals.get(f"{service.name}.{UNKNOWN_PATH}"):
            return HTMLResponse(error_page(404), 404)
        refusal = PlainRefusal(404, "There is no such path.").in_case(UNKNOWN_PATH)
        return _refused(organisation, service, request.scope[SCOPE_KEY], refusal)

    return answer


def _methods(request: Request) -> set[str]:
    """Return the methods that a path accepts; the scope holds the prefix of the mount that the path belongs to."""
    base = request.scope["root_path"]
    mounts = (route for route in request.app.routes if isinstance(route, Mount))
    routes = next((mount.routes for mount in mounts if mount.path == base), request.app.routes)
    return {
        method
        for route in routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
