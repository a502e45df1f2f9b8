"""Explore's schema, its preview and the rows that a run ingests agree for every sample table."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest

from tests.emulator.client import CRM_FLOW_SPEC, FLOW, REST_FLOW_SPEC, Client, sent
from tests.emulator.flow_service.test_cloud_storage import CSV, FILE_FLOW_SPEC, JSON, connect
from tests.emulator.flow_service.test_cloud_storage import source as file_source
from tests.emulator.samples.test_samples import KNOWN, base_connection

Node = dict[str, Any]


def explored(client: Client, base: str, path: str) -> Any:
    if "." in path:
        query = {"objectType": "table", "object": path}
    else:
        params = base64.b64encode(json.dumps({"resourcePath": path}).encode()).decode()
        query = {"objectType": "rest", "object": "json", "fileType": "json", "sourceParams": params}
    return client.get(f"{FLOW}/connections/{base}/explore", preview="true", **query)


def fields_of(schema: Mapping[str, Any]) -> dict[str, Node]:
    """The schema fields, by name, that a client declares for the schema that explore shows."""
    if "columns" in schema:
        return {column["name"]: column["xdm"] for column in schema["columns"]}
    return {name: field(node) for name, node in schema["properties"].items() if node != EMPTY}


def field(node: Mapping[str, Any]) -> Node:
    """The schema field for an attribute; an attribute whose type explore does not know is declared as text."""
    if node.get("type") == "object":
        return {"type": "object", "properties": fields_of(node)}
    if node.get("type") == "array":
        return {"type": "array", "items": field(node["items"])}
    return dict(node) or {"type": "string"}


# No field can be declared for an object in which explore has found no attribute.
EMPTY = {"type": "object", "properties": {}}


def paths(fields: Mapping[str, Node], prefix: str = "") -> Iterator[str]:
    for name, node in fields.items():
        if node["type"] == "object":
            yield from paths(node["properties"], f"{prefix}{name}.")
        else:
            yield prefix + name


def normalised(value: Any) -> Any:
    """A value as a run ingests it: without null and empty values, and with times parsed."""
    if isinstance(value, dict):
        members = {name: normalised(child) for name, child in value.items()}
        return {name: child for name, child in members.items() if child not in (None, {}, [])}
    if isinstance(value, list):
        return [normalised(entry) for entry in value]
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None) if isinstance(value, str) else value
    except ValueError:
        return value


def landed(client: Client, source: str, shown: Mapping[str, Any], flow_spec: str) -> list[Any]:
    """Run a dataflow into a schema with the explored fields; return as many of the first rows as the preview has."""
    fields = fields_of(shown["schema"])
    schema = client.schema("rows", **fields)
    dataset = client.dataset(schema)
    pairs = [(name, f"_emulator.product.{name}") for name in paths(fields)]
    body = sent(client.flow_body_of(source, schema, dataset, *pairs))
    body["flowSpec"]["id"] = flow_spec
    body["transformations"] = body["transformations"][1:]
    body["scheduleParams"] = {"startTime": client.now() + 60, "frequency": "once"}
    client.flow(body)
    client.advance(62)
    rows = client.control("GET", f"datasets/{dataset}/rows", params={"limit": len(shown["data"])})["rows"]
    return [normalised(row["_emulator"]["product"]) for row in rows]


@pytest.mark.parametrize("path", KNOWN)
def test_a_run_ingests_the_rows_of_the_preview_of_a_table(client: Client, path: str) -> None:
    base, spec = base_connection(client, path)
    shown = explored(client, base, path)
    rest = shown["format"] == "hierarchical"
    source = client.source(
        baseConnectionId=base,
        data={"format": "json" if rest else "tabular"},
        params={"resourcePath" if rest else "tableName": path},
        connectionSpec={"id": spec, "version": "1.0"},
    )
    assert len(shown["data"]) == min(100, KNOWN[path][0])
    rows = landed(client, source, shown, REST_FLOW_SPEC if rest else CRM_FLOW_SPEC)
    assert rows == [normalised(row) for row in shown["data"]]


@pytest.mark.parametrize(("form", "folder"), [("delimited", CSV), ("json", JSON)])
def test_a_run_ingests_the_rows_of_the_preview_of_a_file(client: Client, form: str, folder: str) -> None:
    base = connect(client)
    path = f"{FLOW}/connections/{base}/explore"
    file = client.get(path, objectType="folder", object=folder)[0]["path"]
    shown = client.get(path, objectType="file", object=file, fileType=form, preview="true")
    created = client.make(f"{FLOW}/sourceConnections", file_source(base, form, file, type="file"))["id"]
    assert len(shown["data"]) == 40
    assert landed(client, created, shown, FILE_FLOW_SPEC) == [normalised(row) for row in shown["data"]]


def kinds(node: Mapping[str, Any], value: Any, where: str = "") -> Iterator[tuple[str, bool, Any]]:
    """Yield the path of each attribute of a row, whether explore shows its type, and its value."""
    typed = "type" in node
    yield where, typed, value
    if isinstance(value, dict) and typed:
        for name, child in node["properties"].items():
            yield from kinds(child, value.get(name), f"{where}.{name}")
    if isinstance(value, list) and typed:
        for entry in value:
            yield from kinds(node["items"], entry, f"{where}[]")


@pytest.mark.parametrize("path", [path for path in KNOWN if "." not in path])
def test_explore_shows_types_for_exactly_the_attributes_filled_in_the_preview(client: Client, path: str) -> None:
    shown = explored(client, base_connection(client, path)[0], path)
    filled, typed = set(), set()
    for row in shown["data"]:
        for where, is_typed, value in kinds(shown["schema"], row):
            filled |= {where} if value is not None else set()
            typed |= {where} if is_typed else set()
    assert filled == typed
