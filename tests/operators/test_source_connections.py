"""Source connections: tables, files and REST resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_payments.operators.connections import (
    CreateBaseConnectionOperator,
    CreateSourceConnectionOperator,
)
from airflow_provider_payments.operators.schemas import CreateAdHocSchemaOperator
from tests.conftest import PAYPAL, Emulator
from tests.operators.chain import COLUMNS, PRODUCTS, run

PAYPAL_SPEC = {"id": "221c7626-58f6-4eec-8ee2-042b0226f03b", "version": "1.0"}
OWN = {"name": "products - source", "baseConnectionId": PAYPAL, "connectionSpec": PAYPAL_SPEC}
TEXT = {"type": "string", "xdm": {"type": "string"}}
MOMENT = {"type": "string", "meta:xdmType": "date-time", "xdm": {"type": "string", "format": "date-time"}}
EXPLORED = [{"name": name, **(MOMENT if name == "Create_Time" else TEXT)} for name in COLUMNS]
NO_TABLE: dict[str, Any] = {"table": None, "columns": None}


def create(**changes: Any) -> dict[str, Any]:
    return run(CreateSourceConnectionOperator, **changes)


def test_a_table_is_sent_with_the_named_columns_and_their_types(connected: Emulator) -> None:
    first, second = create(description="PayPal"), create()
    assert connected.posted("/sourceConnections") == [
        OWN
        | {
            "description": "PayPal",
            "data": {"format": "tabular"},
            "params": {"tableName": PRODUCTS, "columns": EXPLORED},
        }
    ]
    (created,) = connected.objects("sourceConnections")
    assert first == {
        "id": created["id"],
        "name": "products - source",
        "created": True,
        "etag": created["etag"],
        "duplicates": [],
        "columns": COLUMNS,
    }
    assert second == first | {"created": False}


def test_an_unknown_column_is_refused_before_the_creation(connected: Emulator) -> None:
    with pytest.raises(AirflowFailException, match="columns='Product_Nam' is not allowed: did you mean Product_Name"):
        create(columns=["Product_Id", "Product_Nam"])
    assert connected.posted("/sourceConnections") == []


def test_columns_may_be_objects_as_explore_returns_them(connected: Emulator) -> None:
    column = {"name": "Create_Time", "type": "string", "meta:xdmType": "date-time", "xdm": {"type": "string"}}
    assert create(columns=["Type", column])["columns"] == ["Type", "Create_Time"]
    (body,) = connected.posted("/sourceConnections")
    assert body["params"]["columns"] == [{"name": "Type", **TEXT}, column]


@pytest.mark.parametrize("columns", [None, [], "", "[]"], ids=repr)
def test_columns_default_to_those_of_explore(connected: Emulator, columns: object) -> None:
    first, second = create(columns=columns), create(columns=columns)
    (body,) = connected.posted("/sourceConnections")
    (explored,) = [r for r in connected.requests() if r["path"].endswith("/explore")]
    assert explored["query"] == "objectType=table&object=PayPal.Catalog_Products"
    assert [column["name"] for column in body["params"]["columns"]] == [
        "Product_Id",
        "Product_Name",
        "Description",
        "Type",
        "Create_Time",
    ]
    assert body["params"]["columns"][-1]["meta:xdmType"] == "date-time"
    assert first["columns"] == second["columns"] == [column["name"] for column in body["params"]["columns"]]
    assert (first["created"], second["created"]) == (True, False)


def test_a_table_that_does_not_exist_is_refused_with_its_name(connected: Emulator) -> None:
    with pytest.raises(AirflowFailException, match=r"PayPal\.Orders"):
        create(table="PayPal.Orders", columns=None)
    assert connected.posted("/sourceConnections") == []


@pytest.mark.parametrize("data_format", ["parquet_xdm", "tabular"])
def test_a_path_is_sent_in_each_format(connected: Emulator, data_format: str) -> None:
    first, second = (create(path=PRODUCTS, data_format=data_format, **NO_TABLE) for _ in range(2))
    assert (first["created"], second["created"], first.get("columns")) == (True, False, None)
    assert connected.posted("/sourceConnections") == [
        OWN | {"data": {"format": data_format}, "params": {"path": PRODUCTS}}
    ]


@pytest.mark.parametrize("data_format", ["delimited", "json", "parquet"])
def test_a_file_of_a_table_source_is_refused_by_the_service(connected: Emulator, data_format: str) -> None:
    with pytest.raises(AirflowFailException, match=rf"FLOW-1327-400.*{data_format}"):
        create(path="orders.csv", data_format=data_format, **NO_TABLE)
    assert connected.objects("sourceConnections") == []


def test_an_ad_hoc_schema_is_sent_as_in_the_older_documents(connected: Emulator) -> None:
    schema = run(CreateAdHocSchemaOperator)["id"]
    assert create(path=PRODUCTS, data_format="parquet_xdm", schema_id=schema, **NO_TABLE)["created"]
    version = "application/vnd.adobe.xed-full-notext+json; version=1"
    assert connected.posted("/sourceConnections") == [
        OWN
        | {
            "data": {"format": "parquet_xdm", "schema": {"id": schema, "version": version}},
            "params": {"path": PRODUCTS},
        }
    ]


def test_a_rest_resource_of_stripe_is_sent_as_json(connected: Emulator, connect_vendor: Callable[..., None]) -> None:
    connect_vendor(password="sk_test_4eC39HqLyjWDarjtT1zdp7dc")
    base = run(CreateBaseConnectionOperator, source="stripe")["id"]
    first, second = (
        create(source="stripe", base_connection_id=base, resource_path="charges", **NO_TABLE) for _ in range(2)
    )
    assert (first["created"], second["created"]) == (True, False)
    assert connected.posted("/sourceConnections") == [
        {
            "name": "products - source",
            "baseConnectionId": base,
            "data": {"format": "json"},
            "params": {"resourcePath": "charges"},
            "connectionSpec": {"id": "cc2c31d6-7b8c-4581-b49f-5c8698aa3ab3", "version": "1.0"},
        }
    ]


def test_a_source_outside_the_catalogue_is_named_by_its_connection_spec(connected: Emulator) -> None:
    with pytest.raises(AirflowFailException, match="FLOW-1413-400"):  # the emulator has no other source
        create(source=None, connection_spec_id="00000000-0000-0000-0000-000000000000")
    (body,) = connected.posted("/sourceConnections")
    assert body["connectionSpec"]["id"] == "00000000-0000-0000-0000-000000000000"


def test_extra_fields_are_merged_into_the_body(connected: Emulator) -> None:
    create(extra={"params": {"encoding": "none"}, "data": {"properties": {"compressionType": "none"}}})
    (body,) = connected.posted("/sourceConnections")
    assert body["params"] == {
        "tableName": PRODUCTS,
        "columns": EXPLORED,
        "encoding": "none",
    }
    assert body["data"] == {"format": "tabular", "properties": {"compressionType": "none"}}


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"columns": ["Product_Id"]}, r"params\.columns: desired \['Product_Id'\], actual \['Create_Time', "),
        ({"table": "PayPal.Billing_Plans", "columns": None}, r"params\.tableName: desired 'PayPal\.Billing_Plans'"),
    ],
    ids=["columns", "table"],
)
def test_a_source_connection_that_differs_is_neither_adopted_nor_changed(
    connected: Emulator, changes: dict[str, Any], difference: str
) -> None:
    created = create()
    with pytest.raises(AirflowFailException, match=rf"{created['id']}.*differs: {difference}"):
        create(**changes)
    with pytest.raises(AirflowFailException, match="choose another name"):
        create(if_exists="update", **changes)
    assert len(connected.objects("sourceConnections")) == 1
    assert connected.requests(method="PATCH") == []
