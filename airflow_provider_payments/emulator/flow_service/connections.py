"""Base connections: creation, update, deletion, and what can be seen through them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.exchange import Call
from airflow_provider_payments.emulator.flow_service.patches import checked_patch, refused_patch
from airflow_provider_payments.emulator.flow_service.payloads import (
    check_version,
    missing,
    optional,
    required,
    truth,
    wrong,
)
from airflow_provider_payments.emulator.flow_service.specs import CONNECTION_SPECS, WRONG_SECRET, ConnectionSpec
from airflow_provider_payments.emulator.flow_service.state import Resource
from airflow_provider_payments.emulator.json_patch import PatchError, apply_patch
from airflow_provider_payments.emulator.refusals import FlowRefusal
from airflow_provider_payments.emulator.samples.tables import Table
from airflow_provider_payments.emulator.world import Sandbox

PREVIEW_ROWS = 100
_OBJECT_TYPES = ("root", "table", "file", "folder", "rest")


def connection_spec(body: Mapping[str, Any]) -> ConnectionSpec:
    """The connection spec that a body names, or a refusal."""
    identifier = required(body, "connectionSpec.id", str)
    check_version(body, "connectionSpec.version")
    spec = CONNECTION_SPECS.get(identifier)
    if spec is None:
        raise FlowRefusal(
            "1413-400", f"The connection spec id '{identifier[:100]}' is not valid.", title="Invalid request"
        )
    return spec


def create(sandbox: Sandbox, body: Mapping[str, Any]) -> Resource:
    """Make a base connection, or refuse. The same body twice makes two."""
    if body.get("state") is not None:
        raise FlowRefusal("1410-400", "'state' may not be sent when something is created.", title="Invalid request")
    return sandbox.flow_service.add("connections", _checked(body))


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    spec = connection_spec(body)
    for text in ("name", "description"):
        optional(body, text, str)
    content = {key: body[key] for key in ("name", "description", "auth", "connectionSpec") if body.get(key) is not None}
    if spec.auth_name is not None:
        name = required(body, "auth.specName", str)
        if name != spec.auth_name:
            raise FlowRefusal(
                "1415-400",
                f"The connection spec {spec.id} has no auth spec '{name[:100]}'; it has '{spec.auth_name}'.",
                title="Invalid request",
            )
        required(body, "auth.params", dict)
        for param in spec.auth_params:
            required(body, f"auth.params.{param}", str)
    elif content.pop("auth", None) is not None:
        raise FlowRefusal("1302-400", "The data lake takes no authentication.")
    return content


def update(sandbox: Sandbox, connection: Resource, call: Call) -> None:
    """Apply a patch, or refuse it."""
    patch = checked_patch(call, connection.etag, ("name", "description", "auth"))
    try:
        content = apply_patch(connection.content, patch)
    except PatchError as error:
        raise refused_patch(error) from error
    sandbox.flow_service.write("connections", connection, _checked(content))


def delete(sandbox: Sandbox, connection: Resource) -> None:
    """Delete a base connection that no dataflow uses, or refuse."""
    service = sandbox.flow_service
    for flow in service.flows:
        ends = (service.source_connections.get(flow.source_id), service.target_connections.get(flow.target_id))
        if any(end is not None and end.base_id == connection.id for end in ends):
            raise FlowRefusal(
                "1418-400",
                f"The base connection {connection.id} is used by the dataflow {flow.id}; delete that first.",
                title="Invalid request",
            )
    service.connections.remove(connection)


def works(connection: Resource) -> bool:
    """Whether the vendor would let this credential in."""
    params = (connection.content.get("auth") or {}).get("params") or {}
    return WRONG_SECRET not in (params.get("clientSecret"), params.get("accessToken"))


def tables(sandbox: Sandbox, connection: Resource) -> Mapping[str, Table]:
    """What the connection can see, by path."""
    return sandbox.vendors.tables(CONNECTION_SPECS[connection.spec_id].vendor)


def explore(sandbox: Sandbox, connection: Resource, call: Call) -> Any:
    """Answer an explore request: the list of tables, or one of them with its columns and perhaps rows."""
    kind = _query(call, "objectType").lower()
    if kind not in _OBJECT_TYPES:
        raise FlowRefusal("1358-400", f"The objectType '{kind[:40]}' is none of: {', '.join(_OBJECT_TYPES)}.")
    if call.first("filters"):
        raise FlowRefusal("1353-400", "This source does not filter rows.")
    if not works(connection):
        raise FlowRefusal("1001-401", "The source refused the credential of the base connection.", title="Unauthorized")
    spec, visible = CONNECTION_SPECS[connection.spec_id], tables(sandbox, connection)
    offered = {"table": ("root", "table"), "rest": ("root", "rest"), "lake": ("root",)}[spec.shape]
    if kind not in offered:
        raise FlowRefusal("1358-400", f"A source of this kind has no objects of type '{kind}'.")
    if kind == "root":
        return [
            {"type": spec.shape, "name": path, "path": path, "canPreview": True, "canFetchSchema": True}
            for path in visible
        ]
    preview = truth(call.first("preview") or "false")
    if preview is None:
        raise FlowRefusal("1453-400", "The value of 'preview' must be true or false.", title="Invalid request")
    path = _query(call, "object") if kind == "table" else _resource_path(call)
    table = visible.get(path)
    if table is None:
        raise FlowRefusal("1330-400", f"No columns were found for '{path[:200]}': this source has no such object.")
    return _described(table, preview, sandbox.clock.now())


def _described(table: Table, preview: bool, now: float) -> dict[str, Any]:
    answer: dict[str, Any]
    if table.tree is not None:
        answer = {"format": "hierarchical", "schema": table.tree}
    else:
        answer = {"format": "flat", "schema": {"columns": [column.to_wire() for column in table.columns]}}
    if preview:
        rows = [row for (_, row), _ in zip(table.visible(now), range(PREVIEW_ROWS), strict=False)]
        answer["data"] = rows
    return answer


def _query(call: Call, name: str) -> str:
    value = call.first(name)
    if value is None:
        raise FlowRefusal("1359-400", f"The query parameter '{name}' is missing.")
    if not value:
        raise FlowRefusal("1337-400", f"The query parameter '{name}' is empty.")
    return value


def _resource_path(call: Call) -> str:
    encoded = _query(call, "sourceParams")
    try:
        params = json.loads(base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_"))
    except (ValueError, RecursionError) as error:
        raise FlowRefusal("1000-400", "'sourceParams' must be JSON, encoded as base64.") from error
    if not isinstance(params, dict):
        raise wrong("sourceParams", "an object")
    path = params.get("resourcePath")
    if not isinstance(path, str) or not path:
        raise missing("sourceParams.resourcePath")
    return path
