"""The data of a source connection: its table, its columns, and the attributes that mappings can read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.core.paths import read, steps_of, unescaped
from airflow_provider_payments.emulator.flow_service.model import Resource
from airflow_provider_payments.emulator.flow_service.payloads import to_boolean
from airflow_provider_payments.emulator.flow_service.specs import CONNECTION_SPECS, ConnectionSpec
from airflow_provider_payments.emulator.flow_service.state import FlowService
from airflow_provider_payments.emulator.samples import files
from airflow_provider_payments.emulator.samples.tables import Table
from airflow_provider_payments.emulator.schema_registry.fields import find


def source_table(service: FlowService, source: Resource) -> Table | None:
    """Return the table that a source connection reads; None if the table or the base connection no longer exists."""
    base = service.connections.get(source.base_id or "")
    return named_table(service, CONNECTION_SPECS[base.spec_id], source.content) if base else None


def named_table(service: FlowService, spec: ConnectionSpec, content: Mapping[str, Any]) -> Table | None:
    """Return the table that the content of a source connection names; None if there is no such table."""
    tables = service.vendors.tables(spec.vendor)
    if spec.shape != "file":
        return tables.get(object_path(content))
    recursive = to_boolean((content.get("params") or {}).get("recursive")) is True
    return files.table_at(tables, object_path(content), content["data"]["format"], recursive)


def object_path(content: Mapping[str, Any]) -> str:
    """Return the table name, resource path or file path in the content of a source connection; empty without any."""
    params = content.get("params") or {}
    for name in ("tableName", "resourcePath", "path"):
        if isinstance(params.get(name), str):
            return str(params[name])
    return ""


def column_names(source: Resource, table: Table) -> frozenset[str]:
    """Return the names of a source connection's columns: those that it selects, or all columns of its table."""
    columns = (source.content.get("params") or {}).get("columns")
    return frozenset(column["name"] for column in columns) if columns else table.column_names


def has_source(source: Resource, table: Table) -> Callable[[str], bool]:
    """Return a predicate: whether a mapping can read an attribute from a source connection."""
    tree = table.tree
    if tree is None:
        names = column_names(source, table)
        return lambda path: path in names or unescaped(path) in names
    return lambda path: find(tree["properties"], steps_of(path) or ("",)) is not None


def column_selector(source: Resource, table: Table) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return a function that reduces a row to the columns of a source connection."""
    if table.tree is not None:
        return lambda row: row
    names = [column.name for column in table.columns if column.name in column_names(source, table)]
    return lambda row: {name: read(row, name) for name in names}
