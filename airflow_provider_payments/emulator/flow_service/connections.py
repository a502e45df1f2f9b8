"""Creating, changing, publishing and deleting base, source and target connections, each by the rules of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.core.call import Call
from airflow_provider_payments.emulator.flow_service.connection_rules import (
    check_base,
    check_source,
    check_target,
    connection_spec,
)
from airflow_provider_payments.emulator.flow_service.model import (
    DISABLED,
    DRAFT,
    ENABLED,
    INITIALIZING,
    SOURCES,
    TARGETS,
    Resource,
)
from airflow_provider_payments.emulator.flow_service.payloads import content_of, optional
from airflow_provider_payments.emulator.flow_service.refusals import invalid
from airflow_provider_payments.emulator.flow_service.state import FlowService
from airflow_provider_payments.emulator.flow_service.writes import check_unpublished, operation_of, patched

BASES = "connections"
_STATES = (ENABLED, DISABLED, INITIALIZING)
_END = ("name", "description", "baseConnectionId", "data", "params")
_WRITABLE: Mapping[str, tuple[str, ...]] = {BASES: ("name", "description", "auth"), SOURCES: _END, TARGETS: _END}
_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("name", "description", "auth.specName", "baseConnectionId", "data.format"), str),
    **dict.fromkeys(("auth.params", "params"), dict),
}
_CHECKS: Mapping[str, Callable[[FlowService, Mapping[str, Any]], None]] = {
    BASES: check_base,
    SOURCES: check_source,
    TARGETS: check_target,
}


def create(kind: str, service: FlowService, body: Mapping[str, Any], draft: bool) -> Resource:
    """Create a connection, or raise a refusal. The same body sent twice creates two connections.

    :param kind: the kind of connection, as in the path.
    :param draft: whether to create a draft, which may be incomplete.
    """
    content, state = _content(kind, service, body, draft), _state(body)
    connection: Resource = service.add(kind, content, DRAFT if draft else state)
    return connection


def update(kind: str, service: FlowService, connection: Resource, call: Call[FlowService]) -> None:
    """Apply the patch of a request to a connection, or refuse the patch."""
    _check_changeable(connection)
    content = patched(call, kind, connection, _WRITABLE[kind])
    service.write(kind, connection, _content(kind, service, content, connection.state == DRAFT))


def publish(kind: str, service: FlowService, connection: Resource, call: Call[FlowService]) -> None:
    """Publish a draft, or refuse a draft that breaks a rule."""
    operation_of(call, ("publish",), connection.etag)
    check_unpublished(connection)
    content = _content(kind, service, connection.content, draft=False)
    connection.state = ENABLED
    service.write(kind, connection, content)


def delete(kind: str, service: FlowService, connection: Resource) -> None:
    """Delete a connection, or refuse if a dataflow uses it."""
    _check_changeable(connection)
    user = service.dataflow_using(connection)
    if user is not None:
        code = "1418-400" if kind == BASES else "1447-400"
        raise invalid(code, f"{connection.id} is still used by the dataflow {user.id}; delete that first.")
    service.stores[kind].remove(connection)


def _content(kind: str, service: FlowService, body: Mapping[str, Any], draft: bool) -> dict[str, Any]:
    """Check a body and return the members that a client may write. Only the types are checked in a draft."""
    if not draft:
        _CHECKS[kind](service, body)
    connection_spec(body)
    members = (*_WRITABLE[kind], "connectionSpec")
    for path, type_ in _TYPES.items():
        if path.partition(".")[0] in members:
            optional(body, path, type_)
    return content_of(body, members)


def _state(body: Mapping[str, Any]) -> str:
    """Return the state of a new connection."""
    state = ENABLED if body.get("state") is None else body["state"]
    if state not in _STATES:
        allowed = ", ".join(_STATES)
        raise invalid("1456-400", f"The state '{str(state)[:60]}' is not a valid value; allowed are: {allowed}.")
    return str(state)


def _check_changeable(connection: Resource) -> None:
    """Refuse to update or delete a connection that is still being initialised by its provider."""
    if connection.state == INITIALIZING:
        raise invalid("1417-400", f"With a user token, {connection.id} cannot be changed in the state {INITIALIZING}.")
