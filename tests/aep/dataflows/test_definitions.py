"""Definitions as values: YAML and Python give the same values, with the same checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.dataflows.definition import (
    Connection,
    Dataset,
    Definition,
    DeltaColumn,
    Schedule,
    Schema,
    Source,
)
from airflow_provider_payments.aep.dataflows.json_schema import definition_schema, project_schema
from airflow_provider_payments.aep.dataflows.layers import Variables, merged
from airflow_provider_payments.aep.dataflows.members import read_value
from airflow_provider_payments.aep.dataflows.problems import Place, Problem
from airflow_provider_payments.aep.dataflows.yamlfile import Node, read_yaml
from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.resources.data_prep import FieldMapping
from tests.aep.dataflows.any_definition import definitions
from tests.aep.dataflows.files import TEN_LINES, only_definition, write_files
from tests.any_json import ANY_JSON


def read(text: str) -> Definition | None:
    problems: list[Problem] = []
    node = read_yaml(text.encode(), "f.yaml", problems)
    assert node is not None, problems
    members = {name: member for name, member in node.members.items() if name != "version"}
    return read_value(Definition, Variables({}).fill(Node(members, node.place), problems), problems)


def test_the_ten_line_file_equals_a_python_value(tmp_path: Path) -> None:
    definition = Definition(
        name="PayPal catalog products",
        source=Source(vendor="paypal", connection="PayPal connection", table="PayPal.Catalog_Products"),
        mappings={
            "_id": "Product_Id",
            "product.name": "Product_Name",
            "product.type": "Type",
            "product.createTime": "Create_Time",
        },
        delta_column="Create_Time",
        schedule="every 30 minutes",
    )
    assert only_definition(write_files(tmp_path, f=TEN_LINES)) == definition
    assert read(definition.to_yaml()) == definition
    assert "every 30 minutes" in definition.to_yaml()


def test_parts_without_a_name_are_named_after_the_dataflow() -> None:
    definition = read(TEN_LINES)
    assert definition is not None
    assert (definition.schema_title, definition.dataset_name) == ("PayPal catalog products",) * 2
    assert definition.field_group_title == "PayPal catalog products - fields"
    assert definition.flow_spec == "CRMToAEP"
    referring = read(f"{TEN_LINES}schema: Payments\ndataset: Payments\n")
    assert referring is not None
    assert (referring.schema_title, referring.field_group_title, referring.dataset_name) == (None, None, None)


def test_a_destination_without_a_prefix_is_a_custom_field() -> None:
    text = TEN_LINES.replace(
        "  _id:", '  "xdm:person.name": Name\n  _x.y: {value: ""}\n  z: {expression: trim(A)}\n  _id:'
    )
    definition = read(text)
    assert definition is not None
    assert definition.mappings[:4] == (
        FieldMapping("Name", "person.name"),
        FieldMapping("", "_x.y", "STATIC"),
        FieldMapping("trim(A)", "_{TENANT_ID}.z", "EXPRESSION"),
        FieldMapping("Product_Id", "_id"),
    )
    assert read(definition.to_yaml()) == definition


def test_a_wrong_python_value_is_refused_like_a_file() -> None:
    source = Source(vendor="stripe", connection=Connection(name="Stripe"), resource="charges")
    with pytest.raises(
        InvalidInputError, match="delta_column='created' is not allowed: leave it out with a `resource`"
    ):
        Definition(name="x", source=source, mappings={"_id": "id"}, delta_column="created", schedule="every day")
    with pytest.raises(InvalidInputError, match=r"vendor='strip' is not allowed: one of .*; did you mean 'stripe'"):
        Source(vendor="strip", connection="Stripe", resource="charges")


def test_a_definition_is_written_in_its_shortest_form() -> None:
    definition = Definition(
        name="Square EU",
        previous_names=["Square"],
        source=Source(vendor="square", connection=Connection(id="abc"), table="Square.Payments"),
        schema=Schema(class_="event", fields={"payment.at": "date-time"}),
        dataset=Dataset(tags={"team": ["finance"]}),
        mappings={"_id": "Id"},
        delta_column=DeltaColumn(name="At", timezone="UTC"),
        schedule=Schedule(every="1 hour", backfill=False),
        tolerance="5%",
        enabled=False,
    )
    assert definition.to_yaml() == """\
version: 1
name: Square EU
previous_names:
  - Square
