"""Identities, and the enablement of schemas and datasets for Profile."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.profiles import CreateIdentityOperator, EnableSchemaForProfileOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from tests.conftest import Emulator
from tests.operators.chain import run

DESCRIPTORS = "/data/foundation/schemaregistry/tenant/descriptors"


@pytest.fixture
def schema(connected: Emulator) -> str:
    return str(run(CreateTargetSchemaOperator)["id"])


def descriptors(client: Client) -> list[dict[str, Any]]:
    return list(client.get(DESCRIPTORS, headers={"Accept": "application/vnd.adobe.xdm-v2+json"})["results"])


def test_an_identity_is_created_once_for_its_field(client: Client, schema: str) -> None:
    first, second = (run(CreateIdentityOperator, schema_id=schema, primary=True) for _ in range(2))
    (descriptor,) = descriptors(client)
    assert first == {
        "id": descriptor["@id"],
        "name": "/_emulator/product/name",
        "created": True,
        "duplicates": [],
    }
    assert second == first | {"created": False}
    assert descriptor["xdm:sourceProperty"] == "/_emulator/product/name"
    assert (descriptor["xdm:sourceSchema"], descriptor["xdm:namespace"]) == (schema, "Email")
    assert descriptor["xdm:isPrimary"] is True


@pytest.mark.parametrize(
    ("name", "path"),
    [("_id", "/_id"), ("/_emulator/product/name", "/_emulator/product/name"), ("_emulator.product.name", None)],
)
def test_a_field_is_given_as_a_destination_or_a_path(client: Client, schema: str, name: str, path: str | None) -> None:
    run(CreateIdentityOperator, schema_id=schema, name=name)
    (descriptor,) = descriptors(client)
    assert descriptor["xdm:sourceProperty"] == (path or "/_emulator/product/name")


def test_the_tenants_namespace_is_read_only_if_not_given(connected: Emulator, schema: str) -> None:
    def namespace_reads(**arguments: Any) -> int:
        since = max(int(r["number"]) for r in connected.requests())
        run(CreateIdentityOperator, schema_id=schema, **arguments)
        return sum(r["path"].endswith("/stats") for r in connected.requests(since=since))

    assert [
        namespace_reads(),
        namespace_reads(tenant_id="emulator"),
        namespace_reads(tenant_id="_emulator"),
        namespace_reads(name="_id"),
    ] == [1, 0, 0, 0]


@pytest.mark.parametrize("if_exists", ["reuse", "update"])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"namespace": "Phone"}, "namespace: desired 'Phone', actual 'Email'"),
        ({"name": "_id"}, "A schema has one primary identity"),
    ],
)
def test_an_identity_that_differs_is_never_changed(
    schema: str, if_exists: str, changes: dict[str, Any], message: str
) -> None:
    run(CreateIdentityOperator, schema_id=schema, primary=True)
    with pytest.raises(AirflowFailException, match=message):
        run(CreateIdentityOperator, schema_id=schema, primary=True, if_exists=if_exists, **changes)


def test_a_schema_and_its_dataset_are_enabled_after_the_identity(connected: Emulator, schema: str) -> None:
    with pytest.raises(AirflowFailException, match="XDM-"):
        run(EnableSchemaForProfileOperator, schema_id=schema)
    run(CreateIdentityOperator, schema_id=schema, primary=True)
    first, second = (run(EnableSchemaForProfileOperator, schema_id=schema) for _ in range(2))
    assert (first["id"], first["created"], second["created"]) == (schema, True, False)
    run(CreateTargetDatasetOperator, schema_id=schema, profile="true")
    (live,), (dataset,) = connected.objects("schemas"), connected.objects("dataSets")
    assert (live["meta:immutableTags"], dataset["tags"]["unifiedProfile"]) == (["union"], ["enabled:true"])


def test_update_enables_a_dataset_for_profile_and_reuse_refuses(connected: Emulator, schema: str) -> None:
    created = run(CreateTargetDatasetOperator, schema_id=schema)
    run(CreateIdentityOperator, schema_id=schema, primary=True)
    run(EnableSchemaForProfileOperator, schema_id=schema)
    with pytest.raises(AirflowFailException, match="profile: desired True, actual False"):
        run(CreateTargetDatasetOperator, schema_id=schema, profile=True)
    run(CreateTargetDatasetOperator, schema_id=schema, profile=True, if_exists="update")
    (dataset,) = connected.objects("dataSets")
    assert (dataset["id"], dataset["tags"]["unifiedProfile"]) == (created["id"], ["enabled:true"])
