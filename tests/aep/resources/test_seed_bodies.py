"""
The request bodies of the tutorials, from the oldest to the newest, as this package sends them.

If a tutorial contradicts itself or the live service, the body here is the one that works: the data lake's spec for the
target, the mapping version as text, integers in the schedule and a start in the future, no repeated reference, no stray
brace. The emulator refuses most of these requests, because their ids are those of the tutorials; the tests compare only
the bodies that it received.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.resources.catalog import Dataset
from airflow_provider_payments.aep.resources.data_prep import MappingSet
from airflow_provider_payments.aep.resources.dataflow import Dataflow, DeltaColumn
from airflow_provider_payments.aep.resources.flow_service import (
    BaseConnection,
    DatasetBaseConnection,
    SourceConnection,
    TargetConnection,
)
from airflow_provider_payments.aep.resources.flow_specs import FlowSpec, find_flow_spec
from airflow_provider_payments.aep.resources.schedule import Schedule
from airflow_provider_payments.aep.resources.schema_registry import AdHocClass, Schema
from airflow_provider_payments.aep.resources.sources import SOURCES
from tests.aep.chain import CRM_FLOW_SPEC, LAKE_SPEC, PAYPAL_SPEC, PROFILE, TABLE
from tests.conftest import PAYPAL, Emulator

SCHEMA = "https://ns.adobe.com/{TENANT_ID}/schemas/14d89c5bb88e2ff488f23db896be469e7e30bb166bda8722"
AD_HOC_SCHEMA = "https://ns.adobe.com/{TENANT_ID}/schemas/396f583b57577b2f2fca79c2cb88e9254992f5fa70ce5f1a"
PERSON = "https://ns.adobe.com/xdm/context/profile-person-details"
PERSONAL = "https://ns.adobe.com/xdm/context/profile-personal-details"
AD_HOC_VERSION = "application/vnd.adobe.xed-full-notext+json; version=1"
DATASET = "5e8918669cbbee18ad9771f3"
LAKE_CONNECTION = "72c47da8-c225-40c0-847d-a8c22550c01b"
COLUMNS = [
    {"name": "Product_Id", "type": "string", "xdm": {"type": "string"}},
    {"name": "Product_Name", "type": "string", "xdm": {"type": "string"}},
    {"name": "Description", "type": "string", "xdm": {"type": "string"}},
    {
        "name": "Create_Time",
        "type": "string",
        "meta:xdmType": "date-time",
        "xdm": {"type": "string", "format": "date-time"},
    },
]
MAPPED = {
    "_id": "Product_Id",
    "product.name": "Product_Name",
    "product.description": "Description",
    "product.type": "Type",
}


def path_source(name: str, data_format: str) -> SourceConnection:
    """Return a source connection with a table as its path and an ad-hoc schema, as in the older tutorials."""
    return SourceConnection(
        name=name,
        description="Paypal",
        base_connection_id=PAYPAL,
        spec_id=PAYPAL_SPEC,
        data_format=data_format,
        path=TABLE,
        schema_id=AD_HOC_SCHEMA,
    )


def path_source_body(data_format: str) -> dict[str, Any]:
    return {
        "name": "Paypal source connection",
        "baseConnectionId": PAYPAL,
        "description": "Paypal",
        "data": {"format": data_format, "schema": {"id": AD_HOC_SCHEMA, "version": AD_HOC_VERSION}},
        "params": {"path": TABLE},
        "connectionSpec": {"id": PAYPAL_SPEC, "version": "1.0"},
    }


TARGET: dict[str, Any] = {"name": "Target Connection for payments", "description": "Target Connection for payments"}
TARGET_BODY: dict[str, Any] = {
    **TARGET,
    "data": {"schema": {"id": SCHEMA, "version": "application/vnd.adobe.xed-full+json;version=1"}},
    "params": {"dataSetId": DATASET},
    "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"},
}

SENT: dict[str, tuple[Resource, str, dict[str, Any]]] = {
    "newest: source connection": (
        SourceConnection(
            name="PayPal source connection",
            description="PayPal source connection",
            base_connection_id=PAYPAL,
            spec_id=PAYPAL_SPEC,
            table=TABLE,
            columns=tuple(COLUMNS),
        ),
        "/sourceConnections",
        {
            "name": "PayPal source connection",
            "baseConnectionId": PAYPAL,
            "description": "PayPal source connection",
            "data": {"format": "tabular"},
            "params": {"tableName": TABLE, "columns": COLUMNS},
            "connectionSpec": {"id": PAYPAL_SPEC, "version": "1.0"},
        },
    ),
    "older: source connection": (
        path_source("Paypal source connection", "tabular"),
        "/sourceConnections",
        path_source_body("tabular"),
    ),
    "oldest: source connection": (
        path_source("Paypal source connection", "parquet_xdm"),
        "/sourceConnections",
        path_source_body("parquet_xdm"),
    ),
    "older: schema": (
        Schema(
            name="Target schema for payments",
            description="Target schema for payments",
            field_groups=(PERSON, PERSONAL, PERSONAL),
            extra={
                "meta:containerId": "tenant",
                "meta:resourceType": "schemas",
                "meta:xdmType": "object",
                "meta:class": PROFILE,
            },
        ),
        "/tenant/schemas",
        {
            "type": "object",
            "title": "Target schema for payments",
            "description": "Target schema for payments",
            "allOf": [{"$ref": PROFILE}, {"$ref": PERSON}, {"$ref": PERSONAL}],
            "meta:containerId": "tenant",
            "meta:resourceType": "schemas",
            "meta:xdmType": "object",
            "meta:class": PROFILE,
        },
    ),
    "older: ad-hoc class": (
        AdHocClass(
            name="Products class", description="Columns", fields={"Product_Id": "string", "Create_Time": "date-time"}
        ),
        "/tenant/classes",
        {
            "type": "object",
            "title": "Products class",
            "description": "Columns",
            "allOf": [
                {"$ref": "https://ns.adobe.com/xdm/data/adhoc"},
                {
                    "properties": {
                        "_adhoc": {
                            "type": "object",
                            "properties": {
                                "Product_Id": {"type": "string"},
                                "Create_Time": {"type": "string", "format": "date-time"},
                            },
                        }
                    }
                },
            ],
        },
    ),
    "older: ad-hoc schema": (
        Schema(name="Products", description="Columns", class_id="https://ns.adobe.com/{TENANT_ID}/classes/1"),
        "/tenant/schemas",
        {
            "type": "object",
            "title": "Products",
            "description": "Columns",
            "allOf": [{"$ref": "https://ns.adobe.com/{TENANT_ID}/classes/1"}],
        },
    ),
    "older: dataset": (
        Dataset(name="Target dataset for payments", schema_id=SCHEMA, schema_version=AD_HOC_VERSION),
        "/dataSets",
        {"name": "Target dataset for payments", "schemaRef": {"id": SCHEMA, "contentType": AD_HOC_VERSION}},
    ),
    "oldest: dataset base connection": (
        DatasetBaseConnection(name="Base connection for payments", description="Data lake"),
        "/connections",
        {
            "name": "Base connection for payments",
            "description": "Data lake",
            "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"},
        },
    ),
    "newest and older: target connection": (
        TargetConnection(**TARGET, dataset_id=DATASET, schema_id=SCHEMA),
        "/targetConnections",
        TARGET_BODY,
    ),
    "oldest: target connection": (
        TargetConnection(
            **TARGET,
            dataset_id=DATASET,
            schema_id=SCHEMA,
            base_connection_id=LAKE_CONNECTION,
            data_format="parquet_xdm",
        ),
        "/targetConnections",
        {
            **TARGET_BODY,
            "baseConnectionId": LAKE_CONNECTION,
            "data": {"format": "parquet_xdm", "schema": TARGET_BODY["data"]["schema"]},
        },
    ),
    "all: mapping set": (
        MappingSet(name="not sent", schema_id=SCHEMA, mappings=MAPPED, dialect="legacy"),  # type: ignore[arg-type]
        "/mappingSets",
        {
            "version": 0,
            "xdmSchema": SCHEMA,
            "xdmVersion": "1.0",
            "id": None,
            "mappings": [
                {
                    "destinationXdmPath": destination,
                    "sourceAttribute": source,
                    "identity": False,
                    "identityGroup": None,
                    "namespaceCode": None,
                    "version": 0,
                }
                for destination, source in MAPPED.items()
            ],
        },
    ),
    "all: dataflow": (
        Dataflow(
            name="Dataflow between payments Platform",
            description="Inbound data to Platform",
            flow_spec=FlowSpec(CRM_FLOW_SPEC),
            source_connection_id="2c48a152-3d49-43cb-88a1-523d49e3cbcb",
            target_connection_id="c8e12917-ac33-44d7-a129-17ac3364d7b7",
            mapping_set_id="b54a8dc38e8d4e31a2dc096e413ae8e5",
            delta_column=DeltaColumn("updatedAt", "YYYY-MM-DD", "UTC"),
            schedule=Schedule(frequency="minute", interval=30, start_time=datetime(2100, 1, 1, tzinfo=UTC)),
        ),
        "/flows",
        {
            "name": "Dataflow between payments Platform",
            "description": "Inbound data to Platform",
            "flowSpec": {"id": CRM_FLOW_SPEC, "version": "1.0"},
            "sourceConnectionIds": ["2c48a152-3d49-43cb-88a1-523d49e3cbcb"],
            "targetConnectionIds": ["c8e12917-ac33-44d7-a129-17ac3364d7b7"],
            "transformations": [
                {
                    "name": "Copy",
                    "params": {
                        "deltaColumn": {"name": "updatedAt", "dateFormat": "YYYY-MM-DD", "timezone": "UTC"},
                    },
                },
                {
                    "name": "Mapping",
                    "params": {"mappingId": "b54a8dc38e8d4e31a2dc096e413ae8e5", "mappingVersion": "0"},
                },
            ],
            "scheduleParams": {"startTime": 4102444800, "frequency": "minute", "interval": 30},
        },
    ),
    "before all: base connection": (
        BaseConnection(
            name="PayPal base connection",
            source=SOURCES["paypal"],
            credential={"host": "api.sandbox.paypal.com", "clientId": "merchant", "clientSecret": "word"},
        ),
        "/connections",
        {
            "name": "PayPal base connection",
            "auth": {
                "specName": "Client-Id-Secret Based Authentication",
                # The emulator's log redacts secrets.
                "params": {"host": "api.sandbox.paypal.com", "clientId": "merchant", "clientSecret": "***"},
            },
            "connectionSpec": {"id": PAYPAL_SPEC, "version": "1.0"},
        },
    ),
}


@pytest.mark.parametrize(("resource", "path", "body"), SENT.values(), ids=SENT)
def test_a_tutorials_request_can_be_expressed(
    resource: Resource, path: str, body: dict[str, Any], client: Client, emulator: Emulator
) -> None:
    with suppress(RequestError):
        resource.create(client)
    assert emulator.posted(path) == [body]


def test_creating_a_dataset_requests_the_data_source(client: Client, emulator: Emulator) -> None:
    with suppress(RequestError):
        Dataset(name="d", schema_id=SCHEMA).create(client)
    (request,) = emulator.requests(method="POST", path="/data/foundation/catalog")
    assert request["query"] == "requestDataSource=true"


def test_the_flow_spec_filter_quotes_the_name(client: Client, emulator: Emulator) -> None:
    assert find_flow_spec(client, "CRMToAEP", PAYPAL_SPEC).id == CRM_FLOW_SPEC
    (request,) = emulator.requests(path="/data/foundation/flowservice/flowSpecs")
    assert request["query"].startswith("property=name%3D%3D%22CRMToAEP%22")


def test_schema_versions_default_to_todays_content_types(client: Client, emulator: Emulator) -> None:
    """Dataset, target connection and mapping set must request the same schema in the same version."""
    mapping = MappingSet(name="m", schema_id=SCHEMA, mappings={"_id": "Product_Id"})  # type: ignore[arg-type]
    for resource in (Dataset(name="d", schema_id=SCHEMA), mapping):
        with suppress(RequestError):
            resource.create(client)
    assert emulator.posted("/dataSets") == [
        {"name": "d", "schemaRef": {"id": SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}}
    ]
    content_type = "application/vnd.adobe.xed-full+json;version=1"
    assert emulator.posted("/mappingSets") == [
        {
            "name": "m",
            "outputSchema": {"schemaRef": {"id": SCHEMA, "contentType": content_type}},
            "mappings": [{"sourceType": "ATTRIBUTE", "source": "Product_Id", "destination": "_id"}],
        }
    ]
