"""Exploring a base connection: its tables, resources, folders and files."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.core.call import Call
from airflow_provider_payments.emulator.flow_service.connection_rules import accepts_credential
from airflow_provider_payments.emulator.flow_service.model import Resource
from airflow_provider_payments.emulator.flow_service.payloads import required_parameter, to_boolean
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal, missing, wrong
from airflow_provider_payments.emulator.flow_service.specs import CONNECTION_SPECS, FILE_FORMATS, SHAPES, ConnectionSpec
from airflow_provider_payments.emulator.flow_service.state import FlowService
from airflow_provider_payments.emulator.samples import files
from airflow_provider_payments.emulator.samples.tables import Table

PREVIEW_ROWS = 100
_OBJECT_TYPES = ("root", "table", "file", "folder", "rest")


def explore(service: FlowService, connection: Resource, call: Call[FlowService]) -> Any:
    """Return the body that answers an explore request: a list of objects, or one object's columns and preview rows."""
    spec = CONNECTION_SPECS[connection.spec_id]
    kind = _object_type(call, spec)
    if not accepts_credential(connection):
        raise FlowRefusal("1001-401", "The source refused the credential of the base connection.")
    tables, now = service.vendors.tables(spec.vendor), service.clock.now()
    if spec.shape == "file" and kind != "file":
        return _folder(call, tables, kind, now)
    if kind == "root":
        return [
            {"type": spec.shape, "name": path, "path": path, "canPreview": True, "canFetchSchema": True}
            for path in tables
        ]
    preview = to_boolean(call.parameter("preview") or "false")
    if preview is None:
        raise FlowRefusal("1312-400", "The value of 'preview' must be true or false.")
    if kind == "file":
        return _described(_file(call, files.file_at(tables, required_parameter(call, "object"), now)), preview, now)
    return _described(_table(call, tables, kind), preview, now)


def _object_type(call: Call[FlowService], spec: ConnectionSpec) -> str:
    """Return the type of the requested object; raise a refusal of a type that the source does not have."""
    if spec.shape == "lake":
        raise FlowRefusal("1336-400", f"Connections with the connection spec {spec.id} cannot be explored.")
    kind = required_parameter(call, "objectType").lower()
    if kind not in _OBJECT_TYPES:
        raise FlowRefusal("1358-400", f"The objectType '{kind[:40]}' is none of: {', '.join(_OBJECT_TYPES)}.")
    if kind not in SHAPES[spec.shape].object_types:
        raise FlowRefusal("1358-400", f"A source of this kind has no objects of type '{kind}'.")
    if call.parameter("filters"):
        raise FlowRefusal("1353-400", "This source does not filter rows.")
    return kind


def _folder(call: Call[FlowService], tables: Mapping[str, Table], kind: str, now: float) -> list[dict[str, Any]]:
    found = files.entries(tables, "" if kind == "root" else required_parameter(call, "object"), now)
    if found is None:
        raise _no_object(required_parameter(call, "object"))
    return [_entry(folder, path) for folder, path in found]


def _table(call: Call[FlowService], tables: Mapping[str, Table], kind: str) -> Table:
    path = required_parameter(call, "object") if kind == "table" else _resource_path(call)
    table = tables.get(path)
    if table is None:
        raise FlowRefusal("1330-400", f"No columns were found for '{path[:200]}': this source has no such object.")
    return table


def configs(service: FlowService, connection: Resource) -> list[dict[str, str]]:
    """Return the columns of all tables of a base connection, each listed once."""
    tables = service.vendors.tables(CONNECTION_SPECS[connection.spec_id].vendor).values()
    types = {column.name: column.type for table in tables for column in table.columns}
    return [{"columnName": name, "columnType": kind} for name, kind in types.items()]


def _entry(folder: bool, path: str) -> dict[str, Any]:
    name = path.strip("/").rpartition("/")[2]
    kind = "folder" if folder else "file"
    return {"type": kind, "name": name, "path": path, "canPreview": not folder, "canFetchSchema": not folder}


def _no_object(path: str) -> FlowRefusal:
    return FlowRefusal("1003-404", f"There is no file or folder '{path[:200]}'.")


def _file(call: Call[FlowService], table: Table | None) -> Table:
    if table is None:
        raise _no_object(required_parameter(call, "object"))
    if to_boolean(call.parameter("determineProperties") or "false"):
        raise FlowRefusal("1371-400", "The properties of a file are not detected; name its 'fileType'.")
    form = required_parameter(call, "fileType").lower()
    if form not in FILE_FORMATS:
        raise FlowRefusal("1399-400", f"The fileType '{form[:40]}' is none of: {', '.join(FILE_FORMATS)}.")
    if form != files.format_of(table.path):
        raise FlowRefusal("1396-400", f"The file '{table.path}' is not of the format {form}.")
    delimiter = call.parameter("columnDelimiter")
    # Documents show a tab as a backslash and the letter t.
    if delimiter is not None and len(delimiter.replace("\\t", "\t")) != 1:
        raise FlowRefusal("1331-400", "The column delimiter must be one character.")
    return table


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


def _resource_path(call: Call[FlowService]) -> str:
    encoded = required_parameter(call, "sourceParams")
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
