"""Explore, its preview and the rows that a run lands tell the same of every sample table."""

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
    """The fields that a client declares for what explore shows, by name."""
    if "columns" in schema:
        return {column["name"]: column["xdm"] for column in schema["columns"]}
    return {name: field(node) for name, node in schema["properties"].items() if node != EMPTY}


def field(node: Mapping[str, Any]) -> Node:
    """A field for an attribute; one whose type explore does not know is text."""
    if node.get("type") == "object":
        return {"type": "object", "properties": fields_of(node)}
    if node.get("type") == "array":
        return {"type": "array", "items": field(node["items"])}
    return dict(node) or {"type": "string"}


# Nothing can be declared of an object in which explore has seen nothing.
EMPTY = {"type": "object", "properties": {}}


def paths(fields: Mapping[str, Node], prefix: str = "") -> Iterator[str]:
    for name, node in fields.items():
        if node["type"] == "object":
            yield from paths(node["properties"], f"{prefix}{name}.")
        else:
            yield prefix + name


def known(value: Any) -> Any:
    """A value without what is null or empty, which nothing lands of; times as moments."""
    if isinstance(value, dict):
        members = {name: known(child) for name, child in value.items()}
        return {name: child for name, child in members.items() if child not in (None, {}, [])}
    if isinstance(value, list):
        return [known(entry) for entry in value]
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None) if isinstance(value, str) else value
    except ValueError:
        return value


def landed(client: Client, source: str, shown: Mapping[str, Any], flow_spec: str) -> list[Any]:
    """The first rows that a run lands in a schema of what explore shows, as many as its preview has."""
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
    return [known(row["_emulator"]["product"]) for row in rows]


@pytest.mark.parametrize("path", KNOWN)
def test_a_run_lands_what_the_preview_of_a_table_shows(client: Client, path: str) -> None:
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
    assert rows == [known(row) for row in shown["data"]]


@pytest.mark.parametrize(("form", "folder"), [("delimited", CSV), ("json", JSON)])
def test_a_run_lands_what_the_preview_of_a_file_shows(client: Client, form: str, folder: str) -> None:
    base = connect(client)
    path = f"{FLOW}/connections/{base}/explore"
    file = client.get(path, objectType="folder", object=folder)[0]["path"]
    shown = client.get(path, objectType="file", object=file, fileType=form, preview="true")
    made = client.make(f"{FLOW}/sourceConnections", file_source(base, form, file, type="file"))["id"]
    assert len(shown["data"]) == 40
    assert landed(client, made, shown, FILE_FLOW_SPEC) == [known(row) for row in shown["data"]]


def kinds(node: Mapping[str, Any], value: Any, where: str = "") -> Iterator[tuple[str, bool, Any]]:
    """Each attribute of a row: its path, whether explore knows its type, and its value."""
    typed = "type" in node
    yield where, typed, value
    if isinstance(value, dict) and typed:
        for name, child in node["properties"].items():
            yield from kinds(child, value.get(name), f"{where}.{name}")
    if isinstance(value, list) and typed:
        for entry in value:
            yield from kinds(node["items"], entry, f"{where}[]")


@pytest.mark.parametrize("path", [path for path in KNOWN if "." not in path])
def test_explore_knows_the_type_of_all_that_the_preview_fills_and_of_nothing_else(client: Client, path: str) -> None:
    shown = explored(client, base_connection(client, path)[0], path)
    filled, typed = set(), set()
    for row in shown["data"]:
        for where, is_typed, value in kinds(shown["schema"], row):
            filled |= {where} if value is not None else set()
            typed |= {where} if is_typed else set()
    assert filled == typed
