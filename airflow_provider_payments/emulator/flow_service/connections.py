"""The life of base, source and target connections, each with the rules of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.core.call import Call
from airflow_provider_payments.emulator.flow_service.actions import operation_of
from airflow_provider_payments.emulator.flow_service.base_connections import check_base, connection_spec
from airflow_provider_payments.emulator.flow_service.connection_rules import check_source, check_target
from airflow_provider_payments.emulator.flow_service.drafts import check_unpublished
from airflow_provider_payments.emulator.flow_service.patches import patched
from airflow_provider_payments.emulator.flow_service.payloads import content_of, invalid, optional
from airflow_provider_payments.emulator.flow_service.state import (
    DISABLED,
    DRAFT,
    ENABLED,
    INITIALIZING,
    SOURCES,
    TARGETS,
    Resource,
)
from airflow_provider_payments.emulator.organisation import Sandbox

BASES = "connections"
_STATES = (ENABLED, DISABLED, INITIALIZING)
_END = ("name", "description", "baseConnectionId", "data", "params")
_WRITABLE: Mapping[str, tuple[str, ...]] = {BASES: ("name", "description", "auth"), SOURCES: _END, TARGETS: _END}
_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("name", "description", "auth.specName", "baseConnectionId", "data.format"), str),
    **dict.fromkeys(("auth.params", "params"), dict),
}
_CHECKS: Mapping[str, Callable[[Sandbox, Mapping[str, Any]], None]] = {
    BASES: check_base,
    SOURCES: check_source,
    TARGETS: check_target,
}


def create(kind: str, sandbox: Sandbox, body: Mapping[str, Any], draft: bool) -> Resource:
    """Make a connection, or refuse. The same body twice makes two.

    :param kind: as in the path.
    :param draft: it may be incomplete.
    """
    content, state = _content(kind, sandbox, body, draft), _state(body)
    connection: Resource = sandbox.flow_service.add(kind, content, DRAFT if draft else state)
    return connection


def update(kind: str, sandbox: Sandbox, connection: Resource, call: Call) -> None:
    """Apply a patch, or refuse it."""
    _check_changeable(connection)
    content = patched(call, kind, connection, _WRITABLE[kind])
    sandbox.flow_service.write(kind, connection, _content(kind, sandbox, content, connection.state == DRAFT))


def publish(kind: str, sandbox: Sandbox, connection: Resource, call: Call) -> None:
    """Make a draft that breaks no rule a connection for good."""
    operation_of(call, ("publish",), connection.etag)
    check_unpublished(connection)
    content = _content(kind, sandbox, connection.content, draft=False)
    connection.state = ENABLED
    sandbox.flow_service.write(kind, connection, content)


def delete(kind: str, sandbox: Sandbox, connection: Resource) -> None:
    """Delete a connection that no dataflow uses, or refuse."""
    _check_changeable(connection)
    service = sandbox.flow_service
    user = service.user_of(connection)
    if user is not None:
        code = "1418-400" if kind == BASES else "1447-400"
        raise invalid(code, f"{connection.id} is still used by the dataflow {user.id}; delete that first.")
    service.stores[kind].remove(connection)


def _content(kind: str, sandbox: Sandbox, body: Mapping[str, Any], draft: bool) -> dict[str, Any]:
    """What a body says that is the client's to say. Of a draft only the types are checked."""
    if not draft:
        _CHECKS[kind](sandbox, body)
    connection_spec(body)
    members = (*_WRITABLE[kind], "connectionSpec")
    for path, type_ in _TYPES.items():
        if path.partition(".")[0] in members:
            optional(body, path, type_)
    return content_of(body, members)


def _state(body: Mapping[str, Any]) -> str:
    """The state in which a connection comes into being."""
    state = ENABLED if body.get("state") is None else body["state"]
    if state not in _STATES:
        allowed = ", ".join(_STATES)
        raise invalid("1456-400", f"The state '{str(state)[:60]}' is not a valid value; allowed are: {allowed}.")
    return str(state)


def _check_changeable(connection: Resource) -> None:
    """Refuse to update or delete what its provider has not finished."""
    if connection.state == INITIALIZING:
        raise invalid("1417-400", f"With a user token, {connection.id} cannot be changed in the state {INITIALIZING}.")
