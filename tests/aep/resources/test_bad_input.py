"""Arguments that are refused when a resource is built, before any request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.resources.catalog import Dataset
from airflow_provider_payments.aep.resources.data_prep import MappingSet
from airflow_provider_payments.aep.resources.dataflow import Dataflow, DeltaColumn
from airflow_provider_payments.aep.resources.flow_service import BaseConnection, SourceConnection, TargetConnection
from airflow_provider_payments.aep.resources.flow_specs import FlowSpec
from airflow_provider_payments.aep.resources.schedule import Schedule
from airflow_provider_payments.aep.resources.schema_registry import AdHocClass, FieldGroup, Schema
from airflow_provider_payments.aep.resources.sources import find_source
from tests.aep.chain import COLUMNS, CREDENTIAL, CRM_FLOW_SPEC, LAKE_SPEC, PAYPAL_SPEC, USUAL, value

REST = FlowSpec("rest", "RestStorageToAEP", transformations=("Mapping",))
NO_END = FlowSpec(CRM_FLOW_SPEC, transformations=("Copy", "Mapping"), schedule_schema={"properties": {"startTime": {}}})

REFUSED: dict[str, tuple[type[Resource], dict[str, Any], str, str]] = {
    "unknown format": (
        SourceConnection,
        {"data_format": "csv"},
        "data_format='csv'",
        "one of tabular, delimited, json, parquet, parquet_xdm",
    ),
    "table as JSON": (
        SourceConnection,
        {"data_format": "json"},
        "data_format='json'",
        "with table it must be 'tabular'",
    ),
    "REST as table": (
        SourceConnection,
        {"table": None, "resource_path": "charges", "data_format": "tabular"},
        "data_format='tabular'",
        "with resource_path it must be 'json'",
    ),
    "path without a format": (SourceConnection, {"table": None, "path": "/a"}, "data_format=None", "one of tabular"),
    "nothing to read": (SourceConnection, {"table": None}, "table=None", "exactly one of table, path, resource_path"),
    "two things to read": (SourceConnection, {"path": "/a"}, "table=", "exactly one of table, path, resource_path"),
    "no base connection": (SourceConnection, {"base_connection_id": "None"}, "base_connection_id='None'", "be given"),
    "columns of a path": (
        SourceConnection,
        {"table": None, "path": "/a", "data_format": "json", "columns": ["x"]},
        "columns=['x']",
        "they need a table",
    ),
    "a column twice": (SourceConnection, {"columns": ["x", "x"]}, "columns=['x', 'x']", "once"),
    "a column of an odd type": (SourceConnection, {"columns": [{"name": "x", "xdm": "x"}]}, "columns.xdm='x'", "JSON"),
    "a column of no type": (SourceConnection, {"columns": [{"name": "x", "type": 5}]}, "columns.type=5", "text"),
    "a column without name": (SourceConnection, {"columns": [{"type": "string"}]}, "columns={'type'", "a name"),
    "target spec of the source": (
        TargetConnection,
        {"spec_id": PAYPAL_SPEC},
        f"connection_spec_id='{PAYPAL_SPEC}'",
        f"only the data lake's, {LAKE_SPEC}",
    ),
    "no dataset": (TargetConnection, {"dataset_id": ""}, "dataset_id=''", "must be given"),
    "no schema": (Dataset, {"schema_id": None}, "schema_id=None", "must be given"),
    "tag that is no list": (Dataset, {"tags": {"unifiedProfile": "x"}}, "tags.unifiedProfile='x'", "a list of texts"),
    "empty mapping": (MappingSet, {"mappings": {}}, "mappings=[]", "at least one mapping"),
    "empty mapping as text": (MappingSet, {"mappings": "[]"}, "mappings=[]", "at least one mapping"),
    "two mappings for one destination": (
        MappingSet,
        {"mappings": [{"source": "a", "destination": "x"}, {"source": "b", "destination": "x"}]},
        "mappings.destination='x'",
        "each destination only once",
    ),
    "mapped column that is not there": (
        MappingSet,
        {"mappings": {"product.type": "Type"}, "source_columns": ["Product_Id", "Product_Name"]},
        "mappings.source='Type'",
        "one of the source's columns: Product_Id, Product_Name",
    ),
    "mapping without source": (MappingSet, {"mappings": [{"destination": "x"}]}, "mappings.source=None", "be given"),
    "mapping of an unknown type": (
        MappingSet,
        {"mappings": [{"source": "a", "destination": "x", "sourceType": "XPATH"}]},
        "mappings.source_type='XPATH'",
        "one of ATTRIBUTE, EXPRESSION, STATIC",
    ),
    "mapping with an unknown key": (
        MappingSet,
        {"mappings": [{"source": "a", "destination": "x", "sorce": "y"}]},
        "mappings=['sorce']",
        "known keys are source, destination",
    ),
    "expression in the old dialect": (
        MappingSet,
        {"mappings": [{"source": "trim(a)", "destination": "x", "source_type": "EXPRESSION"}], "dialect": "legacy"},
        "mappings.source_type='EXPRESSION'",
        "ATTRIBUTE only",
    ),
    "unknown dialect": (MappingSet, {"dialect": "modern"}, "dialect='modern'", "one of current, legacy"),
    "delta column with once": (
        Dataflow,
        {"schedule": Schedule()},
        "delta_column='Create_Time'",
        "leave it out with frequency 'once'",
    ),
    "table without delta column": (
        Dataflow,
        {"delta_column": None},
        "delta_column=None",
        "a table source needs one on any schedule but 'once'",
    ),
    "delta column that is not there": (
        Dataflow,
        {"delta_column": DeltaColumn("updatedAt"), "source_columns": COLUMNS},
        "delta_column='updatedAt'",
        f"one of the source's columns: {', '.join(COLUMNS)}",
    ),
    "delta column of a REST source": (Dataflow, {"flow_spec": REST}, "delta_column='Create_Time'", "reads no tables"),
    "end that the flow spec does not list": (
        Dataflow,
        {"flow_spec": NO_END, "schedule": Schedule("minute", 15, end_time=datetime(2100, 1, 1, tzinfo=UTC))},
        "end_time='2100-01-01T00:00:00+00:00'",
        "does not list endTime",
    ),
    "-1 percent": (Dataflow, {"partial_ingestion_percent": -1}, "partial_ingestion_percent=-1", "0 to 100"),
    "101 percent": (Dataflow, {"partial_ingestion_percent": "101"}, "partial_ingestion_percent=101", "0 to 100"),
    "partial without diagnostics": (
        Dataflow,
        {"partial_ingestion_percent": 5, "error_diagnostics": "false"},
        "error_diagnostics=False",
        "partial ingestion turns diagnostics on",
    ),
    "no mapping set": (Dataflow, {"mapping_set_id": "None"}, "mapping_set_id='None'", "must be given"),
    "no fields": (FieldGroup, {"fields": {}}, "fields={}", "at least one field"),
    "unknown type": (FieldGroup, {"fields": {"a.b": "text"}}, "fields.a.b='text'", "one of string, integer, number"),
    "field name with a blank": (FieldGroup, {"fields": {"a b": "string"}}, "fields='a b'", "letters, digits"),
    "field below a field": (
        AdHocClass,
        {"fields": {"a": "string", "a.b": "string"}},
        "fields='a.b'",
        "cannot contain other fields",
    ),
    "no class": (Schema, {"class_id": ""}, "class_id=''", "must be given"),
    "field group without id": (Schema, {"field_groups": [""]}, "field_groups=''", "must be given"),
    "vendor's secret missing": (
        BaseConnection,
        {"credential": {"host": "h", "clientId": "c", "clientSecret": ""}},
        "credential=['clientId', 'clientSecret', 'host']",
        "clientSecret must be set",
    ),
}


@pytest.mark.parametrize(("kind", "given", "named", "allowed"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_with_field_value_and_allowed_values(
    kind: type[Resource], given: dict[str, Any], named: str, allowed: str
) -> None:
    assert value(kind), "the usual arguments are right"
    with pytest.raises(InvalidInputError) as refused:
        value(kind, **given)
    assert str(refused.value).startswith(named)
    assert allowed in str(refused.value)


@pytest.mark.parametrize("kind", USUAL, ids=lambda kind: kind.kind.name)
def test_a_name_that_filters_would_misread_is_refused_for_every_kind(kind: type[Resource]) -> None:
    with pytest.raises(InvalidInputError, match="name='a, b' is not allowed: 1 to 100 characters"):
        value(kind, name="a, b")


@pytest.mark.parametrize("name", ["venmo", "", None], ids=repr)
def test_an_unknown_source_is_refused(name: object) -> None:
    with pytest.raises(InvalidInputError, match=f"source={name!r} is not allowed: one of paypal, square, stripe"):
        find_source(name)


def test_a_source_is_found_regardless_of_case() -> None:
    assert find_source("PayPal").spec_id == PAYPAL_SPEC


def test_an_unknown_key_of_a_delta_column_is_refused() -> None:
    """The tables of the tutorials misspell this key, so the mistake is likely."""
    with pytest.raises(InvalidInputError, match=r"delta_column=\['dateFormt'\].*known keys are name, dateFormat"):
        DeltaColumn.parse({"name": "Create_Time", "dateFormt": "YYYY"})


def test_a_vendors_secret_is_in_neither_repr_nor_error() -> None:
    assert "vendor-secret" not in repr(value(BaseConnection))
    with pytest.raises(InvalidInputError) as refused:
        value(BaseConnection, credential=CREDENTIAL | {"host": ""})
    assert "vendor-secret" not in str(refused.value)
