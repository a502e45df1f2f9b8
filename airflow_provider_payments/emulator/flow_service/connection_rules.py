"""The rules for base, source and target connections, and whether a vendor accepts a credential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.flow_service.model import ENABLED, Resource
from airflow_provider_payments.emulator.flow_service.payloads import (
    check_version,
    major_version,
    optional,
    required,
    to_boolean,
)
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal, invalid, missing, not_found, wrong
from airflow_provider_payments.emulator.flow_service.sources import named_table, object_path
from airflow_provider_payments.emulator.flow_service.specs import (
    CONNECTION_SPECS,
    DATA_LAKE_ID,
    SECRETS,
    SHAPES,
    WRONG_SECRET,
    ConnectionSpec,
)
from airflow_provider_payments.emulator.flow_service.state import FlowService
from airflow_provider_payments.emulator.flow_service.writes import check_published
from airflow_provider_payments.emulator.samples.tables import Table


def connection_spec(body: Mapping[str, Any]) -> ConnectionSpec:
    """Return the connection spec that a body names; raise a refusal of an unknown spec."""
    identifier = required(body, "connectionSpec.id", str)
    check_version(body, "connectionSpec.version")
    spec = CONNECTION_SPECS.get(identifier)
    if spec is None:
        raise invalid("1413-400", f"The connection spec id '{identifier[:100]}' is not valid.")
    return spec


def check_base(_: FlowService, body: Mapping[str, Any]) -> None:
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


def accepts_credential(connection: Resource) -> bool:
    """Return whether the vendor accepts the credential of a base connection."""
    params = (connection.content.get("auth") or {}).get("params") or {}
    return connection.state == ENABLED and not any(params.get(name) == WRONG_SECRET for name in SECRETS)


def check_source(service: FlowService, body: Mapping[str, Any]) -> None:
    """Refuse a source connection that breaks a rule."""
    required(body, "name", str)
    required(body, "data", dict)
    spec = connection_spec(body)
    if spec.shape == "lake":
        raise invalid("1413-400", "The data lake is no source for payments.")
    form = required(body, "data.format", str)
    formats = SHAPES[spec.shape].formats
    if form not in formats:
        raise FlowRefusal("1327-400", f"The format '{form[:60]}' is not supported; allowed are: {', '.join(formats)}.")
    schema_id = optional(body, "data.schema.id", str)
    if schema_id is not None and service.registry.read(schema_id) is None:
        raise not_found("schemas", schema_id)
    _check_base(service, required(body, "baseConnectionId", str), spec)
    _check_params(body, spec)
    table, path = named_table(service, spec, body), object_path(body)[:200]
    if spec.shape == "file" and table is None:
        raise FlowRefusal("1312-400", f"'{path}' is not valid for 'params.path': there are no {form} files.")
    if table is None:
        raise FlowRefusal("1330-400", f"No columns were found for '{path}': no such object.")
    if spec.shape != "rest":
        _check_columns(body, table)


def _check_params(body: Mapping[str, Any], spec: ConnectionSpec) -> None:
    if required(body, "params", dict).get("filters") is not None:
        raise FlowRefusal("1353-400", "This source does not filter rows.")
    if spec.shape == "rest":
        required(body, "params.resourcePath", str)
    elif spec.shape == "file":
        required(body, "params.path", str)
        _check_file_params(body)
    # Older documents send the table's name as 'path'.
    elif optional(body, "params.path", str) is None:
        required(body, "params.tableName", str)


def _check_file_params(body: Mapping[str, Any]) -> None:
    for place in ("data.columnDelimiter", "data.properties.columnDelimiter"):
        if len(optional(body, place, str) or ",") > 1:
            raise FlowRefusal("1331-400", f"The column delimiter in '{place}' must be one character.")
    if optional(body, "params.type", str) not in (None, "file", "folder"):
        raise wrong("params.type", "file or folder")
    recursive = body["params"].get("recursive")
    if recursive is not None and to_boolean(recursive) is None:
        raise wrong("params.recursive", "true or false")


def _check_columns(body: Mapping[str, Any], table: Table) -> None:
    for place, column in enumerate(optional(body, "params.columns", list) or ()):
        where = f"params.columns[{place}]"
        if not isinstance(column, dict):
            raise wrong(where, "an object")
        for member in ("name", "type"):
            value = column.get(member)
            if value is None:
                raise missing(f"{where}.{member}")
            if not isinstance(value, str):
                raise wrong(f"{where}.{member}", "text")
        if column["name"] not in table.column_names:
            raise FlowRefusal("1330-400", f"'{table.path}' has no column '{column['name'][:100]}'.")


def _check_base(service: FlowService, identifier: str, spec: ConnectionSpec) -> None:
    base = service.connections.read(identifier)
    if base is None:
        raise not_found("connections", identifier)
    if base.spec_id != spec.id:
        raise invalid(
            "1413-400", f"The base connection {identifier} has the connection spec {base.spec_id}, not {spec.id}."
        )
    check_published(base)


def check_target(service: FlowService, body: Mapping[str, Any]) -> None:
    """Refuse a target connection that breaks a rule."""
    required(body, "connectionSpec.id", str)
    if body["connectionSpec"]["id"] != DATA_LAKE_ID:
        raise FlowRefusal(
            "1307-400", f"The target connection spec id is not valid; the only allowed one: {DATA_LAKE_ID}."
        )
    schema_id = required(body, "data.schema.id", str)
    schema = service.registry.read(schema_id)
    if schema is None or schema.kind != "schemas":
        raise not_found("schemas", schema_id)
    version = optional(body, "data.schema.version", str)
    if version is not None and major_version(version) != "1":
        raise wrong("data.schema.version", "a media type with version=1")
    if not optional(body, "params.dataSetId", str):
        raise FlowRefusal("1325-400", "A target connection needs 'params.dataSetId'.")
    identifier = body["params"]["dataSetId"]
    if service.catalog.datasets.read(identifier) is None:
        raise not_found("dataSets", identifier)
    base = optional(body, "baseConnectionId", str)
    if base is not None:
        _check_base(service, base, CONNECTION_SPECS[DATA_LAKE_ID])
