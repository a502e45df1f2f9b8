"""Operations of sandbox management: list the sandboxes of the credential and, for an administrator, all sandboxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.parsing import parse_count
from airflow_provider_payments.emulator.core.sandbox import DEFAULT_SANDBOX, Sandbox
from airflow_provider_payments.emulator.sandboxes.refusals import SandboxesDialect, refused

PREFIX = "/data/foundation/sandbox-management"
DEFAULT_PAGE = 50
PRODUCTION, DEVELOPMENT = "production", "development"
_TITLES = {"prod": "Production", "dev": "Development"}
Sandboxes = tuple[Sandbox, ...]
Handler = Callable[[Call[Sandboxes]], Answer]


def list_available(call: Call[Sandboxes]) -> Answer:
    """List the sandboxes that the credential may use; any credential may send this request."""
    return _page(call, "/", [sandbox for sandbox in call.state if not sandbox.is_hidden])


def for_administrators(handler: Handler) -> Handler:
    """Return the handler, restricted to credentials that may administer sandboxes."""

    def handle(call: Call[Sandboxes]) -> Answer:
        if not call.state[0].runtime_options.sandbox_admin:
            raise refused(403, "User does not have READ permission to access the sandbox.")
        return handler(call)

    return handle


def list_all(call: Call[Sandboxes]) -> Answer:
    return _page(call, "/sandboxes", call.state)


def show(call: Call[Sandboxes]) -> Answer:
    name = call.params["name"]
    sandbox = next((sandbox for sandbox in call.state if sandbox.name == name), None)
    if sandbox is None:
        raise refused(404, f"There is no sandbox with the name '{name[:100]}'.")
    return Answer(_to_wire(sandbox))


def list_types(call: Call[Sandboxes]) -> Answer:
    return Answer({"sandboxTypes": [PRODUCTION, DEVELOPMENT]})


def _page(call: Call[Sandboxes], path: str, sandboxes: Sequence[Sandbox]) -> Answer:
    limit, offset = _page_bounds(call)
    page = sandboxes[offset : offset + limit]
    address = call.state[0].origin + PREFIX + path

    def link(place: int) -> dict[str, Any]:
        return {"href": f"{address}?{call.query_with(limit=limit, offset=place)}", "templated": None}

    links: dict[str, Any] = {"page": {"href": f"{address}?limit={{limit}}&offset={{offset}}", "templated": True}}
    if offset + limit < len(sandboxes):
        links["next"] = link(offset + limit)
    if offset:
        links["prev"] = link(max(offset - limit, 0))
    return Answer(
        {
            "sandboxes": [_to_wire(sandbox) for sandbox in page],
            "_page": {"limit": limit, "count": len(page)},
            "_links": links,
        }
    )


def _page_bounds(call: Call[Sandboxes]) -> tuple[int, int]:
    """Return ``limit`` and ``offset``; a request has both parameters or neither."""
    given = call.parameter("limit"), call.parameter("offset")
    if given == (None, None):
        return DEFAULT_PAGE, 0
    limit, offset = (parse_count(text or "") for text in given)
    if not limit or offset is None:
        raise refused(400, "'limit', 1 or more, and 'offset', 0 or more, are whole numbers and required together.")
    return limit, offset


def _to_wire(sandbox: Sandbox) -> dict[str, Any]:
    user = sandbox.options.user_id
    created = datetime.fromtimestamp(sandbox.created, UTC).strftime("%Y-%m-%d %H:%M:%S")
    is_default = sandbox.name == DEFAULT_SANDBOX
    return {
        "name": sandbox.name,
        "title": _TITLES[sandbox.name],
        "state": "active",
        "type": PRODUCTION if is_default else DEVELOPMENT,
        "region": "VA7",
        "isDefault": is_default,
        "eTag": 1,
        "createdDate": created,
        "lastModifiedDate": created,
        "createdBy": user,
        "modifiedBy": user,
    }


DIALECT = SandboxesDialect()
ROUTES: Routes[Sandboxes] = (
    ("GET", "", list_available),
    ("GET", "/sandboxes", for_administrators(list_all)),
    ("GET", "/sandboxes/{name}", for_administrators(show)),
    ("GET", "/sandboxTypes", for_administrators(list_types)),
)
