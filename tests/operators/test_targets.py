"""Datasets, and target connections to them."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_payments.operators.connections import (
    CreateDatasetBaseConnectionOperator,
    CreateTargetConnectionOperator,
)
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from tests.conftest import Emulator
from tests.operators.chain import run

LAKE = {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}
FULL = "application/vnd.adobe.xed-full+json;version=1"
TAGS = {"unifiedProfile": ["enabled: true"]}


@pytest.fixture
def schema(connected: Emulator) -> str:
    return str(run(CreateTargetSchemaOperator)["id"])


def test_a_dataset_is_created_once_for_its_schema(connected: Emulator, schema: str) -> None:
    first, second = (run(CreateTargetDatasetOperator, schema_id=schema, description="d", tags=TAGS) for _ in range(2))
    assert connected.posted("/dataSets") == [
        {
            "name": "products",
            "description": "d",
            "schemaRef": {"id": schema, "contentType": "application/vnd.adobe.xed+json;version=1"},
            "tags": TAGS,
        }
    ]
    (request,) = [r for r in connected.requests(method="POST") if r["path"].endswith("/dataSets")]
    assert request["query"] == "requestDataSource=true"
    (created,) = connected.objects("dataSets")
    assert first == {"id": created["id"], "name": "products", "created": True, "duplicates": []}
    assert second == first | {"created": False}


def test_a_dataset_may_request_the_schema_in_another_form(connected: Emulator, schema: str) -> None:
    version = "application/vnd.adobe.xed-full-notext+json; version=1"
    run(CreateTargetDatasetOperator, schema_id=schema, schema_version=version)
    (body,) = connected.posted("/dataSets")
    assert body["schemaRef"] == {"id": schema, "contentType": version}
    assert run(CreateTargetDatasetOperator, schema_id=schema)["created"] is False


def test_missing_tags_are_refused_by_reuse_and_set_by_update(connected: Emulator, schema: str) -> None:
    created = run(CreateTargetDatasetOperator, schema_id=schema)
    with pytest.raises(AirflowFailException, match=r"tags: desired.*enabled:true"):
        run(CreateTargetDatasetOperator, schema_id=schema, tags=TAGS)
    updated = run(CreateTargetDatasetOperator, schema_id=schema, tags=TAGS, if_exists="update")
    assert updated == created | {"created": False}
    (patch,) = connected.requests(method="PATCH")
    assert patch["body"] == {"tags": TAGS}


def test_a_dataset_of_another_schema_is_never_adopted_or_changed(connected: Emulator, schema: str) -> None:
    created = run(CreateTargetDatasetOperator, schema_id=schema)
    other = run(CreateTargetSchemaOperator, name="others")["id"]
    for if_exists in ("reuse", "update"):
        with pytest.raises(AirflowFailException, match=rf"{created['id']}.*schemaRef\.id: desired '{other}'"):
            run(CreateTargetDatasetOperator, schema_id=other, if_exists=if_exists)


def test_a_target_connection_is_created_once_for_its_dataset(connected: Emulator, schema: str) -> None:
    dataset = run(CreateTargetDatasetOperator, schema_id=schema)["id"]
    first, second = (
        run(CreateTargetConnectionOperator, dataset_id=dataset, schema_id=schema, description="d") for _ in range(2)
    )
    assert connected.posted("/targetConnections") == [
        {
            "name": "products - target",
            "description": "d",
            "data": {"schema": {"id": schema, "version": FULL}},
            "params": {"dataSetId": dataset},
            "connectionSpec": LAKE,
        }
    ]
    (created,) = connected.objects("targetConnections")
    assert first == {
        "id": created["id"],
        "name": "products - target",
        "created": True,
        "etag": created["etag"],
        "duplicates": [],
    }
    assert second == first | {"created": False}


def test_a_target_connection_can_be_sent_as_in_the_oldest_document(connected: Emulator, schema: str) -> None:
    dataset = run(CreateTargetDatasetOperator, schema_id=schema)["id"]
    lake = run(CreateDatasetBaseConnectionOperator)["id"]
    ends = {"dataset_id": dataset, "schema_id": schema, "schema_version": "application/vnd.adobe.xed+json;version=1"}
    created = run(CreateTargetConnectionOperator, base_connection_id=lake, data_format="parquet_xdm", **ends)
    assert connected.posted("/targetConnections") == [
        {
            "name": "products - target",
            "baseConnectionId": lake,
            "data": {"format": "parquet_xdm", "schema": {"id": schema, "version": ends["schema_version"]}},
            "params": {"dataSetId": dataset},
            "connectionSpec": LAKE,
        }
    ]
    # Neither a base connection that is not given nor the form of the content type is compared.
    assert run(CreateTargetConnectionOperator, dataset_id=dataset, schema_id=schema) == created | {"created": False}


def test_a_target_connection_to_another_dataset_is_never_adopted(connected: Emulator, schema: str) -> None:
    ids = [run(CreateTargetDatasetOperator, name=name, schema_id=schema)["id"] for name in ("one", "two")]
    run(CreateTargetConnectionOperator, dataset_id=ids[0], schema_id=schema)
    with pytest.raises(AirflowFailException, match=rf"params\.dataSetId: desired '{ids[1]}', actual '{ids[0]}'"):
        run(CreateTargetConnectionOperator, dataset_id=ids[1], schema_id=schema, if_exists="update")
