"""Invalid arguments are refused before any request, with the argument, its value and the allowed values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator

from airflow_provider_payments.operators.base import CreateOperator
from airflow_provider_payments.operators.connections import (
    CreateBaseConnectionOperator,
    CreateDatasetBaseConnectionOperator,
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
    FindBaseConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator, FindDatasetOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.profiles import CreateIdentityOperator
from airflow_provider_payments.operators.schemas import (
    CreateAdHocSchemaOperator,
    CreateTargetSchemaOperator,
    FindSchemaOperator,
)
from tests.conftest import Emulator
from tests.operators.chain import ARGUMENTS, run

TABLE_SPEC = {
    "id": "spec",
    "name": "CRMToAEP",
    "transformations": ["Copy", "Mapping"],
    "schedule_schema": {"properties": {"startTime": {}, "frequency": {}}},
}
REST_SPEC = {"id": "spec", "name": "RestStorageToAEP", "transformations": ["Mapping"]}
ONCE = {"frequency": "once", "interval": None, "delta_column": None}
Row = tuple[str, dict[str, Any], tuple[str, ...]]


def refused(operator: type[BaseOperator], *rows: Row) -> list[Any]:
    """Return a case for each row: a description, the wrong arguments, and parts of the expected message."""
    return [pytest.param(operator, changes, parts, id=f"{operator.__name__}: {what}") for what, changes, parts in rows]


SCHEDULE: list[Row] = [
    ("minute interval under 15", {"interval": 14}, ("interval=14", "15 or more", "'minute'")),
    ("minute interval under 15 as text", {"interval": "14"}, ("interval=14", "15 or more")),
    ("hour interval of 0", {"frequency": "hour", "interval": 0}, ("interval=0", "1 or more", "'hour'")),
    ("no interval", {"frequency": "day", "interval": None}, ("interval=None", "1 or more", "'day'")),
    ("broken interval", {"interval": 15.5}, ("interval=15.5", "whole number")),
    ("interval with once", ONCE | {"interval": 30}, ("interval=30", "'once'")),
    ("backfill with once", ONCE | {"backfill": False}, ("backfill=False", "'once'")),
    ("unknown frequency", {"frequency": "month"}, ("frequency='month'", "once, minute, hour, day, week")),
    ("naive start time", {"start_time": "2030-01-01T00:00:00"}, ("start_time='2030-01-01T00:00:00'", "timezone")),
    (
        "start time in digits",
        {"start_time": "20300101"},
        ("start_time='20300101'", "timezone", "2030-01-01T00:00:00+00:00"),
    ),
    ("end time in milliseconds", {"end_time": 1893456000000}, ("end_time=1893456000000", "milliseconds?")),
    ("unreadable start time", {"start_time": "tomorrow"}, ("start_time='tomorrow'", "ISO 8601", "epoch seconds")),
    (
        "end before start",
        {"start_time": "2030-01-02T00:00:00Z", "end_time": "2030-01-01T00:00:00Z"},
        ("end_time='2030-01-01T00:00:00+00:00'", "after start_time"),
    ),
    (
        "end time that the flow spec does not list",
        {"flow_spec": TABLE_SPEC, "end_time": "2030-01-01T00:00:00Z"},
        ("end_time='2030-01-01T00:00:00+00:00'", "flow spec", "endTime"),
    ),
    ("delay of a month", {"start_delay": "P1M"}, ("start_delay='P1M'", "without years and months")),
    ("negative delay", {"start_delay": -1}, ("start_delay=-1", "0 or more")),
    ("backfill that is no boolean", {"backfill": "maybe"}, ("backfill='maybe'", "true or false")),
]
DATAFLOW: list[Row] = [
    ("delta column with once", ONCE | {"delta_column": "Create_Time"}, ("delta_column='Create_Time'", "'once'")),
    (
        "no delta column for a table",
        {"flow_spec": TABLE_SPEC, "delta_column": None},
        ("delta_column=None", "required for a table", "'once'"),
    ),
    (
        "delta column for a REST resource",
        {"flow_spec": REST_SPEC},
        ("delta_column='Create_Time'", "'RestStorageToAEP'", "no tables"),
    ),
    (
        "delta column that is not among the columns",
        {"source_columns": ["Product_Id", "Type"]},
        ("delta_column='Create_Time'", "Product_Id, Type"),
    ),
    ("delta column of unknown keys", {"delta_column": {"column": "x"}}, ("delta_column=['column']", "dateFormat")),
    ("negative tolerance", {"partial_ingestion_percent": -1}, ("partial_ingestion_percent=-1", "0 to 100")),
    ("too much tolerance", {"partial_ingestion_percent": "101"}, ("partial_ingestion_percent=101", "0 to 100")),
    (
        "tolerance without diagnostics",
        {"partial_ingestion_percent": 5, "error_diagnostics": False},
        ("error_diagnostics=False", "always turns"),
    ),
    ("no flow spec", {"flow_spec": {"name": "CRMToAEP"}}, ("flow_spec={'name': 'CRMToAEP'}", "FindFlowSpecOperator")),
    ("absent source connection", {"source_connection_id": "None"}, ("source_connection_id='None'", "given")),
    ("empty target connection", {"target_connection_id": ""}, ("target_connection_id=''", "given")),
    ("no mapping set", {"mapping_set_id": None}, ("mapping_set_id=None", "given")),
    ("version that is no number", {"mapping_set_version": "v1"}, ("mapping_set_version='v1'", "whole number")),
]
SOURCE: list[Row] = [
    ("unknown format", {"data_format": "avro"}, ("data_format='avro'", "tabular, delimited, json, parquet")),
    ("unknown source", {"source": "adyen"}, ("source='adyen'", "paypal, square, stripe")),
    ("no source", {"source": None}, ("source=None", "paypal, square, stripe", "connection_spec_id")),
    ("absent source", {"source": "None"}, ("source='None'", "paypal, square, stripe")),
    (
        "neither source nor spec once rendered",
        {"source": None, "connection_spec_id": "None"},
        ("source=None", "paypal, square, stripe"),
    ),
    ("no format of a path", {"table": None, "columns": None, "path": "a.csv"}, ("data_format=None", "delimited, json")),
    ("table and path", {"path": "a.csv", "data_format": "json"}, ("a.csv", "exactly one of table, path, resource")),
    ("table of Stripe's", {"source": "stripe"}, ("table='PayPal.Catalog_Products'", "Stripe", "resource_path")),
    (
        "REST resource of PayPal's",
        {"table": None, "columns": None, "resource_path": "orders"},
        ("resource_path='orders'", "PayPal offers tables"),
    ),
    ("neither table nor path", {"table": None, "columns": None}, ("table=None", "exactly one of")),
    ("table as json", {"data_format": "json"}, ("data_format='json'", "'tabular'")),
    (
        "REST resource as table",
        {"source": "stripe", "table": None, "columns": None, "resource_path": "charges", "data_format": "tabular"},
        ("data_format='tabular'", "'json'"),
    ),
    ("a column twice", {"columns": ["Id", "Id"]}, ("columns=['Id', 'Id']", "only once")),
    ("column without name", {"columns": [{"type": "string"}]}, ("columns={'type': 'string'}", "name")),
    ("columns that are no JSON", {"columns": "Id, Name"}, ("columns='Id, Name'", "JSON")),
    (
        "columns of a file",
        {"table": None, "path": "a.csv", "data_format": "delimited"},
        ("columns=", "require a table"),
    ),
    ("no base connection", {"base_connection_id": None}, ("base_connection_id=None", "given")),
]
MAPPING: list[Row] = [
    ("no mappings", {"mappings": []}, ("mappings=[]", "at least one")),
    ("no mappings as text", {"mappings": "{}"}, ("mappings=", "at least one")),
    ("mappings that are no JSON", {"mappings": "a to b"}, ("mappings='a to b'", "JSON")),
    (
        "two mappings for one destination",
        {"mappings": [{"source": "a", "destination": "_id"}, {"source": "b", "destination": "_id"}]},
        ("mappings.destination='_id'", "only once"),
    ),
    (
        "two mappings for one destination of the tenant's",
        {"mappings": {"_{TENANT_ID}.name": "a", "_acme.name": "b"}, "tenant_id": "acme"},
        ("mappings.destination='_acme.name'", "only once"),
    ),
    (
        "mapped column that is not among the columns",
        {"source_columns": ["Product_Id", "Create_Time"]},
        ("mappings.source='Product_Name'", "Product_Id, Create_Time"),
    ),
    ("no source", {"mappings": [{"destination": "_id"}]}, ("mappings.source=None", "given")),
    ("source that is blank", {"mappings": {"_id": " "}}, ("mappings.source=' '", "given")),
    ("source that is a number", {"mappings": [{"source": 5, "destination": "_id"}]}, ("mappings.source=5", "as text")),
    ("unknown key", {"mappings": [{"source": "a", "target": "b"}]}, ("mappings=['target']", "source, destination")),
    (
        "unknown source type",
        {"mappings": [{"source": "a", "destination": "b", "source_type": "SQL"}]},
        ("mappings.source_type='SQL'", "ATTRIBUTE, EXPRESSION, STATIC"),
    ),
    (
        "expression in the legacy dialect",
        {"mappings": [{"source": "a", "destination": "b", "sourceType": "EXPRESSION"}], "dialect": "legacy"},
        ("mappings.source_type='EXPRESSION'", "legacy"),
    ),
    ("unknown dialect", {"dialect": "modern"}, ("dialect='modern'", "current, legacy")),
    ("no schema", {"schema_id": "None"}, ("schema_id='None'", "given")),
]
SCHEMA: list[Row] = [
    ("unknown type", {"fields": {"a": "varchar"}}, ("fields.a='varchar'", "string, integer, number, boolean")),
    ("field with a bad name", {"fields": {"a-b": "string"}}, ("fields='a-b'", "letters, digits and underscores")),
    ("field that begins with an underscore", {"fields": {"a._b": "string"}}, ("fields='a._b'", "none of which begins")),
    (
        "field of a JSON schema with a hyphen",
        {"fields": {"a": {"type": "object", "properties": {"b-c": {"type": "string"}}}}},
        ("fields.a.properties='b-c'", "letters, digits and underscores"),
    ),
    ("field inside a value", {"fields": {"a": "string", "a.b": "string"}}, ("fields='a.b'", "cannot contain")),
    ("fields that are a list", {"fields": '["a"]'}, ("fields=['a']", "object")),
]
CASES = [
    *refused(CreateDataflowOperator, *SCHEDULE, *DATAFLOW),
    *refused(CreateSourceConnectionOperator, *SOURCE),
    *refused(CreateMappingSetOperator, *MAPPING),
    *refused(CreateTargetSchemaOperator, *SCHEMA, ("no class", {"class_id": ""}, ("class_id=''", "given"))),
    *refused(CreateAdHocSchemaOperator, *SCHEMA, ("no fields", {"fields": {}}, ("fields={}", "at least one"))),
    *refused(
        CreateTargetConnectionOperator,
        (
            "target spec that is not the data lake's",
            {"connection_spec_id": "221c7626"},
            ("connection_spec_id='221c7626'", "c604ff05-7f1a-43c0-8e18-33bf874cb11c"),
        ),
        ("no dataset", {"dataset_id": None}, ("dataset_id=None", "given")),
    ),
    *refused(
        CreateTargetDatasetOperator,
        ("tag that is no list", {"tags": {"a": "b"}}, ("tags.a='b'", "list of texts")),
        ("no schema", {"schema_id": ""}, ("schema_id=''", "given")),
    ),
    *refused(
        CreateBaseConnectionOperator,
        ("no source", {"source": ""}, ("source=''", "paypal, square, stripe")),
        ("unknown source", {"source": "adyen"}, ("source='adyen'", "paypal, square, stripe")),
    ),
    *refused(
        FindFlowSpecOperator,
        ("unknown source", {"source": "Adyen"}, ("source='Adyen'", "paypal, square, stripe")),
        ("no source", {"source": None}, ("source=None", "paypal, square, stripe", "name")),
        ("neither source nor name once rendered", {"source": "None", "name": "None"}, ("source=None", "stripe")),
        ("choice that is none", {"any_source": "perhaps"}, ("any_source='perhaps'", "true or false")),
    ),
    *(
        case
        for operator in ARGUMENTS
        if issubclass(operator, CreateOperator) and operator is not CreateIdentityOperator
        for case in refused(
            operator,
            ("no name", {"name": ""}, ("name=''", "1 to 100 characters")),
            ("name that a filter misreads", {"name": "a,b"}, ("name='a,b", "none of , ! *")),
            ("unknown if_exists", {"if_exists": "replace"}, ("if_exists='replace'", "reuse, update, fail")),
            ("extra that is no object", {"extra": "[1]"}, ("extra=[1]", "object")),
        )
    ),
    *refused(
        CreateIdentityOperator,
        ("no name", {"name": ""}, ("name=''", "it must be given")),
        ("path with an open end", {"name": "/_acme/"}, ("name='/_acme/'", "does not end with one")),
        ("no namespace", {"namespace": ""}, ("namespace=''", "as an id")),
        ("broken primary", {"primary": "maybe"}, ("primary='maybe'", "true or false")),
        ("unknown if_exists", {"name": "_id", "if_exists": "replace"}, ("if_exists='replace'", "reuse, update, fail")),
    ),
    *(
        case
        for operator in (FindBaseConnectionOperator, FindDatasetOperator, FindSchemaOperator)
        for case in refused(operator, ("no name", {"name": ""}, ("name=''", "it must be given")))
    ),
    *refused(FindBaseConnectionOperator, ("unknown source", {"source": "adyen"}, ("source='adyen'", "paypal, square"))),
    *refused(FindDatasetOperator, ("broken schema", {"schema_id": "a b"}, ("schema_id='a b'", "as an id"))),
    *(
        case
        for operator in (CreateDatasetBaseConnectionOperator, CreateTargetSchemaOperator, CreateDataflowOperator)
        for case in refused(
            operator,
            (
                "extra that contradicts an argument",
                {"description": "ours", "extra": {"description": "theirs"}},
                ("extra.description='theirs'", "set by its own argument"),
            ),
        )
    ),
]


@pytest.mark.parametrize(("operator", "changes", "parts"), CASES)
def test_bad_input_is_refused_before_any_request(
    connected: Emulator,
    connect_vendor: Callable[..., None],
    operator: type[BaseOperator],
    changes: dict[str, Any],
    parts: tuple[str, ...],
) -> None:
    connect_vendor(host="api.sandbox.paypal.com", login="client", password="secret")
    with pytest.raises(AirflowFailException) as refusal:
        run(operator, **changes)
    assert [part for part in parts if part not in str(refusal.value)] == []
    assert connected.requests() == []


@pytest.mark.parametrize("operator", ARGUMENTS, ids=lambda operator: operator.__name__)
def test_a_platform_url_without_tls_is_refused_by_every_operator(
    emulator: Emulator, connect: Callable[..., None], connect_vendor: Callable[..., None], operator: type[BaseOperator]
) -> None:
    connect_vendor(host="api.sandbox.paypal.com", login="client", password="secret")
    connect("http://platform.example.com", ims_url=emulator.url)
    with pytest.raises(AirflowFailException, match=r"host='http://platform\.example\.com'.*https://"):
        run(operator)
    assert emulator.requests() == []
