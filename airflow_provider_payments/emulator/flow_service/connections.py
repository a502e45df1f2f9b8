"""Base connections: creation, update and deletion, and whether the vendor lets their credentials in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.exchange import Call
from airflow_provider_payments.emulator.flow_service.patches import patched
from airflow_provider_payments.emulator.flow_service.payloads import check_version, optional, required
from airflow_provider_payments.emulator.flow_service.specs import (
    CONNECTION_SPECS,
    SECRETS,
    WRONG_SECRET,
    ConnectionSpec,
)
from airflow_provider_payments.emulator.flow_service.state import DISABLED, DRAFT, ENABLED, INITIALIZING, Resource
from airflow_provider_payments.emulator.refusals import FlowRefusal
from airflow_provider_payments.emulator.world import Sandbox

_MEMBERS = ("name", "description", "auth", "connectionSpec")
_STATES = (ENABLED, DISABLED, INITIALIZING)


def invalid(code: str, detail: str) -> FlowRefusal:
    """The refusal of a request that breaks a rule of Flow Service itself, not of a source."""
    return FlowRefusal(code, detail, title="Invalid request")


def connection_spec(body: Mapping[str, Any]) -> ConnectionSpec:
    """The connection spec that a body names, or a refusal."""
    identifier = required(body, "connectionSpec.id", str)
    check_version(body, "connectionSpec.version")
    spec = CONNECTION_SPECS.get(identifier)
    if spec is None:
        raise invalid("1413-400", f"The connection spec id '{identifier[:100]}' is not valid.")
    return spec


def first_state(body: Mapping[str, Any], draft: bool) -> str:
    """The state in which a connection of any kind comes into being.

    :param draft: whether it was asked for as a draft.
    """
    state = ENABLED if body.get("state") is None else body["state"]
    if state not in _STATES:
        allowed = ", ".join(_STATES)
        raise invalid("1456-400", f"The state '{str(state)[:60]}' is not a valid value; allowed are: {allowed}.")
    return DRAFT if draft else str(state)


def check_changeable(resource: Resource) -> None:
    """Refuse to update or delete what its provider has not finished."""
    if resource.state == INITIALIZING:
        raise invalid("1417-400", f"With a user token, {resource.id} cannot be changed in the state {INITIALIZING}.")


def create(sandbox: Sandbox, body: Mapping[str, Any], draft: bool) -> Resource:
    """Make a base connection, or refuse. The same body twice makes two."""
    content = drafted(body) if draft else checked(sandbox, body)
    return sandbox.flow_service.add("connections", content, first_state(body, draft))


def drafted(body: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a draft: what is there is of its type."""
    connection_spec(body)
    for text in ("name", "description", "auth.specName"):
        optional(body, text, str)
    optional(body, "auth.params", dict)
    return {key: body[key] for key in _MEMBERS if body.get(key) is not None}


def checked(_: Sandbox, body: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a base connection that breaks no rule, or a refusal."""
    content = drafted(body)
    spec = connection_spec(body)
    if not spec.auth:
        if content.pop("auth", None) is not None:
            raise FlowRefusal("1302-400", "The data lake takes no authentication.")
        return content
    name = required(body, "auth.specName", str)
    auth = next((one for one in spec.auth if one.name == name), None)
    if auth is None:
        offered = ", ".join(one.name for one in spec.auth)
        raise invalid("1415-400", f"The connection spec {spec.id} has no auth spec '{name[:100]}', but: {offered}.")
    required(body, "auth.params", dict)
    for param in auth.needed:
        required(body, f"auth.params.{param}", str)
    return content


def update(sandbox: Sandbox, connection: Resource, call: Call) -> None:
    """Apply a patch, or refuse it."""
    check_changeable(connection)
    content = patched(call, connection, ("name", "description", "auth"))
    content = drafted(content) if connection.state == DRAFT else checked(sandbox, content)
    sandbox.flow_service.write("connections", connection, content)


def delete(sandbox: Sandbox, connection: Resource) -> None:
    """Delete a base connection that no dataflow uses, or refuse."""
    check_changeable(connection)
    service = sandbox.flow_service
    user = service.user_of(connection)
    if user is not None:
        raise invalid(
            "1418-400", f"The base connection {connection.id} is used by the dataflow {user.id}; delete that first."
        )
    service.connections.remove(connection)


def works(connection: Resource) -> bool:
    """Whether the vendor would let this credential in."""
    params = (connection.content.get("auth") or {}).get("params") or {}
    return connection.state == ENABLED and not any(params.get(name) == WRONG_SECRET for name in SECRETS)