enabled: false
source:
  vendor: square
  connection:
    id: abc
  table: Square.Payments
schema:
  class: event
  fields:
    payment.at: date-time
dataset:
  tags:
    team:
      - finance
mappings:
  _id: Id
delta_column:
  name: At
  timezone: UTC
schedule:
  every: 1 hour
  backfill: false
tolerance: 5%
"""  # fmt: skip


def test_empty_defaults_are_not_written() -> None:
    source = Source(vendor="stripe", connection="Stripe", resource="charges")
    definition = Definition(name="x", source=source, dataset=Dataset(name="y"), mappings={"_id": "id"})
    assert definition.to_yaml().endswith("dataset:\n  name: y\nmappings:\n  _id: id\n")


@settings(max_examples=40)
@given(definitions())
def test_any_written_definition_reads_back_unchanged(definition: Definition) -> None:
    assert read(definition.to_yaml()) == definition


@settings(max_examples=60)
@given(definitions(), definitions())
def test_any_definition_written_for_any_defaults_reads_back_unchanged(
    definition: Definition, other: Definition
) -> None:
    defaults = {name: value for name, value in plain(other).items() if name != "name"}
    written = read_yaml(definition.to_yaml(defaults).encode(), "f.yaml", [])
    assert written is not None
    members = {name: member for name, member in written.members.items() if name != "version"}
    problems: list[Problem] = []
    above = Variables({}).fill(merged(nodes(defaults), Node(members, written.place)), problems)
    assert (read_value(Definition, above, problems), problems) == (definition, [])
    assert list(VALIDATOR.iter_errors(written.plain)) == []


VALIDATOR = jsonschema.Draft7Validator(definition_schema())


@settings(max_examples=40)
@given(definitions())
def test_the_published_schema_accepts_any_definition(definition: Definition) -> None:
    node = read_yaml(definition.to_yaml().encode(), "f.yaml", [])
    assert node is not None
    assert list(VALIDATOR.iter_errors(node.plain)) == []


#: Any JSON value that a file can contain.
ANYTHING = ANY_JSON.filter(lambda value: "Infinity" not in (text := json.dumps(value)) and "NaN" not in text)


@settings(max_examples=60)
@given(definitions(), st.data())
def test_any_member_gives_problems_or_a_value_that_the_schema_accepts(
    definition: Definition, data: st.DataObject
) -> None:
    members: dict[str, Any] = {**plain(definition), data.draw(st.sampled_from(MEMBERS)): data.draw(ANYTHING)}
    node, problems = nodes(members), []
    found = read_value(Definition, node, problems)
    assert found or problems
    if not problems:
        assert list(VALIDATOR.iter_errors(members)) == []


MEMBERS = sorted(definition_schema()["definitions"]["Definition"]["properties"])


def plain(definition: Definition) -> dict[str, Any]:
    node = read_yaml(definition.to_yaml().encode(), "f.yaml", [])
    assert node is not None
    return {name: value for name, value in node.plain.items() if name != "version"}


def nodes(value: Any) -> Node:
    """Return nodes of plain values, all with the same place."""
    place = Place("f.yaml")
    if isinstance(value, dict):
        return Node({name: nodes(inner) for name, inner in value.items()}, place)
    return Node([nodes(inner) for inner in value] if isinstance(value, list) else value, place)


@pytest.mark.parametrize("schema", [definition_schema(), project_schema()])
def test_the_published_schemas_are_valid_and_describe_each_member(schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)
    for shape in schema["definitions"].values():
        assert all(member["description"] for member in shape["properties"].values())


@pytest.mark.parametrize(
    ("document", "is_valid"),
    [
        ({"version": 1, "name": "x", "schedule": "every ${var.pace}", "enabled": "${var.on}"}, True),
        ({"version": 1, "defaults": {"tolerance": "5%"}, "dataflows": [{"name": "x"}]}, True),
        ({"version": 2}, False),
        ({"source": {"conection": "x"}}, False),
        ({"source": {"vendor": "paypall"}}, False),
        ({"enabled": "yes"}, False),
        ({"mappings": {"a": {"column": "A"}}}, False),
    ],
)
def test_the_schema_refuses_wrong_files_and_accepts_variables_anywhere(
    document: dict[str, Any], is_valid: bool
) -> None:
    assert VALIDATOR.is_valid(document) is is_valid
