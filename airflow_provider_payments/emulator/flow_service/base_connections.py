"""Base connections: what one must be, and whether the vendor lets its credential in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.core.refusals import FlowRefusal
from airflow_provider_payments.emulator.flow_service.payloads import check_version, invalid, required
from airflow_provider_payments.emulator.flow_service.specs import (
    CONNECTION_SPECS,
    SECRETS,
    WRONG_SECRET,
    ConnectionSpec,
)
from airflow_provider_payments.emulator.flow_service.state import ENABLED, Resource
from airflow_provider_payments.emulator.organisation import Sandbox


def connection_spec(body: Mapping[str, Any]) -> ConnectionSpec:
    """The connection spec that a body names, or a refusal."""
    identifier = required(body, "connectionSpec.id", str)
    check_version(body, "connectionSpec.version")
    spec = CONNECTION_SPECS.get(identifier)
    if spec is None:
        raise invalid("1413-400", f"The connection spec id '{identifier[:100]}' is not valid.")
    return spec


def check_base(_: Sandbox, body: Mapping[str, Any]) -> None:
    """Refuse a base connection that breaks a rule."""
    spec = connection_spec(body)
    if not spec.auth:
        if body.get("auth") is not None:
            raise FlowRefusal("1302-400", "The data lake takes no authentication.")
        return
    name = required(body, "auth.specName", str)
    auth = next((one for one in spec.auth if one.name == name), None)
    if auth is None:
        offered = ", ".join(one.name for one in spec.auth)
        raise invalid("1415-400", f"The connection spec {spec.id} has no auth spec '{name[:100]}', but: {offered}.")
    required(body, "auth.params", dict)
    for param in auth.needed:
        required(body, f"auth.params.{param}", str)


def works(connection: Resource) -> bool:
    """Whether the vendor would let this credential in."""
    params = (connection.content.get("auth") or {}).get("params") or {}
    return connection.state == ENABLED and not any(params.get(name) == WRONG_SECRET for name in SECRETS)
