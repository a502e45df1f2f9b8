"""The objects of a verification: their maximum number, and their deletion however they were created."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.resources.marks import Writer
from airflow_provider_payments.aep.resources.schema_registry import FieldGroup
from airflow_provider_payments.aep.verification.findings import NotTriedError
from airflow_provider_payments.aep.verification.kinds import OWNER, max_objects
from airflow_provider_payments.aep.verification.objects import REQUESTS_PER_DELETION, Objects
from airflow_provider_payments.aep.verification.probe import LimitReachedError, Probe, RequestBudget
from tests.aep.verification.interruptions import left
from tests.conftest import Emulator


@pytest.fixture
def objects(client: Client) -> Objects:
    return Objects(Probe(client, RequestBudget(client, 400)), None, 1)


def body(objects: Objects) -> dict[str, Any]:
    """Return the body of a dataset's creation."""
    reference = {"id": objects.first_id("schema"), "contentType": "application/vnd.adobe.xed+json;version=1"}
    return {"name": "payments verify raw", "schemaRef": reference}


def test_no_more_objects_of_a_kind_are_created_than_announced(emulator: Emulator, objects: Objects) -> None:
    most = max_objects("field_group", 1)
    for number in range(most):
        objects.create("field_group", f"payments verify {number}")
    with pytest.raises(LimitReachedError, match="the number of field groups that may be created is reached"):
        objects.create("field_group", "payments verify one more")
    assert len(left(emulator)["fieldgroups"]) == most
    objects.remove_all()
    assert left(emulator) == {}


def test_objects_of_a_dag_named_like_the_owner_are_not_deleted(
    client: Client, emulator: Emulator, objects: Objects
) -> None:
    # A DAG with the id payments-verify writes this mark.
    FieldGroup(name="Payments", fields={"id": "string"}).ready(client).create(client, Writer(OWNER).mark())
    objects.create("field_group")
    objects.created.clear()
    objects.remove_leftovers()
    assert [item["title"] for item in emulator.objects("fieldgroups")] == ["Payments"]


def test_a_refused_creation_does_not_count(emulator: Emulator, objects: Objects) -> None:
    emulator.fail("status", method="POST", path="*/dataSets", status=400, times=20)
    for _ in range(20):
        answer, created = objects.post("dataset", body(objects))
        assert (answer.status, created) == (400, None)
    assert objects.create("dataset").id
    objects.remove_all()
    assert left(emulator) == {}


def test_the_object_of_a_raw_creation_is_deleted(emulator: Emulator, objects: Objects) -> None:
    answer, created = objects.post("dataset", body(objects))
    (dataset,) = left(emulator)["dataSets"]
    assert created is not None
    assert (answer.status, created.id) == (201, dataset["id"])
    objects.remove_all()
    assert left(emulator) == {}


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "apply_then_drop"},
        {"action": "apply_then_status", "status": 503},
        {"action": "apply_then_status", "status": 201, "body": {}},
    ],
    ids=["no answer", "503", "without an id"],
)
def test_after_an_unanswered_creation_its_object_is_found_and_none_created(
    emulator: Emulator, objects: Objects, fault: dict[str, Any]
) -> None:
    dataset = body(objects)
    emulator.fail(**{"method": "POST", "path": "*/dataSets", **fault})
    with suppress(NotTriedError):
        assert objects.post("dataset", dataset)[1] is None
    assert [created.name for created in objects.of_kind("dataset")] == ["payments verify raw"]
    with pytest.raises(NotTriedError, match="the creation of a dataset was not answered"):
        objects.create("dataset")
    objects.remove_all()
    assert left(emulator) == {}


def test_a_failed_deletion_does_not_prevent_the_others(emulator: Emulator, objects: Objects) -> None:
    objects.first_id("target_connection")
    emulator.fail("status", method="DELETE", path="*/targetConnections/*", status=503, times=None)
    objects.remove_all()
    assert objects.left == ["target_connection"]
    assert list(left(emulator)) == ["targetConnections"]


def test_a_refused_deletion_is_repeated_after_the_settle_time(emulator: Emulator, objects: Objects) -> None:
    objects.first_id("target_connection")
    emulator.fail("status", method="DELETE", path="*/targetConnections/*", status=400, body={"title": "In use"})
    objects.remove_all()
    assert objects.left == []
    assert left(emulator) == {}


def test_objects_that_others_refer_to_can_be_read(emulator: Emulator, objects: Objects) -> None:
    emulator.behave(lags={"field_group": {"readable": 20}, "schema": {"readable": 20}})
    assert objects.first_id("dataset")
    assert {kind for kind in ("field_group", "schema") if not objects.is_readable(objects.of_kind(kind)[0])} == set()


def test_an_object_reserves_requests_until_its_deletion(objects: Objects) -> None:
    created = objects.create("field_group")
    assert objects.probe.budget.reserve == REQUESTS_PER_DELETION
    assert objects.delete(created)
    assert (objects.probe.budget.reserve, objects.created) == (0, [])
