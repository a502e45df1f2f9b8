"""The two ends of a dataflow: source connections and target connections."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.data_prep.transform import read
from airflow_provider_payments.emulator.exchange import Call
from airflow_provider_payments.emulator.flow_service.connections import connection_spec, tables
from airflow_provider_payments.emulator.flow_service.patches import checked_patch, refused_patch
from airflow_provider_payments.emulator.flow_service.payloads import missing, optional, required, wrong
from airflow_provider_payments.emulator.flow_service.specs import CONNECTION_SPECS, DATA_LAKE_ID, ConnectionSpec
from airflow_provider_payments.emulator.flow_service.state import Resource, not_found
from airflow_provider_payments.emulator.json_patch import PatchError, apply_patch
from airflow_provider_payments.emulator.refusals import FlowRefusal
from airflow_provider_payments.emulator.samples.tables import Table
from airflow_provider_payments.emulator.schema_registry.fields import find
from airflow_provider_payments.emulator.world import Sandbox

_MEMBERS = ("name", "description", "baseConnectionId", "data", "params", "connectionSpec")
_VERSION = re.compile(r"(?:application/vnd\.adobe\.xed[a-z-]*\+json\s*;\s*version=)?(\d+)(?:\.\d+)*", re.IGNORECASE)
# Formats of older documents call the table a path; so do the file formats.
_PATH_FORMATS = ("tabular", "parquet_xdm", "delimited", "json", "parquet")


def create_source(sandbox: Sandbox, body: Mapping[str, Any]) -> Resource:
    """Make a source connection, or refuse. The same body twice makes two."""
    return sandbox.flow_service.add("sourceConnections", _checked_source(sandbox, body))


def create_target(sandbox: Sandbox, body: Mapping[str, Any]) -> Resource:
    """Make a target connection, or refuse. The same body twice makes two."""
    return sandbox.flow_service.add("targetConnections", _checked_target(sandbox, body))


def update(sandbox: Sandbox, kind: str, resource: Resource, call: Call) -> None:
    """Apply a patch, or refuse it."""
    patch = checked_patch(call, resource.etag, ("name", "description", "data", "params", "baseConnectionId"))
    try:
        content = apply_patch(resource.content, patch)
    except PatchError as error:
        raise refused_patch(error) from error
    check = _checked_source if kind == "sourceConnections" else _checked_target
    sandbox.flow_service.write(kind, resource, check(sandbox, content))


def delete(sandbox: Sandbox, kind: str, resource: Resource) -> None:
    """Delete an end that no dataflow has, or refuse."""
    service = sandbox.flow_service
    key = "sourceConnectionIds[]" if kind == "sourceConnections" else "targetConnectionIds[]"
    users = service.flows.find(key, (resource.id,))
    if users:
        raise FlowRefusal(
            "1447-400", f"The dataflow {users[0].id} still contains {resource.id}.", title="Invalid request"
        )
    service.stores[kind].remove(resource)


def source_table(sandbox: Sandbox, source: Resource) -> Table | None:
    """The table or resource that a source connection reads; None when its base connection is gone."""
    base = sandbox.flow_service.connections.get(source.base_id or "")
    return tables(sandbox, base).get(object_path(source.content)) if base else None


def object_path(content: Mapping[str, Any]) -> str:
    """How a source connection addresses its table or resource."""
    params = content.get("params") or {}
    for name in ("tableName", "resourcePath", "path"):
        if isinstance(params.get(name), str):
            return str(params[name])
    return ""


def column_names(source: Resource, table: Table) -> frozenset[str]:
    """The columns that a source connection brings: those it names, or all."""
    columns = (source.content.get("params") or {}).get("columns")
    return frozenset(column["name"] for column in columns) if columns else table.column_names


def has_source(source: Resource, table: Table) -> Callable[[str], bool]:
    """Whether a mapping can read an attribute from a source connection."""
    tree = table.tree
    if tree is None:
        return column_names(source, table).__contains__
    return lambda path: find(tree["properties"], path) is not None


def cut_row(source: Resource, table: Table) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """What of a row a source connection copies."""
    if table.tree is not None:
        return lambda row: row
    names = [column.name for column in table.columns if column.name in column_names(source, table)]
    return lambda row: {name: read(row, name) for name in names}


def major_version(text: str) -> str | None:
    """The major version in ``1.0`` or ``application/vnd.adobe.xed-full+json;version=1.3``; None in anything else."""
    match = _VERSION.fullmatch(text.strip())
    return match[1] if match else None


def _content(body: Mapping[str, Any]) -> dict[str, Any]:
    if body.get("state") is not None:
        raise FlowRefusal("1410-400", "'state' may not be sent when something is created.", title="Invalid request")
    for text in ("name", "description", "baseConnectionId"):
        optional(body, text, str)
    return {key: body[key] for key in _MEMBERS if body.get(key) is not None}


def _base(sandbox: Sandbox, identifier: str, spec: ConnectionSpec) -> Resource:
    base = sandbox.flow_service.connections.get(identifier)
    if base is None:
        raise not_found("connections", identifier)
    if base.spec_id != spec.id:
        raise FlowRefusal(
            "1413-400",
            f"The base connection {identifier} has the connection spec {base.spec_id}, not {spec.id}.",
            title="Invalid request",
        )
    return base


def _checked_source(sandbox: Sandbox, body: Mapping[str, Any]) -> dict[str, Any]:
    required(body, "name", str)
    content = _content(body)
    required(body, "data", dict)
    spec = connection_spec(body)
    if spec.shape == "lake":
        raise FlowRefusal("1413-400", "The data lake is no source for payments.", title="Invalid request")
    form = required(body, "data.format", str)
    if form not in spec.formats:
        raise FlowRefusal(
            "1327-400", f"The format '{form[:60]}' is not supported; allowed are: {', '.join(spec.formats)}."
        )
    schema_id = optional(body, "data.schema.id", str)
    if schema_id is not None and sandbox.registry.lookup(schema_id) is None:
        raise not_found("schemas", schema_id)
    base = _base(sandbox, required(body, "baseConnectionId", str), spec)
    required(body, "params", dict)
    if spec.shape == "rest":
        required(body, "params.resourcePath", str)
    elif form not in _PATH_FORMATS or optional(body, "params.path", str) is None:
        required(body, "params.tableName", str)
    table = tables(sandbox, base).get(object_path(content))
    if table is None:
        raise FlowRefusal("1330-400", f"No columns were found for '{object_path(content)[:200]}': no such object.")
    if spec.shape == "table":
        _check_columns(body, table)
    return content


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
            raise FlowRefusal("1330-400", f"The table {table.path} has no column '{column['name'][:100]}'.")


def _checked_target(sandbox: Sandbox, body: Mapping[str, Any]) -> dict[str, Any]:
    content = _content(body)
    required(body, "connectionSpec.id", str)
    if body["connectionSpec"]["id"] != DATA_LAKE_ID:
        raise FlowRefusal(
            "1307-400", f"The target connection spec id is not valid; the only allowed one: {DATA_LAKE_ID}."
        )
    schema_id = required(body, "data.schema.id", str)
    schema = sandbox.registry.lookup(schema_id)
    if schema is None or schema.kind != "schemas":
        raise not_found("schemas", schema_id)
    optional(body, "data.format", str)
    version = optional(body, "data.schema.version", str)
    if version is not None and major_version(version) != "1":
        raise wrong("data.schema.version", "a media type with version=1")
    if not optional(body, "params.dataSetId", str):
        raise FlowRefusal("1325-400", "A target connection needs 'params.dataSetId'.")
    identifier = body["params"]["dataSetId"]
    if sandbox.catalog.datasets.get(identifier) is None:
        raise not_found("dataSets", identifier)
    base = optional(body, "baseConnectionId", str)
    if base is not None:
        _base(sandbox, base, CONNECTION_SPECS[DATA_LAKE_ID])
    return content
