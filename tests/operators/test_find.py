"""Operators that find an existing object, and create none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.exceptions import ExperiencePlatformUnavailableError
from airflow_provider_payments.operators import outputs
from airflow_provider_payments.operators.connections import (
    CreateTargetConnectionOperator,
    FindBaseConnectionOperator,
)
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator, FindDatasetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator, FindSchemaOperator
from tests.conftest import PAYPAL, Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.chain import TaskInstance, build, context, run
from tests.operators.test_outputs import check

CONNECTIONS = "/data/foundation/flowservice/connections"
DATASETS = "/data/foundation/catalog/dataSets"
SQUARE_SPEC = "2acf109f-9b66-4d5e-bc18-ebb2adcff8d5"
FINDERS: list[tuple[type[BaseOperator], str, str]] = [
    (FindBaseConnectionOperator, "PayPal connection", "base connection"),
    (FindSchemaOperator, "products", "schema"),
    (FindDatasetOperator, "products", "dataset"),
]
EACH = pytest.mark.parametrize(("operator", "name", "kind"), FINDERS, ids=[kind for *_, kind in FINDERS])


@pytest.fixture
def existing_objects(connected: Emulator) -> dict[str, dict[str, Any]]:
    """Outputs of a created schema and dataset, and of the base connection that the emulator contains."""
    schema = run(CreateTargetSchemaOperator)
    return {
        "base connection": {"id": PAYPAL, "name": "PayPal connection", "duplicates": []},
        "schema": {name: value for name, value in schema.items() if not name.startswith("field_group")},
        "dataset": run(CreateTargetDatasetOperator, schema_id=schema["id"]) | {"schema_id": schema["id"]},
    }


def reads_only(emulator: Emulator, since: int) -> bool:
    requests = [r for r in emulator.requests(since=since) if not r["path"].startswith("/ims")]
    return bool(requests) and all(r["method"] == "GET" for r in requests)


def last(emulator: Emulator) -> int:
    return max(int(r["number"]) for r in emulator.requests())


@EACH
def test_a_found_object_is_returned_like_a_created_one(
    connected: Emulator, existing_objects: dict[str, dict[str, Any]], operator: type[BaseOperator], name: str, kind: str
) -> None:
    since = last(connected)
    found = run(operator)
    volatile = {"created": False, "etag": found.get("etag")}
    assert found | volatile == existing_objects[kind] | volatile
    check(found, {"schema": outputs.CreatedSchema, "dataset": outputs.FoundDataset}.get(kind, outputs.CreatedObject))
    assert reads_only(connected, since)


@EACH
def test_an_object_is_found_by_its_id(
    connected: Emulator, existing_objects: dict[str, dict[str, Any]], operator: type[BaseOperator], name: str, kind: str
) -> None:
    assert run(operator, name=existing_objects[kind]["id"]) == run(operator)


@EACH
def test_an_absent_object_fails_the_task_with_the_most_similar_name(
    existing_objects: dict[str, dict[str, Any]], operator: type[BaseOperator], name: str, kind: str
) -> None:
    with pytest.raises(AirflowFailException, match=rf"there is no {kind} of this .*did you mean '{name}'"):
        run(operator, name=f"{name[:-1]}x")


def test_several_datasets_of_a_name_are_refused_with_their_ids(
    client: Client, connected: Emulator, existing_objects: dict[str, dict[str, Any]]
) -> None:
    body = {"name": "products", "schemaRef": connected.objects("dataSets")[0]["schemaRef"]}
    client.request("POST", DATASETS, body=body)
    ids = [each["id"] for each in connected.objects("dataSets")]
    with pytest.raises(AirflowFailException, match="several datasets have this name; give one of their ids") as refusal:
        run(FindDatasetOperator)
    assert [each for each in ids if each not in str(refusal.value)] == []
    assert [run(FindDatasetOperator, name=each)["id"] for each in ids] == ids


def test_base_connections_of_one_name_are_distinguished_by_source(
    client: Client, existing_objects: dict[str, dict[str, Any]]
) -> None:
    auth = {"specName": "OAuth2 Refresh Code", "params": dict.fromkeys(("host", "clientId", "clientSecret"), "x")}
    auth["params"] |= {"accessToken": "a", "refreshToken": "r"}
    body = {"name": "PayPal connection", "connectionSpec": {"id": SQUARE_SPEC, "version": "1.0"}, "auth": auth}
    square = client.request("POST", CONNECTIONS, body=body).body["id"]
    assert run(FindBaseConnectionOperator, source="square")["id"] == square
    assert run(FindBaseConnectionOperator, source="paypal")["id"] == PAYPAL
    with pytest.raises(AirflowFailException, match="several base connections have this name"):
        run(FindBaseConnectionOperator, source=None)


def test_a_base_connection_of_another_source_is_refused(existing_objects: dict[str, dict[str, Any]]) -> None:
    with pytest.raises(AirflowFailException, match=rf"it is no base connection of Stripe \(base connection {PAYPAL}\)"):
        run(FindBaseConnectionOperator, source="stripe")


def test_a_dataset_of_another_schema_is_refused(existing_objects: dict[str, dict[str, Any]]) -> None:
    assert (
        run(FindDatasetOperator, schema_id=existing_objects["schema"]["id"])["id"] == existing_objects["dataset"]["id"]
    )
    other = run(CreateTargetSchemaOperator, name="others")["id"]
    with pytest.raises(AirflowFailException, match=f"it follows another schema, {existing_objects['schema']['id']}"):
        run(FindDatasetOperator, schema_id=other)


def test_a_name_that_filters_misread_is_found_in_the_unfiltered_list(
    client: Client, connected: Emulator, existing_objects: dict[str, dict[str, Any]]
) -> None:
    body = {"name": "100% of the shops, all", "schemaRef": connected.objects("dataSets")[0]["schemaRef"]}
    client.request("POST", DATASETS, body=body)
    assert run(FindDatasetOperator, name=body["name"])["name"] == body["name"]


def test_a_deleted_dataset_that_is_still_listed_is_absent(
    client: Client,
    connected: Emulator,
    proxy: FaultProxy,
    connect: Callable[..., None],
    existing_objects: dict[str, Any],
) -> None:
    connect(proxy.url)
    path = f"{DATASETS}/{existing_objects['dataset']['id']}"
    connected.advance(60)
    proxy.fault("GET", path, first=lambda: client.request("DELETE", path))
    with pytest.raises(AirflowFailException, match="there is no dataset of this name or id"):
        run(FindDatasetOperator)


def test_a_service_that_does_not_answer_fails_the_task_with_a_retry(connected: Emulator) -> None:
    connected.fail("status", path=CONNECTIONS, status=503, times=50)
    with pytest.raises(ExperiencePlatformUnavailableError):
        run(FindBaseConnectionOperator)


def test_the_link_opens_the_found_object(connected: Emulator, existing_objects: dict[str, dict[str, Any]]) -> None:
    task = TaskInstance()
    build(FindDatasetOperator).execute(context(task))
    assert task.pushed == {"experience_platform_link": f"{connected.url}/"}


def test_the_next_step_accepts_the_found_object(
    connected: Emulator, existing_objects: dict[str, dict[str, Any]]
) -> None:
    found = run(FindDatasetOperator)
    target = run(CreateTargetConnectionOperator, dataset_id=found["id"], schema_id=found["schema_id"])
    assert target["created"] is True
