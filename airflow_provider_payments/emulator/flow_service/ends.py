"""The two ends of a dataflow: source connections and target connections."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.data_prep.paths import read
from airflow_provider_payments.emulator.exchange import Call
from airflow_provider_payments.emulator.flow_service.connections import (
    check_changeable,
    connection_spec,
    first_state,
    invalid,
)
from airflow_provider_payments.emulator.flow_service.drafts import check_published
from airflow_provider_payments.emulator.flow_service.patches import patched
from airflow_provider_payments.emulator.flow_service.payloads import missing, optional, required, truth, wrong
from airflow_provider_payments.emulator.flow_service.specs import CONNECTION_SPECS, DATA_LAKE_ID, ConnectionSpec
from airflow_provider_payments.emulator.flow_service.state import DRAFT, END_KINDS, Resource, not_found
from airflow_provider_payments.emulator.refusals import FlowRefusal
from airflow_provider_payments.emulator.samples import files
from airflow_provider_payments.emulator.samples.tables import Table
from airflow_provider_payments.emulator.schema_registry.fields import find
from airflow_provider_payments.emulator.world import Sandbox

SOURCES, TARGETS = END_KINDS.values()
_MEMBERS = ("name", "description", "baseConnectionId", "data", "params", "connectionSpec")
_VERSION = re.compile(r"(?:application/vnd\.adobe\.xed[a-z-]*\+json\s*;\s*version=)?(\d+)(?:\.\d+)*", re.IGNORECASE)


def create(sandbox: Sandbox, kind: str, body: Mapping[str, Any], draft: bool) -> Resource:
    """Make a source or target connection, or refuse. The same body twice makes two."""
    content = drafted(body) if draft else checked(sandbox, kind, body)
    return sandbox.flow_service.add(kind, content, first_state(body, draft))


def update(sandbox: Sandbox, kind: str, resource: Resource, call: Call) -> None:
    """Apply a patch, or refuse it."""
    check_changeable(resource)
    content = patched(call, resource, ("name", "description", "data", "params", "baseConnectionId"))
    content = drafted(content) if resource.state == DRAFT else checked(sandbox, kind, content)
    sandbox.flow_service.write(kind, resource, content)


def delete(sandbox: Sandbox, kind: str, resource: Resource) -> None:
    """Delete an end that no dataflow has, or refuse."""
    check_changeable(resource)
    service = sandbox.flow_service
    member = next(member for member, ends in END_KINDS.items() if ends == kind)
    users = service.flows.find(f"{member}[]", (resource.id,))
    if users:
        raise invalid("1447-400", f"The dataflow {users[0].id} still contains {resource.id}.")
    service.stores[kind].remove(resource)


def source_table(sandbox: Sandbox, source: Resource) -> Table | None:
    """What a source connection reads; None when its base connection is gone."""
    base = sandbox.flow_service.connections.get(source.base_id or "")
    return _object(sandbox, CONNECTION_SPECS[base.spec_id], source.content) if base else None


def _object(sandbox: Sandbox, spec: ConnectionSpec, content: Mapping[str, Any]) -> Table | None:
    tables = sandbox.vendors.tables(spec.vendor)
    if spec.shape != "file":
        return tables.get(object_path(content))
    recursive = truth((content.get("params") or {}).get("recursive")) is True
    return files.union(tables, object_path(content), content["data"]["format"], recursive)


def object_path(content: Mapping[str, Any]) -> str:
    """How a source connection addresses what it reads."""
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


def drafted(body: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a draft of either kind: what is there is of its type."""
    connection_spec(body)
    for text in ("name", "description", "baseConnectionId", "data.format"):
        optional(body, text, str)
    optional(body, "params", dict)
    return {key: body[key] for key in _MEMBERS if body.get(key) is not None}


def checked(sandbox: Sandbox, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a source or target connection that breaks no rule, or a refusal."""
    return (_checked_source if kind == SOURCES else _checked_target)(sandbox, body)


def _checked_source(sandbox: Sandbox, body: Mapping[str, Any]) -> dict[str, Any]:
    required(body, "name", str)
    required(body, "data", dict)
    spec = connection_spec(body)
    if spec.shape == "lake":
        raise invalid("1413-400", "The data lake is no source for payments.")
    form = required(body, "data.format", str)
    if form not in spec.formats:
        raise FlowRefusal(
            "1327-400", f"The format '{form[:60]}' is not supported; allowed are: {', '.join(spec.formats)}."
        )
    content = drafted(body)
    schema_id = optional(body, "data.schema.id", str)
    if schema_id is not None and sandbox.registry.lookup(schema_id) is None:
        raise not_found("schemas", schema_id)
    _check_base(sandbox, required(body, "baseConnectionId", str), spec)
    _check_params(body, spec)
    table = _object(sandbox, spec, content)
    if spec.shape == "file" and table is None:
        path = object_path(content)[:200]
        raise FlowRefusal("1312-400", f"'{path}' is not valid for 'params.path': there are no {form} files.")
    if table is None:
        raise FlowRefusal("1330-400", f"No columns were found for '{object_path(content)[:200]}': no such object.")
    if spec.shape != "rest":
        _check_columns(body, table)
    return content


def _check_params(body: Mapping[str, Any], spec: ConnectionSpec) -> None:
    if required(body, "params", dict).get("filters") is not None:
        raise FlowRefusal("1353-400", "This source does not filter rows.")
    if spec.shape == "rest":
        required(body, "params.resourcePath", str)
    elif spec.shape == "file":
        required(body, "params.path", str)
        _check_file_params(body)
    # Older documents call the table a path.
    elif optional(body, "params.path", str) is None:
        required(body, "params.tableName", str)


def _check_file_params(body: Mapping[str, Any]) -> None:
    for place in ("data.columnDelimiter", "data.properties.columnDelimiter"):
        if len(optional(body, place, str) or ",") > 1:
            raise FlowRefusal("1331-400", f"The column delimiter in '{place}' must be one character.")
    if optional(body, "params.type", str) not in (None, "file", "folder"):
        raise wrong("params.type", "file or folder")
    recursive = body["params"].get("recursive")
    if recursive is not None and truth(recursive) is None:
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


def _check_base(sandbox: Sandbox, identifier: str, spec: ConnectionSpec) -> None:
    base = sandbox.flow_service.connections.get(identifier)
    if base is None:
        raise not_found("connections", identifier)
    if base.spec_id != spec.id:
        raise invalid(
            "1413-400", f"The base connection {identifier} has the connection spec {base.spec_id}, not {spec.id}."
        )
    check_published(base)


def _checked_target(sandbox: Sandbox, body: Mapping[str, Any]) -> dict[str, Any]:
    required(body, "connectionSpec.id", str)
    if body["connectionSpec"]["id"] != DATA_LAKE_ID:
        raise FlowRefusal(
            "1307-400", f"The target connection spec id is not valid; the only allowed one: {DATA_LAKE_ID}."
        )
    content = drafted(body)
    schema_id = required(body, "data.schema.id", str)
    schema = sandbox.registry.lookup(schema_id)
    if schema is None or schema.kind != "schemas":
        raise not_found("schemas", schema_id)
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
        _check_base(sandbox, base, CONNECTION_SPECS[DATA_LAKE_ID])
    return content
